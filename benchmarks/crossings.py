"""Who crosses a line, judging by the tracks of a clip: for ``benchmarks.clips``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from benchmarks.following import Held
from edge.types import Box

SURELY = 0.02
"""Somebody is on the other side once this far beyond the line, as a share of the picture's height: boxes jitter."""


@dataclass(frozen=True, slots=True)
class Line:
    """A level or upright line from (x1, y1) to (x2, y2), in pixels, in a picture of ``height`` pixels."""

    x1: float
    y1: float
    x2: float
    y2: float
    height: float

    @property
    def is_level(self) -> bool:
        return self.y1 == self.y2

    def beyond(self, point: tuple[float, float]) -> float:
        """Return how far the point is below the line, or to the right of it."""
        return point[1] - self.y1 if self.is_level else point[0] - self.x1

    def beside(self, point: tuple[float, float]) -> bool:
        """Return whether the point is between the ends of the line."""
        if self.is_level:
            return self.x1 <= point[0] <= self.x2
        return self.y1 <= point[1] <= self.y2


@dataclass(frozen=True, slots=True)
class Crossings:
    """How often the line was crossed downwards or to the right, and upwards or to the left."""

    forwards: int = 0
    back: int = 0


def crossings(frames: Iterable[Sequence[Held]], line: Line) -> Crossings:
    """Count how often tracks that are visits in the end cross the line with the centre of the person."""
    paths: dict[int, list[tuple[float, float]]] = {}
    counted: set[int] = set()
    offsets: dict[int, tuple[float, float]] = {}
    for held in frames:
        for one in held:
            if one.body is not None:
                offsets[one.track_id] = _offset(one.head, one.body)
            paths.setdefault(one.track_id, []).append(_centre(one, offsets.get(one.track_id)))
            if one.confirmed:
                counted.add(one.track_id)
    total = Crossings()
    for track_id in counted:
        total = _along(paths[track_id], line, total)
    return total


def _offset(head: Box, body: Box) -> tuple[float, float]:
    """Return where the centre of the body is, seen from the head, in sizes of the head."""
    return (
        (body.centre[0] - head.centre[0]) / head.side,
        (body.centre[1] - head.centre[1]) / head.side,
    )


def _centre(one: Held, offset: tuple[float, float] | None) -> tuple[float, float]:
    """Return the centre of the body; where it was last, seen from the head, if it was not found; else of the head."""
    if one.body is not None:
        return one.body.centre
    across, down = offset or (0.0, 0.0)
    return one.head.centre[0] + across * one.head.side, one.head.centre[1] + down * one.head.side


def _along(path: Sequence[tuple[float, float]], line: Line, total: Crossings) -> Crossings:
    side = 0
    for point in path:
        beyond = line.beyond(point)
        if abs(beyond) < SURELY * line.height:
            continue
        now = 1 if beyond > 0 else -1
        if now == -side and line.beside(point):
            total = replace(total, forwards=total.forwards + (now > 0), back=total.back + (now < 0))
        side = now
    return total
