"""The notices of the shop scene: what its truth would tell staff, and how much sooner or later the product does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edge.places.notices import Notices, Rule
from edge.places.places import Live
from edge.scene.places import STEP_S, PlacesTruth

IN_TIME_S = 5.0
"""Staff are told within this time."""

DOOR_RULES = (Rule("full", "inside_over", limit=6),)
SHELF_RULES = (
    Rule("queue", "queue_over", zone="queue", limit=1, seconds=5.0),
    Rule("desk", "nobody_at_desk", zone="queue", desk="desk", seconds=10.0),
)
"""At the desk the next is served at once: a notice of this rule is false."""

HOUR = 12


@dataclass(frozen=True, slots=True)
class Told:
    """A notice that begins or ends, and the second of the scene."""

    name: str
    active: bool
    at_s: float


class Teller:
    """Apply the rules to what is seen at each moment; ``told`` has the notices so far."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._notices = Notices(rules)
        self.told: list[Told] = []

    def see(self, live: Live, at_s: float) -> None:
        """Take the people at each place at a second of the scene, in order of time."""
        self.told += [Told(one.name, one.active, at_s) for one in self._notices.update(live, at_s, HOUR)]


def wait_settings(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return the settings of the rules about somebody who waits: the places must know for how long."""
    return [
        {"name": rule.name, "rule": rule.rule, "zone": rule.zone, "desk": rule.desk, "seconds": rule.seconds}
        for rule in rules
        if rule.wait is not None
    ]


def truth_of(truth: PlacesTruth, rules: Sequence[Rule], seconds: float) -> list[Told]:
    """Return the notices of a scene in which every place is known at every moment."""
    teller = Teller(rules)
    for live, at_s in moments(truth, rules, seconds):
        teller.see(live, at_s)
    return teller.told


def moments(truth: PlacesTruth, rules: Sequence[Rule], seconds: float) -> Iterator[tuple[Live, float]]:
    """Yield the people who really are at each place, and the second, at each step of a scene that begins empty."""
    stays = {zone.name: zone.stays for zone in truth.zones}
    waits = [rule.wait for rule in rules if rule.wait is not None]
    crossings = sorted((one for door in truth.doors for one in door.crossings), key=lambda one: one.at_s)
    inside = 0
    for step in range(round(seconds / STEP_S)):
        at_s = step * STEP_S
        while (
            crossings and crossings[0].at_s <= at_s
        ):  # never below 0: who was in before the scene began is not known
            inside = max(0, inside + (1 if crossings.pop(0).inwards else -1))
        waiting = {
            (name, long_s): sum(one.enters_s + long_s <= at_s < one.leaves_s for one in stays[name])
            for name, long_s in waits
        }
        yield Live({zone.name: zone.people[step] for zone in truth.zones}, waiting, inside), at_s


def lateness(told: Sequence[Told], true: Sequence[Told]) -> tuple[list[float], int, int]:
    """Return by how many seconds each true notice was told late, negative for early, without those that were not told
    within ``IN_TIME_S``; the number of these; and the number of notices that are not true."""
    left, late = list(told), []
    for want in true:
        near = [
            one
            for one in left
            if (one.name, one.active) == (want.name, want.active) and abs(one.at_s - want.at_s) <= IN_TIME_S
        ]
        if near:
            best = min(near, key=lambda one: abs(one.at_s - want.at_s))
            left.remove(best)
            late.append(round(best.at_s - want.at_s, 1))
    return late, len(true) - len(late), len(left)
