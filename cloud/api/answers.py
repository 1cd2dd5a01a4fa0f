"""What the read API answers. These models are the source of the OpenAPI document and of docs/api.md.

Durations are in seconds and end in ``_s``, shares are from 0 to 1, times have their offset to UTC. ``null`` means not
known: nobody was watching, or the privacy rules withhold it. 0 is a fact.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cloud.analysis.ratios import Interval
from cloud.domain.chain import Purpose, Role
from cloud.domain.formula import Better, Source
from cloud.domain.tally import State

Counts = Annotated[
    dict[str, int | None], Field(description="visits by label; null means that all of a label is withheld")
]
Bins = Annotated[
    dict[str, int | None],
    Field(description="people by time; a label is the lower edge in seconds, null is withheld"),
]
Range = Annotated[tuple[float, float], Field(description="lower and upper end")]


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Answer):
    """Why a request was refused (RFC 9457)."""

    type: Literal["about:blank"] = Field(default="about:blank", description="there is no page about it")
    title: str = Field(description="the name of the status code")
    status: int = Field(description="the status code")
    detail: str = Field(description="what is wrong and what to do, in a sentence")


class SiteAnswer(Answer):
    """One shop."""

    site: str = Field(description="its name in paths")
    title: str = Field(description="what people call it")
    timezone: str = Field(description="its time zone, such as Europe/Berlin")
    region: str | None = Field(description="the region in the chain file")
    roles: list[Role] = Field(
        description="what its cameras are for, the most informative for the whole shop first; figures of different"
        " roles must not be added up"
    )
    cameras: dict[str, Purpose] = Field(
        description="the role of each camera (device/camera); empty if the chain file does not list them"
    )


class Sites(Answer):
    """The shops that you may see, by name."""

    sites: list[SiteAnswer]
    next: str | None = Field(description="the value of `after` for the next page; null on the last one")


class Doors(Answer):
    """All doors together: people, whether or not their face was seen."""

    entries: int = Field(description="people who came in")
    exits: int = Field(description="people who left")
    passers: int = Field(description="people who passed outside and did not come in")
    groups: int = Field(description="parties of one or more people who came in together")
    capture_rate: float | None = Field(description="entries / (entries + passers); null if nobody did either")
    watched_s: float = Field(
        description="seconds that cameras with a door watched, added up over these cameras"
    )


class Counted(Answer):
    """What was counted while the shop was open, and how much of that time was watched."""

    state: State = Field(
        description="`closed`, `no_data` (no camera was watching), `partial` (coverage below 0.9) or `full`"
    )
    open_s: float = Field(description="opening time in seconds")
    coverage: float | None = Field(
        description="share of the opening time that was watched, the mean of the cameras; null while closed"
    )
    exposure_s: float = Field(
        description="divide `visits` by this for a rate that can be compared, times 3600 an hour"
    )
    visits: int | None = Field(description="people; null if no camera was watching")
    viewers: int | None = Field(description="those whose face looked at the camera or a target at least once")
    cohort_visits: int = Field(description="visits of the groups whose breakdown was released")
    mean_dwell_s: float | None = Field(description="seconds in view, the mean of the released groups")
    attraction_ratio: float | None = Field(
        description="attention time, of one visit at most 30 s, / dwell time of the released groups"
    )
    staff_excluded: float | None = Field(
        description="share of staff among everybody who was followed; they are in no other number; null if withheld, or"
        " if no device leaves staff out"
    )
    members: int | None = Field(
        description="visits of `members_of` that showed the code of a member; null if withheld or switched off"
    )
    members_of: int = Field(description="visits of the groups that tell `members`")
    re_entries: float | None = Field(
        description="estimate of the people who left by a door and came in again within 7 minutes, of `re_entries_of`"
        " entries; may be negative by chance, so that sums are right; null if no entry could be judged"
    )
    re_entries_error: float | None = Field(
        description="half the width of its 95 % interval; add up squares for a sum of days"
    )
    re_entries_of: int = Field(
        description="entries that could be judged, because the time before was watched"
    )
    doors: Doors | None = Field(description="null if no camera has a door")


class Till(Answer):
    """What the till told of a day, also outside opening hours. ``null`` is not told."""

    transactions: int = Field(description="sales that were completed")
    turnover: float | None = Field(description="money taken, in the currency of the chain file")
    items: int | None = Field(description="things sold")
    staff_hours: float | None = Field(description="hours worked by all staff together")
    corrected_at: datetime | None = Field(description="when a row was corrected last; null if none was")


class DayAnswer(Counted):
    """One local day."""

    date: date
    till: Till | None = Field(description="null if the till told nothing of this day")
    watched_s: dict[str, float] = Field(description="seconds that each camera watched (device/camera)")
    models: list[str] = Field(description="versions of the models in use")
    calibrations: list[str] = Field(description="versions of the calibrations in use")
    entries_corrected: float | None = Field(
        description="entries as the count checks of the doors correct them; null if a door has no check that holds"
    )
    entries_corrected_interval: Range | None = Field(description="their 95 % interval")


class HourAnswer(Counted):
    """One hour of the local clock in which the shop was open."""

    start: datetime = Field(description="local time with its offset; a repeated hour comes twice")


class Asked(Answer):
    """Of what the figures are."""

    site: str
    timezone: str = Field(description="days and hours are those of this time zone")
    role: Role = Field(description="which cameras are counted")
    first: date = Field(description="the first local day")
    last: date = Field(description="the last local day, included")


class Days(Asked):
    """Every day of a period, those without data too."""

    days: list[DayAnswer]


class Hours(Asked):
    """Every hour of a period in which the shop was open, those without data too."""

    hours: list[HourAnswer]


class Breakdown(Answer):
    """Visits by label. The counts and ``withheld`` add up to ``visits``."""

    visits: int = Field(description="visits that this divides")
    withheld: int = Field(description="visits that are in no count, because the group would be too small")
    counts: Counts


class CohortsAnswer(Answer):
    """The breakdowns that were released on one day, added up. It is about described visits, and is no footfall."""

    date: date
    visits: int = Field(description="visits of the groups that were released")
    described: int | None = Field(
        description="visits whose face was classified at least once, of `described_of`; null if no group tells it"
    )
    described_of: int = Field(description="visits of the groups that tell how many were described")
    gender: Breakdown | None = Field(description="null if nothing was released")
    age_band: Breakdown | None = Field(description="null if nothing was released")
    gender_age_band: Breakdown | None = Field(
        description="by gender and age band, joined by a dot: female.25-34; only of visits that were described, where"
        " that is told"
    )
    expression: Breakdown | None = Field(
        description="what faces show, not what people feel; null unless the devices estimate it"
    )


class Cohorts(Asked):
    """Every day of a period that has released breakdowns."""

    days: list[CohortsAnswer]


class MetricAnswer(Answer):
    """One figure with a formula. ``value`` is null if it cannot be told."""

    name: str
    title: str
    formula: str = Field(description="one sum of fields divided by another")
    sources: list[Source] = Field(
        description="who tells its fields: `cameras`, `doors`, `till`, or the opening `hours`"
    )
    unit: str = Field(description="`%` for a share, which is from 0 to 1 here")
    better: Better | None = Field(description="whether `more` or `less` is better; null if neither")
    value: float | None
    interval: Range | None = Field(description="the range in which it lies in 19 of 20 cases")
    interval_by: Interval | None = Field(
        description="`wilson`: by chance alone; `days`: by how much the days differ; null with too few days"
    )
    coverage: float | None = Field(
        description="share of the opening time in which its cameras watched; null if it needs none"
    )
    days: int = Field(description="days that count: at least 0.8 of their opening time was watched")
    of_days: int = Field(description="days that have something of every field")
    refused: str | None = Field(description="why there is no value, in a sentence; null if there is one")
    corrected: float | None = Field(
        description="the same with the entries as the count checks of the doors correct them; null if they do not. It"
        " may be known where `value` is refused because the door misses so many that there were more sales than entries"
    )
    corrected_interval: Range | None = Field(
        description="its 95 % interval, which joins that of the figure with that of the checks"
    )


class Metrics(Asked):
    """The figures with a formula of a period: those of the till, and those of the chain file."""

    metrics: list[MetricAnswer]


class TillTaken(Answer):
    """What became of the rows of a till. All are stored."""

    new: int = Field(description="intervals that were not known")
    corrected: int = Field(description="intervals that were told differently before")
    unchanged: int = Field(description="intervals that were told alike before")
