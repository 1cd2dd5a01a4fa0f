"""The counts of places as rows of numbers, which are added up much faster than one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from common.vocabulary import DWELL_BINS_S, EXPRESSIONS, NOT_SEEN, UNKNOWN
from edge.place_types import CellCounts, ClipCounts, PlaceCounts, TargetCounts, TimeCounts, ZoneCounts

Row = NDArray[np.float64]
_FACES = (*EXPRESSIONS, UNKNOWN, NOT_SEEN)
_TIMES = 2 + len(DWELL_BINS_S)
"""Numbers of each ``TimeCounts``."""


class Layout:
    """Which places a row has, in this order. Doors and the most people of a zone belong to no visit and are in none."""

    def __init__(
        self,
        zones: Sequence[str],
        targets: Sequence[str],
        ways: Sequence[tuple[str, str]],
        cells: Sequence[int],
        sides: Sequence[tuple[str, bool]],
    ) -> None:
        self.zones, self.targets, self.ways, self.cells, self.sides = zones, targets, ways, cells, sides
        widths = [_TIMES, *[2 * _TIMES + 2] * len(zones), *[_TIMES + len(_FACES)] * len(targets)]
        widths += [*[_TIMES + 3] * len(sides), *[3] * len(cells), *[1] * len(ways)]
        starts = itertools.accumulate(widths, initial=0)
        places = [
            ("elsewhere", ""),
            *(("zone", name) for name in zones),
            *(("target", name) for name in targets),
        ]
        self._starts: dict[object, int] = dict(zip([*places, *sides, *cells, *ways], starts, strict=False))
        self._width = sum(widths)

    def row(self, counts: PlaceCounts) -> Row:
        """Return the counts as a row."""
        row = [0.0] * self._width
        for place, numbers in _blocks(counts):
            start = self._starts[place]
            row[start : start + len(numbers)] = numbers
        return np.array(row)

    def total(self, rows: Sequence[Row]) -> PlaceCounts:
        """Return the sum of rows as counts: with the places that somebody was at."""
        numbers = iter(np.sum(rows, axis=0).tolist() if rows else itertools.repeat(0))
        elsewhere = _read_times(numbers)
        zones = {name: _read_zone(numbers) for name in self.zones}
        targets = {name: _read_target(numbers) for name in self.targets}
        clips = {side: _read_clip(numbers) for side in self.sides}
        heat = {cell: CellCounts(int(next(numbers)), next(numbers), next(numbers)) for cell in self.cells}
        ways = {way: int(next(numbers)) for way in self.ways}
        return PlaceCounts(
            zones={name: zone for name, zone in zones.items() if zone.stays.visits},
            targets={name: target for name, target in targets.items() if target.looks.visits},
            ways={way: visits for way, visits in ways.items() if visits},
            heat={cell: counts for cell, counts in heat.items() if counts.visits},
            elsewhere=elsewhere,
            clips={side: clip for side, clip in clips.items() if clip.visits},
        )


def _blocks(counts: PlaceCounts) -> Iterator[tuple[object, Sequence[float]]]:
    yield ("elsewhere", ""), _numbers(counts.elsewhere)
    for name, zone in counts.zones.items():
        yield ("zone", name), [*_numbers(zone.stays), *_numbers(zone.waits), zone.stops, zone.served]
    for name, target in counts.targets.items():
        faces = [target.expressions.get(face, 0) for face in _FACES]
        yield ("target", name), [*_numbers(target.looks), *faces]
    for side, clip in counts.clips.items():
        yield side, [*_numbers(clip.looks), clip.visits, clip.shows, clip.shown_s]
    for cell, heat in counts.heat.items():
        yield cell, (heat.visits, heat.standing_s, heat.looking_s)
    for way, visits in counts.ways.items():
        yield way, (visits,)


def _numbers(times: TimeCounts) -> Sequence[float]:
    return times.visits, times.sum_s, *times.histogram


def _read_times(numbers: Iterator[float]) -> TimeCounts:
    visits, sum_s = int(next(numbers)), next(numbers)
    return TimeCounts(visits, sum_s, tuple(map(int, itertools.islice(numbers, len(DWELL_BINS_S)))))


def _read_zone(numbers: Iterator[float]) -> ZoneCounts:
    stays, waits = _read_times(numbers), _read_times(numbers)
    return ZoneCounts(stays, stops=int(next(numbers)), waits=waits, served=int(next(numbers)))


def _read_target(numbers: Iterator[float]) -> TargetCounts:
    looks = _read_times(numbers)
    faces = {face: int(next(numbers)) for face in _FACES}
    return TargetCounts(looks, {face: visits for face, visits in faces.items() if visits})


def _read_clip(numbers: Iterator[float]) -> ClipCounts:
    looks = _read_times(numbers)
    return ClipCounts(int(next(numbers)), int(next(numbers)), next(numbers), looks)
