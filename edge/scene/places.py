"""What is known of the places of a scene: the values that ``edge.scene.places_truth`` computes.

Times are seconds of the scene. ``person`` is the place of the walk in ``Scene.walks``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.vocabulary import LOOK_MOST_S

STEP_S = 0.1
"""The walks are looked at in these steps."""
STOP_S = 5.0
"""A longer stay in a zone is a stop."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """One person crosses a door line, for good: who turns round has none."""

    person: int
    at_s: float
    inwards: bool


@dataclass(frozen=True, slots=True)
class DoorTruth:
    """One door. ``turned``: people who crossed the line and came back. ``passed``: people who were seen outside and
    never crossed it. ``groups``: sizes of the groups that entered, 1 for who came alone, in order."""

    name: str
    crossings: tuple[Crossing, ...]
    turned: tuple[int, ...]
    passed: tuple[int, ...]
    groups: tuple[int, ...]

    @property
    def entries(self) -> int:
        return sum(one.inwards for one in self.crossings)

    @property
    def exits(self) -> int:
        return len(self.crossings) - self.entries


@dataclass(frozen=True, slots=True)
class Stay:
    """One person is in a zone without leaving it."""

    person: int
    enters_s: float
    leaves_s: float

    @property
    def seconds(self) -> float:
        return self.leaves_s - self.enters_s


@dataclass(frozen=True, slots=True)
class ZoneTruth:
    """One zone: its stays by the time at which they begin. ``people``: how many are in it, at each step."""

    name: str
    stays: tuple[Stay, ...]
    people: tuple[int, ...]

    @property
    def visits(self) -> int:
        """The people who were in the zone at least once."""
        return len({stay.person for stay in self.stays})

    @property
    def stops(self) -> int:
        """The people who stayed longer than ``STOP_S``."""
        return len({stay.person for stay in self.stays if stay.seconds > STOP_S})

    @property
    def dwell_s(self) -> float:
        """The seconds of all people together."""
        return sum(stay.seconds for stay in self.stays)

    @property
    def people_mean(self) -> float:
        """The people in the zone on average over the scene."""
        return sum(self.people) / len(self.people)

    @property
    def people_max(self) -> int:
        return max(self.people)


@dataclass(frozen=True, slots=True)
class TargetTruth:
    """One target: (person, seconds of looking at it) of those who did, while they were in its zone. ``passers``: the
    people who were in its zone."""

    name: str
    looks: tuple[tuple[int, float], ...]
    passers: int

    @property
    def attention_s(self) -> float:
        """Seconds of looking, of one person at most ``LOOK_MOST_S``."""
        return sum(min(seconds, LOOK_MOST_S) for _, seconds in self.looks)

    @property
    def interest(self) -> float:
        """Seconds of looking per passer."""
        return self.attention_s / self.passers if self.passers else 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """One person waits in a queue, from joining to leaving it; ``served`` at its desk, or gave up."""

    person: int
    joins_s: float
    leaves_s: float
    served: bool

    @property
    def seconds(self) -> float:
        return self.leaves_s - self.joins_s


@dataclass(frozen=True, slots=True)
class QueueTruth:
    """One queue. ``lengths``: people in it at each step of ``STEP_S`` from the start of the scene."""

    name: str
    desk: str
    waits: tuple[Wait, ...]
    lengths: tuple[int, ...]

    @property
    def served(self) -> int:
        return sum(wait.served for wait in self.waits)

    @property
    def abandoned(self) -> int:
        return len(self.waits) - self.served

    @property
    def length_mean(self) -> float:
        """The mean over the whole scene."""
        return sum(self.lengths) / len(self.lengths)

    @property
    def length_max(self) -> int:
        return max(self.lengths)


@dataclass(frozen=True, slots=True, eq=False)
class PlacesTruth:
    """All places of a scene. ``heat``: (9, 16) seconds in which people stand, by the cell of the picture in which their
    feet are. ``ways``: people by (place, next place), each at least once; places are zones, "entry" and "exit"."""

    doors: tuple[DoorTruth, ...]
    zones: tuple[ZoneTruth, ...]
    targets: tuple[TargetTruth, ...]
    queues: tuple[QueueTruth, ...]
    heat: np.ndarray
    ways: dict[tuple[str, str], int]

    @property
    def interest_order(self) -> list[str]:
        """The names of the targets, the most looked at first."""
        return [one.name for one in sorted(self.targets, key=lambda one: -one.interest)]
