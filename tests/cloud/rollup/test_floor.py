"""Heat and ways of a day: the same from windows and from the rollup, and nothing of what is no longer known."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from cloud.domain.floor_tally import FloorTally, Grid, Way
from cloud.stores.tallies import InfluxTallies
from cloud.stores.window_tallies import WindowTallies
from common.wire import Heat
from tests.cloud.rollup.both_stores import SATURDAY, SUNDAY, Both, chain, some_windows, with_cameras
from tests.support.messages import cohort, window

pytestmark = pytest.mark.influxdb
START = datetime(2026, 3, 28, 10, tzinfo=UTC)


def test_both_stores_have_the_same_floor(fresh: Both) -> None:
    fresh.write(some_windows(random.Random(5)))
    of = with_cameras()
    fresh.roll_up(of)
    for role in ("entrance", "display"):
        found = InfluxTallies(fresh.influxql).floor("shop", SATURDAY, SUNDAY, role)
        assert found == WindowTallies(fresh.embedded, of).floor("shop", SATURDAY, SUNDAY, role)
        assert found.heat
        assert found.ways
        assert found.ways_visits > max(found.ways.values())


def test_what_is_no_longer_known_of_the_floor_adds_nothing(fresh: Both) -> None:
    """The hours were wrong; then a whole map, some cells of another one, and a way are gone."""
    first = cohort().model_copy(
        update={
            "since": START,
            "heat": Heat(columns=2, rows=1, standing_s=(80, 90), looking_s=(None, 70)),
            "ways": {"entry": {"shelf": 8, "exit": 9}},
        }
    )
    later = first.model_copy(
        update={
            "since": START + timedelta(hours=4),
            "heat": Heat(columns=2, rows=1, standing_s=(None, 100), looking_s=(None, None)),
            "ways": {"entry": {"shelf": 7}},
        }
    )
    fresh.write(
        [
            window(0, start=START, cohort=first, k=1),
            window(1, start=START + timedelta(hours=4), cohort=later, k=1),
        ]
    )
    fresh.write([window(0, start=START, camera="back", cohort=first, k=1)])
    levels = InfluxTallies(fresh.influxql)
    fresh.roll_up(chain(["09:00-20:00"]))
    before = levels.floor("shop", SATURDAY, SATURDAY, "unassigned")
    assert before.heat[Grid("door/front", 2, 1)].standing_s == (80, 190)
    assert before.ways == {Way("entry", "shelf"): 23, Way("entry", "exit"): 18}
    fresh.roll_up(chain(["13:00-20:00"]))
    after = levels.floor("shop", SATURDAY, SATURDAY, "unassigned")
    assert after == WindowTallies(fresh.embedded, chain(["13:00-20:00"])).floor(
        "shop", SATURDAY, SATURDAY, "unassigned"
    )
    assert after.heat.keys() == {Grid("door/front", 2, 1)}
    assert after.heat[Grid("door/front", 2, 1)].standing_s == (None, 100)
    assert (after.ways, after.ways_visits) == ({Way("entry", "shelf"): 7}, later.visits)


def test_a_floor_without_cohorts_is_empty(fresh: Both) -> None:
    fresh.write([window(0, start=START)])
    fresh.roll_up(chain())
    assert InfluxTallies(fresh.influxql).floor("shop", SATURDAY, SUNDAY, "unassigned") == FloorTally()
