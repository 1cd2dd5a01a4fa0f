"""All that InfluxDB holds comes back, on every version of it: the same questions get the same answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.domain.levels import LEVELS
from cloud.stores import layout
from cloud.stores.influx import InfluxStore
from cloud.stores.measurement import Field, Measurement, Point, Value, nanoseconds
from common.clock import SystemClock
from tests.cloud.backup.servers import Server, restore
from tests.support.influxdb import Engine, InfluxDB

pytestmark = [pytest.mark.influxdb, pytest.mark.slow]
DAYS = {"raw": 30, "quarter": 120, "day": 1500}
"""So old are the oldest points of each level."""


def some_value(field: Field, dice: random.Random) -> Value | None:
    """A value as it may be stored, also one that is hard to write down; or none, which is withheld."""
    if dice.random() < 0.2:
        return None
    values: dict[str, Value] = {
        "integer": dice.choice([0, 3, -1, 2**53 + 1, 2**62]),
        "float": dice.choice([0.0, 3.0, 1 / 3, 1e-9, 1.7e308]),
        "boolean": dice.random() < 0.5,
        "string": dice.choice(["", "plain", 'it is "so", a\\b=c', "größer, 1=1 ", "a\\"]),
    }
    return values[field.kind]


def some_points(dice: random.Random) -> Iterator[tuple[Measurement, Point]]:
    """Points of every measurement over all of its time, with names that have to be escaped."""
    now = datetime.now(UTC)
    for measurement in layout.MEASUREMENTS:
        for _ in range(40):
            tags = {tag: dice.choice(["shop", "a,b", "c=d e", "1", "größer"]) for tag in measurement.tags}
            at = now - timedelta(seconds=dice.randrange(DAYS[measurement.level] * 86400))
            values = {name: some_value(field, dice) for name, field in measurement.fields.items()}
            yield measurement, measurement.point(tags, at, values)


def opened(server: InfluxDB) -> InfluxStore:
    return InfluxStore(**server.address, org=server.org, timeout_s=30.0, clock=SystemClock())


def fill(server: InfluxDB, dice: random.Random) -> None:
    store = opened(server)
    found = list(some_points(dice))
    for level in LEVELS:
        store.write_points([point for measurement, point in found if measurement.level == level], level)
    store.close()


def everything(server: InfluxDB) -> dict[str, list[str]]:
    """Each point with its tags, its fields, and their types; told by InfluxDB itself."""
    answers = {}
    for level in LEVELS:
        kinds = server.query("SHOW FIELD KEYS", level)
        answers[f"{level} types"] = sorted(str(sorted(row.items())) for row in kinds)
        rows = server.query("SELECT * FROM /.*/ GROUP BY *", level)
        answers[level] = sorted(str(sorted(row.items(), key=str)) for row in rows)
    return answers


def test_every_point_comes_back_on_an_empty_server(
    influxdb: InfluxDB, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(influxdb, random.Random(7))
    before = everything(influxdb)
    assert all(before.values())
    server = Server(tmp_path / "server", tmp_path / "archives", influxdb.settings)
    archive = server.backup()
    told = capsys.readouterr().out
    server.lose()
    for level in LEVELS:
        influxdb.drop(level)
    assert restore(archive) == 0
    assert everything(influxdb) == before
    said = capsys.readouterr().out
    points = sum(len(before[level]) for level in LEVELS)
    assert f", {points} points of InfluxDB" in told
    assert f"{len(before['raw'])} points restored to raw\n" in said
    assert [influxdb.kept(level)[0] for level in LEVELS] == [90 * 24, 728 * 24, 0], "as documented"
    assert restore(archive) == 0, "and again"
    assert everything(influxdb) == before


def test_an_answer_of_many_parts_is_saved_whole(influxdb: InfluxDB, tmp_path: Path) -> None:
    """More rows in one series, and more series, than one part of an answer has."""
    store = opened(influxdb)
    now = nanoseconds(datetime.now(UTC).replace(microsecond=0)) - 10**15
    for device in range(3):
        rows = (f'probe,device=d{device},site=s nonce="{n}" {now + n * 10**9}' for n in range(12_000))
        store.write_points(rows, "raw")
    store.close()
    server = Server(tmp_path / "server", tmp_path / "archives", influxdb.settings)
    archive = server.backup()
    server.lose()
    influxdb.drop("raw")
    assert restore(archive) == 0
    (row,) = influxdb.query("SELECT count(nonce) FROM probe")
    assert row["count"] == 36_000


def test_what_is_older_than_the_retention_is_left_out_and_told(
    influxdb: InfluxDB, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = opened(influxdb)
    now = datetime.now(UTC)
    for days in (1, 20, 89, 91, 200):
        at = nanoseconds(now - timedelta(days=days))
        store.write_points([f'probe,device=d,site=s nonce="{days}" {at}'], "raw")
    store.close()
    server = Server(tmp_path / "server", tmp_path / "archives", influxdb.settings)
    archive = server.backup()
    server.lose()
    influxdb.drop("raw")
    capsys.readouterr()
    assert restore(archive) == 0
    assert "3 points restored to raw, 2 are older than what is kept" in capsys.readouterr().out
    assert {row["nonce"] for row in influxdb.query("SELECT nonce FROM probe")} == {"1", "20", "89"}


def test_another_machine_may_have_another_token_and_bucket(engine: Engine, tmp_path: Path) -> None:
    with engine.installation() as old, engine.installation() as new:
        fill(old, random.Random(8))
        server = Server(tmp_path / "server", tmp_path / "archives", old.settings)
        archive = server.backup()
        server.lose()
        other = Server(tmp_path / "other", tmp_path / "others", new.settings)
        assert restore(archive, "--config", str(other.config)) == 0
        assert everything(new) == everything(old)


def test_without_influxdb_nothing_is_saved_and_nothing_restored(
    influxdb: InfluxDB, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(tmp_path / "server", tmp_path / "archives", influxdb.settings)
    archive = server.backup()
    server.config.write_text('{"store": {"kind": "influx", "url": "http://127.0.0.1:1", "token": "x"}}')
    capsys.readouterr()
    assert main(["backup", str(server.plan)]) == 2
    assert "no archive was written, earlier ones are kept" in capsys.readouterr().err
    assert list(server.archives.glob("*.zip*")) == [archive]
    other = server.archives / "cloud.yaml"
    other.write_text(server.config.read_text())
    server.lose()
    assert restore(archive, "--config", str(other)) == 2
    assert "nothing was restored" in capsys.readouterr().err
    assert not server.root.exists()
