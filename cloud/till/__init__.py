"""Takes what a till tells from a file."""
