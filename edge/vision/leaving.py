"""Who leaves the picture at its left or right edge does not come back at once: somebody else does."""

from __future__ import annotations

from edge.types import Box

LEAVING_WIDTH = 0.85
"""A face or body at the edge of the picture with less than this share of its full width is leaving."""

TURNED_BACK = 0.08
"""A person who leaves never moves this far inwards between two frames, in face sizes."""


class Leaving:
    """Whether one person is leaving: cut off at an edge, narrower than before, and moving that way."""

    def __init__(self) -> None:
        self._widest: dict[bool, float] = {}
        self._side = 0  # -1 at the left edge, 1 at the right one

    def see(self, box: Box, velocity: float, width: int, *, by_body: bool) -> None:
        """Take the face or, ``by_body``, the body, with the velocity to the right, in a picture of this ``width``."""
        self._widest[by_body] = max(box.width, 0.99 * self._widest.get(by_body, 0.0))
        self._side = 0
        if box.width < LEAVING_WIDTH * self._widest[by_body]:
            if box.x1 <= 1 and velocity < 0:
                self._side = -1
            elif box.x2 >= width - 1 and velocity > 0:
                self._side = 1

    def turns_back(self, moved: float) -> bool:
        """Return whether who moved to the right by ``moved`` face sizes comes in where this person is leaving."""
        return -self._side * moved > TURNED_BACK
