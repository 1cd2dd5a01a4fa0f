"""What the figures are worth: shares corrected for the classifier's mistakes, and stores compared with each other."""
