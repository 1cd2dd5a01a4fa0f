"""The faults of what the camera shows: another view than before, or a picture in which people cannot be counted."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from edge.service.health import Fault
from edge.types import Frame
from edge.vision.picture import Picture
from edge.vision.view import View

_log = logging.getLogger(__name__)

_FROZEN = (
    "the camera sends the same picture again and again; nobody is counted; restart the camera, or, if it saves data"
    " while nothing moves, let it send a key frame every ten seconds"
)
_WASHED_OUT = (
    "most of the picture is overexposed; turn the camera away from the window or lamp, or lower its exposure"
)
_BLURRED = "the picture is much less sharp than before; clean the lens or focus the camera; if it is meant so, restart"
_DARK = "the picture is too dark to see faces; switch on the light, or uncover the lens"


class ViewFaults:
    """Watches over the pictures of one run. ``has_places``: something is drawn on the picture."""

    def __init__(self, *, has_places: bool) -> None:
        self._view, self._picture, self._has_places = View(), Picture(), has_places
        lost = "; nobody is counted" if has_places else ""
        self._moved = (
            "the camera shows another view than before: it was turned, pushed or covered, or the shop was rebuilt"
            f"{lost}; put it back, or check its position, draw the places again and restart"
        )
        self.faults: Mapping[Fault, str | None] = {"moved": None, "picture": None, "dark": None}
        """What is wrong, in words; None while all is well."""

    @property
    def moved(self) -> bool:
        """Whether the camera shows another view than before."""
        return self._view.moved

    @property
    def stops_counting(self) -> bool:
        """Whether nobody is counted and no time is covered: the picture is an old one, or doors and zones lie somewhere
        else now, also those in which nobody must be counted."""
        return self._picture.frozen or (self._has_places and self.moved)

    def see(self, frame: Frame) -> bool:
        """Look at the next frame; return whether counting stops with it."""
        stopped = self.stops_counting
        self._view.see(frame.image, frame.monotonic_s)
        self._picture.see(frame.image, frame.monotonic_s)
        faults = self._now()
        for name, fault in faults.items():
            if fault != self.faults[name]:
                _tell(name, fault)
        self.faults = faults
        return self.stops_counting and not stopped

    def _now(self) -> Mapping[Fault, str | None]:
        picture = self._picture
        wrong = (
            _FROZEN
            if picture.frozen
            else _WASHED_OUT
            if picture.washed_out
            else _BLURRED
            if picture.blurred
            else None
        )
        return {
            "moved": self._moved if self.moved else None,
            "picture": wrong,
            "dark": _DARK if picture.dark else None,
        }


def _tell(name: Fault, fault: str | None) -> None:
    if fault is not None:
        _log.warning("camera: %s", fault)
    elif name == "moved":
        _log.info("camera: shows the view from before again")
    else:
        _log.info("camera: the picture is good again (fault %s)", name)
