"""Figures of a simulated chain, through the commands into InfluxDB: those of the page, and beside the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.__main__ import main
from cloud.config import load
from cloud.domain.chain import Chain
from cloud.domain.count_check import Basis, CountCheck, Door, Part, Sums
from cloud.domain.levels import Level
from cloud.domain.periods import Period
from cloud.stores.check_file import CheckFile, opened_checks
from cloud.stores.connect import open_influxql, open_tallies
from cloud.stores.tallies import day_time
from cloud.stores.windows import InfluxWindows
from cloud.web.period import PeriodView, period_view
from tests.support.influxdb import Engine, InfluxDB

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(600)]
SITES, LAST = 4, date(2026, 3, 29)
WEEK = Period(date(2026, 3, 23), LAST, "week")
CHECKED = "hamburg-01"
Row = dict[str, Any]


@dataclass(frozen=True)
class Simulated:
    folder: Path
    chain: Chain
    server: InfluxDB

    def stored(self, period: str, day: date) -> dict[tuple[str, str], Row]:
        """The figures of a period by site and metric."""
        at = round(day_time(day).timestamp()) * 10**9
        rows = self.server.query(
            f"SELECT * FROM day_figure WHERE period = '{period}' AND time = {at} GROUP BY site, metric",  # noqa: S608
            "day",
        )
        return {(row["site"], row["metric"]): row for row in rows}

    def page(self, site: str) -> PeriodView:
        """What the page of the week is made of."""
        settings = load(self.folder / "cloud.yaml")
        of = self.chain.sites[site]
        before = Period(WEEK.first - timedelta(days=7), WEEK.first - timedelta(days=1), "week")
        with (
            open_tallies(settings, self.folder / "c.yaml", LAST) as (chain, source),
            opened_checks(settings.checks_file()) as checks,
        ):
            sides = (of, WEEK), (of, before)
            return period_view(source, source, sides, of.roles[0], "before", chain.formulas, checks)


@pytest.fixture(scope="module")
def simulated(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    folder = tmp_path_factory.mktemp("chain")
    with engine.installation() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(folder))
        config = folder / "cloud.yaml"
        config.write_text(json.dumps({"store": {**server.settings, "retention_days": 3650, "timeout_s": 60}}))
        outs = [
            f"--{name}-out={folder / file}"
            for name, file in (("chain", "c.yaml"), ("truth", "t"), ("till", "s"))
        ]
        size = [f"--sites={SITES}", "--days=10", f"--last-day={LAST}", "--window=900"]
        assert main(["simulate", "--config", str(config), *size, *outs]) == 0
        files = ["--config", str(config), "--chain", str(folder / "c.yaml")]
        assert main(["till", "import", str(folder / "s"), *files]) == 0
        with closing(CheckFile(load(config).checks_file())) as checks:
            check_a_door(checks, server)
        assert main(["rollup", *files, "--from", "2026-03-20", "--to", str(LAST)]) == 0
        yield Simulated(folder, Chain.load(folder / "c.yaml"), server)


def check_a_door(file: CheckFile, server: InfluxDB) -> None:
    """Somebody counts 90 people at each door of one shop, of whom the device finds about 80 %."""
    settings = load(file._path.parent / "cloud.yaml")
    began = datetime(2026, 3, 20, 9, tzinfo=UTC)
    with closing(open_influxql(settings.store)) as source:  # type: ignore[arg-type]
        windows = InfluxWindows(source).windows(CHECKED, began, began + timedelta(days=1))
    doors = sorted({(w.device, w.camera, name) for w in windows for name in w.totals.doors})
    file.see(CHECKED, [Door(*door) for door in doors])
    for number, door in enumerate(doors):
        file.observe(CHECKED, door[0], Basis("1", "1", "c0ffee", moved=False), began - timedelta(days=1))
        id_ = f"{number:032}"
        file.start(CountCheck(id_, CHECKED, Door(*door), "lamps", "ana", began))
        file.end(id_, began + timedelta(minutes=30))
        parts = [
            Part(began, 300.0, Sums(people=15, hits=11 + n % 3, counted=11 + n % 3), Sums()) for n in range(6)
        ]
        file.keep(id_, parts)


def test_the_stored_figures_of_a_week_are_those_of_the_page(simulated: Simulated) -> None:
    stored = simulated.stored("7d", LAST)
    told, corrected = 0, set()
    for site in simulated.chain.sites:
        view = simulated.page(site)
        for figure in view.metrics:
            one, row = figure.this, stored[site, figure.this.formula.name]
            assert (row["told"], row["bounded"]) == (one.value is not None, one.low is not None)
            assert row["refused"] == str(one.refused or "")
            for name in ("value", "low", "high", "coverage"):
                if getattr(one, name) is not None:
                    assert row[name] == pytest.approx(getattr(one, name), rel=1e-9)
            told += one.value is not None
            right = one.corrected
            assert row["checked"] == (right is not None and right.low is not None)
            if right is not None and right.low is not None:
                found = [row[name] for name in ("corrected", "corrected_low", "corrected_high")]
                assert found == pytest.approx([right.value, right.low, right.high], rel=1e-9)
                corrected.add((site, one.formula.name))
        (entries,) = [one.value for one in view.figures if one.name == "entries"]
        assert stored[site, "entries"]["value"] == entries
    assert told > 2 * SITES, "most figures of most shops can be told"
    assert {site for site, _ in corrected} == {CHECKED}
    assert (CHECKED, "conversion_rate") in corrected


def test_the_entries_are_corrected_as_on_the_page(simulated: Simulated) -> None:
    row, view = simulated.stored("7d", LAST)[CHECKED, "entries"], simulated.page(CHECKED)
    assert view.corrected
    assert view.corrected.entries
    right = view.corrected.entries
    found = [row[name] for name in ("corrected", "corrected_low", "corrected_high")]
    assert row["checked"]
    assert found == pytest.approx([right.value, right.low, right.high], rel=1e-9)
    assert row["value"] < right.low, "the raw figure stays beside it"
    others = [
        one
        for (site, name), one in simulated.stored("7d", LAST).items()
        if site != CHECKED and name == "entries"
    ]
    assert others
    assert not any(one["checked"] for one in others)


def test_the_stored_interval_of_the_conversion_holds_the_truth(simulated: Simulated) -> None:
    lines = [json.loads(line) for line in (simulated.folder / "t").read_text().splitlines()]
    true = {one["site"]: one["till"]["conversion"] for one in lines if one["role"] == "entrance"}
    stored = {
        site: row
        for (site, name), row in simulated.stored("28d", LAST).items()
        if name == "conversion_rate" and row["bounded"]
    }
    assert len(stored) >= SITES - 1
    held = [row["low"] <= true[site] <= row["high"] for site, row in stored.items()]
    assert sum(held) >= len(held) - 1


def test_days_and_hours_have_what_the_tills_sold(simulated: Simulated) -> None:
    lines = (simulated.folder / "s").read_text().splitlines()[1:]
    sold: dict[str, int] = {}
    for site, _, _, transactions, *_ in (line.split(",") for line in lines):
        sold[site] = sold.get(site, 0) + int(transactions)
    where = "metric = 'transactions' AND told = true"
    asked: list[tuple[str, Level, str]] = [
        ("day_figure", "day", " AND period = '1d'"), ("hour_figure", "quarter", "")
    ]  # fmt: skip
    for name, level, more in asked:
        found = f"SELECT sum(value) FROM {name} WHERE {where}{more} GROUP BY site"  # noqa: S608
        assert {row["site"]: row["sum"] for row in simulated.server.query(found, level)} == sold
