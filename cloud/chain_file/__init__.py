"""The chain file as the page changes it: read, changed without losing a comment, and written whole or not at all."""
