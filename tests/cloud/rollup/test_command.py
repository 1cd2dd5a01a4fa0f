"""The command rolls up the days it is told, or the last week, and says what it did and what is missing."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.__main__ import main
from cloud.config import load
from cloud.domain.chain import Chain
from cloud.domain.gaps import gaps
from cloud.rollup.command import period
from cloud.stores.connect import open_tallies
from cloud.stores.window_tallies import WindowTallies
from common.errors import UserError
from tests.cloud.rollup.both_stores import LATER, SATURDAY, SUNDAY, WEEKDAYS, Both, some_windows
from tests.support.brokers import free_port
from tests.support.influxdb import InfluxDB
from tests.support.messages import window

pytestmark = pytest.mark.influxdb


def configured(folder: Path, server: InfluxDB) -> list[str]:
    config, of = folder / "cloud.yaml", folder / "chain.yaml"
    config.write_text(json.dumps({"store": {**server.settings, "retention_days": 3650}}))
    hours = dict.fromkeys(WEEKDAYS, "09:00-20:00")
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": hours}
    of.write_text(json.dumps({"name": "c", "sites": {"shop": shop}}))
    return ["--config", str(config), "--chain", str(of)]


def test_the_command_rolls_up_and_says_what_it_did(
    fresh: Both, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh.write(some_windows(random.Random(1)))
    files = configured(tmp_path, fresh.server)
    days = ["--from", "2026-03-27", "--to", "2026-03-29"]
    assert main(["rollup", *files, *days, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    stored = len(fresh.embedded.windows("shop", datetime(2026, 3, 26, 23, tzinfo=UTC), LATER))
    assert (said["from"], said["to"], said["sites"]) == ("2026-03-27", "2026-03-29", 1)
    assert (said["days"], said["empty"], said["closed"]) == (3, 0, 0)
    assert 0 < said["windows"] <= stored
    assert main(["rollup", *files, *days]) == 0
    assert capsys.readouterr().out.startswith("2026-03-27 to 2026-03-29: 3 days of 1 sites from ")
    with open_tallies(load(tmp_path / "cloud.yaml"), tmp_path / "chain.yaml", SUNDAY) as (_, tallies):
        read = tallies.tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    of = Chain.load(tmp_path / "chain.yaml")
    assert read == WindowTallies(fresh.embedded, of).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")


def test_an_embedded_store_needs_no_rollup(
    tmp_path: Path, fresh: Both, capsys: pytest.CaptureFixture[str]
) -> None:
    files = configured(tmp_path, fresh.server)
    (tmp_path / "cloud.yaml").write_text("store: {kind: embedded}")
    assert main(["rollup", *files]) == 0
    assert "nothing to do: the embedded store needs no rollup" in capsys.readouterr().out
    assert not (tmp_path / "footlight.sqlite").exists()


def test_a_store_that_is_away_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with httpx.Client() as http:
        away = InfluxDB(f"http://127.0.0.1:{free_port()}", "footlight", http, token="footlight:right")
        assert main(["rollup", *configured(tmp_path, away)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("footlight-cloud: store: InfluxDB: ")


NOW = datetime(2026, 4, 20, 3, tzinfo=UTC)


def test_unless_told_otherwise_it_is_the_last_week() -> None:
    assert period(None, None, NOW, 90) == (date(2026, 4, 13), date(2026, 4, 19))
    assert period(None, date(2026, 4, 1), NOW, 90) == (date(2026, 3, 26), date(2026, 4, 1))
    assert period(None, None, NOW, 4) == (date(2026, 4, 18), date(2026, 4, 19)), "no more than is kept"


def test_a_day_whose_windows_may_be_gone_is_not_replaced_by_what_is_left_of_it() -> None:
    assert period(date(2026, 4, 12), date(2026, 4, 12), NOW, 10)[0] == date(2026, 4, 12)
    with pytest.raises(
        UserError, match=r"--from 2026-04-11: windows are kept for 10 days .* begin at 2026-04-12"
    ):
        period(date(2026, 4, 11), date(2026, 4, 12), NOW, 10)
    with pytest.raises(UserError, match="--to 2026-04-12: is before --from 2026-04-13"):
        period(date(2026, 4, 13), date(2026, 4, 12), NOW, 90)


@given(st.sets(st.integers(0, 300), min_size=2), st.integers(0, 300))
def test_every_window_that_is_missing_within_a_run_is_told(there: set[int], restarted: int) -> None:
    came = [window(minute, boot_id="a" * 8 if minute < restarted else "b" * 8) for minute in there]
    found = gaps([*came, *came, window(400, camera="other")])
    runs = [{w.seq for w in came if w.boot_id == boot} for boot in ("a" * 8, "b" * 8)]
    assert sum(gap.missing for gap in found) == sum(max(run) + 1 - min(run) - len(run) for run in runs if run)
    assert all(gap.after < gap.before for gap in found)


def test_a_gap_is_told_with_where_and_when() -> None:
    (gap,) = gaps([window(0), window(1), window(5)])
    assert str(gap) == (
        "shop/door, camera front: 3 windows are missing between 2026-03-02 08:01 and 2026-03-02 08:05 UTC"
    )
