"""Queues: how long people wait, and whether they are served or give up.

A person waits from joining the zone of the queue to leaving it, and was served if seen in the zone in front of it
after joining; the wait then ends there. Time outside the queue does not count. Who leaves without being served gave up
only after ``PASS_S``: whoever walks through is in no queue.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.place_types import Wait

PASS_S = 5.0
"""Who is in the queue for less than this and is not served afterwards only walked through."""


@dataclass(slots=True)
class Waiting:
    """One person and one queue."""

    _joined_s: float | None = None
    _wait: Wait | None = None

    def see(self, *, in_queue_since_s: float | None, at_front_since_s: float | None, stay_s: float) -> None:
        """Take one sight: since when the person is in the queue and at its front, None if elsewhere. ``stay_s``:
        seconds in the queue so far."""
        if self._joined_s is None:
            self._joined_s = in_queue_since_s
        if self._wait is not None or self._joined_s is None or at_front_since_s is None:
            return
        if at_front_since_s >= self._joined_s:  # not somebody who leaves the front through the queue
            self._wait = Wait(stay_s, served=True)

    def result(self, stay_s: float) -> Wait | None:
        """Return the wait of a visit that ends, or None if it was in no queue."""
        if self._wait is not None:
            return self._wait
        is_waiting = self._joined_s is not None and stay_s >= PASS_S
        return Wait(stay_s, served=False) if is_waiting else None
