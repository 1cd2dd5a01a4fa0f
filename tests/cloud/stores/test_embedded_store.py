"""What the embedded store promises: durable, idempotent by identity, and a fault is named for what it is."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import StoreUnavailable
from common.errors import UserError
from tests.cloud.stores.embedded_samples import DAY, letter
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, alert, cohort, first_words, health, probe, status, window


def test_windows_come_back_as_they_were_ordered_by_start_then_camera(store: EmbeddedStore) -> None:
    one, two, other = window(0, cohort=cohort()), window(1), window(0, camera="back")
    store.write([two, one, other, window(0, site="elsewhere")])
    assert store.windows("shop", *DAY) == [other, one, two]
    assert store.windows("shop", MORNING, two.start) == [other, one]
    assert store.latest("shop") == two
    assert store.sites() == ["elsewhere", "shop"]


def test_an_empty_store_knows_nothing(store: EmbeddedStore) -> None:
    assert store.sites() == []
    assert store.devices("shop") == []
    assert store.windows("shop", *DAY) == []
    assert store.latest("shop") is None


@settings(max_examples=30, deadline=None)
@given(deliveries=st.lists(st.lists(st.integers(0, 8), max_size=6), max_size=8))
def test_totals_are_exact_however_often_and_in_whatever_batches_it_is_delivered(
    tmp_path_factory: pytest.TempPathFactory, deliveries: list[list[int]]
) -> None:
    store = EmbeddedStore(
        tmp_path_factory.mktemp("store") / "store.sqlite", retention_days=30, clock=ManualClock()
    )
    for batch in deliveries:
        store.write([window(minute, visits=10 + minute) for minute in batch])
    stored = store.windows("shop", *DAY)
    expected = sorted({minute for batch in deliveries for minute in batch})
    assert [message.totals.visits for message in stored] == [10 + minute for minute in expected]
    store.close()


def test_what_was_written_survives_the_process(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.sqlite"
    first = EmbeddedStore(path, retention_days=30, clock=clock)
    first.write([window(0)])
    # Not closed: a second process sees what was committed.
    second = EmbeddedStore(path, retention_days=30, clock=clock)
    assert second.latest("shop") == window(0)
    first.close()
    second.close()


def test_a_device_is_known_by_its_last_words(store: EmbeddedStore, clock: ManualClock) -> None:
    store.write([status(online=True), health(fps=9.0), alert(active=True)])
    (state,) = store.devices("shop")
    assert (state.online, state.since, state.last_seen) == (True, MORNING, clock.now())
    assert (state.software, state.model) == ("0.1.0", "1")
    assert state.health == health(fps=9.0)
    assert state.alerts == (alert(active=True),)

    store.write([alert(active=False, at=MORNING + timedelta(minutes=1)), health(at=DAY[0], fps=1.0)])
    (state,) = store.devices("shop")
    assert state.alerts == ()
    assert state.health == health(fps=9.0), "an older health message that came late is no news"


def test_a_last_will_dates_from_its_arrival_and_is_no_sign_of_life(
    store: EmbeddedStore, clock: ManualClock
) -> None:
    store.write([status(online=True), window(0)])
    seen = clock.now()
    clock.time += timedelta(hours=2)
    # The will was written when the device connected, a moment before it said that it is online.
    will = status(online=False, since=MORNING - timedelta(milliseconds=3))
    store.write([will])
    (state,) = store.devices("shop")
    assert (state.online, state.since, state.last_seen) == (False, clock.now(), seen)
    gone = clock.now()
    clock.time += timedelta(hours=1)
    store.write([will])
    assert store.devices("shop")[0].since == gone, "delivered again, it says nothing new"


def test_a_device_of_which_only_the_status_came_was_never_seen(store: EmbeddedStore) -> None:
    store.write([status(online=False, device="shelf")])
    (state,) = store.devices("shop")
    assert (state.device, state.last_seen, state.health) == ("shelf", None, None)


def test_an_alert_of_a_run_that_crashed_ends_with_the_first_words_of_the_next(store: EmbeddedStore) -> None:
    crashed, restarted = alert(active=True, at=MORNING), first_words(MORNING + timedelta(minutes=5))
    store.write([status(online=True), crashed])
    store.write([status(online=True, boot_id="fedcba98"), *restarted])
    assert store.devices("shop")[0].alerts == ()
    store.write([crashed])
    assert store.devices("shop")[0].alerts == (), "delivered again, or late, it is no news"


def test_the_last_probe_is_there_and_counts_nothing(store: EmbeddedStore) -> None:
    store.write([probe(1), probe(2), probe(3, device="shelf")])
    assert [store.contains(probe(number)) for number in (1, 2, 3)] == [False, True, False]
    assert (store.sites(), store.devices("shop")) == ([], [])


def test_a_file_from_before_the_probes_takes_them(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.sqlite"
    EmbeddedStore(path, retention_days=30, clock=clock).close()
    with sqlite3.connect(path) as before:
        before.execute("DROP TABLE probes")
    before.close()
    store = EmbeddedStore(path, retention_days=30, clock=clock)
    store.write([probe()])
    assert store.contains(probe())
    store.close()


def test_windows_are_kept_for_the_time_given(store: EmbeddedStore, clock: ManualClock) -> None:
    store.write([window(0), window(60)])
    clock.time = MORNING + timedelta(days=30, minutes=30)
    store.write([window(90)])
    assert [message.seq for message in store.windows("shop", *DAY)] == [60, 90]


def test_a_store_that_is_locked_is_unavailable_and_heals(store: EmbeddedStore, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new" / "store.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        store.write([window(0)])
    assert store.latest("shop") is None, "reading goes on"
    other.execute("ROLLBACK")
    other.close()
    store.write([window(0)])
    assert store.latest("shop") == window(0)


def test_reading_and_writing_from_several_threads(store: EmbeddedStore) -> None:
    counts: list[int] = []

    def read() -> None:
        while len(store.windows("shop", *DAY)) < 200:
            counts.append(len(store.windows("shop", *DAY)))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for minute in range(0, 200, 4):
        store.write([window(minute + offset) for offset in range(4)])
    for reader in readers:
        reader.join(30)
        assert not reader.is_alive()
    assert all(count % 4 == 0 for count in counts), "a batch is there as a whole or not at all"


def test_the_last_thousand_dead_letters_are_kept(store: EmbeddedStore, clock: ManualClock) -> None:
    for number in range(1003):
        store.record_dead_letter(letter(number, clock))
    assert store.dead_letters(2) == [letter(1002, clock), letter(1001, clock)]
    assert len(store.dead_letters(5000)) == 1000


@pytest.mark.parametrize("what", ["a directory", "from the future", "below a file"])
def test_a_file_that_cannot_be_the_store_is_one_line(tmp_path: Path, clock: ManualClock, what: str) -> None:
    path = tmp_path / "store.sqlite"
    match what:
        case "a directory":
            path.mkdir()
        case "from the future":
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA user_version = 99")
            db.close()
        case "below a file":
            path.write_text("")
            path = path / "store.sqlite"
    with pytest.raises(UserError, match=r"^store\.path: ") as error:
        EmbeddedStore(path, retention_days=30, clock=clock)
    assert "\n" not in str(error.value)
