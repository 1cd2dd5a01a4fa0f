"""The queries of docs/queries.md against a real InfluxDB: each answers what the page says."""

from __future__ import annotations

import csv
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.domain.levels import Level
from cloud.stores import layout
from cloud.stores.influx import InfluxStore
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, cohort, health, window
from tests.support.paths import ROOT

pytestmark = pytest.mark.influxdb

PAGE = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
SITE = "my-shop"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def queries() -> dict[str, tuple[Level, str]]:
    """Every query of the page and the level it asks, by the question above it."""
    found = re.findall(r"\*\*([^*]+\?)\*\*[^`]*(?:`[^`]+`[^`]*)*?\n```sql( day)?\n(.*?)```", PAGE, re.DOTALL)
    return {question: ("day" if day else "raw", text) for question, day, text in found}


@pytest.fixture
def filled(influxdb: InfluxDB) -> InfluxDB:
    """Two days of a shop: four visits in each of two windows, eight of them in a cohort, and a closed camera."""
    store = InfluxStore(
        **influxdb.address,
        org=influxdb.org,
        timeout_s=5,
        clock=ManualClock(),
    )
    windows = [
        window(minute, site=SITE, visits=4, cohort=cohort() if minute else None) for minute in (0, 24 * 60)
    ]
    store.write([*windows, health(site=SITE)])
    values: dict[str, Any] = {
        "date": "2026-03-02",
        "visits": 30,
        "viewers": 12,
        "open_s": 36_000.0,
        "covered_s": 18_000.0,
    }
    store.write_points([layout.DAY.point({"site": SITE, "role": "entrance"}, NOON, values)], "day")
    store.close()
    return influxdb


def test_every_query_of_the_page_answers_its_question(filled: InfluxDB) -> None:
    answers = [filled.query(text, level) for level, text in queries().values()]
    assert len(answers) == PAGE.count("```sql") == 7
    days, viewers, genders, described, times, devices, levels = answers
    local_midnight = (MORNING - timedelta(hours=9)).timestamp()
    assert days == [
        {
            "device": "door",
            "camera": "front",
            "time": local_midnight + day * 86_400,
            "visits": 4,
            "coverage": pytest.approx(days[day]["coverage"]),
        }
        for day in (0, 1)
    ]
    assert all(0 < row["coverage"] <= 1 for row in days)
    assert [(row["camera"], row["share"]) for row in viewers] == [
        ("front", pytest.approx(viewers[0]["share"]))
    ]
    assert 0 <= viewers[0]["share"] <= 1
    (row,) = genders
    assert row["women"] + row["men"] == row["known"] == 8
    assert [row["described"] for row in described] == [1]
    (row,) = times
    assert row["dwell_s"] == pytest.approx(96.5 / 8)
    assert 0 <= row["attention"] <= 1
    assert [(row["site"], row["device"]) for row in devices] == [(SITE, "door")]
    (row,) = levels
    assert (row["site"], row["role"]) == (SITE, "entrance")
    assert (row["date"], row["visits"], row["viewers"], row["coverage"]) == ("2026-03-02", 30, 12, 0.5)


def test_the_command_of_the_page_writes_a_csv_file(filled: InfluxDB, tmp_path: Path) -> None:
    (command,) = re.findall(r"```sh\n(curl.*?)```", PAGE, re.DOTALL)
    for theirs, ours in (
        ("http://localhost:8086", filled.url),
        ("db=footlight", f"db={filled.database()}"),
    ):
        assert theirs in command
        command = command.replace(theirs, ours)
    subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PASSWORD": filled.token.rpartition(":")[2]},
        check=True,
    )
    with (tmp_path / "visits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["time"]), row["visits"]) for row in rows] == [
        (MORNING.timestamp(), "4"),
        ((MORNING + timedelta(days=1)).timestamp(), "4"),
    ]
