"""The count check: somebody at a door taps who comes in and goes out, to be compared with what the device counted.

A tap is no person for the server, and neither is a count: only numbers are compared. A device counts a crossing when it
is settled, about :data:`SETTLED_S` after a person sees it, so a tap belongs to the window of that moment. Who was
tapped may have been counted if a window between the tap and :data:`LATE_S` after it has a count that is left.
:func:`compare` pairs as many taps with counts as this allows. What is left of the taps was missed, what is left of the
counts is false. So a miss and a false count in the same window cancel each other: recall may be a little lower, and
false counts more, than they seem.

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
"""``undo`` takes the last tap back that is still there."""
_WAY_OF: Final[Mapping[str, Way]] = {"entry": "entries", "exit": "exits"}
Light = Literal["daylight", "lamps", "sun"]
LIGHTS: Final[tuple[Light, ...]] = get_args(Light)
"""What the person at the door sees: no device tells how light it is. ``sun`` shines towards the camera."""

SHORTEST: Final = timedelta(minutes=10)
"""A shorter check has too few people to say anything."""
LONGEST: Final = timedelta(hours=4)
MOST_TAPS: Final = 20_000
SETTLED_S: Final = 4.0
"""When a device is certain of a crossing: ``edge.places.doors``."""
LATE_S: Final = 8.0
"""The longest time from a tap to its count: some tap early, and a slow device is certain later."""
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
    explain their counts, so that the ends of a check do not look like mistakes.
    """
    whole = [one for one in _own(check, windows) if _is_whole(one, check)]
    starts = [(one.start - check.started).total_seconds() for one in whole]
    spans = [(start, start + one.duration_s) for start, one in zip(starts, whole, strict=True)]
    left = standing(taps)
    sums = {}
    for way in WAYS:
        counted = [getattr(one.totals.doors[check.door.name], way) for one in whole]
        sums[way] = _sums(spans, counted, [tap.after_s for tap in left if _WAY_OF.get(tap.what) == way])
    return tuple(
        Part(window.start, float(window.duration_s), sums["entries"][place], sums["exits"][place])
        for place, window in enumerate(whole)
    )


def _own(check: CountCheck, windows: Iterable[WindowMessage]) -> list[WindowMessage]:
    of = check.door
    own = (w for w in windows if (w.site, w.device, w.camera) == (check.site, of.device, of.camera))
    return sorted(own, key=lambda window: window.start)


def _is_whole(window: WindowMessage, check: CountCheck) -> bool:
    assert check.ended is not None
    inside = window.start >= check.started and window.end <= check.ended
    return inside and window.coverage.share >= FULL_COVERAGE and check.door.name in window.totals.doors


def _sums(spans: Sequence[tuple[float, float]], counted: Sequence[int], taps: Sequence[float]) -> list[Sums]:
    """Return the sums of each window, by the largest pairing of taps and counts.

    ``spans`` are the windows, ``taps`` moments in order, in seconds of the check. A tap may be paired with counts of a
    few windows in a row, and for a later tap this row begins and ends no earlier. So it is enough to give each tap, in
    order, the first count that is left (Glover 1967).
    """
    left, people, hits = list(counted), [0] * len(spans), [0] * len(spans)
    homes = [_place(spans, at + SETTLED_S) for at in taps]
    for at, home in zip(taps, homes, strict=True):
        if home is not None:
            people[home] += 1
            hits[home] += _paired(spans, left, at)
    for at, home in zip(taps, homes, strict=True):  # people beside the windows come last
        if home is None:
            _paired(spans, left, at)
    return [Sums(*each) for each in zip(people, hits, counted, left, strict=True)]


def _paired(spans: Sequence[tuple[float, float]], left: list[int], at: float) -> bool:
    """Take the first count away that may be of a tap; tell whether there is one."""
    for place, (start, end) in enumerate(spans):
        if left[place] and start <= at + LATE_S and end > at:
            left[place] -= 1
            return True
    return False


def _place(spans: Sequence[tuple[float, float]], at: float) -> int | None:
    return next((place for place, (start, end) in enumerate(spans) if start <= at < end), None)
