"""Commands that a person runs once."""
