"""The tally: what the cameras of one role counted at one site on one local day while it was open. Every analysis
uses it.

One function makes it from windows, from either store. Four rules:

- A window and its cohort belong to the moment at which the window starts. The exception is a cohort that arrives after
  closing time, or on a later day: it belongs to the day of its visits.
- Time in which no camera was watching is missing from ``watched_s`` and never counts as zero visits.
- Cameras of different roles are never added up: a person at the door and then at the shelf is one visitor.
- A withheld label is None, a label about which nothing was released is missing, and 0 is a real count.

``cloud.domain.labels`` reads the breakdowns of a cohort.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal, NamedTuple, TypedDict, TypeVar

from cloud.domain.beside_tally import BesideTally, beside_tally
from cloud.domain.chain import Interval, Role, Site, camera_of
from cloud.domain.day_windows import windows_of_day
from cloud.domain.floor_tally import FloorTally, floor_tally
from cloud.domain.labels import Counts, JointCounts, Label, added, joint_counts, list_counts
from cloud.domain.local_clock import QUARTER
from cloud.domain.place_tally import DoorTally, PlaceTally, both_doors, door_tally, place_tally
from cloud.domain.re_entries import ReEntries, re_entries
from cloud.domain.thresholds import FULL_COVERAGE
from cloud.domain.till import TillTally, till_sum
from common.wire import Cohort, WindowMessage

_Key = TypeVar("_Key", bound=Hashable)
State = Literal["closed", "no_data", "partial", "full"]
"""How much of the opening time was watched: ``partial`` is some, ``no_data`` is nothing."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one site, role and local day, opening hours only. ``+`` adds tallies.

    A mapping is empty if no cohort was broken down by it; otherwise it has every label. None means withheld by the
    privacy rules. If a part was withheld, a count contains only the other parts, so a breakdown adds up to
    ``cohort_visits`` at most; a 0 with a withheld part is unknown and therefore None.
    """

    site: str
    """Empty in a sum over several sites."""
    role: Role
    """The role of the cameras that are counted."""
    day: date
    """The first day in a sum over several days."""
    open_s: float
    """Opening time. A sum over sites adds it up."""
    watched_s: Mapping[str, float]
    """How much of it each camera watched, by ``device/camera``. The chain file lists the cameras that must report; if
    it does not, they are those that reported on this day."""
    visits: int
    viewers: int
    dwell_sum_s: float
    """For the visits in cohorts, as all fields below."""
    attention_sum_s: float
    dwell_visits: int
    """Visits whose dwell times are in ``dwell_sum_s``; a cohort may withhold them."""
    attention_visits: int
    """Visits whose attention times are in ``attention_sum_s``."""
    attention_dwell_s: float
    """Sum of the dwell times of these visits, the denominator of the attraction ratio."""
    cohort_visits: int
    demographics_visits: int
    """Visits in cohorts with gender and age band, as far as the privacy rules allow."""
    expression_visits: int
    """Visits in cohorts with expression."""
    described: int
    """Visits whose face was surely seen and classified, of those in ``described_of``."""
    described_of: int
    """Visits in the cohorts that tell how many were described; the privacy rules may withhold it."""
    gender: Counts
    age_band: Counts
    gender_age_band: JointCounts
    expression: Counts
    models: frozenset[str]
    """Versions of the models that were in use; ``calibrations`` is the same for calibrations."""
    calibrations: frozenset[str]
    doors: DoorTally | None = None
    """None if no camera has a door."""
    places: PlaceTally = field(default_factory=PlaceTally)
    till: TillTally | None = None
    """What the till told of the same day, also outside opening hours; None if it told nothing."""
    beside: BesideTally = field(default_factory=BesideTally)

    @property
    def covered_s(self) -> float:
        """How much of the opening time was watched: the mean over the cameras that must report."""
        return sum(self.watched_s.values()) / max(1, len(self.watched_s))

    @property
    def coverage(self) -> float | None:
        """The share of the opening time that was watched, in 0..1; None if the site was closed."""
        return min(1.0, self.covered_s / self.open_s) if self.open_s > 0 else None

    @property
    def state(self) -> State:
        if self.coverage is None:
            return "closed"
        if self.covered_s <= 0:
            return "no_data"
        return "full" if self.coverage >= FULL_COVERAGE else "partial"

    @property
    def exposure_s(self) -> float:
        """The time that visits are divided by. Entrances share the visitors of one shop, so their time counts once.
        Other cameras see the same people again, so the time of each one counts."""
        return self.covered_s if self.role == "entrance" else sum(self.watched_s.values())

    @property
    def tells_unknown(self) -> bool:
        """Whether all cohorts tell visits that are unknown from those that were not seen."""
        return self.described_of == self.demographics_visits

    def __add__(self, other: Tally) -> Tally:
        if self.role != other.role:
            raise ValueError(f"tallies of the roles {self.role} and {other.role} must not be added up")
        return Tally(
            site=self.site if self.site == other.site else "",
            role=self.role,
            day=min(self.day, other.day),
            open_s=self.open_s + other.open_s,
            watched_s={
                camera: self.watched_s.get(camera, 0.0) + other.watched_s.get(camera, 0.0)
                for camera in sorted({*self.watched_s, *other.watched_s})
            },
            visits=self.visits + other.visits,
            viewers=self.viewers + other.viewers,
            dwell_sum_s=self.dwell_sum_s + other.dwell_sum_s,
            attention_sum_s=self.attention_sum_s + other.attention_sum_s,
            dwell_visits=self.dwell_visits + other.dwell_visits,
            attention_visits=self.attention_visits + other.attention_visits,
            attention_dwell_s=self.attention_dwell_s + other.attention_dwell_s,
            cohort_visits=self.cohort_visits + other.cohort_visits,
            demographics_visits=self.demographics_visits + other.demographics_visits,
            expression_visits=self.expression_visits + other.expression_visits,
            described=self.described + other.described,
            described_of=self.described_of + other.described_of,
            gender=added((self.gender, other.gender)),
            age_band=added((self.age_band, other.age_band)),
            gender_age_band=added((self.gender_age_band, other.gender_age_band)),
            expression=added((self.expression, other.expression)),
            models=self.models | other.models,
            calibrations=self.calibrations | other.calibrations,
            doors=both_doors(self.doors, other.doors),
            beside=self.beside + other.beside,
            places=self.places + other.places,
            till=till_sum((self.till, other.till)),
        )


def readable(counts: Mapping[Label, int | None]) -> int:
    """Add up the visits of a breakdown that are not withheld."""
    return sum(count or 0 for count in counts.values())


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


def added_by(parts: Mapping[datetime, Tally], key: Callable[[datetime], _Key]) -> dict[_Key, Tally]:
    """Add up the quarters of an hour for whose start ``key`` returns the same, in the order of ``parts``."""
    found: dict[_Key, Tally] = {}
    for at, part in parts.items():
        group = key(at)
        found[group] = found[group] + part if group in found else part
    return found


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
