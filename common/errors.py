"""Errors that a person can mend."""

from __future__ import annotations


class UserError(Exception):
    """Bad input: the message is one line that names the key, file or value and the way out (exit code 2)."""
