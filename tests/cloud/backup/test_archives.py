"""One archive of a whole machine: what it holds, what comes back, and what a bad one does: nothing."""

from __future__ import annotations

import os
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from cloud.__main__ import main
from cloud.backup import plan
from cloud.backup.archive import reading
from cloud.backup.plan import Plan
from cloud.config import load
from cloud.stores.sqlite_file import connect
from common.clock import SystemClock
from common.errors import UserError
from tests.cloud.backup.servers import Server, make_database, read_database, restore
from tests.support.messages import MORNING, window
from tests.support.paths import ROOT


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """With something of each kind: files of the broker, a database in use, a link, the embedded store, accounts."""
    made = Server(tmp_path / "server", tmp_path / "archives")
    (made.etc / "tls").mkdir(mode=0o750)
    (made.etc / "tls" / "broker.key").write_text("key")
    (made.etc / "tls" / "broker.key").chmod(0o640)
    (made.etc / "tls" / "now").symlink_to("broker.key")
    make_database(made.root / "grafana.db", "board")
    make_database(made.state / "footlight.changes.sqlite", "change")
    with closing(made.store()) as store:
        store.write([window(0), window(1)])
    made.save_also(made.root / "grafana.db")
    return made


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of everything below a folder, without what is SQLite's own."""
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mode,
            str(path.readlink()).encode()
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else b"",
        )
        for path in root.rglob("*")
        if not path.name.endswith(("-wal", "-shm"))
    }


def test_a_lost_machine_comes_back_from_one_file(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(connect(server.root / "grafana.db")) as in_use:
        in_use.execute("BEGIN IMMEDIATE")
        in_use.execute("UPDATE kept SET word = 'not committed'")
        archive = server.backup()
        in_use.execute("ROLLBACK")
    modes = {name: mode for name, (mode, _) in snapshot(server.root).items()}
    server.lose()
    capsys.readouterr()
    assert restore(archive) == 0
    assert "start the broker first" in capsys.readouterr().out
    back = snapshot(server.root)
    assert {name: mode for name, (mode, _) in back.items()} == modes
    assert back["etc/tls/broker.key"][1] == b"key"
    assert read_database(server.root / "grafana.db") == "board"
    assert read_database(server.state / "footlight.changes.sqlite") == "change"
    with closing(server.store()) as store:
        assert len(store.windows("shop", MORNING, SystemClock().now())) == 2


def test_only_its_owner_reads_an_archive_and_the_oldest_go(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.save_also(keep=2)
    host = os.uname().nodename
    for day in (1, 2):
        (server.archives / f"footlight-{host}-2026010{day}T030000Z.zip").write_bytes(b"old")
    (server.archives / "footlight-other-20260101T030000Z.zip").write_bytes(b"of another machine")
    made = server.backup()
    assert made.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in server.archives.glob("*.zip")} == {
        f"footlight-{host}-20260102T030000Z.zip",
        "footlight-other-20260101T030000Z.zip",
        made.name,
    }


def test_a_second_machine_is_not_overwritten_unless_asked(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = server.backup()
    server.lose()
    server.etc.mkdir(parents=True)
    server.config.write_text("{}")
    before = snapshot(server.root)
    assert restore(archive) == 2
    assert "cloud.yaml: is there already, with other content; stop the services" in capsys.readouterr().err
    assert snapshot(server.root) == before
    assert restore(archive, "--replace") == 0
    assert load(server.config).store.kind == "embedded"
    assert restore(archive) == 0
    assert "0 files, folders and links restored" in capsys.readouterr().out, "a second time, all is there"


def test_windows_that_a_new_store_has_already_stay(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = server.backup()
    server.lose()
    server.state.mkdir(parents=True)
    with closing(server.store()) as store:
        store.write([window(1, visits=7), window(5)])
        assert restore(archive) == 0
        visits = {w.seq: w.totals.visits for w in store.windows("shop", MORNING, SystemClock().now())}
    assert visits == {0: 3, 1: 7, 5: 3}
    assert "1 windows restored" in capsys.readouterr().out


def test_a_configuration_of_another_kind_of_store_is_refused(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = server.backup()
    other = server.archives / "other.yaml"
    other.write_text("store: {kind: influx, url: 'http://127.0.0.1:1', token: x}")
    before = snapshot(server.root)
    assert restore(archive, "--config", str(other), "--replace") == 2
    assert "--config: names InfluxDB" in capsys.readouterr().err
    assert snapshot(server.root) == before


def spoiled(archive: Path, kind: str) -> Path:
    data = bytearray(archive.read_bytes())
    bad = archive.with_name(f"{kind}.zip")
    if kind == "cut":
        data = data[: len(data) // 2]
    elif kind == "empty":
        data = bytearray()
    elif kind == "damaged":
        with zipfile.ZipFile(archive) as zipped:
            largest = max(zipped.infolist(), key=lambda info: info.compress_size)
        middle = largest.header_offset + 100 + largest.compress_size // 2
        data[middle] ^= 0xFF
    bad.write_bytes(data)
    if kind in ("foreign", "newer", "listed", "unlisted"):
        rewrite(archive, bad, kind)
    return bad


def rewrite(archive: Path, bad: Path, kind: str) -> None:
    """The same archive, as another program or version would have written it."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "footlight-backup.json":
                if kind == "foreign":
                    continue
                if kind == "newer":
                    content = content.replace(b"footlight-backup/1", b"footlight-backup/2")
                if kind == "listed":
                    content = content.replace(b"/etc/", b"/../etc/")
            new.writestr(name, content)
        if kind == "unlisted":
            new.writestr("files/etc/passwd", "root::0:0::/:/bin/sh")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("cut", "is incomplete or damaged, or no archive of footlight-cloud backup"),
        ("empty", "is incomplete or damaged, or no archive of footlight-cloud backup"),
        ("damaged", "is damaged"),
        ("foreign", "is no archive of footlight-cloud backup; it has no footlight-backup.json"),
        ("newer", "another version of Footlight may have written it"),
        ("listed", "is not an absolute path"),
        ("unlisted", "is damaged in footlight-backup.json"),
    ],
)
def test_a_bad_archive_is_one_clear_line_and_touches_nothing(
    server: Server, kind: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = spoiled(server.backup(), kind)
    before = snapshot(server.root)
    capsys.readouterr()
    assert restore(bad, "--replace") == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert says in said.err
    assert str(bad) in said.err
    assert snapshot(server.root) == before
    server.lose()
    assert restore(bad) == 2
    assert not server.root.exists()


def test_any_cut_and_any_changed_byte_is_found_or_harmless(server: Server) -> None:
    """An archive that is not whole is never taken; a byte that changes nothing of what comes back does no harm."""
    archive = server.backup()
    data = archive.read_bytes()
    bad = archive.with_name("bad.zip")
    with reading(archive) as good:
        listed = good.contents
    found = 0
    for at in range(0, len(data), max(1, len(data) // 150)):
        bad.write_bytes(data[:at])
        with pytest.raises(UserError), reading(bad):
            pass
        bad.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        try:
            with reading(bad) as read:
                assert read.contents == listed
        except UserError:
            found += 1
    assert found > 100


def test_the_key_of_the_authority_goes_into_no_archive_without_a_passphrase(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    (server.etc / "ca.key").write_text("-----BEGIN PRIVATE KEY-----\n")
    assert main(["backup", str(server.plan)]) == 2
    assert "ca.key: this key of the authority has no passphrase" in capsys.readouterr().err
    assert list(server.archives.glob("*.zip*")) == []
    (server.etc / "ca.key").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    server.backup()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"files": ["/nowhere/at/all"]}, "/nowhere/at/all: is not there"),
        ({"files": ["etc"]}, "is not an absolute path"),
        ({"keep": 0}, "keep: must be at least 1"),
        ({"config": None, "files": []}, "the plan names no file to save"),
        ({"folder": "/proc/archives"}, "cannot be written"),
    ],
)
def test_a_plan_that_cannot_work_is_one_clear_line(
    server: Server, given: dict[str, object], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.save_also(**given)
    assert main(["backup", str(server.plan)]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_the_example_shows_every_setting_with_its_default() -> None:
    example = ROOT / "cloud" / "backup.example.yaml"
    assert plan.load(example) == Plan()
    shown = yaml.safe_load(example.read_text())
    assert list(shown) == list(Plan.model_fields)


def test_a_disk_without_room_is_told_before_anything_is_written(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a file that is larger than the disk, without a byte of it being there."""
    with (server.etc / "large").open("wb") as file:
        file.truncate(2**43)
    assert main(["backup", str(server.plan)]) == 2
    assert "MB are free, and an archive may need" in capsys.readouterr().err
    assert list(server.archives.glob("*.zip*")) == []
