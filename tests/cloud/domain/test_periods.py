"""Which days stand beside each other."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.periods import Period, month_of, paired_days, week_of

DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


@given(DAYS)
def test_a_day_is_in_its_week_and_month(day: date) -> None:
    week, month = week_of(day), month_of(day)
    assert day in week.days
    assert day in month.days
    assert [one.weekday() for one in week.days] == list(range(7))
    assert {(one.year, one.month) for one in month.days} == {(day.year, day.month)}


@given(DAYS, st.integers(0, 91))
def test_the_period_before_never_overlaps_and_leads_back(day: date, more: int) -> None:
    custom = Period(day, date.fromordinal(day.toordinal() + more))
    for period in (week_of(day), month_of(day), custom):
        assert period.before.last < period.first
        assert period.previous.next == period
        assert period.next.first > period.last
    assert custom.before.first.weekday() == custom.first.weekday()
    assert len(custom.before.days) == len(custom.days)


def test_a_part_stands_beside_the_same_part() -> None:
    week = week_of(date(2026, 11, 25)).until(date(2026, 11, 26))
    assert (week.before.first, week.before.last) == (date(2026, 11, 16), date(2026, 11, 19))
    march = month_of(date(2026, 3, 1))
    assert (march.before.first, march.before.last) == (date(2026, 2, 1), date(2026, 2, 28))
    some = march.until(date(2026, 3, 10))
    assert (some.before.first, some.before.last) == (date(2026, 2, 1), date(2026, 2, 10))


def test_last_year_is_the_month_of_that_name_or_the_same_weekdays() -> None:
    february = month_of(date(2028, 2, 29))
    assert (february.year_before.first, february.year_before.last) == (date(2027, 2, 1), date(2027, 2, 28))
    week = week_of(date(2026, 11, 25))
    assert week.year_before.first == date(2025, 11, 24)
    assert week.year_before.first.weekday() == 0


@given(DAYS)
def test_days_are_paired_by_weekday(day: date) -> None:
    month = month_of(day)
    pairs = paired_days(month.days, month.before.days)
    assert all(one.weekday() == other.weekday() for one, other in pairs)
    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs) >= 28
    assert [one for one, _ in pairs] == sorted(one for one, _ in pairs)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_days_of_another_week_are_all_paired(days: int) -> None:
    custom = Period(date(2026, 3, 3), date.fromordinal(date(2026, 3, 3).toordinal() + days - 1))
    assert [one for one, _ in paired_days(custom.days, custom.before.days)] == custom.days
