"""Computes the page's figures about doors and places from the windows and cohorts of one day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud.domain.place_tally import QueueTally, TargetTally, ZoneTally, door_tally, place_tally
from cloud.domain.time_bins import Span
from common.wire import Cohort, WindowMessage


@dataclass(frozen=True, slots=True)
class Doors:
    """All doors of the site together, since the day began."""

    entries: int
    exits: int
    passers: int
    groups: int
    capture_rate: float | None
    """Entries among all who entered or passed; None if nobody did either."""
    inside: int
    """Entries minus exits, never below 0. A missed crossing stays in it until the day ends."""
    missed_entries: int
    """Entries that must have been missed, because at some time more people had left than entered."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone; a figure is None if it is withheld."""

    name: str
    visits: int | None
    withheld: int
    """Visits of the cohorts that do not tell how many of them were in the zone."""
    stops: int | None
    stop_share: float | None
    """Stops among the visits for which they are told."""
    mean_dwell_s: float | None


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue; a figure is None if it is withheld."""

    name: str
    waits: int | None
    withheld: int
    served_share: float | None
    mean_waiting_s: float | None
    median_s: Span | None
    """The waiting time that half of the people did not exceed, between two ends if some bins are withheld."""
    ninth_decile_s: Span | None
    """The same of nine in ten people."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target; a figure is None if it is withheld."""

    name: str
    passers: int | None
    withheld: int
    viewers: int | None
    viewer_share: float | None
    interest_s: float | None
    """Seconds of looking per passer, of one visit at most 30."""
    interest_interval_s: Span | None
    """Its 95 % interval."""


@dataclass(frozen=True, slots=True)
class Places:
    """All places of the site that a cohort of the day names, by name."""

    zones: tuple[Zone, ...]
    queues: tuple[Queue, ...]
    targets: tuple[Target, ...]


def doors_of(day: Sequence[WindowMessage]) -> Doors | None:
    """Add up the doors of a day's windows, which are in order of time; None if no camera has a door."""
    found = door_tally((window, 0.0) for window in day)
    if found is None:
        return None
    balance = lowest = 0
    for window in day:
        for door in window.totals.doors.values():
            balance += door.entries - door.exits
        lowest = min(lowest, balance)
    return Doors(
        entries=found.entries,
        exits=found.exits,
        passers=found.passers,
        groups=found.groups,
        capture_rate=found.capture_rate,
        inside=balance - lowest,
        missed_entries=-lowest,
    )


def places_of(cohorts: Sequence[Cohort]) -> Places:
    """Add up what the cohorts of a day tell of places."""
    told = place_tally(cohorts)
    zones = _named((cohort.visits, cohort.zones) for cohort in cohorts)
    queues = _named(
        (cohort.visits, [name for name, zone in cohort.zones.items() if zone.queue]) for cohort in cohorts
    )
    targets = _named((cohort.visits, cohort.targets) for cohort in cohorts)
    return Places(
        zones=tuple(_zone(name, visits, told.zones.get(name)) for name, visits in zones),
        queues=tuple(_queue(name, visits, told.queues.get(name)) for name, visits in queues),
        targets=tuple(_target(name, visits, told.targets.get(name)) for name, visits in targets),
    )


def _named(cohorts: Iterable[tuple[int, Iterable[str]]]) -> list[tuple[str, int]]:
    """Return each place with the visits of the cohorts that name it, by name."""
    visits: dict[str, int] = {}
    for count, names in cohorts:
        for name in names:
            visits[name] = visits.get(name, 0) + count
    return sorted(visits.items())


def _zone(name: str, visits: int, zone: ZoneTally | None) -> Zone:
    if zone is None:
        return Zone(name, None, visits, None, None, None)
    return Zone(
        name=name,
        visits=zone.visits,
        withheld=visits - zone.cohort_visits,
        stops=zone.stops if zone.stops_of else None,
        stop_share=zone.stop_share,
        mean_dwell_s=zone.mean_dwell_s,
    )


def _queue(name: str, visits: int, queue: QueueTally | None) -> Queue:
    if queue is None:
        return Queue(name, None, visits, None, None, None, None)
    return Queue(
        name=name,
        waits=queue.waits,
        withheld=visits - queue.cohort_visits,
        served_share=queue.served_share,
        mean_waiting_s=queue.mean_waiting_s,
        median_s=queue.waiting_s(0.5),
        ninth_decile_s=queue.waiting_s(0.9),
    )


def _target(name: str, visits: int, target: TargetTally | None) -> Target:
    if target is None:
        return Target(name, None, visits, None, None, None, None)
    interest = target.interest
    return Target(
        name=name,
        passers=target.passers,
        withheld=visits - target.cohort_visits,
        viewers=target.viewers if target.viewers_of else None,
        viewer_share=target.viewer_share,
        interest_s=interest.mean_s if interest else None,
        interest_interval_s=interest.interval if interest else None,
    )
