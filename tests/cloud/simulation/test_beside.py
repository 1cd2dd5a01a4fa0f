"""Staff, members and people who come in again: what the store tells of them, beside what really happened."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from cloud.domain.beside_tally import BesideTally
from cloud.domain.day_tallies import tally
from cloud.simulation.beside import Way
from cloud.simulation.chain import make_sites
from cloud.simulation.fleet import Fleet
from tests.cloud.simulation.fleets import LAST_DAY, NOON, windows

pytestmark = pytest.mark.slow
SITES, DAYS = 8, 7


@dataclass
class Pair:
    """The sums of one site and role, as they are told and as they are true."""

    ways: frozenset[Way]
    loyalty: bool
    told: BesideTally = field(default_factory=BesideTally)
    true: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def pairs() -> dict[tuple[str, str], Pair]:
    """By site and role. Only short windows tell who came in again."""
    last = NOON + timedelta(days=1)
    chain = Fleet(sites=SITES, days=DAYS, last_day=LAST_DAY, until=last, window_s=60, seed=1)
    characters = make_sites(SITES, chain.days, seed=1).characters
    found: dict[tuple[str, str], Pair] = {}
    for one in chain.site_days():
        for truth in one.truths:
            character = characters[truth.site]
            pair = found.setdefault((truth.site, truth.role), Pair(character.staff, character.loyalty))
            pair.told += tally(windows([one]), one.site, one.day, truth.role).beside
            pair.true += Counter(truth.beside)
    return found


def test_the_share_of_staff_is_that_of_those_who_were_left_out(pairs: dict[tuple[str, str], Pair]) -> None:
    told, true = Counter[str](), Counter[str]()
    for pair in pairs.values():
        assert pair.true["left_out"] <= pair.true["staff"]
        assert (pair.told.staff_excluded is None) == (not pair.ways)
        told["staff"] += pair.told.staff
        true["left_out"] += pair.true["left_out"]
        if len(pair.ways) >= 3:
            assert pair.told.staff_excluded == pytest.approx(
                pair.true["left_out"] / (pair.true["visits"] + pair.true["left_out"]), rel=0.15
            )
    assert told["staff"] == pytest.approx(true["left_out"], rel=0.1)
    assert true["left_out"] > 500


def test_staff_is_missed_where_the_device_knows_few_ways(pairs: dict[tuple[str, str], Pair]) -> None:
    found = {
        ways: sum(pair.true["left_out"] for pair in chosen) / sum(pair.true["staff"] for pair in chosen)
        for ways, chosen in {
            "badge": [pair for pair in pairs.values() if "badge" in pair.ways],
            "none": [pair for pair in pairs.values() if not pair.ways],
            "others": [pair for pair in pairs.values() if pair.ways and "badge" not in pair.ways],
        }.items()
        if chosen
    }
    assert found["badge"] > 0.85
    assert found["others"] < found["badge"]


def test_members_are_told_as_at_least(pairs: dict[tuple[str, str], Pair]) -> None:
    """Never more than there were, and most of those whose code was read."""
    for pair in pairs.values():
        assert pair.told.members <= pair.true["members"]
        assert (pair.true["members"] > 0) == (pair.told.members_of > 0) == pair.loyalty
    shops = [pair for pair in pairs.values() if pair.loyalty]
    share = sum(pair.told.members for pair in shops) / sum(pair.told.members_of for pair in shops)
    true = sum(pair.true["members"] for pair in shops) / sum(pair.true["visits"] for pair in shops)
    assert 0.7 * true < share < true


def test_who_came_in_again_is_within_the_stated_error(pairs: dict[tuple[str, str], Pair]) -> None:
    """Over some shops and days it also says that somebody did."""
    doors = [pair for (_, role), pair in pairs.items() if role == "entrance"]
    again = sum((pair.told for pair in doors), BesideTally()).came_again
    assert again.interval is not None
    low, high = again.interval
    true, entries = (sum(pair.true[name] for pair in doors) for name in ("re_entries", "entries"))
    assert again.entries > 0.9 * entries
    assert 0 < low < true * again.entries / entries < high
    assert high < entries / 4
