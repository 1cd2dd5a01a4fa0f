"""When a figure was beyond its limit for so many days in a row that somebody is told."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud.analysis.limits import PATIENCE, beyond
from cloud.domain.figures import Limit

LAST = date(2026, 3, 28)


def values(*newest_last: float | None, until: date = LAST) -> dict[date, float]:
    days = [until - timedelta(days=ago) for ago in range(len(newest_last))][::-1]
    return {day: value for day, value in zip(days, newest_last, strict=True) if value is not None}


def test_each_of_the_days_must_be_beyond_it() -> None:
    low = Limit(metric="conversion_rate", below=0.2, days=3)
    assert beyond(low, values(0.5, 0.19, 0.1, 0.15), LAST) == 0.15
    assert beyond(low, values(0.1, 0.1, 0.2), LAST) is None, "the limit itself is fine"
    assert beyond(low, values(0.1, 0.3, 0.1), LAST) is None
    assert beyond(low, values(0.1, 0.1), LAST) is None, "too few days"
    high = Limit(metric="minutes", above=4.0, days=2)
    assert beyond(high, values(9.0, 4.1), LAST) == 4.1
    assert beyond(high, values(9.0, 4.0), LAST) is None


def test_days_that_cannot_be_told_do_not_count() -> None:
    limit = Limit(metric="conversion_rate", below=0.2, days=3)
    assert beyond(limit, values(0.1, 0.1, None, None, 0.1, None), LAST) == 0.1


def test_what_is_old_is_not_told() -> None:
    limit = Limit(metric="conversion_rate", below=0.2, days=3)
    week = LAST - timedelta(days=PATIENCE)
    assert beyond(limit, values(0.1, 0.1, 0.1, until=week), LAST) == 0.1
    assert beyond(limit, values(0.1, 0.1, 0.1, until=week - timedelta(days=1)), LAST) is None


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=40), st.integers(1, 28))
def test_it_is_told_exactly_if_no_newer_day_is_on_the_right_side(told: list[float | None], days: int) -> None:
    limit = Limit(metric="conversion_rate", below=0.5, days=days)
    newest = [one for one in told[-days - PATIENCE :] if one is not None][-days:]
    expected = len(newest) == days and max(newest) < 0.5
    assert (beyond(limit, values(*told), LAST) is not None) == expected
