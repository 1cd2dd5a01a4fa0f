"""From windows to quarters of an hour and days, every night."""
