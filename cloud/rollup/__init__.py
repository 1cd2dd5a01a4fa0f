"""Sums windows up by quarter of an hour and by day, every night."""
