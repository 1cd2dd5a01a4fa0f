"""The part of the tally that is about places: doors, zones, queues and targets of the cameras of one role.

Doors are totals, so they are summed over windows; all the rest is told in cohorts. What a cohort withholds is in no
sum, and each sum says of how many visits it is: a sum of no visits is not known, and is no 0. Two cameras of one role
that use the same name for a place watch the same place, so their figures are added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from cloud.domain.labels import Counts, added
from cloud.domain.time_bins import TIME_BINS, Interest, Span, interest, quantile_s, squares_s2
from common.wire import Cells, Cohort, Queue, Target, WindowMessage, Zone


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums that are added up field by field."""

    def __add__(self, other: Self) -> Self:
        parts = {each.name: (getattr(self, each.name), getattr(other, each.name)) for each in fields(self)}
        return type(self)(**{name: _sum(*both) for name, both in parts.items()})


@dataclass(frozen=True, slots=True)
class DoorTally(_Sums):
    """What was counted at all doors: people, whether or not their face was seen."""

    entries: int
    exits: int
    passers: int
    groups: int
    watched_s: float
    """How long cameras with a door watched, summed over these cameras."""

    @property
    def capture_rate(self) -> float | None:
        """Entries among all who entered or passed; None if nobody did either."""
        outside = self.entries + self.passers
        return self.entries / outside if outside else None


@dataclass(frozen=True, slots=True)
class ZoneTally(_Sums):
    """What was told of one zone."""

    visits: int
    cohort_visits: int
    """Visits of the cohorts that tell how many were in the zone."""
    stops: int
    stops_of: int
    """Visits in the zone where ``stops`` is told."""
    dwell_sum_s: float
    dwell_visits: int
    """Visits whose seconds are in ``dwell_sum_s``."""

    @property
    def stop_share(self) -> float | None:
        """Stops among the visits in the zone; None if unknown."""
        return self.stops / self.stops_of if self.stops_of else None

    @property
    def mean_dwell_s(self) -> float | None:
        return self.dwell_sum_s / self.dwell_visits if self.dwell_visits else None


@dataclass(frozen=True, slots=True)
class QueueTally(_Sums):
    """What was told of one queue."""

    waits: int
    """People who waited."""
    cohort_visits: int
    """Visits of the cohorts that tell how many waited."""
    served: int
    served_of: int
    """People where ``served`` is told."""
    waiting_sum_s: float
    waiting_visits: int
    """People whose seconds are in ``waiting_sum_s``."""
    waiting: Counts
    """People by waiting time, in ``TIME_BINS``; the part of ``waiting_visits`` that is missing here was withheld."""

    @property
    def served_share(self) -> float | None:
        return self.served / self.served_of if self.served_of else None

    @property
    def mean_waiting_s(self) -> float | None:
        return self.waiting_sum_s / self.waiting_visits if self.waiting_visits else None

    def waiting_s(self, share: float) -> Span | None:
        """Return the waiting time that a share of the people did not exceed; None if no times are told."""
        return quantile_s(self.waiting, self.waiting_visits, share)


@dataclass(frozen=True, slots=True)
class TargetTally(_Sums):
    """What was told of one target."""

    passers: int
    """Visits that could see it."""
    cohort_visits: int
    """Visits of the cohorts that tell how many these were."""
    viewers: int
    viewers_of: int
    """Passers where ``viewers`` is told."""
    attention_sum_s: float
    attention_passers: int
    """Passers whose seconds are in ``attention_sum_s``."""
    attention_viewers: int
    """Those of them who looked at it."""
    attention: Counts
    """These viewers by seconds of looking, in ``TIME_BINS``, without those whose bin was withheld."""
    attention_squares_s2: float | None
    """The squares of their seconds, rather too much than too little; None of days that an earlier version added up."""

    @property
    def viewer_share(self) -> float | None:
        return self.viewers / self.viewers_of if self.viewers_of else None

    @property
    def interest(self) -> Interest | None:
        """Seconds of looking per passer, at most 30 of one look; None if no times are told."""
        return interest(self.attention_sum_s, self.attention_squares_s2, self.attention_passers)


_Place = TypeVar("_Place", ZoneTally, QueueTally, TargetTally)


@dataclass(frozen=True, slots=True)
class PlaceTally:
    """What was told of places, by name. A place is missing if all of it was withheld."""

    zones: Mapping[str, ZoneTally] = field(default_factory=dict)
    queues: Mapping[str, QueueTally] = field(default_factory=dict)
    """A queue is a zone, too, and has the same name."""
    targets: Mapping[str, TargetTally] = field(default_factory=dict)

    def __add__(self, other: PlaceTally) -> PlaceTally:
        return PlaceTally(
            zones=_merged(self.zones, other.zones),
            queues=_merged(self.queues, other.queues),
            targets=_merged(self.targets, other.targets),
        )


def door_tally(windows: Iterable[tuple[WindowMessage, float]]) -> DoorTally | None:
    """Add up the doors of windows, each with the seconds that were watched; None if no camera has a door."""
    found = [(window.totals.doors, watched_s) for window, watched_s in windows if window.totals.doors]
    doors = [door for by_name, _ in found for door in by_name.values()]
    if not found:
        return None
    return DoorTally(
        entries=sum(door.entries for door in doors),
        exits=sum(door.exits for door in doors),
        passers=sum(door.passers for door in doors),
        groups=sum(door.groups for door in doors),
        watched_s=sum(watched_s for _, watched_s in found),
    )


def both_doors(one: DoorTally | None, other: DoorTally | None) -> DoorTally | None:
    """Add up two tallies of doors, of which each may be missing."""
    if one is None or other is None:
        return one or other
    return one + other


def place_tally(cohorts: Iterable[Cohort]) -> PlaceTally:
    """Add up what cohorts tell of places."""
    return sum((_of_cohort(cohort) for cohort in cohorts), PlaceTally())


def _of_cohort(cohort: Cohort) -> PlaceTally:
    queues = {name: zone.queue for name, zone in cohort.zones.items() if zone.queue is not None}
    return PlaceTally(
        zones={
            name: _zone(cohort.visits, zone, zone.visits)
            for name, zone in cohort.zones.items()
            if zone.visits is not None
        },
        queues={
            name: _queue(cohort.visits, queue, queue.waits)
            for name, queue in queues.items()
            if queue.waits is not None
        },
        targets={
            name: _target(cohort.visits, target, target.passers)
            for name, target in cohort.targets.items()
            if target.passers is not None
        },
    )


def _zone(cohort_visits: int, zone: Zone, visits: int) -> ZoneTally:
    return ZoneTally(
        visits=visits,
        cohort_visits=cohort_visits,
        stops=zone.stops or 0,
        stops_of=0 if zone.stops is None else visits,
        dwell_sum_s=zone.dwell_sum_s or 0.0,
        dwell_visits=0 if zone.dwell_sum_s is None else visits,
    )


def _queue(cohort_visits: int, queue: Queue, waits: int) -> QueueTally:
    return QueueTally(
        waits=waits,
        cohort_visits=cohort_visits,
        served=queue.served or 0,
        served_of=0 if queue.served is None else waits,
        waiting_sum_s=queue.waiting_sum_s or 0.0,
        waiting_visits=0 if queue.waiting_sum_s is None else waits,
        waiting=_bins(queue.waiting, queue.waiting_sum_s),
    )


def _target(cohort_visits: int, target: Target, passers: int) -> TargetTally:
    told = target.attention_sum_s is not None
    return TargetTally(
        passers=passers,
        cohort_visits=cohort_visits,
        viewers=target.viewers or 0,
        viewers_of=0 if target.viewers is None else passers,
        attention_sum_s=target.attention_sum_s or 0.0,
        attention_passers=passers if told else 0,
        attention_viewers=(target.viewers or 0) if told else 0,
        attention=_bins(target.attention, target.attention_sum_s),
        attention_squares_s2=0.0
        if target.attention_sum_s is None
        else squares_s2(target.attention, target.attention_sum_s, target.viewers or 0),
    )


def _bins(cells: Cells, sum_s: float | None) -> Counts:
    """Return each bin; a missing one means 0, unless the times are withheld."""
    return {} if sum_s is None else {label: cells.get(label, 0) for label in TIME_BINS}


def _sum(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return None
    return added((one, other)) if isinstance(one, Mapping) else one + other


def _merged(one: Mapping[str, _Place], other: Mapping[str, _Place]) -> dict[str, _Place]:
    merged = dict(one)
    for name, place in other.items():
        merged[name] = merged[name] + place if name in merged else place
    return merged
