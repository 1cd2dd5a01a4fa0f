"""Computes the figures of the page from the windows of one site and day. Pure functions, no clock, no server.

Two rules apply everywhere. An hour in which no camera was watching is *no data*, never zero. A cell that the privacy
rules withheld is never filled in: the number of missing visits is stated instead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cloud.domain.arrival import TOLERATED
from cloud.domain.day_tallies import described_of, timed
from cloud.domain.labels import JOINT_LABELS, LABELS, Counts, JointCounts, joint_counts, list_counts
from cloud.domain.local_clock import hours_between
from cloud.domain.thresholds import FULL_COVERAGE, SMALL_SAMPLE
from cloud.domain.time_bins import TIME_BINS
from cloud.web.day_beside import Beside, beside_of
from cloud.web.day_places import Doors, Places, doors_of, places_of
from common.vocabulary import NO_VERDICT, NOT_SEEN
from common.wire import Profile, WindowMessage

_PROFILES: tuple[Profile, ...] = ("count", "demographics", "expression")
"""Each profile releases everything that the ones before it release, and more."""

HourState = Literal["future", "no_data", "partial", "full"]


@dataclass(frozen=True, slots=True)
class Now:
    """The newest window, summed over the cameras that reported it."""

    start: datetime
    end: datetime
    visits: int
    stale: bool
    """True when newer windows are overdue, so that this is old data."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the shop's day. ``visits`` and ``viewers`` are None if no camera was watching."""

    start: datetime
    visits: int | None
    viewers: int | None
    coverage: float
    """Share of the hour's elapsed time that was watched, in 0..1, over all cameras."""
    state: HourState


@dataclass(frozen=True, slots=True)
class Cell:
    """The released visits of one label; ``exact`` is False if a cohort withheld its part."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The sum of cohorts by label. ``visits`` is the sum of the released counts and ``withheld``."""

    cells: Mapping[str, Cell]
    visits: int
    withheld: int

    @property
    def shown(self) -> int:
        """Visits in the labels that are drawn: not those whose face was not seen."""
        return sum(cell.count for label, cell in self.cells.items() if label not in (NOT_SEEN, NO_VERDICT))

    @property
    def small(self) -> bool:
        """Whether there are too few visits to read shares from."""
        return self.shown < SMALL_SAMPLE


@dataclass(frozen=True, slots=True)
class Day:
    """One site's day so far. A breakdown is None if the profile does not allow it or no cohort has arrived yet."""

    hours: tuple[Hour, ...]
    now: Now | None
    visits: int | None
    viewers: int | None
    watched_since: datetime | None
    """Start of the first window of the day."""
    coverage: float
    """Share of the time since then that was watched, in 0..1, over all cameras."""
    cameras: int
    untrusted_windows: int
    """Windows whose clock was not synchronised: their hour may be wrong."""
    profile: Profile | None
    """The widest profile that was in use today."""
    k: int
    pending: int
    """Visits that still wait for a cohort."""
    cohort_visits: int
    described: int | None
    """Visits whose face was surely seen and classified, of ``described_of``; None if no cohort tells it."""
    described_of: int
    attraction_ratio: float | None
    """Attention time / dwell time, over the cohorts that contain both."""
    mean_dwell_s: float | None
    occupancy_max: int | None
    """The most visits in view of one camera at one instant; None until a cohort has arrived."""
    beside: Beside
    dwell: Breakdown | None
    gender: Breakdown | None
    age_band: Breakdown | None
    gender_age_band: Breakdown | None
    """Its labels are joined by a dot: ``female.25-34``."""
    expression: Breakdown | None
    doors: Doors | None
    """None if no camera has a door, or none was watching."""
    places: Places

    @property
    def pyramid(self) -> Literal["gender_age_band", "age_band", "gender"] | None:
        """The breakdown to draw: ages by gender; ages alone if that would hide more than half of them; gender
        alone if every age is withheld."""
        if self.gender is None or self.age_band is None or self.gender_age_band is None:
            return None
        if self.age_band.shown > 2 * self.gender_age_band.shown:
            return "age_band"
        return "gender_age_band" if self.gender_age_band.shown else "gender"


def day_bounds(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return start and end of the local day that contains ``now``, as [start, end) in ``zone``."""
    date = now.astimezone(zone).date()
    return (
        datetime.combine(date, time.min, zone),
        datetime.combine(date + timedelta(days=1), time.min, zone),
    )


def day_figures(windows: Sequence[WindowMessage], now: datetime, zone: ZoneInfo) -> Day:
    """Compute the figures of the local day that contains ``now``.

    ``windows`` are those of one site, each at most once, in any order. Windows of other days are ignored. So are
    windows that end in the future: that device's clock runs ahead, and all other devices would look late. A cohort
    belongs to the day of its first visits, because a device that was switched off sends it the next morning.
    """
    start, end = day_bounds(now, zone)
    latest = now + TOLERATED
    day = sorted((w for w in windows if start <= w.start < end and w.end <= latest), key=lambda w: w.start)
    cameras = _cameras(day)
    due = _due_until(day, now)
    allowed = [
        (w.cohort, _PROFILES.index(w.profile))
        for w in sorted(windows, key=lambda w: w.start)
        if w.cohort is not None and start <= w.cohort.since < end
    ]
    cohorts = [cohort for cohort, _ in allowed]
    people = [cohort for cohort, level in allowed if level >= _PROFILES.index("demographics")]
    faces = [cohort for cohort, level in allowed if level >= _PROFILES.index("expression")]
    watched = bool(day) and _watched(day)
    times = [timed(cohort) for cohort in cohorts]
    dwell_visits = sum(part["dwell_visits"] for part in times)
    attention_dwell_s = sum(part["attention_dwell_s"] for part in times)
    cohort_visits = sum(cohort.visits for cohort in cohorts)
    telling = [cohort for cohort in people if described_of(cohort)]
    return Day(
        hours=_hours(day, start, end, due, zone),
        now=_now(day, now, zone),
        visits=sum(w.totals.visits for w in day) if watched else None,
        viewers=sum(w.totals.viewers for w in day) if watched else None,
        watched_since=day[0].start.astimezone(zone) if day else None,
        coverage=_coverage(day, (due - day[0].start).total_seconds() * cameras) if day else 0.0,
        cameras=cameras,
        untrusted_windows=sum(not w.clock_trusted for w in day),
        profile=max((w.profile for w in day), key=_PROFILES.index, default=None),
        k=max((w.k for w in day), default=1),
        pending=sum(w.pending for w in _newest(day)),
        cohort_visits=cohort_visits,
        described=sum(cohort.described or 0 for cohort in telling) if telling else None,
        described_of=sum(cohort.visits for cohort in telling),
        attraction_ratio=(
            sum(c.attention_sum_s or 0.0 for c in cohorts) / attention_dwell_s
            if attention_dwell_s > 0
            else None
        ),
        mean_dwell_s=sum(c.dwell_sum_s or 0.0 for c in cohorts) / dwell_visits if dwell_visits else None,
        occupancy_max=max((c.occupancy_max for c in cohorts), default=None),
        beside=beside_of(cohorts, day),
        dwell=_breakdown(((c.visits, c.dwell) for c in cohorts), TIME_BINS),
        gender=_breakdown(((c.visits, list_counts(c, "gender")) for c in people), LABELS["gender"]),
        age_band=_breakdown(((c.visits, list_counts(c, "age_band")) for c in people), LABELS["age_band"]),
        gender_age_band=_joint(
            # those who were not seen are in the lists only
            [(c.visits if c.described is None else c.described, joint_counts(c)) for c in people]
        ),
        expression=_breakdown(
            ((c.visits, list_counts(c, "expression")) for c in faces), LABELS["expression"]
        ),
        doors=doors_of(day) if watched else None,
        places=places_of(cohorts),
    )


def _cameras(day: Sequence[WindowMessage]) -> int:
    return len({(w.device, w.camera) for w in day})


def _newest(day: Sequence[WindowMessage]) -> list[WindowMessage]:
    """Return the newest window of each camera."""
    return list({(w.device, w.camera): w for w in day}.values())


def _end(window: WindowMessage) -> datetime:
    return window.start + timedelta(seconds=window.duration_s)


def _due_until(day: Sequence[WindowMessage], now: datetime) -> datetime:
    """Return the time up to which windows should have arrived.

    A window that has just ended may still be in transit, so two window lengths are allowed. A healthy camera then shows
    full coverage; the coverage of a silent one falls every minute.
    """
    if not day:
        return now
    return max(*(_end(w) for w in day), now - timedelta(seconds=2 * day[-1].duration_s))


def _watched(windows: Iterable[WindowMessage]) -> bool:
    """Tell whether the totals are real counts; a visit that ended when the camera failed also counts."""
    return any(w.coverage.share > 0 or w.totals.visits > 0 for w in windows)


def _coverage(windows: Iterable[WindowMessage], due_s: float) -> float:
    covered = sum(w.coverage.share * w.duration_s for w in windows)
    return min(1.0, covered / due_s) if due_s > 0 else 0.0


def _hours(
    day: Sequence[WindowMessage], start: datetime, end: datetime, due: datetime, zone: ZoneInfo
) -> tuple[Hour, ...]:
    """Return every hour that the local clock shows on this day, also one that it shows twice or only half of.

    A window belongs to the hour in which it starts.
    """
    cameras = _cameras(day)
    begins = hours_between(start, end, zone)
    groups: list[list[WindowMessage]] = [[] for _ in begins]
    for window in day:
        groups[bisect_right(begins, window.start) - 1].append(window)
    hours = []
    for begin, over, group in zip(begins, [*begins[1:], end], groups, strict=True):
        due_s = max(0.0, (min(over, due) - begin).total_seconds())
        coverage = _coverage(group, due_s * cameras)
        state = _state(group, due_s, coverage)
        known = state in ("partial", "full")
        hours.append(
            Hour(
                start=begin.astimezone(zone),
                visits=sum(w.totals.visits for w in group) if known else None,
                viewers=sum(w.totals.viewers for w in group) if known else None,
                coverage=coverage,
                state=state,
            )
        )
    return tuple(hours)


def _state(group: Sequence[WindowMessage], due_s: float, coverage: float) -> HourState:
    if not _watched(group):
        return "no_data" if due_s > 0 else "future"
    return "full" if coverage >= FULL_COVERAGE else "partial"


def _now(day: Sequence[WindowMessage], now: datetime, zone: ZoneInfo) -> Now | None:
    if not day:
        return None
    last = max(day, key=_end)
    length = timedelta(seconds=last.duration_s)
    fresh = [w for w in _newest(day) if _end(w) > _end(last) - length and w.coverage.share > 0]
    if not fresh:
        return None
    return Now(
        start=min(w.start for w in fresh).astimezone(zone),
        end=_end(last).astimezone(zone),
        visits=sum(w.totals.visits for w in fresh),
        stale=now - _end(last) > 2 * length,
    )


def _joint(cohorts: Iterable[tuple[int, JointCounts]]) -> Breakdown | None:
    return _breakdown(
        ((visits, {".".join(labels): n for labels, n in counts.items()}) for visits, counts in cohorts),
        [".".join(labels) for labels in JOINT_LABELS],
    )


def _breakdown(cohorts: Iterable[tuple[int, Counts]], labels: Sequence[str]) -> Breakdown | None:
    """Add up cohorts label by label, each with its number of visits; None without any."""
    tables = list(cohorts)
    if not tables:
        return None
    cells = {
        label: Cell(
            count=sum(counts.get(label) or 0 for _, counts in tables),
            exact=all(counts.get(label, 0) is not None for _, counts in tables),
        )
        for label in labels
    }
    visits = sum(visits for visits, _ in tables)
    return Breakdown(cells, visits, withheld=visits - sum(cell.count for cell in cells.values()))
