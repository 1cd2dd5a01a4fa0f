"""A day can be rolled up again, whatever came or changed since, and days that were missed are caught up on."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cloud.domain.chain import Chain
from cloud.domain.place_tally import PlaceTally, ZoneTally
from cloud.rollup.tallying import Rolled
from cloud.stores.tallies import InfluxTallies
from cloud.stores.window_tallies import WindowTallies
from common.wire import Totals, WindowMessage
from tests.cloud.rollup.both_stores import (
    SATURDAY,
    SUNDAY,
    WEEKDAYS,
    Both,
    chain,
    some_cohort,
    some_windows,
    with_cameras,
)
from tests.support.influxdb import Engine
from tests.support.messages import cohort, window, zone

pytestmark = pytest.mark.influxdb


def test_run_again_it_writes_the_same_points(filled: Both) -> None:
    first = filled.roll_up(chain())
    before = filled.points()
    assert filled.roll_up(chain()) == first
    assert filled.points() == before


def test_what_comes_late_is_in_the_next_run(fresh: Both) -> None:
    windows = some_windows(random.Random(2))
    late = [w for w in windows if w.start.hour == 10]
    fresh.write([w for w in windows if w not in late])
    fresh.roll_up(chain())
    lacking = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    fresh.write([w.model_copy(update={"is_historical": True}) for w in late])
    fresh.roll_up(chain())
    complete = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    assert complete == WindowTallies(fresh.embedded, chain()).tallies(
        ["shop"], SATURDAY, SUNDAY, "unassigned"
    )
    assert sum(t.visits for t in complete) > sum(t.visits for t in lacking)


def test_corrected_opening_hours_leave_nothing_of_the_old_ones(fresh: Both, engine: Engine) -> None:
    fresh.write(some_windows(random.Random(3)))
    fresh.roll_up(chain(["00:00-24:00"]))
    fresh.roll_up(chain(["10:00-11:00"]))
    (row,) = fresh.server.query("SELECT sum(open_s) AS open_s, sum(visits) AS visits FROM quarter", "quarter")
    tallies = WindowTallies(fresh.embedded, chain(["10:00-11:00"])).tallies(
        ["shop"], SATURDAY, SUNDAY, "unassigned"
    )
    assert (row["open_s"], row["visits"]) == (7200, sum(tally.visits for tally in tallies))


def test_a_holiday_that_is_added_later_closes_its_day_in_both_stores(fresh: Both) -> None:
    fresh.write(some_windows(random.Random(4)))
    fresh.roll_up(chain())
    tree = chain().model_dump(mode="json")
    tree["sites"]["shop"]["special_days"] = {
        SATURDAY.isoformat(): "closed",
        SUNDAY.isoformat(): "10:00-11:00",
    }
    holiday = Chain.model_validate(tree)
    fresh.roll_up(holiday)
    tallies = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    assert [(tally.day, tally.open_s, tally.visits > 0) for tally in tallies] == [
        (SATURDAY, 0, False),
        (SUNDAY, 3600, True),
    ]
    assert tallies == WindowTallies(fresh.embedded, holiday).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")


def test_a_day_without_windows_and_one_that_is_not_over_are_not_written(fresh: Both) -> None:
    fresh.write([window(0, start=datetime(2026, 3, 28, 10, tzinfo=UTC))])
    noon = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert fresh.roll_up(chain(), first=date(2026, 3, 26), now=noon) == Rolled(
        sites=1, days=1, empty=2, windows=1
    )
    assert fresh.server.query("SELECT visits FROM day", "day")[0]["visits"] == 3
    assert InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned") == WindowTallies(
        fresh.embedded, chain()
    ).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")


def test_what_is_no_longer_known_adds_nothing(fresh: Both) -> None:
    """A point cannot forget a field: the hours were wrong, and what came in them may not stay in the sums."""
    start = datetime(2026, 3, 28, 10, tzinfo=UTC)
    described = some_cohort(start, "demographics", random.Random(1)).model_copy(
        update={
            "described": 30,
            "gender": {"female": 20, "male": 10, "unknown": 0, "not_seen": 0},
            "age_band": None,
            "gender_age_band": None,
        }
    )
    fresh.write([window(0, k=1, start=start, cohort=described), window(1, start=start + timedelta(hours=4))])
    fresh.roll_up(chain(["09:00-20:00"]))
    fresh.roll_up(chain(["13:00-20:00"]))
    for level in ("quarter", "day"):
        sums = "sum(gender_female) AS women, sum(visits) AS visits"
        (row,) = fresh.server.query(f"SELECT {sums} FROM {level}", level)  # noqa: S608
        assert (row["women"], row["visits"]) == (0, 3)
    (tally,) = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SATURDAY, "unassigned")
    assert (tally.gender, tally.demographics_visits, tally.described_of) == ({}, 0, 0)


def test_a_place_that_is_no_longer_known_adds_nothing(fresh: Both) -> None:
    """It has a point of its own, which nobody can delete; the door and a part of a zone are fields like others."""
    start = datetime(2026, 3, 28, 10, tzinfo=UTC)
    bare = window(1, start=start + timedelta(hours=4), totals=Totals(visits=3, viewers=2))
    moved = cohort().model_copy(update={"zones": {"shelf": zone(8)}, "since": bare.start})
    partly = moved.model_copy(update={"zones": {"shelf": zone(8).model_copy(update={"stops": None})}})
    fresh.write([window(0, start=start, cohort=cohort().model_copy(update={"since": start}))])
    fresh.write([bare.model_copy(update={"cohort": partly})])
    fresh.roll_up(chain(["09:00-20:00"]))
    (before,) = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SATURDAY, "unassigned")
    assert before.places.queues.keys() == {"till"}
    assert before.places.zones["shelf"].stops_of == 8
    fresh.roll_up(chain(["13:00-20:00"]))
    (after,) = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SATURDAY, "unassigned")
    assert after.doors is None
    assert after.places == PlaceTally(
        zones={"shelf": ZoneTally(8, 8, stops=0, stops_of=0, dwell_sum_s=48.0, dwell_visits=8)},
        targets=after.places.targets,
    )
    sums = "sum(visits) AS visits, sum(waits) AS waits, sum(stops_of) AS stops_of"
    (row,) = fresh.server.query(f"SELECT {sums} FROM day_place", "day")  # noqa: S608
    assert (row["visits"], row["waits"], row["stops_of"]) == (8, 0, 0)
    fresh.roll_up(chain(["09:00-20:00"]))
    assert InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SATURDAY, "unassigned") == [before]


def at_noon(*dates: date, **changes: Any) -> list[WindowMessage]:
    return [window(0, start=datetime(d.year, d.month, d.day, 12, tzinfo=UTC), **changes) for d in dates]


FEBRUARY = date(2026, 2, 10)


def known_days(both: Both) -> list[date]:
    found = InfluxTallies(both.influxql).tallies(["shop"], date(2026, 1, 1), SUNDAY, "unassigned")
    return [tally.day for tally in found]


def test_days_that_were_never_rolled_up_are_caught_up_on(fresh: Both) -> None:
    """As after ``simulate``, or when the timer was off for a month; a day that is known is not read again."""
    fresh.write(at_noon(FEBRUARY, FEBRUARY + timedelta(days=1), date(2026, 3, 15), SATURDAY))
    fresh.roll_up(chain(), first=FEBRUARY, last=FEBRUARY)
    assert known_days(fresh) == [FEBRUARY]
    rolled = fresh.roll_up(chain(), first=date(2026, 3, 23), since=date(2026, 1, 20))
    assert (rolled.days, rolled.windows) == (3, 3)
    assert known_days(fresh) == [FEBRUARY, FEBRUARY + timedelta(days=1), date(2026, 3, 15), SATURDAY]
    assert fresh.roll_up(chain(), first=date(2026, 3, 23), since=date(2026, 1, 20)).days == 1


def test_days_are_caught_up_on_in_the_time_of_the_site(fresh: Both) -> None:
    late = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)  # already Monday in Berlin
    fresh.write([window(0, start=late)])
    fresh.roll_up(chain(["00:00-24:00"]), first=date(2026, 3, 23), since=date(2026, 1, 20))
    assert known_days(fresh) == [date(2026, 3, 9)]


def test_cameras_that_are_given_a_role_are_caught_up_on(fresh: Both) -> None:
    fresh.write(at_noon(FEBRUARY, camera="in"))
    fresh.roll_up(chain(), first=FEBRUARY, last=FEBRUARY)
    fresh.roll_up(with_cameras(), first=date(2026, 3, 23), since=date(2026, 1, 20))
    (tally,) = InfluxTallies(fresh.influxql).tallies(["shop"], FEBRUARY, FEBRUARY, "entrance")
    assert tally.visits == 3


def test_a_closed_day_is_no_day_without_windows(fresh: Both) -> None:
    opening = {**dict.fromkeys(WEEKDAYS, "09:00-20:00"), "sun": "closed"}
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": opening}
    of = Chain.model_validate({"name": "c", "sites": {"shop": shop}})
    fresh.write(at_noon(SATURDAY))
    rolled = fresh.roll_up(of, first=date(2026, 3, 27))
    assert (rolled.days, rolled.empty, rolled.closed) == (1, 1, 1)
