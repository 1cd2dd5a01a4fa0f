"""A row of a till is resolved in the time zone of its shop, on the days when the clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from cloud.domain.chain import Site
from cloud.domain.till import Kept, Takings, TillError, TillRow, checked_rows, resolved, till_tally
from tests.cloud.domain.test_chain import site

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
BERLIN = site()


def row(start: str, minutes: int | None = 60, **changes: object) -> TillRow:
    return TillRow.model_validate({"start": start, "minutes": minutes, "transactions": 7, **changes})


def span(one: TillRow, of: Site = BERLIN) -> tuple[datetime, datetime]:
    found = resolved(one, of, NOW)
    return found.start, found.end


@pytest.mark.parametrize(
    ("start", "begins"),
    [
        ("2026-11-26T09:00", datetime(2026, 11, 26, 8, tzinfo=UTC)),
        ("2026-11-26 09:00:00", datetime(2026, 11, 26, 8, tzinfo=UTC)),
        ("2026-07-01T09:00", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("2026-11-26T09:00+01:00", datetime(2026, 11, 26, 8, tzinfo=UTC)),
        ("2026-11-26T09:00Z", datetime(2026, 11, 26, 9, tzinfo=UTC)),
        ("2026-10-25T02:30+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_start_is_local_time_unless_it_says_its_offset(start: str, begins: datetime) -> None:
    assert span(row(start)) == (begins, begins + timedelta(hours=1))


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-26", 24)])
def test_a_day_alone_is_the_whole_local_day(day: str, hours: int) -> None:
    start, end = span(row(day, None))
    assert end - start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            row("2026-10-25T02:30"),
            "happens twice at shop; write 2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00",
        ),
        (row("2026-03-29T02:30"), "does not exist at shop, where the clock goes forward"),
        (row("2026-11-27T13:00"), "ends at 2026-11-27 14:00, which is not over at shop; send it afterwards"),
        (row("2026-11-27", None), "which is not over at shop"),
        (row("2026-11-26T09:00", None), "minutes: is needed"),
        (row("2026-11-26", 60), "minutes: is for a start with a time"),
        (row("1999-11-26T09:00"), "is out of range"),
        (row("9999-12-31", None), "is out of range"),
    ],
)
def test_a_row_that_has_no_one_interval_says_why(one: TillRow, said: str) -> None:
    with pytest.raises(TillError, match=said.replace("+", r"\+")):
        resolved(one, BERLIN, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": 5},
        {"transactions": -1},
        {"transactions": 1.5},
        {"transactions": True},
        {"turnover": "1.234"},
        {"turnover": Decimal("NaN")},
        {"items": -1},
        {"minutes": 4},
        {"minutes": 1441},
        {"start": "26.11.2026"},
        {"start": "2026-13-26T09:00"},
    ],
)
def test_what_is_no_sum_of_an_interval_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TillRow.model_validate({"start": "2026-11-26T09:00", "minutes": 60, "transactions": 7, **changes})


def test_the_same_interval_twice_names_the_second_row() -> None:
    with pytest.raises(TillError, match="is there twice") as error:
        checked_rows([(BERLIN, row("2026-11-26T09:00")), (BERLIN, row("2026-11-26T08:00Z"))], NOW)
    assert error.value.place == 1


def test_a_sum_is_not_known_if_one_interval_does_not_tell_it() -> None:
    hour = timedelta(hours=1)
    one = Kept(Takings(NOW, NOW + hour, 3, Decimal("10.10"), 5, Decimal("1.50")), None)
    two = Kept(Takings(NOW + hour, NOW + 2 * hour, 4, Decimal("0.20"), None, Decimal("0.25")), NOW)
    found = till_tally([one, two])
    assert found is not None
    assert (found.transactions, found.turnover, found.items, found.staff_hours) == (7, 10.3, None, 1.75)
    assert (found.until, found.corrected_at) == (NOW + 2 * hour, NOW)
    assert till_tally([]) is None
