"""Measurement and calibration of the shipped models."""
