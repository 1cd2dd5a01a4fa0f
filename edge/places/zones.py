"""Zones of the picture: where people are, for how long, and where nobody is counted.

A zone holds the floor point of a person, or the head for a zone on a shelf. Zones may overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edge.places.geometry import Point, Polygon, in_heights
from edge.types import Box


class Margins(NamedTuple):
    """Who is ``enter`` inside a zone has entered it, who is ``leave`` outside has left it, in face sizes.

    Between the two nothing changes: somebody who stands at the border would otherwise come and go with every jitter of
    the point."""

    enter: float
    leave: float


SEEN, ESTIMATED = Margins(0.25, 0.5), Margins(1.0, 1.0)
"""Of a head or feet that are seen, and of feet that are estimated: from the size of a face, which jitters by a tenth of
it, ten times over."""

AWAY_S = 1.0
"""A stay goes on if the person is back within this time: the floor point may jump when the feet are hidden."""

LEAST_S = 1.0
"""Who is clearly inside, as for entering, for a shorter time only brushed a corner or walks along the border: it is no
stay."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon of at least three points, in shares of the picture's width and height (0..1).

    ``on_shelf``: it holds heads, not floor points. ``stop_s``: a longer stay is a stop. ``front``: people wait in it,
    and the zone of this name is where they are served. Raises ``ValueError`` for an invalid polygon.
    """

    name: str
    polygon: tuple[Point, ...]
    on_shelf: bool = False
    stop_s: float = 5.0
    front: str | None = None

    def __post_init__(self) -> None:
        if len(self.polygon) < 3:
            raise ValueError(f"zone {self.name}: a polygon needs at least 3 points, got {len(self.polygon)}")
        for point in self.polygon:
            if not all(0 <= value <= 1 for value in point):
                raise ValueError(f"zone {self.name}: point {point} is outside 0..1")

    def drawn(self, aspect: float) -> Polygon:
        """Return the polygon in heights of a picture with this ratio of width to height."""
        return Polygon([in_heights(point, aspect) for point in self.polygon])


class ExcludedZones:
    """The zones in which nobody is counted: staff, a poster. A person is in one if the head is."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._polygons = [zone.drawn(1.0) for zone in zones]

    def hold(self, head: Box, width: int, height: int) -> bool:
        """Return whether the centre of a head, in a picture of ``width`` x ``height`` pixels, is in one of them."""
        if not self._polygons:
            return False
        x, y = head.centre
        return any(polygon.depth(x / width, y / height, room=0.0) >= 0 for polygon in self._polygons)


@dataclass(slots=True)
class Stay:
    """One person in one zone.

    ``total_s``: the seconds between two sights in a row inside it; ``stopped``: one stay was longer than the stop time;
    ``entered``: one stay had ``LEAST_S`` clearly inside. ``entered_s``: when the present stay began,
    None while the person is elsewhere.
    """

    total_s: float = 0.0
    stopped: bool = False
    entered_s: float | None = None
    inside_s: float = 0.0
    is_inside: bool = False
    entered: bool = False
    _is_stay: bool = False
    _present_s: float = 0.0
    """The seconds clearly inside in the present stay."""

    def see(self, depth: float, margins: Margins, stop_s: float, at_s: float) -> bool:
        """Take one sight, ``depth`` inside the zone, in face sizes; return whether the present stay is known to be one
        from it on."""
        was_stay = self._is_stay
        if self.entered_s is None:
            if depth < margins.enter:
                return False
            self.entered_s = self.inside_s = at_s
            self.is_inside, self._present_s = True, 0.0
            return False
        if depth >= -margins.leave:
            if self.is_inside:
                self.total_s += at_s - self.inside_s
                if depth >= margins.enter:
                    self._present_s += at_s - self.inside_s
            self.inside_s, self.is_inside = at_s, True
            self.stopped |= at_s - self.entered_s > stop_s
            self._is_stay |= self._present_s >= LEAST_S - 1e-6
            self.entered |= self._is_stay
        else:
            self.is_inside = False
            if at_s - self.inside_s > AWAY_S:
                self.entered_s, self._is_stay = None, False
        return self._is_stay and not was_stay

    def lasts(self, at_s: float, seconds: float) -> bool:
        """Return whether the person is in the zone now and has been there for ``seconds``."""
        return self.is_inside and self.entered_s is not None and at_s - self.entered_s >= seconds
