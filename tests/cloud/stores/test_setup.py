"""``rollup --setup`` makes what is missing in InfluxDB, and a second run makes nothing."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.domain.levels import LEVELS
from cloud.stores.influx import InfluxStore
from cloud.stores.setup import Step, set_up
from common.errors import UserError
from tests.support.clock import ManualClock
from tests.support.influxdb import Engine, InfluxDB
from tests.support.messages import MORNING, window

pytestmark = pytest.mark.influxdb
AS_DOCUMENTED = {"raw": 90, "quarter": 728, "day": None}


@pytest.fixture
def empty(influxdb: InfluxDB) -> InfluxDB:
    """An installation whose levels are not there yet."""
    for level in LEVELS:
        influxdb.drop(level)
    return influxdb


def made(influxdb: InfluxDB, **days: int | None) -> list[Step]:
    kept = {**AS_DOCUMENTED, **days}
    return list(set_up(**influxdb.address, org=influxdb.org, kept=kept, timeout_s=10))  # type: ignore[arg-type]


def configured(folder: Path, influxdb: InfluxDB, **settings: str | int) -> str:
    config = folder / "cloud.yaml"
    config.write_text(json.dumps({"store": {**influxdb.settings, **settings}}))
    return str(config)


def test_the_first_run_makes_all_levels_and_the_second_finds_them(
    empty: InfluxDB, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, empty)
    assert main(["rollup", "--setup", config]) == 0
    first = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in first} == {"made"}
    assert [line.rpartition(": ")[2] for line in first if " kept " in line] == [
        "kept 90 days",
        "kept 728 days",
        "kept for ever",
    ]
    hours = {"raw": (90 * 24, 7 * 24), "quarter": (728 * 24, 28 * 24), "day": (0, 364 * 24)}
    assert {level: empty.kept(level) for level in LEVELS} == hours
    assert main(["rollup", "--setup", config, "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in second] == [line.removeprefix("made ") for line in first]
    assert {step["verb"] for step in second} == {"found"}


def test_what_was_made_takes_windows_and_gives_them_back(empty: InfluxDB) -> None:
    made(empty, raw=None)
    store = InfluxStore(**empty.address, org=empty.org, timeout_s=5.0, clock=ManualClock(MORNING))
    store.write([window(minute, visits=2) for minute in range(5)])
    store.close()
    (row,) = empty.query("SELECT sum(visits) FROM window")
    assert row["sum"] == 10


def test_a_longer_retention_is_set_and_a_shorter_one_is_left_to_you(influxdb: InfluxDB) -> None:
    influxdb.keep(days=30)
    changed, *_ = made(influxdb)
    assert str(changed).startswith("changed ")
    assert str(changed).endswith(f"{influxdb.bucket}: kept 90 days, before 30 days")
    assert influxdb.kept("raw")[0] == 90 * 24
    left, *_ = made(influxdb, raw=7)
    assert left.verb == "left"
    assert "kept 90 days, not 7 days; a shorter time would delete data" in left.name
    assert influxdb.kept("raw")[0] == 90 * 24


def test_a_policy_of_its_own_is_made_where_the_configuration_names_one(
    engine: Engine, influxdb: InfluxDB
) -> None:
    named = engine.named(f"{influxdb.bucket}-other/short")
    try:
        made(named, raw=14)
        assert {step.verb for step in made(named, raw=14)} == {"found"}
        assert {step.verb for step in made(named, raw=21)} == {"changed", "found"}
        store = InfluxStore(
            **named.address, org=named.org, timeout_s=5.0, clock=ManualClock(MORNING + timedelta(hours=1))
        )
        assert store.dead_letters(5) == []
        store.close()
    finally:
        for level in LEVELS:
            named.drop(level)


def test_a_token_that_may_not_create_is_one_line_with_the_way_out(
    empty: InfluxDB, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, empty, token="footlight:wrong")
    assert main(["rollup", "--setup", config]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "footlight-cloud:" in line]
    assert "InfluxDB answered 401" in line
    assert "--admin-token-file" in line
    right = tmp_path / "admin"
    right.write_text(f"{empty.token}\n")
    assert main(["rollup", "--setup", config, "--admin-token-file", str(right)]) == 0


def test_an_organisation_that_is_not_there_is_named(empty: InfluxDB) -> None:
    if not empty.has_buckets:
        pytest.skip("InfluxDB 1.x has no organisations")
    with pytest.raises(UserError, match=rf"store\.org: .* 'nobody' .* it has: {empty.org}"):
        list(set_up(**empty.address, org="nobody", kept=AS_DOCUMENTED, timeout_s=10))  # type: ignore[arg-type]


def test_an_embedded_store_needs_no_setup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "cloud.yaml"
    config.write_text("store: {kind: embedded}")
    assert main(["rollup", "--setup", str(config)]) == 0
    assert capsys.readouterr().out.startswith("nothing to do: the embedded store")


@contextmanager
def server(version: str | None) -> Iterator[str]:
    """A server that tells this version and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            if version is not None:
                self.send_header("X-Influxdb-Version", version)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (
            "3.4.0",
            r"store\.url: InfluxDB 3\.4\.0 creates databases with its own program; see docs/storage\.md",
        ),
        (None, r"did not answer like InfluxDB; check store\.url"),
    ],
)
def test_another_server_is_told_apart(
    version: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(version) as url:
        config = tmp_path / "cloud.yaml"
        config.write_text(json.dumps({"store": {"kind": "influx", "url": url, "token": "t"}}))
        assert main(["rollup", "--setup", str(config)]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(said, line)
