"""Count checks are kept once, compared when the windows have come, and void when the device is another one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.domain.count_check import WAITS, Basis, CountCheck, Door, Sums, Tap
from cloud.ingest.background import in_background
from cloud.stores.check_file import CheckFile, opened_checks
from cloud.stores.count_checks import CountChecks, door_checks, judged
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import StoreUnavailable
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.door import DOOR, check_of, door_windows, taps_at
from tests.support.messages import MORNING, alert, health

TAPS = taps_at([10.0 + 20 * number for number in range(36)])
"""36 people in twelve minutes."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path / "store.sqlite", retention_days=400, clock=clock)) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Iterator[CheckFile]:
    with closing(CheckFile(tmp_path / "store.checks.sqlite")) as opened:
        yield opened


@pytest.fixture
def checks(file: CheckFile, store: EmbeddedStore, clock: ManualClock) -> CountChecks:
    return CountChecks(file, store, clock)


def made(
    checks: CountChecks, *, minutes: float = 12, id_: str = "1" * 32, after_s: float = 0.0
) -> CountCheck:
    """A check that is over; nothing is compared yet."""
    check = replace(check_of(minutes, began_s=after_s), id=id_, ended=None)
    checks.file.start(check)
    checks.file.add(check.id, TAPS)
    checks.file.end(check.id, check.started + timedelta(minutes=minutes))
    return check


def tell(store: EmbeddedStore, minute: int, **changes: Any) -> None:
    store.write([health(at=MORNING + timedelta(minutes=minute), **changes)])


def state(checks: CountChecks) -> str:
    checks.look("shop")
    (one,) = judged(checks.file, "shop")
    return one.state


def counts(store: EmbeddedStore, minutes: int = 14, *, missed: int = 0) -> None:
    moments = [tap.after_s + 4 for tap in TAPS][missed:]
    store.write(door_windows(moments, MORNING, minutes))


def test_a_check_holds_from_its_windows_on(
    checks: CountChecks, store: EmbeddedStore, clock: ManualClock
) -> None:
    tell(store, 0)
    made(checks)
    clock.advance(720)
    counts(store, 11)
    assert state(checks) == "waiting"
    counts(store, missed=6)
    assert state(checks) == "holds"
    (one,) = judged(checks.file, "shop")
    assert one.check.sums["entries"] == Sums(36, 30, 30, 0)
    assert one.check.seconds == 720
    assert checks.file.doors("shop") == [DOOR]


@pytest.mark.parametrize(
    ("what", "changes"),
    [("config", {"config": "f" * 12}), ("model", {"model": "2"}), ("software", {"software": "0.2.0"})],
)
def test_a_change_of_the_device_makes_a_check_void_and_says_what_and_when(
    checks: CountChecks, store: EmbeddedStore, what: str, changes: dict[str, Any]
) -> None:
    tell(store, 0)
    made(checks)
    counts(store)
    assert state(checks) == "holds"
    tell(store, 30)
    assert state(checks) == "holds"
    tell(store, 40, **changes)
    assert state(checks) == "void"
    (one,) = judged(checks.file, "shop")
    assert one.period is not None
    assert (one.period.until, one.period.changed) == (MORNING + timedelta(minutes=40), (what,))
    tell(store, 50)  # back again: somebody changed something meanwhile, so it stays void
    assert state(checks) == "void"


def test_a_moved_camera_makes_a_check_void(checks: CountChecks, store: EmbeddedStore) -> None:
    tell(store, 0)
    made(checks)
    counts(store)
    assert state(checks) == "holds"
    store.write([alert(active=True, at=MORNING + timedelta(minutes=20), fault="moved")])
    assert state(checks) == "void"
    (one,) = judged(checks.file, "shop")
    assert one.period is not None
    assert one.period.changed == ("moved",)


def test_a_check_during_which_something_changed_does_not_count(
    checks: CountChecks, store: EmbeddedStore
) -> None:
    tell(store, 0)
    checks.look("shop")
    made(checks)
    tell(store, 6, config="f" * 12)
    counts(store)
    assert state(checks) == "changed"


def test_what_does_not_count_says_why(checks: CountChecks, store: EmbeddedStore, clock: ManualClock) -> None:
    made(checks, minutes=9)
    assert state(checks) == "short"
    checks.file.delete("1" * 32)
    made(checks)
    clock.advance(WAITS.total_seconds() + 720)
    assert state(checks) == "unwatched"
    checks.file.delete("1" * 32)
    made(checks)
    counts(store)
    assert state(checks) == "unbound"


def test_what_is_sent_again_is_kept_once(file: CheckFile) -> None:
    check = replace(check_of(12), ended=None)
    file.start(check)
    again = file.start(replace(check, who="bert", started=check.started + timedelta(minutes=1)))
    assert (again.who, again.started) == ("anna", check.started)
    assert file.add(check.id, TAPS[:20]) == 20
    assert file.add(check.id, [*TAPS[10:], Tap(3, 999.0, "exit")]) == 36
    assert file.taps(check.id) == TAPS
    file.end(check.id, check.started + timedelta(minutes=12))
    file.end(check.id, check.started + timedelta(minutes=99))
    kept = file.find(check.id)
    assert kept is not None
    assert kept.ended == check.started + timedelta(minutes=12)


def test_a_question_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite"
    with closing(CheckFile(path)) as file:
        assert (file.sites(), file.of("shop"), file.find("x")) == ([], [], None)
    with opened_checks(path) as none:
        assert none is None
    assert not path.exists()


def test_a_damaged_file_is_set_aside_and_its_rows_are_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "c.sqlite"
    with closing(CheckFile(path)) as file:
        for number in range(150):
            file.start(replace(check_of(12), id=f"{number:032x}"))
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2 // 4096 * 4096
    raw[middle : middle + 4096] = bytes(4096)
    path.write_bytes(raw)
    with closing(CheckFile(path)) as file, caplog.at_level(logging.ERROR):
        saved = len(file.of("shop"))
        file.start(replace(check_of(12), id="f" * 32))
        assert len(file.of("shop")) == saved + 1
    assert 100 < saved <= 150
    assert "is damaged" in caplog.text
    assert path.with_name("c.sqlite.damaged").exists()


def test_a_file_of_another_version_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with closing(CheckFile(path)) as file:
        file.start(check_of(12))
        assert file._db is not None
        file._db.execute("PRAGMA user_version = 99")
    with closing(CheckFile(path)) as file, pytest.raises(StoreUnavailable, match="another version"):
        file.sites()


def test_a_check_corrects_the_days_on_which_it_holds(
    checks: CountChecks, store: EmbeddedStore, file: CheckFile
) -> None:
    tell(store, 0)
    made(checks)
    counts(store)
    assert state(checks) == "holds"
    file.see("shop", [DOOR])

    def corrects(first: int, last: int) -> bool:
        midnight = MORNING.replace(hour=0)
        days = [(midnight + timedelta(days=day), midnight + timedelta(days=day + 1)) for day in (first, last)]
        known = door_checks(file, "shop")
        found = known.correction(days[0], days[1]) if known else None
        return found is not None and not found.without

    assert corrects(0, 0)
    assert corrects(0, 5)
    assert not corrects(-1, 0)  # nobody knows what the device counted with
    tell(store, 3 * 24 * 60, config="f" * 12)
    assert state(checks) == "void"
    assert corrects(0, 2)
    assert not corrects(0, 3)
    file.see("shop", [DOOR, Door("door", "front", "yard")])
    assert not corrects(0, 2)


def test_a_basis_is_kept_when_it_is_news(file: CheckFile) -> None:
    basis, later = Basis("1", "1", "a", moved=False), Basis("1", "1", "b", moved=False)
    for minute, one in enumerate([basis, basis, later, later]):
        file.observe("shop", "door", one, MORNING + timedelta(minutes=minute))
    file.observe("shop", "door", basis, MORNING)  # old news
    assert [(one.since, one.until, one.changed) for one in file.periods("shop", "door")] == [
        (MORNING, MORNING + timedelta(minutes=2), ("config",)),
        (MORNING + timedelta(minutes=2), None, ()),
    ]


def test_a_change_is_noticed_while_nobody_looks(checks: CountChecks, store: EmbeddedStore) -> None:
    tell(store, 0)
    made(checks)
    counts(store)
    with in_background("count checks", lambda stop: checks.watch(stop, 0.01)):
        until(lambda: judged(checks.file, "shop")[0].state == "holds", "the check is compared")
        tell(store, 20, config="f" * 12)
        until(lambda: judged(checks.file, "shop")[0].state == "void", "the change is noticed")


def test_a_store_that_is_away_is_told_once(
    checks: CountChecks, store: EmbeddedStore, caplog: pytest.LogCaptureFixture
) -> None:
    made(checks)
    seen = threading.Event()

    def away(site: str) -> None:
        if away_s.count(site) == 3:
            seen.set()
        away_s.append(site)
        raise StoreUnavailable("switched off")

    away_s: list[str] = []
    checks.look = away  # type: ignore[method-assign]
    with in_background("count checks", lambda stop: checks.watch(stop, 0.01)):
        assert seen.wait(20)
    assert [record.message for record in caplog.records] == ["count checks: switched off"]
