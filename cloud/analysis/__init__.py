"""What the figures are worth: shares corrected for the classifier's mistakes, and sites compared with each other."""
