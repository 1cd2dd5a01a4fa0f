"""Copies of what the server keeps: of its files each night, and of a whole machine in one archive."""
