"""A damaged outbox: what is whole goes on, what is not is set aside, and the service never stops for it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.uplink.outbox import Outbox, Progress
from tests.edge.uplink.boxes import AT, MINUTE, payloads, pending

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("damage", "least", "most"), [("garbage", 0, 0), ("truncated", 50, 150), ("schema", 200, 200)]
)
def test_a_damaged_file_is_set_aside_and_work_goes_on(
    path: Path, damage: str, least: int, most: int, caplog: pytest.LogCaptureFixture
) -> None:
    box = Outbox(path, max_messages=10_000)
    for n in range(200):
        box.put("t", str(n).encode() * 500, AT)
    box.close()
    match damage:
        case "garbage":
            path.write_bytes(b"this is no database" * 1000)
        case "truncated":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "schema":
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA user_version = 99")
            db.close()
    content = path.read_bytes()
    box = Outbox(path, max_messages=1000)
    assert least <= box.depth <= most
    assert box.put("t", b"after", AT)
    assert payloads(box)[-1] == b"after"
    assert path.with_name("outbox.db.damaged").read_bytes() == content
    assert len(caplog.records) == 1
    box.close()


@pytest.mark.parametrize("table", ["message", "delivered"])
@pytest.mark.parametrize("number", [2**63 - 1, 2**63 - 2, 0, -5, -(2**63)])
def test_an_id_that_no_outbox_gives_stops_nothing_and_holds_nothing_back(
    path: Path, table: str, number: int
) -> None:
    box = Outbox(path, max_messages=10)
    for n in range(3):
        box.put("t", b"%d" % n, AT)
    if table == "delivered":
        box.delivered([2], AT)
    box.close()
    with sqlite3.connect(path) as db:
        db.execute(f"UPDATE {table} SET id = ? WHERE id = 2", (number,))  # noqa: S608 - a test's own words
    db.close()
    box = Outbox(path, max_messages=10)
    assert box.put("t", b"after", AT)
    assert box.depth == len(payloads(box))
    assert {*payloads(box)} == {b"0", b"2", b"after"} | ({b"1"} if table == "message" else set())
    box.delivered([item.id for item in pending(box, 10)], AT)
    assert box.depth == 0
    box.close()


def test_ids_of_a_column_that_is_no_number_any_more_are_given_anew(path: Path) -> None:
    """Found by ``make fuzz``: two damaged bytes in the file, and a search without an end."""
    box = Outbox(path, max_messages=10)
    for n in range(3):
        box.put("t", b"%d" % n, AT)
    box.close()
    content = path.read_bytes()
    assert content.count(b"TABLE message (\n    id INTEGER") == 1
    path.write_bytes(
        content.replace(b"TABLE message (\n    id INTEGER", b"TABLE message (\n    id IN\xff\xfeGER")
    )
    box = Outbox(path, max_messages=10)
    assert box.put("t", b"after", AT)
    assert payloads(box)[-1] == b"after"
    box.close()


def damage_rows(path: Path, change: str, *values: object) -> None:
    """Change rows behind the outbox's back, as a worn card does."""
    with sqlite3.connect(path) as db:
        db.execute(f"UPDATE message SET {change}", values)  # noqa: S608 - a test's own words
    db.close()


@pytest.mark.parametrize(
    "change",
    [
        "payload = X'00FF00' WHERE id = 3",
        "topic = 'footlight/v1/shop/other/window' WHERE id = 3",
        "topic = CAST(X'FFFE' AS TEXT) WHERE id = 3",
        "created_at = 1e300 WHERE id = 3",
        "created_at = 'noon' WHERE id = 3",
        "payload = 'text' WHERE id = 3",
        "crc = 7 WHERE id = 3",
    ],
)
def test_a_damaged_row_is_set_aside_counted_and_never_sent(
    path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = Outbox(path, max_messages=10)
    for n in range(5):
        box.put("t", str(n).encode(), AT)
    box.close()
    damage_rows(path, change)
    box = Outbox(path, max_messages=10)
    assert payloads(box) == [b"0", b"1", b"3", b"4"]
    assert payloads(box) == [b"0", b"1", b"3", b"4"]
    assert (box.depth, box.lost) == (4, 1)
    assert ["damaged" in record.message for record in caplog.records] == [True]
    box.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT id FROM damaged").fetchall() == [(3,)]
    db.close()


class Filled:
    """What was put into an outbox, and its file. No dataclass: hypothesis would print all of it where a test fails."""

    def __init__(self, put: list[bytes], content: bytes) -> None:
        self.put, self.content = put, content


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """An outbox with messages; written once, since every put waits for the disk."""
    path = tmp_path_factory.mktemp("filled") / "outbox.db"
    put = [b"%03d" % n * 60 for n in range(120)]
    box = Outbox(path, max_messages=1000)
    for minute, payload in enumerate(put):
        start = AT + minute * MINUTE
        box.put("t", payload, AT, progress=Progress(start, start + MINUTE, b"waiting"))
    box.close()
    return Filled(put, path.read_bytes())


HOLES = st.lists(st.tuples(st.integers(0, 2**32), st.binary(min_size=1, max_size=64)), min_size=1, max_size=4)
"""Where a file is damaged, and what stands there then."""


@settings(max_examples=15, deadline=None)
@given(HOLES)
def test_whatever_happens_to_a_file_what_is_sent_is_what_was_put(
    tmp_path_factory: pytest.TempPathFactory,
    filled: Filled,
    holes: list[tuple[int, bytes]],
) -> None:
    path = tmp_path_factory.mktemp("box") / "outbox.db"
    put, content = filled.put, bytearray(filled.content)
    for place, damage in holes:
        at = place % len(content)
        content[at : at + 64] = damage
    path.write_bytes(content)
    box = Outbox(path, max_messages=1000)
    assert set(payloads(box)) <= set(put)
    assert box.put("t", b"after", AT)
    assert payloads(box)[-1] == b"after"
    box.close()


_PAGE = 4096
"""The first page of the file, in bytes: the names of all tables are at its end."""


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 99_999), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_device_starts_whatever_the_tables_are_called(
    tmp_path_factory: pytest.TempPathFactory, filled: Filled, changes: list[tuple[int, int]]
) -> None:
    """The names of tables and columns are text in the file, which SQLite quotes when it cannot find one."""
    path = tmp_path_factory.mktemp("box") / "outbox.db"
    content, first = bytearray(filled.content), filled.content.find(b"CREATE TABLE")
    for place, value in changes:
        content[first + place % (_PAGE - first)] = value
    _starts_and_works(path, bytes(content))


@pytest.mark.parametrize(
    ("words", "others"),
    [
        (b"created_at REAL", b"created_at RE\xa1L"),
        (b"CREATE TABLE message", b"CREATE TAB\xf9E message"),
        (b"payload BLOB", b"paylxad BLOB"),
        (b"id INTEGER PRIMARY", b"xd INTEGER PRIMARY"),
        (b"topic TEXT", b"t\xc3pic TEXT"),
        (b"CHECK (id = 1)", b"CHECK (id = 9)"),
        (b"state BLOB NOT NULL", b"state BLOB UNIQUE  "),
        (b"counted_from REAL NOT NULL", b"counted_from TEXT NOT NULL"),
    ],
)
def test_a_device_starts_with_another_name_in_its_tables(
    path: Path, filled: Filled, words: bytes, others: bytes
) -> None:
    assert words in filled.content
    _starts_and_works(path, filled.content.replace(words, others))


def _starts_and_works(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    box = Outbox(path, max_messages=1000)
    assert box.put("t", b"after", AT, progress=Progress(AT, AT + MINUTE, waiting=b"state"))
    assert payloads(box)[-1] == b"after"
    assert box.delivered([pending(box, 1000)[-1].id], AT)
    box.close()


@pytest.mark.parametrize(("place", "value"), [(18, 3), (19, 255), (63, 0)])
def test_one_wrong_byte_in_the_header_loses_nothing(
    path: Path, filled: Filled, place: int, value: int
) -> None:
    """SQLite would open the file only to read, or take it for a new one."""
    content = bytearray(filled.content)
    content[place] = value
    path.write_bytes(content)
    box = Outbox(path, max_messages=1000)
    assert box.put("t", b"after", AT)
    assert payloads(box) == [*filled.put, b"after"]
    box.close()


def test_what_is_whole_in_a_damaged_file_goes_on(
    path: Path, filled: Filled, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray(filled.content)
    for page in (6, 7, 9):
        content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    path.write_bytes(content)
    box = Outbox(path, max_messages=10_000)
    saved = [int(payload[:3]) for payload in payloads(box)]
    assert saved == sorted(saved)
    assert 30 < len(saved) < 120
    assert (box.depth, box.counted) == (len(saved), [(AT, AT + 120 * MINUTE)])
    assert [f"{len(saved)} messages of it were saved" in record.message for record in caplog.records] == [
        True
    ]
    box.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["outbox.db", "outbox.db.damaged"]


def test_a_stretch_that_was_damaged_stops_nobody(outbox: Outbox, path: Path) -> None:
    for minute in (0, 10, 20):
        start = AT + minute * MINUTE
        outbox.put("t", b"", AT, progress=Progress(start, start + MINUTE, b""))
    outbox.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE counted SET counted_until = 1e300 WHERE rowid = 1")
        db.execute("UPDATE counted SET counted_from = 'x' WHERE rowid = 2")
    db.close()
    box = Outbox(path, max_messages=100)
    assert box.counted == [(AT + 20 * MINUTE, AT + 21 * MINUTE)]
    box.close()


def test_damage_while_running_costs_the_file_not_the_service(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = Outbox(path, max_messages=10_000)
    for _ in range(100):
        box.put("t", bytes(60_000), AT)  # more than SQLite's cache holds
    last = pending(box, 1000)[-1].id
    for suffix in ("", "-wal"):
        file = path.with_name(path.name + suffix)
        with file.open("r+b") as damaged:
            damaged.write(b"\xff" * file.stat().st_size)
    assert pending(box, 1000) == []
    assert box.depth == 0
    assert box.put("t", b"after", AT)
    # The publisher may still hold ids of the file that is gone: they must not come again.
    assert [item.payload for item in pending(box, 9, after=last)] == [b"after"]
    assert ["damaged" in record.message for record in caplog.records] == [True]
    box.close()
