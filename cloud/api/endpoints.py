"""The endpoints of the read API: what each may be asked, what it answers, and who may ask.

Routes, the OpenAPI document and docs/api.md are made from :data:`ENDPOINTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cloud.api import answers, device_answers, place_answers
from cloud.api.clip_answers import ClipList
from cloud.api.noise_answers import Noisy
from cloud.domain.chain import Role
from cloud.domain.periods import monday_of
from cloud.domain.till import TillRow
from cloud.domain.users import Permission
from common.vocabulary import EARLIEST, LATEST
from common.wire import Name

ROOT: Final = "/api/v1"
MOST_DAYS: Final = 92
"""Days of one answer: a quarter of a year."""
MOST_DAYS_BY_HOUR: Final = 31
USUAL_DAYS: Final = 28
"""Days of an answer unless ``first`` says otherwise."""

JSON: Final = "application/json"
CSV: Final = "text/csv"
PARQUET: Final = "application/vnd.apache.parquet"
PNG: Final = "image/png"
PDF: Final = "application/pdf"
HTML: Final = "text/html"

Table = Literal["days", "hours", "cohorts", "places", "metrics", "clips"]
Format = Literal["csv", "parquet"]
Chart = Literal["weeks", "hours", "coverage"]
Day = Annotated[date, Field(ge=EARLIEST.date(), lt=LATEST.date())]

OneRole = Annotated[
    Role | None, Field(description="which cameras; if left out, the first of `roles` of the site")
]


def _week(text: str) -> str:
    try:
        monday_of(text)
    except ValueError:
        raise ValueError("must be a week such as 2026-W46") from None
    return text


_WEEK_PATTERN: Final = "^[0-9]{4}-W[0-9]{2}$"
Week = Annotated[str, Field(json_schema_extra={"pattern": _WEEK_PATTERN}), AfterValidator(_week)]
"""A week of ISO 8601."""


class Question(BaseModel):
    """Parameters of one request. An unknown one is refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Question):
    """No parameters."""


class Page(Question):
    """One page of a list."""

    limit: int = Field(default=100, ge=1, le=1000, description="most entries in one answer")
    after: Name | None = Field(
        default=None, description="`next` of the page before; leave it out for the first page"
    )


class Period(Question):
    """Local days that are over."""

    first: Day | None = Field(
        default=None, description=f"the first local day; if left out, so that there are {USUAL_DAYS} days"
    )
    last: Day | None = Field(default=None, description="the last local day, included; if left out, yesterday")
    role: OneRole = None


class Export(Period):
    """A table of a period as a file."""

    format: Format = Field(default="csv", description="`parquet` only if the server has it installed")


class OfWeek(Question):
    """A week that is over, Monday to Sunday."""

    week: Week | None = Field(default=None, description="such as 2026-W46; if left out, last week")
    role: OneRole = None


class Report(OfWeek):
    """A report of one week, to print."""

    format: Literal["html", "pdf"] = Field(
        default="html", description="`html` prints from any browser; `pdf` needs Chromium on the server"
    )


class InAll(Question):
    """A path without a name in it."""


class OfSite(Question):
    """The path of something that a site has."""

    site: Name = Field(description="the name of the shop")


class OfTable(OfSite):
    """The path of an export."""

    table: Table = Field(description="what to export")


class OfChart(OfSite):
    """The path of a chart."""

    chart: Chart = Field(
        description="`weeks`: visits an hour, week by week; `hours`: by weekday and hour; `coverage`: by day"
    )


MOST_TILL_ROWS: Final = 1000


class TillRows(Question):
    """What a till counted, interval by interval. The same interval again corrects what was told before."""

    model_config = ConfigDict(strict=True)

    rows: list[TillRow] = Field(min_length=1, max_length=MOST_TILL_ROWS)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that can be asked, or told with a body."""

    name: str
    path: str
    """Below :data:`ROOT`, with the fields of ``of`` in braces."""
    summary: str
    needs: Permission
    of: type[Question]
    asks: type[Question]
    answers: Mapping[str, type[answers.Answer] | None]
    """By media type; None is a file."""
    tells: type[Question] | None = None
    """The body of a POST; None: it is asked with GET."""

    @property
    def method(self) -> Literal["GET", "POST"]:
        return "POST" if self.tells else "GET"


def _json(name: str, path: str, summary: str, asks: type[Question], answer: type[answers.Answer]) -> Endpoint:
    of = OfSite if "{site}" in path else InAll
    return Endpoint(name, path, summary, "numbers", of, asks, {JSON: answer})


ENDPOINTS: Final = (
    _json("sites", "/sites", "The shops that you may see", Page, answers.Sites),
    _json("days", "/sites/{site}/days", "Counts by local day", Period, answers.Days),
    _json("hours", "/sites/{site}/hours", "Counts by hour", Period, answers.Hours),
    _json("cohorts", "/sites/{site}/cohorts", "Released breakdowns by local day", Period, answers.Cohorts),
    _json("places", "/sites/{site}/places", "Doors, zones, queues and targets", Period, place_answers.Places),
    _json("metrics", "/sites/{site}/metrics", "Figures with a formula", Period, answers.Metrics),
    _json("noise", "/sites/{site}/noise", "Verdicts with noise, of devices with a budget", Period, Noisy),
    _json("clips", "/sites/{site}/clips", "Clips of the displays, and their effect", Period, ClipList),
    _json("devices", "/sites/{site}/devices", "Devices and notices as they are now", Nothing, device_answers.Devices),
    Endpoint(
        "export", "/sites/{site}/exports/{table}", "A table of a period as a file", "exports", OfTable, Export,
        {CSV: None, PARQUET: None},
    ),
    Endpoint(
        "chart", "/sites/{site}/charts/{chart}", "A chart of a week as a picture", "exports", OfChart, OfWeek,
        {PNG: None},
    ),
    Endpoint(
        "report", "/sites/{site}/report", "The report of a week, to print", "exports", OfSite, Report,
        {HTML: None, PDF: None},
    ),
    Endpoint(
        "till", "/sites/{site}/till", "Tell what the till sold", "till", OfSite, Nothing, {JSON: answers.TillTaken},
        TillRows,
    ),
)  # fmt: skip
BY_NAME: Final = {endpoint.name: endpoint for endpoint in ENDPOINTS}
