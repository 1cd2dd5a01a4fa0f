"""Decide what a cohort tells of places: counts of zones, queues and targets here, their times in ``place_times``, the
heat map in ``heat_privacy``, ways in ``ways_privacy``. docs/decisions/0067 gives the reasons.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

from common import wire
from common.vocabulary import LOOK_MOST_S, NO_VERDICT
from edge.place_types import ClipCounts, Key, PlaceCounts, TargetCounts, TimeCounts, ZoneCounts
from edge.vision.clip_privacy import ClipPlan, Side, tell_counts
from edge.vision.disclosure import Overlaps
from edge.vision.heat_privacy import Area, tell_heat
from edge.vision.joint import withhold_in_joint
from edge.vision.place_times import Looks, Stays, Whole, tell_times
from edge.vision.pool import Pool
from edge.vision.times import Times, bins, two_longest
from edge.vision.ways_privacy import tell_ways

_WITHHELD = bins(None, 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """The places of one camera as its settings name them. ``version`` is a hash of all of it.

    ``timed``: zones that overlap none of the others in here; only their times may be told. ``queues``: zones that are
    queues. ``targets``: the zone from which each target is seen, or None for the whole view. ``heat``: columns and rows
    of the grid, None without one; ``inside``: the cells that lie in each zone as a whole. ``leaves_out_staff``: whether
    staff is left out at all; ``counts_members``: whether codes of members are looked for. ``display``: its clips.
    """

    zones: tuple[str, ...] = ()
    timed: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    targets: Mapping[str, str | None] = field(default_factory=dict)
    heat: tuple[int, int] | None = None
    inside: Mapping[str, frozenset[int]] = field(default_factory=dict)
    leaves_out_staff: bool = False
    counts_members: bool = False
    display: ClipPlan = field(default_factory=ClipPlan)
    version: str = ""


class Places(TypedDict):
    """The fields of ``wire.Cohort`` about places, and the count of members, which overlaps theirs."""

    members: int | None
    zones: dict[str, wire.Zone]
    targets: dict[str, wire.Target]
    clips: dict[str, wire.Clip]
    heat: wire.Heat | None
    ways: wire.Ways | None


def tell_places(
    pool: Pool,
    plan: Plan,
    k: int,
    whole: Whole,
    expression: wire.Cells | None,
    people: Sequence[wire.Cells] = (),
) -> Places:
    """Return what the cohort of ``pool`` tells of the places in ``plan``.

    ``whole``: the times of the cohort as far as they are told. ``expression``: the list of the cohort, None if the
    profile has none. ``people``: its lists of genders and age bands.
    """
    if pool.places_changed:
        return _nothing(plan)
    return _Telling(pool, plan, k, whole, people).places(expression)


def _nothing(plan: Plan) -> Places:
    return {
        "members": None,
        "zones": {
            name: wire.Zone(
                visits=None,
                stops=None,
                dwell_sum_s=None,
                dwell=_WITHHELD,
                occupancy_mean=None,
                occupancy_max=None,
                queue=_NO_QUEUE if name in plan.queues else None,
            )
            for name in plan.zones
        },
        "targets": {
            name: wire.Target(passers=None, viewers=None, attention_sum_s=None, attention=_WITHHELD)
            for name in plan.targets
        },
        "clips": _clips(plan.display, dict.fromkeys(plan.display.sides, _NOT_WATCHED)),
        "heat": None,
        "ways": None,
    }


_NO_QUEUE = wire.Queue(
    waits=None, served=None, waiting_sum_s=None, waiting=_WITHHELD, length_mean=None, length_max=None
)
_NOT_WATCHED = wire.Watched(visits=None, shows=None, shown_s=None, viewers=None, attention_sum_s=None)


def _clips(plan: ClipPlan, sides: Mapping[Side, wire.Watched]) -> dict[str, wire.Clip]:
    return {
        clip: wire.Clip(
            shown=sides[clip, False],
            held=sides.get((clip, True)),
            holdout_hours=plan.holdout_hours if clip in plan.suited else None,
        )
        for clip in plan.clips
    }


class _Telling:
    """One cohort. The counts are chosen first, in an order that does not depend on them; a name that is missing in
    ``visits`` and the others is withheld."""

    def __init__(self, pool: Pool, plan: Plan, k: int, whole: Whole, people: Sequence[wire.Cells]) -> None:
        self._pool, self._plan, self._k, self._whole = pool, plan, k, whole
        places = pool.places
        self._zones = {name: places.zones.get(name, ZoneCounts()) for name in sorted(plan.zones)}
        self._targets = {name: places.targets.get(name, TargetCounts()) for name in sorted(plan.targets)}
        overlaps = Overlaps(pool.visits, _known(pool.viewers, places), k)
        self.visits = _some({n: overlaps.tell_zone(zone.stays.visits) for n, zone in self._zones.items()})
        queues = [name for name in self.visits if name in plan.queues]
        self.waits = _some({name: overlaps.tell(self._zones[name].waits.visits) for name in queues})
        self.stops = _some({name: overlaps.tell(self._zones[name].stops) for name in self.visits})
        self.served = _some({name: overlaps.tell(self._zones[name].served) for name in self.waits})
        in_sight = [name for name in self._targets if self._passers(name) is not None]
        self.viewers = _some({name: overlaps.tell(self._targets[name].looks.visits) for name in in_sight})
        self.members = overlaps.tell(pool.members) if plan.counts_members else None
        stays = {name: self._stays_of(name) for name in sorted(plan.timed & self._zones.keys())}
        looks = {
            name: Looks(plan.targets[name], self._looks(target.looks) if name in self.viewers else None)
            for name, target in self._targets.items()
        }
        display = plan.display
        self._clips = tell_counts(
            display,
            places.clips,
            visits=pool.visits,
            viewers=[pool.viewers, *_some({0: self.viewers.get(display.target or "")}).values()],
            lists=people,
            k=k,
        )
        # The times of looking during a clip are judged like those at one more target.
        looks |= {
            _key(side): Looks(None, self._looks(places.clips.get(side, ClipCounts()).looks))
            for side in self._clips.viewers
        }
        self._told = tell_times(stays, looks, places.elsewhere, whole, k)

    def places(self, expression: wire.Cells | None) -> Places:
        return {
            "members": self.members,
            "zones": {name: self._zone(name) for name in self._plan.zones},
            "targets": {name: self._target(name, expression) for name in self._plan.targets},
            "clips": _clips(
                self._plan.display, {side: self._watched(side) for side in self._plan.display.sides}
            ),
            "heat": self._heat(),
            "ways": tell_ways(
                self._pool.places.ways,
                self._plan.zones,
                self.visits,
                self._pool.visits,
                self._k,
                [count for door in self._pool.places.doors.values() for count in (door.entries, door.exits)],
            ),
        }

    def _passers(self, target: str) -> int | None:
        zone = self._plan.targets[target]
        return self._pool.visits if zone is None else self.visits.get(zone)

    def _times(self, counts: TimeCounts) -> Times:
        sum_s = round(counts.sum_s, 1)
        if self._whole.dwell is not None and self._whole.dwell.sum_s is not None:
            sum_s = min(sum_s, self._whole.dwell.sum_s)
        return Times(counts.histogram, sum_s, apart=self._pool.visits - counts.visits)

    def _looks(self, counts: TimeCounts) -> Times:
        return replace(self._times(counts), most_s=LOOK_MOST_S)

    def _stays_of(self, name: str) -> Stays:
        zone = self._zones[name]
        if name in self._plan.queues:
            return Stays(zone.stays, self._times(zone.waits) if name in self.waits else None)
        return Stays(zone.stays, self._times(zone.stays) if name in self.visits else None)

    def _zone(self, name: str) -> wire.Zone:
        zone, queue = self._zones[name], name in self._plan.queues
        times = None if queue else self._told.zones.get(name)
        return wire.Zone(
            visits=self.visits.get(name),
            stops=self.stops.get(name),
            dwell_sum_s=None if times is None else times.sum_s,
            dwell=bins(times, self._k),
            occupancy_mean=self._mean(times),
            occupancy_max=None if queue else _most(zone, self.visits.get(name)),
            queue=self._queue(name) if queue else None,
        )

    def _queue(self, name: str) -> wire.Queue:
        times = self._told.zones.get(name)
        return wire.Queue(
            waits=self.waits.get(name),
            served=self.served.get(name),
            waiting_sum_s=None if times is None else times.sum_s,
            waiting=bins(times, self._k),
            length_mean=self._mean(times),
            length_max=_most(self._zones[name], self.waits.get(name)),
        )

    def _target(self, name: str, expression: wire.Cells | None) -> wire.Target:
        target, viewers = self._targets[name], self.viewers.get(name)
        times = self._told.targets.get(name)
        return wire.Target(
            passers=self._passers(name),
            viewers=viewers,
            attention_sum_s=None if times is None else times.sum_s,
            attention=bins(times, self._k),
            expression=None
            if expression is None or viewers is None
            else _faces(target.expressions, viewers, expression, self._pool.visits, self._k),
        )

    def _watched(self, side: Side) -> wire.Watched:
        visits = self._clips.visits.get(side)
        if visits is None:
            return _NOT_WATCHED
        counts, times = self._pool.places.clips.get(side, ClipCounts()), self._told.targets.get(_key(side))
        return wire.Watched(
            visits=visits,
            shows=counts.shows,
            shown_s=float(round(counts.shown_s)),
            viewers=self._clips.viewers.get(side),
            attention_sum_s=None if times is None else times.sum_s,
        )

    def _mean(self, times: Times | None) -> float | None:
        covered_s = self._pool.covered_s
        return None if times is None or not covered_s else round((times.sum_s or 0.0) / covered_s, 3)

    def _heat(self) -> wire.Heat | None:
        if self._plan.heat is None:
            return None
        columns, rows = self._plan.heat
        size = columns * rows
        zones = self._told.zones
        # Who stands in a queue and does not wait would be the difference to its waiting times.
        queues = {cell for name in zones.keys() & self._plan.queues for cell in self._inside(name)}
        stood, looked = tell_heat(
            {cell: counts for cell, counts in self._pool.places.heat.items() if cell not in queues},
            size,
            self._k,
            [
                *self._everywhere([self._whole.dwell] if self._whole.dwell else [], size),
                *(_area([times], self._inside(name)) for name, times in zones.items()),
            ],
            self._looking(size),
        )
        return wire.Heat(columns=columns, rows=rows, standing_s=stood, looking_s=looked)

    def _looking(self, size: int) -> list[Area]:
        """Return what the looks in cells are a part of. It is not known whether attention includes those at targets."""
        attention, targets, areas = self._whole.others, list[Times](), list[Area]()
        for name, zone in self._plan.targets.items():
            if (times := self._told.targets.get(name)) is not None:
                targets.append(times)
                areas += [] if zone is None else [_area([times], self._inside(zone))]
        for parts in (attention, targets, [*attention, *targets]):
            areas += self._everywhere(parts, size)
        return areas

    def _everywhere(self, parts: Sequence[Times], size: int) -> list[Area]:
        return [_area(parts, range(size))] if parts else []

    def _inside(self, zone: str) -> frozenset[int]:
        return self._plan.inside.get(zone, frozenset())


def _known(viewers: int, places: PlaceCounts) -> set[int]:
    """Return the numbers that the totals of the windows tell."""
    doors = places.doors.values()
    return {viewers, *(count for door in doors for count in (door.entries, door.exits, door.passers))}


def _key(side: Side) -> str:
    """Name a clip beside the targets: after them, because no name begins like this."""
    return f"~{side[0]} {side[1]}"


def _some(counts: Mapping[Key, int | None]) -> dict[Key, int]:
    return {name: count for name, count in counts.items() if count is not None}


def _most(zone: ZoneCounts, count: int | None) -> int | None:
    """Return the most people at one instant. If they are more than are counted, some of them belong to the next cohort:
    it would tell of that one."""
    return None if count is None or zone.most > count else zone.most


def _area(parts: Sequence[Times], cells: Collection[int]) -> Area:
    """Return what ``cells`` count a part of: the sum of these times."""
    longest = [two_longest(part.counts, part.sum_s or 0.0, part.most_s) for part in parts]
    most_s = sum(one for one, _ in longest), sum(second for _, second in longest)
    return Area(sum(part.sum_s or 0.0 for part in parts), most_s, cells)


def _faces(
    counts: Mapping[str, int], viewers: int, whole: wire.Cells, visits: int, k: int
) -> wire.Cells | None:
    """Return the expressions of the viewers of a target, as one row of the table of viewers and others by expression.
    The labels that the cohort withholds are one column of it, and are withheld here too."""
    told = {label: count for label, count in whole.items() if count is not None}
    joint = {(row, column): 0 for row in (_VIEWERS, _OTHERS) for column in (*told, _REST)}
    for label, count in counts.items():
        known = label if label in whole else NO_VERDICT
        joint[_VIEWERS, known if known in told else _REST] += count
    for label, count in {**told, _REST: visits - sum(told.values())}.items():
        joint[_OTHERS, label] = count - joint[_VIEWERS, label]
    hidden = withhold_in_joint(joint, k, (_OTHERS, _VIEWERS), (_REST, *reversed(told)))
    if hidden is None or sum(counts.values()) != viewers:
        return None
    return {
        label: joint[_VIEWERS, label] if label in told and (_VIEWERS, label) not in hidden else None
        for label in whole
    }


_VIEWERS, _OTHERS, _REST = "viewers", "others", "rest"
