"""The fault ``moved``: the camera shows another view than before."""

from __future__ import annotations

import logging

from edge.types import Frame
from edge.vision.view import View

_log = logging.getLogger(__name__)


class Moved:
    """Watches over the view of one run. ``has_places``: something is drawn on the picture."""

    def __init__(self, *, has_places: bool) -> None:
        self._view, self._has_places = View(), has_places
        self.fault: str | None = None
        """What is wrong, in words; None while all is well."""

    @property
    def stops_counting(self) -> bool:
        """Whether nobody is counted and no time is covered: doors and zones lie somewhere else now, also those in which
        nobody must be counted."""
        return self._has_places and self.fault is not None

    def see(self, frame: Frame) -> bool:
        """Compare the next frame with the view so far; return whether counting stops with it."""
        self._view.see(frame.image, frame.monotonic_s)
        if self._view.moved == (self.fault is not None):
            return False
        if self._view.moved:
            lost = "; nobody is counted" if self._has_places else ""
            self.fault = (
                "the camera shows another view than before: it was turned, pushed or covered, or the shop was rebuilt"
                f"{lost}; put it back, or check its position, draw the places again and restart"
            )
            _log.warning("camera: %s", self.fault)
        else:
            self.fault = None
            _log.info("camera: shows the view from before again")
        return self.stops_counting
