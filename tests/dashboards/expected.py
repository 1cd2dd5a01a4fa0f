"""What every panel must show, by dashboard and title, and how an answer is held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.dashboards import (
    expect_chain,
    expect_doors,
    expect_fleet,
    expect_places,
    expect_quality,
    expect_sales,
    expect_store,
)
from tests.dashboards.panels import Panel, ask, panels, statement
from tests.dashboards.scenes import scenes
from tests.dashboards.world import Answer, Expected, World, assert_same, in_order
from tests.support.influxdb import InfluxDB

EXPECTED: Mapping[str, Mapping[str, Expected]] = {
    "store-today": {**expect_store.BOARD.panels, **expect_places.BOARD.panels},
    "doors-zones": expect_doors.BOARD.panels,
    "sales-figures": expect_sales.BOARD.panels,
    "chain-compare": expect_chain.BOARD.panels,
    "fleet-health": expect_fleet.BOARD.panels,
    "data-quality": expect_quality.BOARD.panels,
}


def alike(found: Answer, wanted: Answer) -> tuple[Answer, Answer]:
    """Both in one order, and without the time that InfluxDB adds to every row where it means nothing."""
    if not (isinstance(found, list) and isinstance(wanted, list)):
        return found, wanted
    timed = any("time" in row for row in wanted)
    rows = [{k: v for k, v in row.items() if timed or k != "time"} for row in found]
    return in_order(rows), in_order(wanted)


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a panel, for one choice of the variables."""

    panel: Panel
    text: str
    found: Answer
    wanted: Answer

    @property
    def equal(self) -> bool:
        try:
            assert_same(self.found, self.wanted)
        except AssertionError:
            return False
        return True


def asked(influxdb: InfluxDB, world: World) -> list[Asked]:
    return [
        Asked(panel, statement(target["query"], scene), *alike(ask(influxdb, target, scene), wanted))
        for panel in panels()
        for scene in scenes(panel.dashboard, panel.time_from)
        for target, wanted in zip(
            panel.targets, EXPECTED[panel.dashboard][panel.title](world, scene), strict=True
        )
    ]
