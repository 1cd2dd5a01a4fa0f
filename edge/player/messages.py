"""What a device and its players tell each other, over HTTP and over the local topic alike."""

from __future__ import annotations

import json

LONGEST_REPORT = 200
"""In bytes."""


def show_message(number: int, clip: str) -> bytes:
    """Return the message that this show is on now."""
    return json.dumps({"show": number, "clip": clip}).encode()


def show_of(report: bytes) -> int | None:
    """Return the number of the show that a player reports to have on its screen; None for anything else."""
    if len(report) > LONGEST_REPORT:
        return None
    try:
        number = json.loads(report)["show"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return number if type(number) is int else None
