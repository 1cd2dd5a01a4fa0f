"""From the windows of a day to its tallies. One function makes them, from either store.

A window and its cohort belong to the moment at which the window starts. The exception is a cohort that arrives after
closing time, or on a later day: it belongs to the day of its visits. ``cloud.domain.labels`` reads its breakdowns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple, TypedDict

from cloud.domain.beside_tally import beside_tally
from cloud.domain.chain import Interval, Role, Site, camera_of
from cloud.domain.day_windows import windows_of_day
from cloud.domain.floor_tally import FloorTally, floor_tally
from cloud.domain.labels import added, joint_counts, list_counts
from cloud.domain.local_clock import QUARTER
from cloud.domain.place_tally import door_tally, place_tally
from cloud.domain.re_entries import ReEntries, re_entries
from cloud.domain.tally import Tally
from common.wire import Cohort, WindowMessage


def tally(windows: Iterable[WindowMessage], site: Site, day: date, role: Role) -> Tally:
    """Compute the tally of one local day.

    ``windows`` has each window at most once; those of other sites, roles and days are ignored. Include the windows of
    :data:`~cloud.domain.day_windows.LATE` after the day, because of their cohorts.
    """
    return count_day(windows, site, day, role).total


def with_silent_days(
    tallies: Iterable[Tally], sites: Iterable[Site], days: Sequence[date], role: Role
) -> list[Tally]:
    """Add an empty tally, with only the opening time, for each day without data."""
    known = {(one.site, one.day): one for one in tallies}
    return [
        known.get((site.name, day)) or _silent_day(site, day, role)
        for site in sorted(sites, key=lambda site: site.name)
        for day in days
    ]


def _silent_day(site: Site, day: date, role: Role) -> Tally:
    """Return the tally of a day without windows, without adding up its hundred quarters of an hour."""
    opening = site.opening_intervals(day)
    empty = _tally(site.name, role, day, site.local_day(day)[0], (), (), opening, site.cameras_of(role), {})
    return replace(empty, open_s=sum((end - start).total_seconds() for start, end in opening))


def quarters(windows: Iterable[WindowMessage], site: Site, day: date, role: Role) -> dict[datetime, Tally]:
    """Compute the tallies of all quarters of an hour of a local day, by start in UTC; they add up to :func:`tally`."""
    return count_day(windows, site, day, role).quarters


class DayCounts(NamedTuple):
    """All that is known of one site, role and local day."""

    quarters: dict[datetime, Tally]
    """By the start of the quarter of an hour, in UTC."""
    floor: FloorTally

    @property
    def total(self) -> Tally:
        first, *others = self.quarters.values()
        return sum(others, first)


def count_day(windows: Iterable[WindowMessage], site: Site, day: date, role: Role) -> DayCounts:
    """Compute the tallies of a local day, and its heat and ways from the same cohorts.

    ``windows`` are as in :func:`tally`.
    """
    found = windows_of_day(windows, site, day, role)
    again = re_entries(window for group in found.groups.values() for window in group)
    empty = _tally(site.name, role, day, min(found.groups), (), (), found.opening, found.cameras, again)

    def quarter(at: datetime) -> Tally:
        group, released = found.groups[at], found.released[at]
        if not group and not released:  # by far the most, at night and when nobody watches
            return replace(empty, open_s=_open_s(found.opening, at))
        return _tally(site.name, role, day, at, group, released, found.opening, found.cameras, again)

    return DayCounts(
        quarters={at: quarter(at) for at in found.groups},
        floor=floor_tally(
            (camera_of(window), window.cohort)
            for group in found.released.values()
            for window in group
            if window.cohort is not None
        ),
    )


def _tally(
    site: str,
    role: Role,
    day: date,
    at: datetime,
    group: Sequence[WindowMessage],
    released: Sequence[WindowMessage],
    opening: Sequence[Interval],
    cameras: Sequence[str],
    again: Mapping[datetime, ReEntries],
) -> Tally:
    cohorts = [w.cohort for w in released if w.cohort is not None]
    people = [w.cohort for w in released if w.cohort is not None and w.profile != "count"]
    faces = [w.cohort for w in released if w.cohort is not None and w.profile == "expression"]
    watched_s = dict.fromkeys(cameras, 0.0)
    watched = [(window, _watched_s(window, opening)) for window in group]
    for window, seconds in watched:
        watched_s[camera_of(window)] += seconds
    return Tally(
        site=site,
        role=role,
        day=day,
        open_s=_open_s(opening, at),
        watched_s=watched_s,
        visits=sum(w.totals.visits for w in group),
        viewers=sum(w.totals.viewers for w in group),
        dwell_sum_s=sum(cohort.dwell_sum_s or 0.0 for cohort in cohorts),
        attention_sum_s=sum(cohort.attention_sum_s or 0.0 for cohort in cohorts),
        dwell_visits=sum(timed(cohort)["dwell_visits"] for cohort in cohorts),
        attention_visits=sum(timed(cohort)["attention_visits"] for cohort in cohorts),
        attention_dwell_s=sum(timed(cohort)["attention_dwell_s"] for cohort in cohorts),
        cohort_visits=sum(cohort.visits for cohort in cohorts),
        demographics_visits=sum(cohort.visits for cohort in people),
        expression_visits=sum(cohort.visits for cohort in faces),
        described=sum(cohort.described or 0 for cohort in people),
        described_of=sum(described_of(cohort) for cohort in people),
        gender=added(list_counts(cohort, "gender") for cohort in people),
        age_band=added(list_counts(cohort, "age_band") for cohort in people),
        gender_age_band=added(joint_counts(cohort) for cohort in people),
        expression=added(list_counts(cohort, "expression") for cohort in faces),
        models=frozenset(w.model for w in group),
        calibrations=frozenset(w.calibration for w in group),
        doors=door_tally(watched),
        places=place_tally(cohorts),
        beside=beside_tally(
            cohorts, [again[start] for start in sorted({w.start for w in group}) if start in again]
        ),
    )


class Timed(TypedDict):
    """How many visits, and which dwell times, the sums of times in one cohort refer to."""

    dwell_visits: int
    attention_visits: int
    attention_dwell_s: float


def timed(cohort: Cohort) -> Timed:
    """Return the denominators of a cohort's times; zero if its sums are withheld, so that a mean ignores it."""
    dwell_s, watched = cohort.dwell_sum_s, cohort.attention_sum_s is not None
    return {
        "dwell_visits": 0 if dwell_s is None else cohort.visits,
        "attention_visits": cohort.visits if watched else 0,
        "attention_dwell_s": (dwell_s or 0.0) if watched else 0.0,
    }


def described_of(cohort: Cohort) -> int:
    """Return how many visits the number of described ones refers to: none if it is withheld."""
    return 0 if cohort.described is None else cohort.visits


def _open_s(opening: Sequence[Interval], at: datetime) -> float:
    """Return how much of a quarter of an hour the site is open."""
    return sum(_overlap_s(interval, (at, at + QUARTER)) for interval in opening)


def _overlap_s(one: Interval, other: Interval) -> float:
    return max(0.0, (min(one[1], other[1]) - max(one[0], other[0])).total_seconds())


def _watched_s(window: WindowMessage, opening: Sequence[Interval]) -> float:
    """Return how much of a window was watched, without the part after closing time."""
    return window.coverage.share * max(_overlap_s((window.start, window.end), span) for span in opening)
