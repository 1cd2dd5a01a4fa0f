"""Every query of every panel, against the real engine.

The data came the way of the bridge (:class:`InfluxStore`, :class:`Intake`), then of the rollup. What a panel must show
is worked out from the same messages without a database (``expect_*.py``).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from tests.dashboards import shops, table
from tests.dashboards.expected import EXPECTED, alike, asked
from tests.dashboards.panels import Panel, Scene, ask, dashboard, panels
from tests.dashboards.scenes import scenes
from tests.dashboards.world import World, assert_same
from tests.support.influxdb import InfluxDB

pytestmark = pytest.mark.influxdb

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
def test_a_panel_shows_what_was_counted(filled: InfluxDB, world: World, panel: Panel, scene: Scene) -> None:
    expected = EXPECTED[panel.dashboard][panel.title](world, scene)
    found = [ask(filled, target, scene) for target in panel.targets]
    assert len(found) == len(expected)
    for answer, wanted in zip(found, expected, strict=True):
        assert_same(*alike(answer, wanted))


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


def test_the_table_says_what_is_equal_and_what_is_not(filled: InfluxDB, world: World) -> None:
    every = asked(filled, world)
    assert len(every) == sum(len(panel.targets) * len(scenes(panel.dashboard)) for panel in panels())
    assert all(one.equal for one in every)
    other = asked(filled, replace(world, windows=world.windows[:-1]))
    assert not all(one.equal for one in other)
    assert sum(line.endswith("| no |") for line in table.page(other)) == sum(not one.equal for one in other)


def hours(filled: InfluxDB, ref_id: str) -> dict[int, int]:
    """Visits in Mitte by hour of the day, as one query of the panel answers."""
    (panel,) = (panel for panel in panels() if panel.title == "Visits by hour")
    (target,) = (target for target in panel.targets if target["refId"] == ref_id)
    rows = ask(filled, target, scenes("store-today")[0])
    assert isinstance(rows, list)
    return {
        datetime.fromtimestamp(time, shops.BERLIN).hour: visits
        for time, visits in (row.values() for row in rows)
    }


def test_an_hour_that_nobody_watched_is_a_gap_and_one_in_which_nobody_came_a_zero(
    filled: InfluxDB, world: World
) -> None:
    watched, partly = hours(filled, "A"), hours(filled, "B")
    assert watched[shops.EMPTY_HOUR] == 0
    assert shops.BLIND_HOUR not in watched.keys() | partly.keys()
    assert shops.HALF_HOUR in partly.keys() - watched.keys()


@pytest.mark.parametrize(("number", "few"), [(0, False), (1, True)])
def test_what_rests_on_few_visits_is_grey(filled: InfluxDB, world: World, number: int, few: bool) -> None:
    drawn = {panel["title"]: panel for panel in dashboard("store-today")["panels"]}["Age and gender"]
    grey = {override["matcher"]["options"] for override in drawn["fieldConfig"]["overrides"]}
    scene = scenes("store-today")[number]
    answered = {target["refId"] for target in drawn["targets"] if ask(filled, target, scene)}
    assert answered
    assert answered <= grey if few else answered.isdisjoint(grey)


def test_without_a_register_of_stores_the_hours_are_those_of_utc(filled: InfluxDB, world: World) -> None:
    (panel,) = (panel for panel in panels() if panel.title == "Visits by hour")
    berlin = scenes("store-today")[0]
    utc = Scene(berlin.start, berlin.end, {**berlin.variables, "timezone": ""})
    # Whole hours apart, so that the same instants are the edges.
    assert [ask(filled, t, utc) for t in panel.targets] == [ask(filled, t, berlin) for t in panel.targets]
