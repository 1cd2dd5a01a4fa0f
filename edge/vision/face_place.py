"""Where a person's face is on the body, learnt from sights of both, so that a body alone tells where the head is."""

from __future__ import annotations

from edge.types import Box
from edge.vision.sightings import head_of

NEWEST = 0.2
"""Weight of the newest sight."""

WHOLE = 1.5
"""A body whose guessed face differs in size from the one seen by more than this factor is cut off, and says nothing
about a whole one."""


class FacePlace:
    """``known`` once a face was seen on a body. Until then the face is where it is on most people."""

    def __init__(self) -> None:
        self.known = False
        self._across, self._down, self._size = 0.0, 0.0, 1.0

    def head(self, body: Box) -> Box:
        """Return where the face is on ``body``."""
        guess = head_of(body)
        return guess.moved(self._across * guess.side, self._down * guess.side).scaled(self._size)

    def learn(self, face: Box, body: Box) -> bool:
        """Take a face and the body that it is on. Return whether the place is known from now on, and was not before."""
        guess = head_of(body)
        side = max(guess.side, 1e-6)
        size = face.side / side
        if not 1 / WHOLE <= size <= WHOLE:
            return False
        first, self.known = not self.known, True
        weight = 1.0 if first else NEWEST
        self._across += weight * ((face.centre[0] - guess.centre[0]) / side - self._across)
        self._down += weight * ((face.centre[1] - guess.centre[1]) / side - self._down)
        self._size += weight * (size - self._size)
        return first
