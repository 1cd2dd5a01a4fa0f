"""Estimate how many of those who enter have left by the same door a few minutes before: smokers, somebody at the meter.

Nobody is recognised, and nothing is needed that the totals of the windows do not tell: how many entered and left by
each door, minute by minute. If nobody came back, as many people would have left in the minutes before an entry as the
trend of the half hour before says. What is more than that is people who came back. docs/decisions/0098 has the
reasons, and ``python -m benchmarks.re_entries`` measures the error.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cloud.domain.thresholds import FULL_COVERAGE
from common.wire import WindowMessage

WITHIN_S = 420
"""Who is back within this time came in again."""

LONGEST_WINDOW_S = 120
"""Longer windows do not tell who left before an entry."""

_TREND = (1.0, -4 / 3, -1 / 3, 2 / 3)
"""Weights of the exits before an entry, by how long ago they were, in times of ``WITHIN_S``: the first minus what the
straight line through the other three says for it."""

_Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class ReEntries:
    """The sums of an estimate. By chance it may be negative, so that it is right on average."""

    people: float = 0.0
    variance: float = 0.0
    entries: int = 0
    """Entries that could be judged, because the time before was watched."""

    def __add__(self, other: ReEntries) -> ReEntries:
        return ReEntries(
            self.people + other.people, self.variance + other.variance, self.entries + other.entries
        )

    @property
    def error(self) -> float:
        """Half the width of the 95 % interval, in people."""
        return _Z_95 * math.sqrt(self.variance)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval in people, within what is possible; None if no entry could be judged."""
        if not self.entries:
            return None
        return max(0.0, self.people - self.error), min(
            float(self.entries), max(0.0, self.people + self.error)
        )


class _Minute(NamedTuple):
    """One window of one door."""

    start: datetime
    entries: int
    exits: int
    groups: int


def re_entries(windows: Iterable[WindowMessage]) -> dict[datetime, ReEntries]:
    """Return the estimate for the entries of each window, by its start, summed over doors and cameras."""
    doors: dict[tuple[str, str, str, int], list[_Minute]] = defaultdict(list)
    for window in windows:
        if window.coverage.share < FULL_COVERAGE or window.duration_s > LONGEST_WINDOW_S:
            continue
        for name, door in window.totals.doors.items():
            key = (window.device, window.camera, name, window.duration_s)
            doors[key].append(_Minute(window.start, door.entries, door.exits, door.groups))
    found: dict[datetime, ReEntries] = defaultdict(ReEntries)
    for (*_, duration_s), minutes in doors.items():
        for start, part in _of_door(sorted(minutes), duration_s):
            found[start] += part
    return dict(found)


def _of_door(minutes: Sequence[_Minute], duration_s: int) -> Iterable[tuple[datetime, ReEntries]]:
    groups = sum(minute.groups for minute in minutes)
    party = sum(minute.entries for minute in minutes) / groups if groups else 1.0
    steps = WITHIN_S // duration_s
    reach = len(_TREND) * steps
    for place in range(reach, len(minutes)):
        now, before = minutes[place], minutes[place - reach : place]
        if not now.entries or now.start - before[0].start > timedelta(seconds=reach * duration_s):
            continue  # nobody entered, or some of the time before was not watched
        exits = [minute.exits for minute in before[::-1]]
        more = sum(weight * sum(exits[ago * steps : (ago + 1) * steps]) for ago, weight in enumerate(_TREND))
        # People come and go in parties: each pair of an entry and an exit stands for so many fewer.
        people = now.entries * more / party
        yield now.start, ReEntries(people, people * people / max(1, now.groups), now.entries)
