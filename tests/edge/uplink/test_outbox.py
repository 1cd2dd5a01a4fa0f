"""The outbox keeps what it took: over kills, a full disk, and threads; test_outbox_damage.py has damage."""

from __future__ import annotations

import logging
import random
import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from edge.uplink.outbox import Outbox, Progress
from tests.edge.uplink.boxes import AT, MINUTE, payloads, pending

pytestmark = pytest.mark.slow


def test_what_goes_in_comes_out_in_order_and_only_delete_removes_it(outbox: Outbox) -> None:
    for n in range(5):
        assert outbox.put(f"t/{n}", str(n).encode(), AT)
    first = pending(outbox, 2)
    assert [(item.topic, item.payload, item.created_at) for item in first] == [
        ("t/0", b"0", AT),
        ("t/1", b"1", AT),
    ]
    assert pending(outbox, 2) == first
    assert [item.payload for item in pending(outbox, 9, after=first[1].id)] == [b"2", b"3", b"4"]
    assert outbox.delivered([first[0].id], AT)
    assert payloads(outbox) == [b"1", b"2", b"3", b"4"]
    assert outbox.depth == 4


def test_full_keeps_the_oldest_counts_the_refused_and_says_so_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = Outbox(path, max_messages=3)
    assert [box.put("t", bytes([n]), AT) for n in range(6)] == [True] * 3 + [False] * 3
    assert payloads(box) == [b"\0", b"\1", b"\2"]
    assert (box.depth, box.lost) == (3, 3)
    assert "full" in (box.fault or "")
    box.delivered([pending(box, 1)[0].id], AT)
    assert box.put("t", b"new", AT)
    assert box.fault is None
    assert [r.levelno for r in caplog.records] == [logging.ERROR, logging.WARNING]
    box.close()


def test_it_survives_a_restart_and_ids_go_on(path: Path) -> None:
    box = Outbox(path, max_messages=10)
    box.put("t", b"a", AT)
    box.put("t", b"b", AT)
    last = pending(box, 9)[-1].id
    box.close()
    box = Outbox(path, max_messages=10)
    assert box.depth == 2
    box.put("t", b"c", AT)
    assert payloads(box) == [b"a", b"b", b"c"]
    assert pending(box, 9)[-1].id > last
    box.close()


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from edge.uplink.outbox import Outbox
from tests.edge.uplink.boxes import pending
box = Outbox(Path(sys.argv[1]), max_messages=10**9)
first = int(sys.argv[2])
for n in range(first, first + 10**6):
    assert box.put("t", str(n).encode(), datetime.now(UTC))
    print(n, flush=True)  # only now does the caller believe that it is kept
    if n % 3 == 0:
        box.delivered([pending(box, 1)[0].id], datetime.now(UTC))
"""


def test_nothing_that_was_kept_is_lost_when_the_process_is_killed(path: Path) -> None:
    """Killed at five random points; what was believed kept is there, in order, but for what was deleted."""
    moment = random.Random(7)
    kept = -1
    for _ in range(5):
        arguments = [sys.executable, "-c", WRITER, str(path), str(kept + 1)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(moment.randrange(1, 60)):
                kept = int(writer.stdout.readline())
            writer.kill()
            # What it said between our last look and its death counts as well.
            kept = max([kept, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        box = Outbox(path, max_messages=10**9)
        numbers = [int(payload) for payload in payloads(box)]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert numbers[-1] in (kept, kept + 1)
        assert numbers[0] <= kept // 3 + 1
        kept = numbers[-1]
        box.close()


def test_a_file_of_the_version_before_the_checksums_is_taken_over_and_can_be_gone_back_to(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.executescript(
            "CREATE TABLE message (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL,"
            " created_at REAL NOT NULL);"
            "CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), counted_until REAL NOT NULL);"
            "PRAGMA user_version = 1;"
        )
        db.execute("INSERT INTO message VALUES (7, 't', X'61', 1e9)")
        db.execute("INSERT INTO progress VALUES (1, ?)", (AT.timestamp(),))
    db.close()
    box = Outbox(path, max_messages=10)
    assert box.counted == [(AT - 60 * MINUTE, AT)], "it kept no beginning"
    box.put("t", b"b", AT, progress=Progress(AT, AT + MINUTE, b""))
    assert box.counted == [(AT - 60 * MINUTE, AT + MINUTE)]
    assert payloads(box) == [b"a", b"b"]
    box.close()
    with sqlite3.connect(path) as db:  # as that version writes
        db.execute("INSERT INTO message (id, topic, payload, created_at) VALUES (9, 't', X'63', 1e9)")
        later = (AT + 5 * MINUTE).timestamp()
        db.execute("INSERT OR REPLACE INTO progress (id, counted_until) VALUES (1, ?)", (later,))
    db.close()
    box = Outbox(path, max_messages=10)
    assert box.counted == [(AT - 55 * MINUTE, AT + 5 * MINUTE)]
    assert payloads(box) == [b"a", b"b", b"c"]
    box.close()


@pytest.mark.parametrize(("step_s", "kept"), [(-60, 1), (-99, 1), (-101, 0), (60, 1), (101, 0)])
def test_what_was_delivered_is_kept_when_the_clock_is_set_by_less_than_that(
    outbox: Outbox, path: Path, step_s: float, kept: int
) -> None:
    outbox.close()
    box = Outbox(path, max_messages=10, hold_s=100)
    for payload in (b"a", b"b"):
        box.put("t", payload, AT)
    first, second = (item.id for item in pending(box, 2))
    box.delivered([first], AT)
    box.delivered([second], AT + timedelta(seconds=step_s))
    assert box.resend() == 1 + kept
    box.close()


def test_it_knows_every_stretch_that_was_counted_over_restarts(path: Path) -> None:
    made = [0, 1, 2, 60, 61, -30, -29, 3, 62]
    for minute in made:
        box = Outbox(path, max_messages=100)
        start = AT + minute * MINUTE
        assert box.put("t", b"", AT, progress=Progress(start, start + MINUTE, b""))
        box.close()
    box = Outbox(path, max_messages=100)
    assert box.counted == [
        (AT + first * MINUTE, AT + end * MINUTE)
        for first, end in ((0, 3), (60, 62), (-30, -28), (3, 4), (62, 63))
    ]
    box.close()


def test_what_was_delivered_is_kept_for_a_while_and_can_be_sent_again(path: Path) -> None:
    box = Outbox(path, max_messages=3, hold_s=100)
    for n in range(3):
        assert box.put("t", bytes([n]), AT)
    first, second, third = (item.id for item in pending(box, 3))
    box.delivered([first], AT)
    box.delivered([second], AT + timedelta(seconds=60))
    assert (box.depth, payloads(box)) == (1, [b"\2"])
    assert box.put("t", b"\3", AT), "what was delivered takes no room"
    box.delivered([third], AT + timedelta(seconds=101))
    assert box.resend() == 2, "the first one was delivered too long ago"
    assert (box.depth, payloads(box)) == (3, [b"\1", b"\2", b"\3"])
    assert box.resend() == 0
    box.delivered([second], AT)
    box.delivered([], AT + timedelta(days=1), forget=False)
    assert box.resend() == 1, "whoever is to send again forgets nothing before"
    box.delivered([second], AT)
    box.delivered([], AT + timedelta(days=3), forget=False)
    assert box.resend() == 0, "but nothing is kept for many days"
    box.close()


DISK = """
import logging, resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from edge.uplink.outbox import Outbox
from tests.edge.uplink.boxes import pending
logging.basicConfig(level="INFO", format="%(levelname)s %(message)s", stream=sys.stdout)
box = Outbox(Path(sys.argv[1]), max_messages=10**6)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
kept = sum(box.put("t", bytes(5000), datetime.now(UTC)) for _ in range(100))
assert 0 < kept < 100 and box.depth == kept and box.lost == 100 - kept and box.fault, (kept, box.depth, box.lost)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert box.put("t", b"healed", datetime.now(UTC))
assert box.fault is None and len(pending(box, 1000)) == kept + 1
"""


def test_a_disk_that_takes_no_more_is_a_fault_that_heals(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DISK, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ERROR", "WARNING"]
    assert "disk" in lines[0]


def test_a_file_that_cannot_be_had_is_one_clear_line(path: Path, tmp_path: Path) -> None:
    box = Outbox(path, max_messages=1)
    with pytest.raises(UserError, match="another process uses it"):
        Outbox(path, max_messages=1)
    box.close()
    with pytest.raises(UserError, match="is a folder"):
        Outbox(tmp_path, max_messages=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be created"):
        Outbox(tmp_path / "file" / "outbox.db", max_messages=1)


def test_one_thread_puts_while_another_delivers(outbox: Outbox) -> None:
    taken: list[int] = []

    def deliver() -> None:
        while len(taken) < 300:
            items = pending(outbox, 7)
            taken.extend(int(item.payload) for item in items)
            assert outbox.delivered([item.id for item in items], AT)

    thread = threading.Thread(target=deliver)
    thread.start()
    for n in range(300):
        assert outbox.put("t", str(n).encode(), AT)
    thread.join(30)
    assert taken == list(range(300))
    assert outbox.depth == 0


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.just("put"), st.just("reopen"), st.integers(0, 5)), max_size=25), st.integers(1, 6)
)
def test_it_behaves_like_a_bounded_list(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | int], bound: int
) -> None:
    path = tmp_path_factory.mktemp("box") / "outbox.db"
    box = Outbox(path, max_messages=bound)
    model: list[bytes] = []
    for n, step in enumerate(steps):
        if step == "put":
            assert box.put("t", str(n).encode(), AT) == (len(model) < bound)
            model = [*model, str(n).encode()][:bound]
        elif step == "reopen":
            box.close()
            box = Outbox(path, max_messages=bound)
        elif isinstance(step, int) and step < len(model):
            box.delivered([pending(box, bound)[step].id], AT)
            del model[step]
        assert payloads(box) == model
        assert box.depth == len(model)
    box.close()
