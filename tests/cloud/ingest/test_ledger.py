"""A window that comes more than once is told in the ledger and counted once, in both stores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from cloud.__main__ import main
from cloud.ingest.duplicates import REMEMBERED_S, Duplicates
from cloud.ingest.intake import Delivery, Intake
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.influxql import InfluxQL
from cloud.stores.store import Reader, Store
from common.clock import SystemClock
from common.wire import Message, WindowMessage, encode, topic
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, health, window

LATER = MORNING + timedelta(hours=1)


@dataclass(frozen=True)
class Both:
    """One store, to write and to read."""

    store: Store
    reader: Reader


@pytest.fixture(params=["embedded", pytest.param("influx", marks=pytest.mark.influxdb)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Both]:
    clock = ManualClock(LATER)
    with ExitStack() as stack:
        if request.param == "embedded":
            embedded = EmbeddedStore(tmp_path / "store.sqlite", retention_days=30, clock=clock)
            yield Both(stack.enter_context(closing(embedded)), embedded)
        else:
            server: InfluxDB = request.getfixturevalue("influxdb")
            influx = InfluxStore(
                **server.address,
                org=server.org,
                timeout_s=10,
                clock=clock,
            )
            influxql = InfluxQL(**server.address, timeout_s=10)
            stack.enter_context(closing(influx))
            yield Both(influx, InfluxReader(stack.enter_context(closing(influxql)), influx))


def delivered(store: Store, clock: ManualClock, batches: list[list[Message]]) -> None:
    """Each batch is settled for itself, a second after the one before."""
    intake = Intake(store, lambda letter: None, lambda probe: None, clock=clock)
    for batch in batches:
        for message in batch:
            intake.submit(Delivery(topic(message), encode(message), lambda: None))
        intake._settle(intake._take())
        clock.advance(1)


def test_what_comes_more_than_once_is_told_by_device_and_counted_once(both: Both) -> None:
    clock, windows = ManualClock(LATER), [window(minute) for minute in range(4)]
    shelf, other = window(0, device="shelf"), window(0, site="other")
    batches: list[list[Message]] = [
        [*windows, shelf, other, health()],
        [windows[0], windows[0], shelf, other, health()],
        [windows[0].model_copy(update={"is_historical": True}), windows[3]],
    ]
    delivered(both.store, clock, batches)
    day = MORNING - timedelta(hours=9), MORNING + timedelta(hours=15)
    assert both.reader.duplicates("shop", *day) == {"door": 4, "shelf": 1}
    assert both.reader.duplicates("other", *day) == {"door": 1}
    assert both.reader.duplicates("shop", *(at + timedelta(days=1) for at in day)) == {}
    stored = both.reader.windows("shop", *day)
    assert [(one.device, one.start) for one in stored] == sorted(
        ((one.device, one.start) for one in (*windows, shelf)), key=lambda key: (key[1], key[0])
    )
    assert sum(one.totals.visits for one in stored) == sum(one.totals.visits for one in (*windows, shelf))


def test_a_window_is_remembered_for_as_long_as_it_may_be_sent_again() -> None:
    found = Duplicates()
    assert not found.among([window(0)], 0.0)
    assert not found.among([window(1)], 10.0)
    assert found.among([window(0)], REMEMBERED_S - 1) == {("shop", "door"): 1}
    assert not found.among([window(2)], REMEMBERED_S + 11), "what is old is forgotten"
    assert not found.among([window(1)], REMEMBERED_S + 12)
    assert found.among([window(0)], REMEMBERED_S + 13) == {("shop", "door"): 1}


def test_only_so_many_windows_are_remembered() -> None:
    found = Duplicates(most=2)
    assert not found.among([window(0), window(1), window(2)], 0.0)
    assert found.among([window(1), window(2)], 1.0) == {("shop", "door"): 2}
    assert not found.among([window(0)], 2.0), "the oldest was forgotten"


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    config = tmp_path / "cloud.yaml"
    path = tmp_path / "store.sqlite"
    config.write_text(yaml.safe_dump({"store": {"kind": "embedded", "path": str(path)}}))
    store = EmbeddedStore(path, retention_days=9999, clock=SystemClock())
    now = SystemClock().now().replace(second=0, microsecond=0)
    minutes = [now - timedelta(minutes=10 - minute) for minute in range(5)]
    made: list[WindowMessage] = [
        window(0, device="till").model_copy(update={"start": at, "seq": seq})
        for seq, at in enumerate(minutes)
    ]
    made += [
        window(0).model_copy(update={"start": at, "seq": seq, "is_historical": seq == 4})
        for seq, at in enumerate(minutes)
        if seq not in (1, 2)
    ]
    store.write(made)
    store.record_duplicates({("shop", "till"): 3}, now)
    store.close()

    def ask(*arguments: str) -> tuple[int, str]:
        code = main(["ledger", "--config", str(config), *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return ask


def test_the_command_tells_of_each_device_and_fails_if_windows_are_missing(
    asked: Callable[..., tuple[int, str]],
) -> None:
    code, said = asked()
    assert code == 1
    assert said.splitlines() == [
        "shop/door: 3 of 5 windows, 1 of them late, 2 missing",
        "shop/till: 5 of 5 windows, 3 came once more and count once",
    ]
    code, said = asked("--json", "--site", "shop", "--days", "2")
    assert (code, json.loads(said)) == (1, [
        {"site": "shop", "device": "door", "expected": 5, "received": 3, "late": 1, "duplicates": 0, "lost": 2},
        {"site": "shop", "device": "till", "expected": 5, "received": 5, "late": 0, "duplicates": 3, "lost": 0},
    ])  # fmt: skip


def test_a_wrong_site_or_number_of_days_is_named(asked: Callable[..., tuple[int, str]]) -> None:
    code, said = asked("--site", "shpo")
    assert code == 2
    assert "--site shpo: has never sent data; known are shop" in said
    with pytest.raises(SystemExit):
        asked("--days", "0")
