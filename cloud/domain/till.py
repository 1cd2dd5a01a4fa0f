"""What a till tells: sums of an interval of one site, never a basket, a receipt or a customer.

``TillRow`` is a row as it comes in, by file or by HTTP, and ``Takings`` the same with its interval resolved in the time
zone of the site. ``TillTally`` is the sum of a local day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cloud.domain.arrival import TOLERATED
from cloud.domain.chain import Site
from common.vocabulary import EARLIEST, LATEST

SHORTEST_MIN: Final = 5
LONGEST_MIN: Final = 24 * 60
_MOST: Final = 10**6
_MOST_MONEY: Final = 10**9
_START = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$"


class TillError(ValueError):
    """What is wrong with a row, and what to do. ``place`` is that of the row among several, beginning with 0."""

    def __init__(self, text: str, place: int = 0) -> None:
        super().__init__(text)
        self.place = place


def _start(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a day or time; write it like 2026-11-27T09:00 or 2026-11-27") from None
    return text


class TillRow(BaseModel):
    """What a till counted in one interval of a site. Anything else, such as a customer number, is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    start: Annotated[str, Field(pattern=_START), AfterValidator(_start)] = Field(
        description="when the interval begins: 2026-11-27T09:00+01:00, or local time without an offset; a day alone,"
        " 2026-11-27, is the whole local day"
    )
    minutes: Annotated[int, Field(ge=SHORTEST_MIN, le=LONGEST_MIN)] | None = Field(
        default=None, description="its length; left out exactly if `start` is a day"
    )
    transactions: Annotated[int, Field(ge=0, le=_MOST)] = Field(description="sales that were completed")
    turnover: Annotated[Decimal, Field(ge=-_MOST_MONEY, le=_MOST_MONEY, decimal_places=2)] | None = Field(
        default=None, description="money taken, in the currency of the chain; less than 0 after refunds"
    )
    items: Annotated[int, Field(ge=0, le=_MOST)] | None = Field(default=None, description="things sold")
    staff_hours: Annotated[Decimal, Field(ge=0, le=_MOST, decimal_places=2)] | None = Field(
        default=None, description="hours worked by all staff together"
    )


@dataclass(frozen=True, slots=True)
class Takings:
    """What a till counted from ``start`` to ``end``, in aware UTC. None was not told."""

    start: datetime
    end: datetime
    transactions: int
    turnover: Decimal | None = None
    items: int | None = None
    staff_hours: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Takings as they are stored, with the moment at which they were changed after they had come in; or None."""

    takings: Takings
    corrected_at: datetime | None


def resolved(row: TillRow, site: Site, now: datetime) -> Takings:
    """Return the takings of a row of ``site``. Raises ``TillError``."""
    start, end = _interval(row, site)
    if not EARLIEST <= start < LATEST:
        raise TillError(
            f"start: {row.start} is out of range; use the years {EARLIEST.year} to {LATEST.year - 1}"
        )
    if end > now + TOLERATED:
        raise TillError(
            f"start: the interval from {row.start} ends at {end.astimezone(site.zone):%Y-%m-%d %H:%M}, which is"
            f" not over at {site.name}; send it afterwards"
        )
    return Takings(start, end, row.transactions, row.turnover, row.items, row.staff_hours)


def checked_rows(rows: Iterable[tuple[Site, TillRow]], now: datetime) -> list[tuple[str, Takings]]:
    """Return the takings of all rows, each with its site. Raises ``TillError`` for the first that is wrong."""
    found: list[tuple[str, Takings]] = []
    seen: set[tuple[str, datetime]] = set()
    for place, (site, row) in enumerate(rows):
        try:
            takings = resolved(row, site, now)
        except TillError as error:
            raise TillError(str(error), place) from None
        if (site.name, takings.start) in seen:
            raise TillError(f"start: {row.start} of {site.name} is there twice; keep one row", place)
        seen.add((site.name, takings.start))
        found.append((site.name, takings))
    return found


def _interval(row: TillRow, site: Site) -> tuple[datetime, datetime]:
    if len(row.start) == len("2026-11-27"):
        if row.minutes is not None:
            raise TillError("minutes: is for a start with a time; leave it out for a whole day")
        day = date.fromisoformat(row.start)
        if not EARLIEST.date() < day < LATEST.date():
            raise TillError(f"start: {row.start} is out of range")
        return site.local_day(day)
    if row.minutes is None:
        raise TillError("minutes: is needed, because start has a time; write the length, such as 60")
    start = datetime.fromisoformat(row.start)
    if start.tzinfo is None:
        start = _local(start, site, row.start)
    if not EARLIEST <= start < LATEST:
        raise TillError(f"start: {row.start} is out of range")
    start = start.astimezone(UTC)
    return start, start + timedelta(minutes=row.minutes)


def _local(wall: datetime, site: Site, text: str) -> datetime:
    """Return when the clock of the site shows ``wall``. Raises ``TillError`` if it never does, or twice."""
    first, second = (wall.replace(tzinfo=site.zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    shown = first.astimezone(UTC).astimezone(site.zone).replace(tzinfo=None)
    if shown != wall:
        raise TillError(
            f"start: {text} does not exist at {site.name}, where the clock goes forward that night"
        )
    offsets = " or ".join(f"{text}{one.isoformat()[-6:]}" for one in (first, second))
    raise TillError(f"start: {text} happens twice at {site.name}; write {offsets}")


@dataclass(frozen=True, slots=True)
class TillTally:
    """The sums of one local day, or of several. None is not known: some interval does not tell it."""

    transactions: int
    turnover: float | None
    items: int | None
    staff_hours: float | None
    until: datetime
    """The end of the last interval."""
    corrected_at: datetime | None = None
    """When one of the intervals was changed last, after it had come in."""

    def __add__(self, other: Self) -> Self:
        return replace(
            self,
            transactions=self.transactions + other.transactions,
            turnover=_sum((self.turnover, other.turnover)),
            items=_sum((self.items, other.items)),
            staff_hours=_sum((self.staff_hours, other.staff_hours)),
            until=max(self.until, other.until),
            corrected_at=max((at for at in (self.corrected_at, other.corrected_at) if at), default=None),
        )


def till_tally(kept: Sequence[Kept]) -> TillTally | None:
    """Add up takings; None without any."""
    if not kept:
        return None
    told = [one.takings for one in kept]
    return TillTally(
        transactions=sum(one.transactions for one in told),
        turnover=_float(_sum(one.turnover for one in told)),
        items=_sum(one.items for one in told),
        staff_hours=_float(_sum(one.staff_hours for one in told)),
        until=max(one.end for one in told),
        corrected_at=max((one.corrected_at for one in kept if one.corrected_at), default=None),
    )


def till_sum(parts: Iterable[TillTally | None]) -> TillTally | None:
    """Add up days; None if no day has any."""
    found = [one for one in parts if one is not None]
    return sum(found[1:], found[0]) if found else None


def _sum(values: Iterable[Any]) -> Any:
    listed = list(values)
    return None if any(value is None for value in listed) else sum(listed)


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


COLUMNS: Final = tuple(TillRow.model_fields)
"""The columns of a file, besides ``site``."""
TOLD: Final = tuple(one.name for one in fields(Takings) if one.name not in ("start", "end"))
"""The counts of an interval."""
