"""Stores compared: chance is not called a difference, and a real one is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom

from cloud.analysis.compare import LEVEL
from cloud.analysis.differences import Differences, differences
from cloud.domain.chain import Role
from cloud.domain.tally import Tally
from tests.cloud.analysis.shops import FIRST, WEEK, compared, day, days, rows

pytestmark = pytest.mark.slow


class Chains:
    """Chains of stores: weekdays, days good or bad for all, stores large and small, days that scatter far more than a
    Poisson count and remember the day before, half of the stores closed on Sundays, hours partly watched."""

    def __init__(self, seed: int, *, stores: int = 300, days: int = 28) -> None:
        self._rng = np.random.default_rng(seed)
        self._shape = (stores, days)

    def one(
        self, factors: Sequence[float] = (), *, scatter: float = 0.12, memory: float = 0.2
    ) -> Differences:
        """The comparison of one chain of stores that are equal but for the first, which have ``factors``.

        ``scatter`` is that of a store's days around what is usual, ``memory`` how much a day resembles the last."""
        rng, (stores, length) = self._rng, self._shape
        hours = rng.uniform(8, 12, (stores, 1)) * rng.uniform(0.85, 1, self._shape)
        hours[np.ix_(rng.random(stores) < 0.5, np.arange(length) % 7 == 6)] = 0
        news = rng.standard_normal(self._shape)
        for number in range(1, length):
            news[:, number] = memory * news[:, number - 1] + np.sqrt(1 - memory**2) * news[:, number]
        usual = 40 * WEEK[np.arange(length) % 7] * rng.lognormal(0, 0.1, length)
        factor = np.ones((stores, 1))
        factor[: len(factors), 0] = factors
        visits = rng.poisson(usual * hours * factor * np.exp(scatter * news - scatter**2 / 2))
        return differences(visits.astype(float), hours)


@pytest.mark.parametrize("scatter", [0.12, 0.25])
def test_equal_stores_raise_no_more_false_alarms_than_stated(scatter: float) -> None:
    chains = Chains(7)
    found = [chains.one(scatter=scatter) for _ in range(200)]
    assert sum((one.q <= LEVEL).any() for one in found) <= LEVEL * len(found)
    # And the single p values are what they say, not just large.
    assert 0.045 <= np.mean([one.p <= 0.05 for one in found]) <= 0.055


def test_a_difference_of_15_percent_is_found_within_28_days() -> None:
    chains = Chains(8)
    found = [chains.one((1.15,), memory=0) for _ in range(100)]
    assert sum(one.q[0] <= LEVEL and one.versus[0] > 1 for one in found) >= 90
    found = [chains.one((0.85,), memory=0) for _ in range(100)]
    assert sum(one.q[0] <= LEVEL and one.versus[0] < 1 for one in found) >= 90


def test_of_the_differences_found_few_are_chance() -> None:
    chains = Chains(9)
    factors = [1.15] * 15 + [0.85] * 15
    found = [chains.one(factors) for _ in range(50)]
    false = sum(int((one.q[30:] <= LEVEL).sum()) for one in found)
    assert false <= LEVEL * sum(int((one.q <= LEVEL).sum()) for one in found)


def test_intervals_hold_the_rate_as_often_as_they_say() -> None:
    chains = Chains(10, stores=40)
    found = [chains.one(scatter=0.2) for _ in range(200)]
    # The truth of a simulated period: what was good or bad for all is part of it, so all stores together are it.
    held = [np.mean((one.low <= one.rate.mean()) & (one.rate.mean() <= one.high)) for one in found]
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.parametrize("stores", [2, 3, 10])
def test_a_small_chain_is_not_fooled_either(stores: int) -> None:
    chains = Chains(11, stores=stores)
    alarms = sum(bool((chains.one().q <= LEVEL).any()) for _ in range(300))
    assert alarms <= binom.ppf(0.99, 300, LEVEL)  # of two stores, each call is about both: exactly LEVEL


def test_days_all_alike_are_compared_without_a_warning() -> None:
    found = differences(np.full((3, 14), 20.0), np.ones((3, 14)))
    assert (found.q > LEVEL).all()
    assert found.rate == pytest.approx(20)


def test_a_store_is_ranked_by_what_it_has_on_the_days_of_the_others() -> None:
    """Open on the three good days of the week only, a store looks better than the others and is not."""
    rng = np.random.default_rng(5)
    sites = [f"s{number}" for number in range(10)]
    tallies = [tally for site in sites for tally in days(site, rng)]
    good = [t for t in tallies if t.site != "s0" or (t.day - FIRST).days % 7 in (3, 4, 5)]
    row = rows(compared(good, sites))["s0"]
    visits = [t.visits for t in good if t.site == "s0"]
    assert sum(visits) / len(visits) / 10 > 1.15 * 20
    assert not row.real
    assert row.rate == pytest.approx(20, rel=0.1)


def test_the_store_that_differs_is_named() -> None:
    rng = np.random.default_rng(6)
    sites = [f"s{number}" for number in range(30)]
    tallies = [t for site in sites for t in days(site, rng, factor=1.2 if site == "s7" else 1.0)]
    comparison = compared(tallies, sites)
    assert sum(row.real for row in comparison.rows) <= 2  # of those called real, one in twenty is chance
    first = comparison.rows[0]
    assert (first.site, first.real) == ("s7", True)
    assert first.versus == pytest.approx(1.2, abs=0.06)
    assert first.rate is not None
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.rate < first.high
    assert comparison.rate == pytest.approx(sum(t.visits for t in tallies) / (30 * 28 * 10))
    assert comparison.detectable is not None
    assert 0.03 < comparison.detectable < 0.2


def equal_shops(rng: np.random.Generator, *, silent: int = 0) -> list[Tally]:
    """Twelve shops that are equal but for their cameras, 28 days of each: one or two at the doors, between which the
    visitors are divided, and none to three at displays, each of which sees half of them again. In the first shops a
    camera of each role is ``silent`` for some days."""
    tallies = []
    for number in range(12):
        doors, shelves = 1 + number % 2, number % 4
        for when, usual in enumerate(200 * WEEK[np.arange(28) % 7]):
            came = rng.poisson(usual * rng.lognormal(0, 0.12))
            dead = number < 3 and when < silent
            through = rng.multinomial(came, [1 / doors] * doors)
            before = rng.binomial(came, 0.5, shelves)
            for role, seen in (("entrance", through), ("display", before)):
                if len(seen):
                    watched = {
                        f"{role}{n}/main": 0.0 if dead and n == 0 else 36_000.0 for n in range(len(seen))
                    }
                    visits = int(seen[1:].sum() if dead else seen.sum())
                    tallies.append(day(f"s{number}", when, role=role, watched_s=watched, visits=visits))
    return tallies


@pytest.mark.parametrize("role", ["entrance", "display"])
@pytest.mark.parametrize("silent", [0, 7])
def test_more_cameras_are_no_better_shop(role: Role, silent: int) -> None:
    """And a camera that was dead for a week is no worse one."""
    rng = np.random.default_rng(20)
    chains = 100
    alarms = 0
    for _ in range(chains):
        tallies = [t for t in equal_shops(rng, silent=silent) if t.role == role]
        found = compared(tallies, {t.site for t in tallies}, role=role)
        assert all(row.set_apart is None for row in found.rows)
        alarms += any(row.real for row in found.rows)
    assert alarms <= binom.ppf(0.99, chains, LEVEL)


def test_the_cameras_of_a_shop_are_compared_with_their_equals_only() -> None:
    tallies = equal_shops(np.random.default_rng(21))
    assert {row.site for row in compared(tallies, ["s0", "s1"], role="display").rows} == {"s0", "s1"}
    found = rows(compared(tallies, [f"s{n}" for n in range(12)], role="entrance"))
    assert all(row.versus == pytest.approx(1, abs=0.15) for row in found.values())
