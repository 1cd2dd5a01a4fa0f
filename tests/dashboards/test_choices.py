"""What variables offer and annotations draw, against the real engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud.domain.figures import COUNTS
from cloud.rollup.comparisons import DOOR_METRICS, METRICS
from cloud.stores.figure_layout import PERIODS
from tests.dashboards import shops
from tests.dashboards.expect_sales import FORMULAS
from tests.dashboards.panels import LEVEL_OF, Scene, ask, dashboard, names, statement
from tests.dashboards.scenes import SITES, scenes
from tests.dashboards.world import World, assert_same, in_order
from tests.support.influxdb import InfluxDB

pytestmark = pytest.mark.influxdb

CHOICES = {
    ("store-today", "site"): SITES,
    ("store-today", "device"): ["door", "till"],
    ("store-today", "timezone"): ["Europe/Berlin"],
    ("doors-zones", "site"): SITES,
    ("doors-zones", "camera"): ["door/front", "till/front"],
    ("doors-zones", "grid"): ["3x2"],
    ("chain-compare", "chain"): ["corner-shops"],
    ("chain-compare", "region"): ["-", "east", "west"],
    ("chain-compare", "role"): ["display", "entrance", "unassigned"],
    ("chain-compare", "metric"): sorted((*METRICS, *DOOR_METRICS, *FORMULAS)),
    ("chain-compare", "figure"): sorted((*COUNTS, *FORMULAS)),
    ("chain-compare", "period"): sorted(PERIODS),
    ("sales-figures", "site"): SITES,
    ("sales-figures", "period"): sorted(PERIODS),
    ("sales-figures", "metric"): sorted({*COUNTS, *FORMULAS} - {"re_entries"}),
    ("chain-compare", "site"): SITES,
    ("fleet-health", "site"): SITES,
    ("fleet-health", "device"): ["door", "till"],
    ("data-quality", "site"): SITES,
    ("data-quality", "device"): ["door", "till"],
    ("data-quality", "timezone"): ["Europe/Berlin", "Europe/Lisbon"],
}


def asked_of_data(name: str) -> list[Mapping[str, Any]]:
    return [v for v in dashboard(name)["templating"]["list"] if v["type"] == "query"]


def test_every_variable_that_is_asked_of_the_data_has_an_expectation() -> None:
    assert {(name, v["name"]) for name in names() for v in asked_of_data(name)} == CHOICES.keys()


@pytest.mark.parametrize("name", names())
def test_a_variable_is_named_in_another_only_within_a_regex(name: str) -> None:
    """Grafana 9 escapes its value as for a regex wherever it stands: "north.2" would be asked for as "north\\.2"."""
    for variable in asked_of_data(name):
        assert "$" not in re.sub(r"\$\{\w+:regex\}\$", "", variable["query"])


@pytest.mark.parametrize("name", names())
def test_a_variable_offers_what_there_is(filled: InfluxDB, world: World, name: str) -> None:
    for variable in asked_of_data(name):
        text = statement(variable["query"], scenes(name)[0])
        rows = filled.query(text, LEVEL_OF[variable["datasource"]["uid"]])
        assert sorted({row["value"] for row in rows}) == CHOICES[name, variable["name"]]


def test_a_region_offers_its_own_stores(filled: InfluxDB, world: World) -> None:
    (variable,) = (v for v in asked_of_data("chain-compare") if v["name"] == "site")
    east = scenes("chain-compare")[-1]
    rows = filled.query(statement(variable["query"], east), "day")
    assert sorted(row["value"] for row in rows) == ["mitte", "nord.2"]


@pytest.mark.parametrize("name", names())
def test_promotions_and_starts_are_drawn(filled: InfluxDB, world: World, name: str) -> None:
    promotions, starts = dashboard(name)["annotations"]["list"]
    week = Scene(shops.NOW - timedelta(days=7), shops.NOW, {"site": "mitte"})
    ends = [datetime(2026, 3, 18, tzinfo=shops.BERLIN), datetime(2026, 3, 13, tzinfo=UTC)]
    assert ask(filled, promotions["target"], week) == [
        {
            "time": round(begin.timestamp()),
            "site": site,
            "words": words,
            "end_ms": round(end.timestamp() * 1000),
        }
        for begin, end, site, words in (
            (datetime(2026, 3, 12, tzinfo=UTC), ends[1], "*", "prices cut"),
            (datetime(2026, 3, 16, tzinfo=shops.BERLIN), ends[0], "mitte", "coffee for free; sun"),
        )
    ]
    found = ask(filled, starts["target"], week)
    assert isinstance(found, list)
    began = [
        {"time": round(m.since.timestamp()), "site": m.site, "device": m.device, "words": m.software}
        for m in world.status
        if m.site == "mitte" and m.online
    ]
    assert_same(in_order(found), in_order(began))
