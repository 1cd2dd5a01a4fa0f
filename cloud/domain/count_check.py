"""The count check: somebody at a door taps who comes in and goes out, to be compared with what the device counted.

A tap is no person for the server, and neither is a count: only numbers are compared. Who was tapped may have been
counted if the window of the tap has a count that is left, or one that begins within :data:`LATE_S` after it: a device
counts a crossing when it is settled, some seconds after a person sees it. :func:`compare` pairs as many taps with
counts as this allows. What is left of the taps was missed, what is left of the counts is false. So a miss and a false
count in the same window cancel each other: recall may be a little lower, and false counts more, than they seem.

``cloud.analysis.recall`` infers from it, docs/count-check.md explains it to people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final, Literal, Self, get_args

from cloud.domain.thresholds import FULL_COVERAGE
from common.wire import WindowMessage

Way = Literal["entries", "exits"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)
"""As the wire calls them."""
Tapped = Literal["entry", "exit", "undo"]
TAPPED: Final[tuple[Tapped, ...]] = get_args(Tapped)
"""``undo`` takes the last tap back that is still there."""
_WAY_OF: Final[Mapping[str, Way]] = {"entry": "entries", "exit": "exits"}
Light = Literal["daylight", "lamps", "sun"]
LIGHTS: Final[tuple[Light, ...]] = get_args(Light)
"""What the person at the door sees: no device tells how light it is. ``sun`` shines towards the camera."""

SHORTEST: Final = timedelta(minutes=10)
"""A shorter check has too few people to say anything."""
LONGEST: Final = timedelta(hours=4)
MOST_TAPS: Final = 20_000
LATE_S: Final = 8.0
"""A crossing is settled 4 s after it, and a tap may come early."""
BUSY_A_MINUTE: Final = 3
"""A window with so many people or more in a minute is busy."""
WAITS: Final = timedelta(days=2)
"""How long the windows of a check may be on their way, from a device that was offline."""


@dataclass(frozen=True, slots=True)
class Door:
    """A door of a camera."""

    device: str
    camera: str
    name: str


@dataclass(frozen=True, slots=True)
class Tap:
    """One tap; ``number`` counts from 0 within its check, ``after_s`` is the time since its start."""

    number: int
    after_s: float
    what: Tapped


@dataclass(frozen=True, slots=True)
class Sums:
    """What came of comparing taps and counts of one way."""

    people: int = 0
    """Tapped, and not taken back."""
    hits: int = 0
    """Those of them who may have been counted."""
    counted: int = 0
    false: int = 0
    """Counts that no tap explains."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Part:
    """One whole window inside a check."""

    start: datetime
    seconds: float
    entries: Sums
    exits: Sums

    @property
    def both(self) -> Sums:
        return self.entries + self.exits

    @property
    def busy(self) -> bool:
        return self.both.people * 60 >= BUSY_A_MINUTE * self.seconds


@dataclass(frozen=True, slots=True)
class Basis:
    """What a device counts with. A check is true for one basis only."""

    software: str | None
    model: str | None
    config: str | None
    """The hash of its settings, also those of its places."""
    moved: bool
    """Whether its camera shows another view than before."""

    def changes(self, later: Basis) -> tuple[str, ...]:
        """Return what is different ``later``, as names of fields."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name) != getattr(later, one.name))


@dataclass(frozen=True, slots=True)
class BasisPeriod:
    """A basis of a device, from when the server first heard of it until it heard of another one."""

    since: datetime
    until: datetime | None
    basis: Basis
    changed: tuple[str, ...]
    """What was different afterwards; empty while the basis holds."""


@dataclass(frozen=True, slots=True)
class CountCheck:
    """One check. ``parts`` is None until the windows of the device have come."""

    id: str
    site: str
    door: Door
    light: Light
    who: str
    started: datetime
    ended: datetime | None = None
    parts: tuple[Part, ...] | None = None

    @property
    def sums(self) -> Mapping[Way, Sums]:
        return {way: sum((getattr(part, way) for part in self.parts or ()), Sums()) for way in WAYS}

    @property
    def seconds(self) -> float:
        """The time in which taps and counts were compared."""
        return sum(part.seconds for part in self.parts or ())


def standing(taps: Iterable[Tap]) -> list[Tap]:
    """Return the taps that were not taken back, in order."""
    left: list[Tap] = []
    for tap in sorted(taps, key=lambda one: one.number):
        if tap.what != "undo":
            left.append(tap)
        elif left:
            left.pop()
    return left


def all_arrived(check: CountCheck, windows: Sequence[WindowMessage], now: datetime) -> bool:
    """Tell whether the windows of the check's camera have come, or can be waited for no longer."""
    if check.ended is None:
        return False
    last = check.ended + timedelta(seconds=LATE_S)
    own = _own(check, windows)
    return any(window.end >= last for window in own) or now >= check.ended + WAITS


def compare(check: CountCheck, taps: Iterable[Tap], windows: Iterable[WindowMessage]) -> tuple[Part, ...]:
    """Compare ``taps`` with the ``windows`` of a check that has ended.

    Only windows count that are whole within the check, were watched completely and have the door. Taps beside them may
    explain their counts, and counts of the window after them their taps, so that the ends of a check do not look like
    mistakes.
    """
    assert check.ended is not None
    near = [
        one for one in _own(check, windows) if one.end > check.started and one.start < check.ended + _LATE
    ]
    whole = [_is_whole(one, check) for one in near]
    left = standing(taps)
    found = {way: _sums(check, near, whole, _moments(check, left, way), way) for way in WAYS}
    return tuple(
        Part(window.start, float(window.duration_s), found["entries"][place], found["exits"][place])
        for place, window in enumerate(near)
        if whole[place]
    )


_LATE: Final = timedelta(seconds=LATE_S)


def _own(check: CountCheck, windows: Iterable[WindowMessage]) -> list[WindowMessage]:
    of = check.door
    own = (w for w in windows if (w.site, w.device, w.camera) == (check.site, of.device, of.camera))
    return sorted(own, key=lambda window: window.start)


def _is_whole(window: WindowMessage, check: CountCheck) -> bool:
    assert check.ended is not None
    inside = window.start >= check.started and window.end <= check.ended
    return inside and window.coverage.share >= FULL_COVERAGE and check.door.name in window.totals.doors


def _moments(check: CountCheck, taps: Iterable[Tap], way: Way) -> list[datetime]:
    return [check.started + timedelta(seconds=tap.after_s) for tap in taps if _WAY_OF.get(tap.what) == way]


def _sums(
    check: CountCheck,
    windows: Sequence[WindowMessage],
    whole: Sequence[bool],
    taps: Sequence[datetime],
    way: Way,
) -> list[Sums]:
    """Return the sums of each window, by the largest pairing of taps and counts.

    A tap may be paired with counts of a few windows in a row, and for a later tap this row begins and ends no earlier.
    So it is enough to give each tap, in order, the first count that is left (Glover 1967).
    """
    doors = [one.totals.doors.get(check.door.name) for one in windows]
    counted = [getattr(door, way) if door else 0 for door in doors]
    # In the window in which a check begins, people were counted before it, whom nobody tapped.
    left = [count if one.start >= check.started else 0 for count, one in zip(counted, windows, strict=True)]
    people, hits = [0] * len(windows), [0] * len(windows)
    for inside in (True, False):  # first the people who count, then those beside them
        for at in taps:
            place = _place(windows, at)
            if place is None or whole[place] != inside:
                continue
            people[place] += 1
            for nearby in range(place, len(windows)):
                if windows[nearby].start > at + _LATE:
                    break
                if left[nearby]:
                    left[nearby] -= 1
                    hits[place] += 1
                    break
    return [Sums(*each) for each in zip(people, hits, counted, left, strict=True)]


def _place(windows: Sequence[WindowMessage], at: datetime) -> int | None:
    return next((place for place, one in enumerate(windows) if one.start <= at < one.end), None)
