"""The tally: what one store counted on one local day while it was open. Every analysis works on it.

One function makes it, from windows, whichever store they come from. Two rules: a window belongs to the moment at
which it starts, and so does the cohort that it brought, unless it came after the door was shut of visits from before;
and time that nobody watched is missing from ``covered_s``, never counted as zero visits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from cloud.domain.chain import Interval, Site
from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN
from common.wire import Cohort, WindowMessage

GENDER_LABELS = (*GENDERS, UNKNOWN)
AGE_BAND_LABELS = (*AGE_BANDS, UNKNOWN)
EXPRESSION_LABELS = (*EXPRESSIONS, UNKNOWN)
JOINT_LABELS = tuple((gender, band) for gender in GENDER_LABELS for band in AGE_BAND_LABELS)

QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Label = TypeVar("Label", str, tuple[str, str])


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one site and local day, opening hours only. ``+`` adds tallies.

    Each mapping holds every label, 0 included; what the privacy rules withheld is in none of them, so that a
    breakdown adds up to ``cohort_visits`` at most.
    """

    site: str
    """Empty in a sum over several sites."""
    day: date
    """The first one in a sum over several days."""
    open_s: float
    """Opening time. A sum over sites adds it up."""
    covered_s: float
    """How much of it was watched: the mean over the cameras that reported at all on this day."""
    visits: int
    viewers: int
    dwell_sum_s: float
    """Of the visits in cohorts, and so are all below."""
    attention_sum_s: float
    cohort_visits: int
    gender: Mapping[str, int]
    age_band: Mapping[str, int]
    gender_age_band: Mapping[tuple[str, str], int]
    expression: Mapping[str, int]
    withheld: int
    """Visits in cohorts described by gender and age whose cell in that joint table was withheld."""
    models: frozenset[str]
    """Versions of the models that were in use; ``calibrations`` likewise."""
    calibrations: frozenset[str]

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            site=self.site if self.site == other.site else "",
            day=min(self.day, other.day),
            open_s=self.open_s + other.open_s,
            covered_s=self.covered_s + other.covered_s,
            visits=self.visits + other.visits,
            viewers=self.viewers + other.viewers,
            dwell_sum_s=self.dwell_sum_s + other.dwell_sum_s,
            attention_sum_s=self.attention_sum_s + other.attention_sum_s,
            cohort_visits=self.cohort_visits + other.cohort_visits,
            gender=_added(self.gender, other.gender),
            age_band=_added(self.age_band, other.age_band),
            gender_age_band=_added(self.gender_age_band, other.gender_age_band),
            expression=_added(self.expression, other.expression),
            withheld=self.withheld + other.withheld,
            models=self.models | other.models,
            calibrations=self.calibrations | other.calibrations,
        )


def tally(windows: Iterable[WindowMessage], site: Site, day: date) -> Tally:
    """The tally of one local day. Of ``windows``, each at most once, those of other sites and days are left out."""
    parts = list(quarters(windows, site, day).values())
    return sum(parts[1:], parts[0])


def quarters(windows: Iterable[WindowMessage], site: Site, day: date) -> dict[datetime, Tally]:
    """The same in quarters of an hour, by their start in UTC, for the whole local day: they add up to it."""
    start, end = site.local_day(day)
    inside = sorted(
        (w for w in windows if w.site == site.name and start <= w.start < end),
        key=lambda w: (w.start, w.device, w.camera),
    )
    cameras = len({(w.device, w.camera) for w in inside})
    opening = site.opening_intervals(day)
    groups: dict[datetime, list[WindowMessage]] = {at: [] for at in _quarter_starts(start, end)}
    released: dict[datetime, list[WindowMessage]] = {at: [] for at in groups}
    for window in inside:
        if _is_open(window.start, opening):
            groups[_quarter_of(window.start)].append(window)
            released[_quarter_of(window.start)].append(window)
        elif window.cohort and window.cohort.since <= window.start and _is_open(window.cohort.since, opening):
            # the last cohort of a day comes together when the door is shut: it is of those who came before
            closed = max(closes for _, closes in opening if closes <= window.start)
            released[_quarter_of(closed - timedelta(microseconds=1))].append(window)
    return {
        at: _tally(site.name, day, at, group, released[at], opening, cameras) for at, group in groups.items()
    }


def _is_open(at: datetime, opening: Sequence[Interval]) -> bool:
    return any(opens <= at < closes for opens, closes in opening)


def _quarter_of(at: datetime) -> datetime:
    return at - (at - _EPOCH) % QUARTER


def _quarter_starts(start: datetime, end: datetime) -> list[datetime]:
    first = _quarter_of(start)
    return [first + index * QUARTER for index in range(-((first - end) // QUARTER))]


def _tally(
    site: str,
    day: date,
    at: datetime,
    group: Sequence[WindowMessage],
    released: Sequence[WindowMessage],
    opening: Sequence[Interval],
    cameras: int,
) -> Tally:
    cohorts = [w.cohort for w in released if w.cohort is not None]
    people = [w.cohort for w in released if w.cohort is not None and w.profile != "count"]
    faces = [w.cohort for w in released if w.cohort is not None and w.profile == "expression"]
    joint = _counted(JOINT_LABELS, (_joint(cohort) for cohort in people))
    return Tally(
        site=site,
        day=day,
        open_s=sum(_overlap_s(interval, (at, at + QUARTER)) for interval in opening),
        covered_s=sum(_covered_s(window, opening) for window in group) / max(1, cameras),
        visits=sum(w.totals.visits for w in group),
        viewers=sum(w.totals.viewers for w in group),
        dwell_sum_s=sum(cohort.dwell_sum_s for cohort in cohorts),
        attention_sum_s=sum(cohort.attention_sum_s for cohort in cohorts),
        cohort_visits=sum(cohort.visits for cohort in cohorts),
        gender=_counted(GENDER_LABELS, (cohort.gender for cohort in people)),
        age_band=_counted(AGE_BAND_LABELS, (cohort.age_band for cohort in people)),
        gender_age_band=joint,
        expression=_counted(EXPRESSION_LABELS, (cohort.expression for cohort in faces)),
        withheld=sum(cohort.visits for cohort in people) - sum(joint.values()),
        models=frozenset(w.model for w in group),
        calibrations=frozenset(w.calibration for w in group),
    )


def _overlap_s(one: Interval, other: Interval) -> float:
    return max(0.0, (min(one[1], other[1]) - max(one[0], other[0])).total_seconds())


def _covered_s(window: WindowMessage, opening: Sequence[Interval]) -> float:
    """What was watched of a window; the part of it after closing time does not count."""
    return window.coverage.share * max(_overlap_s((window.start, window.end), span) for span in opening)


def _joint(cohort: Cohort) -> dict[tuple[str, str], int | None]:
    table = cohort.gender_age_band or {}
    return {(gender, band): count for gender, cells in table.items() for band, count in cells.items()}


def _counted(
    labels: Sequence[Label], tables: Iterable[Mapping[Label, int | None] | None]
) -> dict[Label, int]:
    counts = dict.fromkeys(labels, 0)
    for table in tables:
        for label, count in (table or {}).items():
            counts[label] += count or 0
    return counts


def _added(one: Mapping[Label, int], other: Mapping[Label, int]) -> dict[Label, int]:
    return {label: one.get(label, 0) + other.get(label, 0) for label in {**one, **other}}
