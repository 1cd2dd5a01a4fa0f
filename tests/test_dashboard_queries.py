"""Every query of every panel, variable, annotation and alert rule, against the real engine.

The data came the way of the bridge (:class:`InfluxStore`, :class:`Intake`), then of the rollup. What a panel must show
is worked out from the same messages without a database (``tests/dashboards/expect_*.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloud.analysis.compare import compare
from cloud.analysis.metrics import metric_named
from cloud.comparisons import METRICS, PERIOD_DAYS, comparison_points
from cloud.intake import Delivery, Intake
from cloud.rollup import rollup
from cloud.stores.influx import InfluxStore
from cloud.stores.influxql import InfluxQL
from cloud.stores.tallies import InfluxTallies, WindowTallies
from cloud.stores.windows import InfluxWindows
from edge.wire import AlertMessage, HealthMessage, StatusMessage, WindowMessage, topic
from tests.dashboards import expect_chain, expect_fleet, expect_quality, expect_store, shops
from tests.dashboards.panels import Panel, Scene, ask, dashboard, moment, panels
from tests.dashboards.world import World
from tests.influxdb import Engine, InfluxDB
from tests.messages import SetClock

EXPECTED = {
    "store-today": expect_store.BOARD.panels,
    "chain-compare": expect_chain.BOARD.panels,
    "fleet-health": expect_fleet.BOARD.panels,
    "data-quality": expect_quality.BOARD.panels,
}
SITES = sorted(shops.CHAIN.sites)
LEARNED = shops.NOW - timedelta(minutes=39)
"""When the bridge heard the last will of a device, and when it gave up what it could not decode."""


class Sent:
    """The windows that were sent, for the path that needs no database."""

    def __init__(self, sent: list[WindowMessage]) -> None:
        self._sent = sent

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        return [w for w in self._sent if w.site == site and start <= w.start < end]


@pytest.fixture(scope="module")
def influxdb(engine: Engine) -> Iterator[InfluxDB]:
    with engine.installation() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def world(influxdb: InfluxDB) -> World:
    """Everything is sent, stored, rolled up and compared."""
    windows, others = shops.windows(), shops.others()
    store = InfluxStore(
        url=influxdb.url,
        token=influxdb.token,
        org="-",
        bucket=influxdb.bucket,
        timeout_s=20.0,
        clock=SetClock(LEARNED),
    )
    for start in range(0, len(windows), 1000):
        store.write(windows[start : start + 1000])
    store.write(others)
    letters: list[str] = []
    intake = Intake(store, lambda _, __, reason: letters.append(reason))
    intake.submit(Delivery(topic(windows[0]), b"{}", intake.stop))
    intake.run()
    yesterday = shops.TODAY - timedelta(days=1)
    source = InfluxQL(url=influxdb.url, token=influxdb.token, bucket=influxdb.bucket, timeout_s=20.0)
    rollup(shops.CHAIN, InfluxWindows(source), store, first=shops.FIRST, last=yesterday, now=shops.NOW)
    store.write_points(comparison_points(InfluxTallies(source), shops.CHAIN, yesterday), "day")
    source.close()
    store.close()

    first = yesterday - timedelta(days=PERIOD_DAYS - 1)
    tallies = WindowTallies(Sent(windows), shops.CHAIN).tallies(SITES, first, yesterday)
    return World(
        windows=windows,
        health=[m for m in others if isinstance(m, HealthMessage)],
        status=[m for m in others if isinstance(m, StatusMessage)],
        alerts=[m for m in others if isinstance(m, AlertMessage)],
        letters=[(windows[0].site, windows[0].device, reason) for reason in letters],
        letters_at=LEARNED,
        tallies=tallies,
        comparisons={
            name: compare(tallies, metric_named(name), sites=SITES, first=first, last=yesterday)
            for name in METRICS
        },
    )


VARIABLES: Mapping[str, list[dict[str, Any]]] = {
    "store-today": [{"site": site, "timezone": "Europe/Berlin"} for site in ("mitte", "nord.2", "dark")],
    "chain-compare": [
        *(
            {"chain": "corner-shops", "region": ["east", "west", "-"], "site": SITES, "metric": name}
            for name in ("visits_per_open_hour", "share:gender=female")
        ),
        {"chain": "corner-shops", "region": ["east"], "site": ["mitte", "nord.2"], "metric": "dwell_mean"},
    ],
    "fleet-health": [{"site": SITES, "device": ["door", "till"]}],
    "data-quality": [
        {"site": SITES, "device": ["door", "till"], "timezone": "Europe/Berlin"},
        {"site": ["nord.2"], "device": ["door"], "timezone": "Europe/Berlin"},
    ],
}


def scenes(name: str, time_from: str | None = None) -> list[Scene]:
    """What people look at: each choice of the variables, over the range that the dashboard or the panel opens with."""
    shown = dashboard(name)["time"]
    assert shown["to"] == "now"
    start = moment(f"now-{time_from}" if time_from else shown["from"], shops.NOW, shops.BERLIN)
    return [Scene(start, shops.NOW, variables) for variables in VARIABLES[name]]


CASES = [
    pytest.param(panel, scene, id=f"{panel.dashboard}-{panel.title}-{number}")
    for panel in panels()
    for number, scene in enumerate(scenes(panel.dashboard, panel.time_from))
]


def test_every_panel_has_an_expectation_and_none_is_left_over() -> None:
    shown = [(panel.dashboard, panel.title) for panel in panels()]
    assert len(set(shown)) == len(shown)
    assert set(shown) == {(name, title) for name, titles in EXPECTED.items() for title in titles}


@pytest.mark.parametrize(("panel", "scene"), CASES)
def test_a_panel_shows_what_was_counted(influxdb: InfluxDB, world: World, panel: Panel, scene: Scene) -> None:
    expected = EXPECTED[panel.dashboard][panel.title](world, scene)
    found = [ask(influxdb, target, scene) for target in panel.targets]
    assert len(found) == len(expected)
    for answer, wanted in zip(found, expected, strict=True):
        if isinstance(answer, list) and isinstance(wanted, list):
            timed = any("time" in row for row in wanted)
            rows = [{k: v for k, v in row.items() if timed or k != "time"} for row in answer]
            assert_same(sorted(rows, key=_key), sorted(wanted, key=_key))
        else:
            assert_same(answer, wanted)


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    order = ("time", "site", "device", "camera", "attribute", "label")
    return tuple(str(row[name]) for name in order if name in row)


def assert_same(found: Any, wanted: Any) -> None:
    """Equal, but for the last digits of a float."""
    assert type(found) is type(wanted) or {type(found), type(wanted)} == {int, float}, (found, wanted)
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key in wanted:
            assert_same(found[key], wanted[key])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), (found, wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, float):
        assert math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9), (found, wanted)
    else:
        assert found == wanted


def test_the_world_shows_what_the_panels_are_for(world: World) -> None:
    """Otherwise the comparison above would compare nothing with nothing."""
    empty = [
        (panel.dashboard, panel.title)
        for panel in panels()
        if not any(
            any(EXPECTED[panel.dashboard][panel.title](world, scene))
            for scene in scenes(panel.dashboard, panel.time_from)
        )
    ]
    assert empty == []
