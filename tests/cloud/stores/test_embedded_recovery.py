"""What the embedded store saves from a damaged file, and what a backup brings back."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud.backup.copies import due
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.embedded_file import back_up
from cloud.stores.store import StoreUnavailable
from common.errors import UserError
from tests.cloud.stores.embedded_samples import DAY, letter
from tests.support.clock import ManualClock
from tests.support.messages import alert, cohort, health, notice, status, window


def damage(path: Path, *pages: int) -> None:
    """Write over the beginning of some pages, as a worn card does."""
    content = bytearray(path.read_bytes())
    for page in pages:
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(content)


@pytest.mark.parametrize(
    "how", ["some pages", "cut short", "its head", "no database", "its version", "its format"]
)
def test_a_damaged_file_is_set_aside_and_what_is_whole_goes_on(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    path = tmp_path / "store.sqlite"
    store = EmbeddedStore(path, retention_days=30, clock=clock)
    sent = [window(minute, cohort=cohort(), visits=8) for minute in range(400)]
    store.write([*sent, health(), status(online=True)])
    store.close()
    whole = (400, 400)
    least, most = {
        "some pages": (300, 399), "cut short": (100, 300), "its version": whole, "its format": whole
    }.get(how, (0, 0))  # fmt: skip
    match how:
        case "some pages":
            damage(path, 20, 21, 60)
        case "cut short":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "its head":
            damage(path, 0)
        case "its version" | "its format":
            byte, value = (63, 0) if how == "its version" else (18, 3)
            before = path.read_bytes()
            path.write_bytes(before[:byte] + bytes([value]) + before[byte + 1 :])
        case "no database":
            path.write_text("hello " * 1000)
    content = path.read_bytes()
    with (
        pytest.raises((UserError, StoreUnavailable), match=r"^store\.path: .*damaged.*restart the service"),
        closing(EmbeddedStore(path, retention_days=30, clock=clock)) as damaged,
    ):
        damaged.windows("shop", *DAY)
    store = EmbeddedStore(path, retention_days=30, clock=clock, repair=True)
    saved = store.windows("shop", *DAY)
    assert least <= len(saved) <= most
    assert all(message in sent for message in saved)
    assert path.with_name("store.sqlite.damaged").read_bytes() == content
    assert [
        f"{len(saved)} windows were recovered from it" in record.message for record in caplog.records
    ] == [True]
    store.write(sent)
    assert store.windows("shop", *DAY) == sent
    store.close()


@pytest.mark.parametrize(
    ("table", "change", "windows"),
    [
        ("windows", "RENAME COLUMN device TO devise", 9),
        ("windows", "RENAME COLUMN json TO 'j\"son'", 9),
        ("windows", "DROP COLUMN json", 0),
        ("devices", "DROP COLUMN health_at", 9),
        ("notices", "RENAME COLUMN active TO aktive", 9),  # a table that was added later
    ],
)
def test_a_file_with_other_columns_is_set_aside_and_salvaged(
    tmp_path: Path,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
    table: str,
    change: str,
    windows: int,
) -> None:
    path = tmp_path / "store.sqlite"
    sent = [window(minute) for minute in range(9)]
    with closing(EmbeddedStore(path, retention_days=30, clock=clock)) as store:
        store.write([*sent, notice()])
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"ALTER TABLE {table} {change}")
    why = f"its table {table} does not have the columns that it should have"
    with pytest.raises(UserError, match=rf"^store\.path: .*: damaged \({why}\); restart the service"):
        EmbeddedStore(path, retention_days=30, clock=clock)
    with closing(EmbeddedStore(path, retention_days=30, clock=clock, repair=True)) as store:
        assert store.windows("shop", *DAY) == sent[:windows]
        assert store.notices("shop") == [notice()]
    (line,) = caplog.messages
    assert f"is damaged ({why}); it was renamed to store.sqlite.damaged, and {windows} windows" in line


def test_a_column_more_is_that_of_a_newer_version(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.sqlite"
    EmbeddedStore(path, retention_days=30, clock=clock).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE windows ADD COLUMN newer TEXT")
    with closing(EmbeddedStore(path, retention_days=30, clock=clock, repair=True)) as store:
        store.write([window(0)])
        assert store.windows("shop", *DAY) == [window(0)]


def test_a_row_that_cannot_be_read_is_left_out_and_told_once(
    store: EmbeddedStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.write([window(0), window(1), window(2), health(), alert(active=True)])
    with sqlite3.connect(tmp_path / "new" / "store.sqlite") as db:
        db.execute(
            "UPDATE windows SET json = replace(json, 'duration_s', 'Duration_s') WHERE start % 120 = 60"
        )
        db.execute("UPDATE devices SET health = '{'")
        db.execute("UPDATE alerts SET json = '[]'")
    db.close()
    assert store.windows("shop", *DAY) == [window(0), window(2)]
    (state,) = store.devices("shop")
    assert (state.health, state.alerts) == (None, ())
    assert len(caplog.records) == 1


def test_a_window_from_before_visits_were_people_is_left_out(store: EmbeddedStore, tmp_path: Path) -> None:
    """Its cohort tells who was unknown, and nothing of who was not seen."""
    store.write([window(0, visits=8, cohort=cohort()), window(1)])
    with sqlite3.connect(tmp_path / "new" / "store.sqlite") as db:
        changed = db.execute(
            """UPDATE windows SET json = replace(replace(json, '"described":8,', ''), ',"not_seen":0', '')"""
            """ WHERE json LIKE '%"described":8%'"""
        )
        assert changed.rowcount == 1
    db.close()
    assert store.windows("shop", *DAY) == [window(1)]


def test_a_backup_is_whole_while_the_store_is_written_and_brings_back_what_is_missing(
    store: EmbeddedStore, tmp_path: Path, clock: ManualClock
) -> None:
    path, target = tmp_path / "new" / "store.sqlite", tmp_path / "stick" / "backup.sqlite"
    target.parent.mkdir()
    store.write([window(minute) for minute in range(100)])
    store.record_dead_letter(letter(1, clock))

    def write() -> None:
        for minute in range(100, 200):
            store.write([window(minute)])

    writing = threading.Thread(target=write)
    writing.start()
    back_up(path, target)
    writing.join()
    assert [file.name for file in target.parent.iterdir()] == ["backup.sqlite"], (
        "one file, to be carried away"
    )
    other = EmbeddedStore(tmp_path / "other.sqlite", retention_days=30, clock=clock)
    newer = window(3, visits=9)
    other.write([newer, window(300)])
    added = other.take_over(target)
    found = other.windows("shop", *DAY)
    assert [message.seq for message in found] == [*range(added + 1), 300]
    assert 99 <= added <= 199
    assert found[3] == newer, "what is stored already stays"
    assert other.dead_letters(5) == store.dead_letters(5)
    assert other.take_over(target) == 0
    other.close()


def test_a_copy_of_a_damaged_store_replaces_no_good_backup(tmp_path: Path, clock: ManualClock) -> None:
    path, target = tmp_path / "store.sqlite", tmp_path / "backup.sqlite"
    store = EmbeddedStore(path, retention_days=30, clock=clock)
    store.write([window(minute) for minute in range(200)])
    store.close()
    back_up(path, target)
    good = target.read_bytes()
    damage(path, 20, 21)
    with pytest.raises(sqlite3.DatabaseError):
        back_up(path, target)
    assert target.read_bytes() == good
    assert not list(tmp_path.glob("backup.sqlite?*"))


@pytest.mark.parametrize(
    ("last", "now", "wanted"),
    [
        (None, "2026-03-02T10:00", True),
        ("2026-03-02T03:05", "2026-03-02T23:00", False),
        ("2026-03-01T10:00", "2026-03-02T03:00", True),
        ("2026-03-02T03:00", "2026-03-02T03:50", False),
        ("2026-03-01T09:00", "2026-03-02T09:00", True),
    ],
)
def test_a_backup_is_made_at_night_or_when_the_last_is_a_day_old(
    last: str | None, now: str, wanted: bool
) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert due(None if last is None else moment(last), moment(now)) == wanted
