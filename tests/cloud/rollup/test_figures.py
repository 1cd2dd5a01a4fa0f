"""Derived figures follow what they are made from: late takings, removed takings, checks, limits and metrics that go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloud.domain.chain import Chain
from cloud.domain.count_check import Basis, CountCheck, Part, Sums
from cloud.domain.count_check import Door as CheckedDoor
from cloud.domain.levels import Level
from cloud.domain.till import Takings
from cloud.rollup.figures import AGAIN_DAYS, Shops, write_figures
from cloud.stores.check_file import CheckFile
from cloud.stores.figure_layout import FIGURES, PERIODS
from cloud.stores.tallies import InfluxTallies, day_time
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillTallies
from common.wire import Coverage, Door, Totals, WindowMessage
from tests.cloud.rollup.both_stores import Both
from tests.support.messages import window

pytestmark = pytest.mark.influxdb
LAST = date(2026, 3, 28)
NOW = datetime(2026, 3, 29, 3, tzinfo=UTC)
AN_HOUR = 10
"""People who enter in each of the eight opening hours."""
LIMIT = {"metric": "conversion_rate", "below": 0.5, "days": 3}
STREET = CheckedDoor("door", "front", "street")


def chain(**more: Any) -> Chain:
    shop = {
        "title": "Shop",
        "timezone": "UTC",
        "opening": "10:00-18:00",
        "cameras": {"door/front": "entrance"},
    }
    return Chain.model_validate({"name": "c", "sites": {"shop": shop}, **more})


def hour(day: date, at: int) -> datetime:
    return datetime(day.year, day.month, day.day, at, tzinfo=UTC)


def windows(days: int) -> list[WindowMessage]:
    """An hour in each window, up to the last day."""
    totals = Totals(
        visits=AN_HOUR, viewers=0, doors={"street": Door(entries=AN_HOUR, exits=0, passers=0, groups=AN_HOUR)}
    )
    return [
        window(
            0,
            start=hour(LAST - timedelta(days=ago), at),
            seq=at,
            duration_s=3600,
            visits=AN_HOUR,
            totals=totals,
            coverage=Coverage(share=1.0),
        )
        for ago in range(days)
        for at in range(10, 18)
    ]


@dataclass
class Server:
    """One shop with a till and count checks, on a real InfluxDB."""

    both: Both
    till: TillFile
    checks: CheckFile
    chain: Chain

    def run(self, now: datetime = NOW, first: date = LAST - timedelta(days=6), last: date = LAST) -> None:
        """What the rollup does every six hours."""
        levels = InfluxTallies(self.both.influxql)
        sold = TillTallies(levels, self.till, self.chain)
        shops = Shops(self.chain, sold, self.till, self.checks, levels)
        write_figures(shops, self.both.influx, first=first, last=last, now=now)

    def sell(
        self, day: date, transactions: int, *, start: int = 10, hours: int = 1, now: datetime = NOW
    ) -> None:
        end = hour(day, start) + timedelta(hours=hours)
        self.till.take([("shop", Takings(hour(day, start), end, transactions, Decimal(20)))], now)

    def figure(self, metric: str, period: str = "1d", day: date = LAST) -> dict[str, Any]:
        rows = self.both.server.query(
            f"SELECT * FROM day_figure WHERE metric = '{metric}' AND period = '{period}'"  # noqa: S608
            f" AND time = {round(day_time(day).timestamp()) * 10**9}",
            "day",
        )
        assert len(rows) == 1, rows
        return rows[0]

    def points(self) -> list[Any]:
        asked: list[tuple[str, Level]] = [(one.name, one.level) for one in FIGURES[:3]]
        return [self.both.server.query(f"SELECT * FROM {name}", level) for name, level in asked]  # noqa: S608


@pytest.fixture
def server(fresh: Both, tmp_path: Path) -> Iterator[Server]:
    fresh.write(windows(10))
    fresh.roll_up(chain(), LAST - timedelta(days=9), LAST, NOW)
    with (
        closing(TillFile(tmp_path / "till.sqlite")) as till,
        closing(CheckFile(tmp_path / "checks.sqlite")) as checks,
    ):
        yield Server(fresh, till, checks, chain())


def check(file: CheckFile, ago: int = 9) -> None:
    """Of 60 people the device counted 48."""
    began = hour(LAST - timedelta(days=ago), 11)
    file.observe("shop", "door", Basis("1", "1", "c0ffee", moved=False), began - timedelta(days=1))
    file.see("shop", [STREET])
    file.start(CountCheck("0" * 32, "shop", STREET, "daylight", "ana", began))
    file.end("0" * 32, began + timedelta(minutes=30))
    file.keep("0" * 32, [Part(began, 300.0, Sums(people=10, hits=8, counted=8), Sums()) for _ in range(6)])


def test_a_second_run_changes_nothing(server: Server) -> None:
    server.sell(LAST, 4)
    check(server.checks)
    server.chain = chain(alerts=[LIMIT])
    server.run()
    once = server.points()
    server.run()
    assert server.points() == once
    assert all(once)


def test_corrected_takings_replace_the_figure(server: Server) -> None:
    server.sell(LAST, 8)
    server.run()
    assert server.figure("conversion_rate")["value"] == 8 / 80
    server.sell(LAST, 16)
    server.run()
    assert server.figure("conversion_rate")["value"] == 16 / 80
    assert server.figure("transactions", "7d")["value"] == 16


def test_takings_of_long_ago_are_found_once_they_come(server: Server) -> None:
    """Their day is older than the days of any run; so are the weeks that it is a part of."""
    old = LAST - timedelta(days=60)
    server.run()
    server.sell(old, 5, now=NOW)
    server.run()
    assert server.figure("transactions", day=old)["value"] == 5
    assert server.figure("transactions", "28d", old + timedelta(days=27))["value"] == 5
    found = server.both.server.query("SELECT * FROM hour_figure WHERE metric = 'transactions'", "quarter")
    assert [(row["time"], row["value"]) for row in found] == [(round(hour(old, 10).timestamp()), 5)]


def test_a_run_looks_at_four_weeks_and_at_what_came_since(server: Server) -> None:
    """Takings that came long ago were written then, and cost nothing now."""
    old = LAST - timedelta(days=60)
    server.sell(old, 5, now=NOW - timedelta(days=30))
    server.sell(LAST, 8)
    server.run()
    first = server.both.server.query(
        "SELECT first(told) FROM day_figure WHERE metric = 'transactions'", "day"
    )
    assert first[0]["time"] >= round(day_time(LAST - timedelta(days=AGAIN_DAYS - 1)).timestamp())


def test_removed_takings_are_told_no_more(server: Server) -> None:
    server.sell(LAST, 8)
    server.run()
    server.till.remove("shop", hour(LAST, 0), hour(LAST, 23))
    server.run()
    for name in ("transactions", "conversion_rate"):
        assert not server.figure(name)["told"]
        assert server.figure(name)["refused"] == "it is not told any more"
    hours = server.both.server.query("SELECT count(told) FROM hour_figure WHERE told = true", "quarter")
    assert hours == []


def test_a_deleted_check_corrects_no_more_and_a_void_one_still_its_days(server: Server) -> None:
    check(server.checks)
    server.run()
    right = server.figure("entries")
    assert right["checked"]
    assert right["value"] == 80
    assert right["corrected"] == pytest.approx(100)
    assert right["corrected_low"] < 100 < right["corrected_high"]
    moved = hour(LAST, 0) - timedelta(minutes=5)  # before the last day
    server.checks.observe("shop", "door", Basis("1", "1", "c0ffee", moved=True), moved)
    server.run()
    assert not server.figure("entries")["checked"]
    assert server.figure("entries", day=LAST - timedelta(days=2))["checked"]
    server.checks.delete("0" * 32)
    server.run()
    assert not server.figure("entries", day=LAST - timedelta(days=2))["checked"]


def test_a_figure_that_is_refused_has_no_number(server: Server) -> None:
    server.sell(LAST, 90)
    server.run()
    row = server.figure("conversion_rate")
    assert not row["told"]
    assert row["value"] is None
    assert row["refused"] == "more sales than entries: the till and the door are not about the same people"


def test_takings_of_a_day_are_of_no_hour(server: Server) -> None:
    server.sell(LAST, 8, hours=8)
    server.sell(LAST - timedelta(days=1), 3, start=12)
    server.run()
    rows = server.both.server.query("SELECT * FROM hour_figure WHERE metric = 'conversion_rate'", "quarter")
    assert [(row["time"], row["value"]) for row in rows] == [
        (round(hour(LAST - timedelta(days=1), 12).timestamp()), 3 / AN_HOUR)
    ]


def test_a_limit_holds_while_it_is_passed_and_in_the_chain_file(server: Server) -> None:
    def holds() -> dict[str, bool]:
        rows = server.both.server.query("SELECT last(holds) FROM figure_alert GROUP BY alert", "day")
        return {row["alert"]: row["last"] for row in rows}

    words = "Conversion rate below 50 % for 3 days"
    server.chain = chain(alerts=[LIMIT])
    for ago in range(3):
        server.sell(LAST - timedelta(days=ago), 8)
    server.run()
    assert holds() == {words: True}
    server.sell(LAST - timedelta(days=1), 60)
    server.run()
    assert holds() == {words: False}
    server.sell(LAST - timedelta(days=1), 8)
    server.run()
    assert holds() == {words: True}
    server.chain = chain(alerts=[{**LIMIT, "below": 0.6}])
    server.run()
    assert holds() == {words: False, "Conversion rate below 60 % for 3 days": True}


def test_a_metric_that_left_the_chain_file_is_told_no_more(server: Server) -> None:
    server.chain = chain(metrics={"rush": {"title": "Rush", "formula": "entries / open_hours", "unit": "/h"}})
    server.run()
    row = server.figure("rush", "7d")
    assert (row["value"], row["title"], row["unit"], row["coverage"]) == (10, "Rush", "/h", 1)
    assert row["bounded"]
    server.chain = chain()
    server.run()
    assert not server.figure("rush", "7d")["told"]
    assert not server.figure("rush", "7d")["bounded"]


def test_a_day_that_is_not_over_has_no_figure(server: Server) -> None:
    server.sell(LAST, 8, now=NOW)
    server.run(now=hour(LAST, 23), last=LAST)
    rows = server.both.server.query("SELECT * FROM day_figure WHERE metric = 'transactions'", "day")
    assert rows == []


def test_a_period_has_the_days_up_to_its_own(server: Server) -> None:
    for ago in range(10):
        server.sell(LAST - timedelta(days=ago), ago + 1)
    server.run()
    for period, length in PERIODS.items():
        days = min(length, 10)
        assert server.figure("transactions", period)["value"] == sum(range(1, days + 1))
        assert server.figure("entries", period)["value"] == 80 * days
    before = LAST - timedelta(days=1)
    assert server.figure("transactions", "7d", before)["value"] == sum(range(2, 9))
