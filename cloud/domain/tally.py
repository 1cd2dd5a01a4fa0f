"""The tally: what the cameras of one role counted at one site on one local day while it was open. Every analysis
works on it.

One function makes it from windows, whichever store they come from. Four rules:

- A window belongs to the moment at which it starts, and so does the cohort that it brought. The exception is a cohort
  that came after the door was shut, or on a later day, of visits from before.
- Time that nobody watched is missing from ``watched_s`` and is never counted as zero visits.
- Cameras of different roles are never added up: a person at the door and then at the shelf is one visitor.
- A label that was withheld is None, one that nothing was released about is missing, and 0 is a fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypedDict, TypeVar

from cloud.domain.chain import Interval, Role, Site, camera_of
from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN
from common.wire import Cohort, WindowMessage

GENDER_LABELS = (*GENDERS, UNKNOWN)
AGE_BAND_LABELS = (*AGE_BANDS, UNKNOWN)
EXPRESSION_LABELS = (*EXPRESSIONS, UNKNOWN)
JOINT_LABELS = tuple((gender, band) for gender in GENDER_LABELS for band in AGE_BAND_LABELS)

QUARTER = timedelta(minutes=15)
LATE = timedelta(days=4)
"""So long after a day its last cohort may come: a device that is switched off at night, or over a long weekend, brings
it when it is switched on again."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Label = TypeVar("Label", str, tuple[str, str])
Counts = Mapping[str, int | None]
JointCounts = Mapping[tuple[str, str], int | None]


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one site, role and local day, opening hours only. ``+`` adds tallies.

    A mapping is empty where no cohort was described by it; else it holds every label. None: withheld by the privacy
    rules. A count next to a withheld part is what could be read, so that a breakdown adds up to ``cohort_visits`` at
    most; a 0 next to a withheld part is no fact, and so is None.
    """

    site: str
    """Empty in a sum over several sites."""
    role: Role
    """The cameras that are counted."""
    day: date
    """The first one in a sum over several days."""
    open_s: float
    """Opening time. A sum over sites adds it up."""
    watched_s: Mapping[str, float]
    """How much of it each camera watched, by ``device/camera``. The chain file says which cameras are due; where it
    does not, those are due that reported at all on this day."""
    visits: int
    viewers: int
    dwell_sum_s: float
    """Of the visits in cohorts, and so are all below."""
    attention_sum_s: float
    dwell_visits: int
    """Those whose dwell times are in ``dwell_sum_s``; a cohort may withhold them."""
    attention_visits: int
    """Those whose attention times are in ``attention_sum_s``."""
    attention_dwell_s: float
    """Their dwell times: what the attention times are a share of."""
    cohort_visits: int
    described: int
    """Visits in cohorts that were described by gender and age."""
    described_expression: int
    """Those that were described by expression."""
    gender: Counts
    age_band: Counts
    gender_age_band: JointCounts
    expression: Counts
    models: frozenset[str]
    """Versions of the models that were in use; ``calibrations`` likewise."""
    calibrations: frozenset[str]

    @property
    def covered_s(self) -> float:
        """How much of the opening time was watched: the mean over the cameras that are due."""
        return sum(self.watched_s.values()) / max(1, len(self.watched_s))

    @property
    def exposure_s(self) -> float:
        """The time that visits are divided by. Entrances share the visitors of one shop, so that their time counts
        once. Other cameras see the same people again, so that the time of each counts."""
        return self.covered_s if self.role == "entrance" else sum(self.watched_s.values())

    @property
    def withheld(self) -> int:
        """Visits described by gender and age whose cell in that joint table was withheld."""
        return self.described - readable(self.gender_age_band)

    def __add__(self, other: Tally) -> Tally:
        if self.role != other.role:
            raise ValueError(f"{self.role} and {other.role} are never added up")
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
            described=self.described + other.described,
            described_expression=self.described_expression + other.described_expression,
            gender=_added((self.gender, other.gender)),
            age_band=_added((self.age_band, other.age_band)),
            gender_age_band=_added((self.gender_age_band, other.gender_age_band)),
            expression=_added((self.expression, other.expression)),
            models=self.models | other.models,
            calibrations=self.calibrations | other.calibrations,
        )


def readable(counts: Mapping[Label, int | None]) -> int:
    """The visits of a breakdown that can be read."""
    return sum(count or 0 for count in counts.values())


def tally(windows: Iterable[WindowMessage], site: Site, day: date, role: Role) -> Tally:
    """The tally of one local day. Of ``windows``, each at most once, those of other sites, roles and days are left
    out; give those of :data:`LATE` after it as well, for the cohorts in them."""
    parts = list(quarters(windows, site, day, role).values())
    return sum(parts[1:], parts[0])


def with_silent_days(
    tallies: Iterable[Tally], sites: Iterable[Site], days: Sequence[date], role: Role
) -> list[Tally]:
    """The same, and for each day of which nothing came its opening time, which nobody watched."""
    known = {(one.site, one.day): one for one in tallies}
    return [
        known.get((site.name, day)) or tally((), site, day, role)
        for site in sorted(sites, key=lambda site: site.name)
        for day in days
    ]


def quarters(windows: Iterable[WindowMessage], site: Site, day: date, role: Role) -> dict[datetime, Tally]:
    """The same in quarters of an hour, by their start in UTC, for the whole local day: they add up to it."""
    start, end = site.local_day(day)
    ordered = sorted(
        (
            w
            for w in windows
            if w.site == site.name and start <= w.start < end + LATE and site.role_of(w) == role
        ),
        key=lambda w: (w.start, w.device, w.camera),
    )
    inside = [w for w in ordered if w.start < end]
    cameras = site.cameras_of(role) or sorted({camera_of(window) for window in inside})
    opening = site.opening_intervals(day)
    groups: dict[datetime, list[WindowMessage]] = {at: [] for at in _quarter_starts(start, end)}
    released: dict[datetime, list[WindowMessage]] = {at: [] for at in groups}
    for window in ordered:
        since = _since(window, site)
        if window.start < end and _is_open(window.start, opening):
            groups[_quarter_of(window.start)].append(window)
            if since >= start:
                released[_quarter_of(window.start)].append(window)
        elif since >= start and (closed := _closed_before(window.start, opening)) > since:
            # The last cohort of a day comes together when the door is shut: it is of those who came before.
            released[_quarter_of(closed - timedelta(microseconds=1))].append(window)
    return {
        at: _tally(site.name, role, day, at, group, released[at], opening, cameras)
        for at, group in groups.items()
    }


def _since(window: WindowMessage, site: Site) -> datetime:
    """When the first visits of its cohort came; the window's own start where there is none, or it is too late."""
    if window.cohort is None or window.cohort.since > window.start:
        return window.start
    since = window.cohort.since
    return (
        since if window.start < site.local_day(since.astimezone(site.zone).date())[1] + LATE else window.start
    )


def _is_open(at: datetime, opening: Sequence[Interval]) -> bool:
    return any(opens <= at < closes for opens, closes in opening)


def _closed_before(at: datetime, opening: Sequence[Interval]) -> datetime:
    """When the door was shut last; long ago where it was not opened yet."""
    return max((closes for _, closes in opening if closes <= at), default=_EPOCH)


def _quarter_of(at: datetime) -> datetime:
    return at - (at - _EPOCH) % QUARTER


def _quarter_starts(start: datetime, end: datetime) -> list[datetime]:
    first = _quarter_of(start)
    return [first + index * QUARTER for index in range(-((first - end) // QUARTER))]


def _tally(
    site: str,
    role: Role,
    day: date,
    at: datetime,
    group: Sequence[WindowMessage],
    released: Sequence[WindowMessage],
    opening: Sequence[Interval],
    cameras: Sequence[str],
) -> Tally:
    cohorts = [w.cohort for w in released if w.cohort is not None]
    people = [w.cohort for w in released if w.cohort is not None and w.profile != "count"]
    faces = [w.cohort for w in released if w.cohort is not None and w.profile == "expression"]
    watched_s = dict.fromkeys(cameras, 0.0)
    for window in group:
        watched_s[camera_of(window)] += _watched_s(window, opening)
    return Tally(
        site=site,
        role=role,
        day=day,
        open_s=sum(_overlap_s(interval, (at, at + QUARTER)) for interval in opening),
        watched_s=watched_s,
        visits=sum(w.totals.visits for w in group),
        viewers=sum(w.totals.viewers for w in group),
        dwell_sum_s=sum(cohort.dwell_sum_s or 0.0 for cohort in cohorts),
        attention_sum_s=sum(cohort.attention_sum_s or 0.0 for cohort in cohorts),
        dwell_visits=sum(timed(cohort)["dwell_visits"] for cohort in cohorts),
        attention_visits=sum(timed(cohort)["attention_visits"] for cohort in cohorts),
        attention_dwell_s=sum(timed(cohort)["attention_dwell_s"] for cohort in cohorts),
        cohort_visits=sum(cohort.visits for cohort in cohorts),
        described=sum(cohort.visits for cohort in people),
        described_expression=sum(cohort.visits for cohort in faces),
        gender=_added(_whole(GENDER_LABELS, cohort.gender) for cohort in people),
        age_band=_added(_whole(AGE_BAND_LABELS, cohort.age_band) for cohort in people),
        gender_age_band=_added(_whole(JOINT_LABELS, _joint(cohort)) for cohort in people),
        expression=_added(_whole(EXPRESSION_LABELS, cohort.expression) for cohort in faces),
        models=frozenset(w.model for w in group),
        calibrations=frozenset(w.calibration for w in group),
    )


class Timed(TypedDict):
    """What the sums of times in one cohort are about."""

    dwell_visits: int
    attention_visits: int
    attention_dwell_s: float


def timed(cohort: Cohort) -> Timed:
    """Zero where the sums are withheld, so that a mean over cohorts leaves those out."""
    dwell_s, watched = cohort.dwell_sum_s, cohort.attention_sum_s is not None
    return {
        "dwell_visits": 0 if dwell_s is None else cohort.visits,
        "attention_visits": cohort.visits if watched else 0,
        "attention_dwell_s": (dwell_s or 0.0) if watched else 0.0,
    }


def _overlap_s(one: Interval, other: Interval) -> float:
    return max(0.0, (min(one[1], other[1]) - max(one[0], other[0])).total_seconds())


def _watched_s(window: WindowMessage, opening: Sequence[Interval]) -> float:
    """What was watched of a window; the part of it after closing time does not count."""
    return window.coverage.share * max(_overlap_s((window.start, window.end), span) for span in opening)


def _joint(cohort: Cohort) -> dict[tuple[str, str], int | None] | None:
    table = cohort.gender_age_band
    if table is None:
        return None
    return {(gender, band): count for gender, cells in table.items() for band, count in cells.items()}


def _whole(labels: Sequence[Label], cells: Mapping[Label, int | None] | None) -> dict[Label, int | None]:
    """Every label of a cohort that was described: one that is not in its table is 0, and without a table all of its
    visits are withheld."""
    return dict.fromkeys(labels) if cells is None else {label: cells.get(label, 0) for label in labels}


def _added(tables: Iterable[Mapping[Label, int | None]]) -> dict[Label, int | None]:
    """The sum, label by label, of the tables that are not empty."""
    sums: dict[Label, int | None] = {}
    for table in filter(None, tables):
        for label, count in table.items():
            known = sums.get(label, 0)
            # 0 and something withheld is not 0
            sums[label] = (known or 0) + (count or 0) or (0 if known == count == 0 else None)
    return sums
