"""The report of a chain: who differs, who is set apart and why, on two pages."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from cloud.domain.chain import Chain, Role
from cloud.domain.clips import ToldClips
from cloud.domain.floor_tally import FloorTally
from cloud.domain.tally import Tally
from cloud.domain.till import Kept as Takings
from cloud.reports.chain import ChainReport, chain_report
from cloud.reports.page import chain_page
from cloud.stores.window_tallies import WindowTallies
from common.wire import WindowMessage
from tests.cloud.reports.weeks import (
    MONDAY,
    WEEK,
    Kept,
    a_chain,
    chain_data,
    pages,
    two_doors_and_a_shelf,
)

pytestmark = pytest.mark.slow


class Tallied:
    """A store that holds days in memory."""

    def __init__(self, found: Sequence[Tally]) -> None:
        self._found = found

    def tallies(self, sites: Sequence[str], first: date, last: date, role: Role) -> list[Tally]:
        return [one for one in self._found if one.site in sites and first <= one.day <= last]

    def quarters(self, site: str, first: date, last: date, role: Role) -> dict[datetime, Tally]:
        return {}

    def floor(self, site: str, first: date, last: date, role: Role) -> FloorTally:
        return FloorTally()

    def clips(self, site: str, start: datetime, end: datetime) -> list[ToldClips]:
        return []

    def sales(self, site: str, start: datetime, end: datetime) -> list[Takings]:
        return []


def many_sites(shop: Sequence[Tally]) -> tuple[Tallied, Chain]:
    """Eighty sites like one: the first is silent, the second has other models, the third had a good week."""
    names = [f"s{number:02}" for number in range(80)]
    dice = random.Random(4)
    found = [
        replace(
            one,
            site=name,
            visits=round(
                one.visits * dice.gauss(1, 0.03) * (1.9 if name == "s02" and one.day >= MONDAY else 1)
            ),
            models=frozenset({"other"}) if name == "s01" else one.models,
        )
        for name in names[1:]
        for one in shop
    ]
    return Tallied(found), a_chain(sites=names, title="Kaufhaus am Marktplatz, Untergeschoss")


@pytest.fixture(scope="module")
def chain_week(usual: list[WindowMessage]) -> ChainReport:
    first = MONDAY - timedelta(weeks=4)
    shop = WindowTallies(Kept(usual), a_chain()).tallies(["shop"], first, WEEK.last, "unassigned")
    return chain_report(*many_sites(shop), WEEK, "unassigned")


def test_a_chain_sets_apart_names_the_changed_and_tells_of_devices(chain_week: ChainReport) -> None:
    apart = {row.site: row.set_apart for row in chain_week.comparisons[0].rows if row.set_apart}
    assert apart["s00"] == "no data"
    assert "other" in apart["s01"]
    assert chain_week.silent == ("s00",)
    assert chain_week.models == {"m": 78, "other": 1}
    assert [name for name, one in chain_week.changes.items() if one.verdict in ("more", "less")] == ["s02"]
    page = chain_page(chain_week)
    assert "shops in the middle are left out here" in page


def test_a_large_chain_fits_two_pages(chain_week: ChainReport, tmp_path: Path) -> None:
    one, two = pages(chain_page(chain_week), tmp_path)
    assert "Visits per watched opening hour" in one
    assert "The devices this week" in two


def test_every_site_that_is_set_apart_is_on_the_page_with_its_reason(usual: list[WindowMessage]) -> None:
    """Also one that is compared on visits, and not on what its groups tell."""
    first = MONDAY - timedelta(weeks=4)
    shop = WindowTallies(Kept(usual), a_chain()).tallies(["shop"], first, WEEK.last, "unassigned")
    counting = [
        replace(one, site=name, gender={}, age_band={}, gender_age_band={}, demographics_visits=0)
        if name == "b"
        else replace(one, site=name)
        for name in "abc"
        for one in shop
    ]
    page = chain_page(chain_report(Tallied(counting), a_chain(sites="abc"), WEEK, "unassigned"))
    assert "no group of visits was released with gender" in page
    assert "None: every" not in page


def test_the_sites_without_such_cameras_are_named(usual: list[WindowMessage]) -> None:
    windows, chain = two_doors_and_a_shelf(usual)
    data = chain.model_dump(by_alias=True, mode="json")
    data["sites"] = {
        "shop": chain_data()["sites"]["shop"] | {"cameras": {"shelf/a": "display"}},
        "other": chain_data()["sites"]["shop"] | {"title": "Other", "cameras": {"door/a": "entrance"}},
    }
    both = Chain.model_validate(data)
    found = chain_report(WindowTallies(Kept(windows), both), both, WEEK, "entrance")
    assert found.without == ("shop",)
    assert {one.site: one.role for one in found.sites} == {"shop": "display", "other": "entrance"}
    assert "Not in this report" in chain_page(found)
