"""Accounts of people and programs: passwords, sessions, access tokens, and the log of what they did."""
