"""One chaos run: the faults, then peace, then the verdict."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial

from tests.chaos.judge import Verdict, judge
from tests.chaos.schedule import BRIDGES, BROKER, STORE, Fault
from tests.chaos.truth import Counts, Made
from tests.chaos.world import World

_PATIENCE_S = 300.0
"""Peace ends when nothing has come forward for so long: what still waits then is stuck."""
_POLL_S = 1.0
_MINUTE_S = 60.0
_CAUGHT_UP = 0.98
"""The share of what devices delivered lately that is stored before a simulated clock goes on: a broker that had hours
of it would lose more when it is killed than devices send again."""
_TELL_EVERY = 10
"""Simulated minutes between two looks at how many windows are stored."""
_BREATH_S = 1.0
"""How long a simulated minute waits for devices, which may themselves wait for a later moment of their clock."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. ``stuck`` messages still waited at its end; ``own_ends`` of processes were nobody's doing."""

    verdict: Verdict
    faults: dict[str, int]
    stuck: int
    dead_letters: int
    own_ends: dict[str, int]
    peaks_mib: dict[str, float]
    settle_s: float
    hours: float
    """That were played, by the clock of the devices."""

    @property
    def good(self) -> bool:
        return self.verdict.good and not self.stuck and not self.dead_letters

    def json(self) -> dict[str, object]:
        return {**asdict(self), "good": self.good}


@dataclass(slots=True)
class _Events:
    """The beginnings and ends of faults, in order."""

    left: list[tuple[float, bool, Fault]]
    going_on: set[Fault] = field(default_factory=set)
    begun: list[Fault] = field(default_factory=list)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> _Events:
        moments = [(fault.at_s, False, fault) for fault in faults]
        moments += [(fault.end_s, True, fault) for fault in faults]
        return cls(sorted(moments, key=lambda moment: moment[:2]))

    def until(self, now_s: float, world: World) -> Iterator[Fault]:
        """Do what is due; return the faults that ended."""
        while self.left and self.left[0][0] <= now_s:
            _, is_end, fault = self.left.pop(0)
            if is_end:
                world.end(fault)
                self.going_on.remove(fault)
                yield fault
            else:
                world.begin(fault)
                self.going_on.add(fault)
                self.begun.append(fault)

    def heal(self, world: World) -> list[Fault]:
        """End those that are going on, and begin no other; return those that were."""
        self.left = [moment for moment in self.left if moment[2] in self.going_on]
        list(self.until(math.inf, world))
        return self.begun

    def __str__(self) -> str:
        now = ", ".join(sorted(f"{fault.kind} {fault.target}" for fault in self.going_on)) or "peace"
        return f"{len(self.begun)} faults begun, now: {now}"


def play(world: World, faults: Sequence[Fault], length_s: float, progress: Progress) -> list[Fault]:
    """Let the faults of the schedule happen, by the clock of this machine; return those that did."""
    events, began = _Events.of(faults), time.monotonic()
    while (now_s := time.monotonic() - began) < length_s:
        list(events.until(now_s, world))
        progress(now_s / length_s, str(events))
        due_s = events.left[0][0] if events.left else length_s
        time.sleep(max(0.0, min(_POLL_S, due_s - now_s, length_s - now_s)))
    return events.heal(world)


def play_simulated(
    world: World, faults: Sequence[Fault], length_s: float, progress: Progress, most_s: float = math.inf
) -> list[Fault]:
    """The same by a clock that goes on by a minute when the devices have counted it, and what they sent is stored. It
    stops after ``most_s`` seconds of this machine."""
    over_at = time.monotonic() + most_s
    events, began = _Events.of(faults), world.form.began
    assert began is not None
    devices, stored = {*world.form.machines}, 0
    for minute in range(1, int(length_s / _MINUTE_S) + 1):
        now_s = minute * _MINUTE_S
        list(events.until(now_s, world))
        world.now_s = began + now_s
        world.tell_devices({"now": world.now_s})
        busy = {part for fault in events.going_on for part in fault.touches}
        _wait(partial(_in_time, world, busy))
        if BROKER not in busy:
            _wait(partial(_all_tried, world, busy))
        if not busy & {BROKER, STORE, *BRIDGES}:
            if not busy & devices:
                _wait(partial(_few_wait, world), _BREATH_S)
            _wait(partial(_caught_up, world, busy))
        if minute % _TELL_EVERY == 0 and STORE not in busy:
            stored = _count(world)
        clock = f"{minute // 60}:{minute % 60:02} of {length_s / 3600:g} hours"
        progress(now_s / length_s, f"{clock}, {stored:,} windows stored, {events}")
        if time.monotonic() > over_at:
            break
    return events.heal(world)


def settle(world: World, faults: Sequence[Fault], progress: Progress, hours: float) -> Outcome:
    """Count no more, wait until everything has arrived or nothing moves any more, and judge."""
    world.tell_devices({"quiet": True})
    began = moved_at = time.monotonic()
    truth: dict[str, list[Made]] = {}
    before: tuple[object, ...] = ()
    verdict, waits = Verdict(lost=1), 0
    while time.monotonic() - moved_at < _PATIENCE_S:
        world.tell_devices({"quiet": True})  # a process that has just started again has not heard it
        if world.now_s is not None:
            world.now_s += _MINUTE_S  # what waits for a later moment on the clock of the devices has its turn
            world.tell_devices({"now": world.now_s})
        quiet, waits = all(world.heard("quiet")), _sum(world.heard("waits"))
        if quiet and waits == 0:
            truth = truth or {name: list(windows) for name, windows in world.truth().items()}
            verdict = judge(truth, _stored(world))
            if verdict.good:
                break
        if (now := (quiet, waits, verdict)) != before:
            before, moved_at = now, time.monotonic()
        progress(1.0, f"{waits} messages wait")
        time.sleep(_POLL_S)
    settled_s = time.monotonic() - began
    world.stop_devices()
    verdict = judge(world.truth(), _stored(world))
    with world.hosts.inside(STORE):
        dead = world.store.number("SELECT count(reason) FROM dead_letter")
    return Outcome(
        verdict=verdict,
        faults=dict(Counter(fault.kind for fault in faults)),
        stuck=waits,
        dead_letters=dead,
        own_ends={name: part.own_ends for name, part in world.parts.items() if part.own_ends},
        peaks_mib={role: round(peak, 1) for role, peak in world.peaks().items()},
        settle_s=round(settled_s, 1),
        hours=round(hours, 2),
    )


def _stored(world: World) -> dict[tuple[str, int], list[Counts]]:
    with world.hosts.inside(STORE):
        return world.store.windows()


def _count(world: World, which: str = "") -> int:
    """How many windows are stored."""
    with world.hosts.inside(STORE):
        return world.store.number(f"SELECT count(visits) FROM window {which}")  # noqa: S608 - numbers


def _heard(world: World, key: str, busy: Collection[str]) -> list[object]:
    """What the processes with devices said last about ``key``, but for those in trouble."""
    said = zip(world.form.machines, world.heard(key), strict=True)
    return [what for name, what in said if name not in busy]


def _in_time(world: World, busy: Collection[str]) -> bool:
    """Whether all devices have counted until now."""
    return all(now == world.now_s for now in _heard(world, "now", busy))


def _all_tried(world: World, busy: Collection[str]) -> bool:
    """Whether nobody is about to connect. A clock that went on meanwhile would let all those who fail try again at
    once, for their pauses are on it: a thousand devices on one machine would do nothing else."""
    world.tell_devices({})
    return not _sum(_heard(world, "connecting", busy))


def _few_wait(world: World) -> bool:
    """Whether the devices have delivered what they can."""
    world.tell_devices({})  # they answer with what waits now
    return _sum(world.heard("waits")) <= len(world.form.devices) / 2


def _caught_up(world: World, busy: Collection[str]) -> bool:
    """Whether the store has almost all windows that devices delivered in the last minutes of a simulated clock."""
    if world.now_s is None or not _in_time(world, busy):  # some have just started
        return True
    last = int(world.now_s - _MINUTE_S)  # the start of the last window that is over
    stored = _count(world, f"WHERE time > {last - 600}s AND time <= {last}s")
    recent, waits = (_sum(_heard(world, key, busy)) for key in ("recent", "waits"))
    return stored >= _CAUGHT_UP * (recent - waits)


def _wait(condition: Callable[[], bool], longest_s: float = _PATIENCE_S) -> None:
    """Wait for a condition, but not for ever: the clock may go on with something unfinished."""
    deadline = time.monotonic() + longest_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def _sum(numbers: Sequence[object]) -> int:
    return sum(number for number in numbers if isinstance(number, int))
