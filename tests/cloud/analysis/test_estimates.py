"""A figure with a formula is told with its coverage and interval, or it says why it cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from cloud.analysis.compare import compare
from cloud.analysis.estimates import MORE_SALES, NO_DOOR, NO_TILL, Estimate, estimate
from cloud.analysis.metrics import formula_metric, metric_named
from cloud.analysis.ratios import wilson
from cloud.domain.chain import Chain, Role
from cloud.domain.clips import ToldClips
from cloud.domain.floor_tally import FloorTally
from cloud.domain.formula import BUILT_IN, formula
from cloud.domain.place_tally import DoorTally
from cloud.domain.tally import Tally
from cloud.domain.till import Kept, TillTally
from common.errors import UserError
from tests.cloud.analysis.shops import FIRST, day

CONVERSION, SALES, ITEMS, STAFF = BUILT_IN
OPEN_S = 36_000.0


class Fixed:
    """Tallies that are known from the start."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._tallies = list(tallies)

    def tallies(self, sites: Sequence[str], first: date, last: date, role: Role) -> list[Tally]:
        return [one for one in self._tallies if one.site in sites and first <= one.day <= last]

    def quarters(self, site: str, first: date, last: date, role: Role) -> dict[datetime, Tally]:
        return {}

    def floor(self, site: str, first: date, last: date, role: Role) -> FloorTally:
        return FloorTally()

    def clips(self, site: str, start: datetime, end: datetime) -> list[ToldClips]:
        return []

    def sales(self, site: str, start: datetime, end: datetime) -> list[Kept]:
        return []


def a_chain() -> Chain:
    shop = {
        "title": "Shop",
        "timezone": "Europe/Berlin",
        "opening": "09:00-19:00",
        "cameras": {"door/front": "entrance"},
    }
    return Chain.model_validate({"name": "c", "sites": {"shop": shop}})


def told(transactions: int = 50, **changes: Any) -> TillTally:
    values: dict[str, Any] = {"turnover": 20.0 * transactions, "items": 2 * transactions, "staff_hours": 20.0}
    return TillTally(transactions, until=datetime(2026, 10, 2, tzinfo=UTC), **{**values, **changes})


def sold(
    number: int = 0, *, site: str = "shop", entries: int = 200, share: float = 1.0, **changes: Any
) -> Tally:
    """A day with a door, of which a share was watched and counted."""
    watched_s = share * OPEN_S
    values: dict[str, Any] = {
        "role": "entrance",
        "watched_s": {"door/front": watched_s},
        "doors": DoorTally(round(share * entries), 0, 0, 0, watched_s),
        "till": told(),
    }
    return replace(day(site, number), **{**values, **changes})


def figure(found: Estimate) -> float:
    assert found.refused is None
    assert found.value is not None
    return found.value


def test_conversion_is_sales_among_entries_with_the_interval_of_wilson() -> None:
    found = estimate(CONVERSION, [sold(0), sold(1)])
    low, high = binomtest(100, 400).proportion_ci(method="wilson")
    assert figure(found) == 0.25
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-6)
    assert (found.interval, found.coverage, found.days, found.of_days) == ("wilson", 1.0, 2, 2)


def test_a_watched_part_of_a_day_is_compared_with_that_part_of_its_sales() -> None:
    found = estimate(CONVERSION, [sold(share=0.9)])
    assert figure(found) == pytest.approx(0.25)
    assert found.coverage == pytest.approx(0.9)


def test_below_four_fifths_of_the_opening_time_it_cannot_be_told() -> None:
    found = estimate(CONVERSION, [sold(share=0.63)])
    assert (found.value, found.low, found.refused) == (None, None, "the door was watched for 63%")
    assert figure(estimate(CONVERSION, [sold(share=0.8)])) == pytest.approx(0.25)


def test_a_blind_day_counts_against_the_coverage_and_not_as_an_empty_shop() -> None:
    blind = sold(3, watched_s={"door/front": 0.0}, doors=None)
    days = [sold(0), sold(1), sold(2)]
    assert estimate(CONVERSION, [*days, blind]).refused == "the door was watched for 75%"
    found = estimate(CONVERSION, [*days, sold(4), blind])
    assert figure(found) == 0.25
    assert (found.coverage, found.days, found.of_days) == (0.8, 4, 5)


def test_the_least_watched_of_two_entrances_decides() -> None:
    watched = {"door/front": OPEN_S, "side/front": 0.7 * OPEN_S}
    doors = DoorTally(300, 0, 0, 0, 1.7 * OPEN_S)
    assert (
        estimate(CONVERSION, [sold(watched_s=watched, doors=doors)]).refused == "the door was watched for 70%"
    )


def test_without_a_door_or_a_till_it_says_so() -> None:
    assert estimate(CONVERSION, [sold(doors=None)]).refused == NO_DOOR
    assert estimate(CONVERSION, [sold(till=None)]).refused == NO_TILL
    assert estimate(ITEMS, [sold(till=told(items=None))]).refused == "the till does not tell items"
    assert estimate(CONVERSION, [sold(till=told(900))]).refused == MORE_SALES
    assert estimate(CONVERSION, [sold(entries=0, till=told(0))]).refused == "nothing was counted"


def test_items_per_sale_need_no_camera() -> None:
    blind = sold(watched_s={"door/front": 0.0}, doors=None)
    found = estimate(ITEMS, [blind])
    assert (figure(found), found.coverage) == (2.0, None)


def test_money_and_hours_have_an_interval_from_three_days_on() -> None:
    rng = np.random.default_rng(5)
    days = [
        sold(n, entries=int(rng.poisson(200)), till=told(50, turnover=float(rng.normal(1000, 90))))
        for n in range(28)
    ]
    assert estimate(SALES, days[:2]).interval is None
    found = estimate(SALES, days)
    assert found.interval == "days"
    assert found.low is not None
    assert found.high is not None
    assert found.low < 5.0 < found.high
    assert 0.1 < found.high - found.low < 1.0
    assert figure(estimate(STAFF, days)) == pytest.approx(0.1, rel=0.1)


def test_the_interval_of_days_holds_the_truth_in_nineteen_of_twenty_weeks() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        entries = rng.poisson(200 * rng.lognormal(0, 0.2, 14))
        spent = entries * rng.normal(5.0, 0.8, 14)
        found = estimate(
            SALES,
            [
                sold(n, entries=int(came), till=told(50, turnover=float(money)))
                for n, (came, money) in enumerate(zip(entries, spent, strict=True))
            ],
        )
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 5.0 <= found.high
    assert 0.91 < held / 400 < 0.98


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (10, 10), (3, 7), (250, 1000)])
def test_wilson_is_that_of_scipy(hits: int, of: int) -> None:
    low, high = binomtest(hits, of).proportion_ci(method="wilson")
    assert wilson(hits, of) == pytest.approx((low, high), abs=1e-5)


def test_a_metric_of_the_chain_goes_the_same_way() -> None:
    own = formula("staff-minutes", "Staff minutes", "60 * staff_hours / (entries + passers)", "min", "less")
    assert figure(estimate(own, [sold()])) == pytest.approx(6.0)
    lingering = formula("lingering", "Lingering", "described / visits", "%", "more")
    found = estimate(lingering, [sold(described=150)])
    assert (figure(found), found.interval) == (0.75, "wilson")
    assert (
        estimate(lingering, [sold(watched_s={"door/front": 9000.0})]).refused == "the cameras watched for 25%"
    )


def test_shops_are_compared_on_a_formula_as_on_any_metric() -> None:
    rng = np.random.default_rng(3)
    rates = {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.35}
    tallies = []
    for name, rate in rates.items():
        for n in range(28):
            entries = int(rng.poisson(200))
            sales = int(rng.binomial(entries, rate))
            tallies.append(sold(n, site=name, entries=entries, till=told(sales)))
    last = FIRST + timedelta(days=27)
    found = compare(tallies, formula_metric(CONVERSION), sites=rates, role="entrance", first=FIRST, last=last)
    assert [row.site for row in found.rows if row.real][:1] == ["d"]
    assert found.rows[0].site == "d"
    assert found.rows[0].rate == pytest.approx(0.35, abs=0.02)


def test_an_unknown_metric_lists_those_of_the_chain() -> None:
    with pytest.raises(UserError, match="conversion_rate"):
        metric_named("conversions", formulas=BUILT_IN)
