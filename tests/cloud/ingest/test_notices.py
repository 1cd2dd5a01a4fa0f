"""From a device's notice to the web address of the shop: once, in time, and not at night."""

from __future__ import annotations

import json
import logging
from collections.abc import Container, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from cloud.config import NoticeSettings
from cloud.domain.notices import event_of, said
from cloud.ingest.bridge import Bridge
from cloud.ingest.intake import Delivery, Intake
from cloud.ingest.notices import Relay, telling
from cloud.stores.embedded import EmbeddedStore
from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.wire import NEWS_S, NoticeMessage, encode, topic
from tests.cloud.ingest.bridges import FaultyStore, running
from tests.cloud.ingest.receiver import Receiver
from tests.support.brokers import Mosquitto, until
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, notice, window
from tests.support.uplinks import uplink

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path / "book.sqlite", retention_days=30, clock=ManualClock())) as store:
        yield store


def relay(
    clock: ManualClock,
    *,
    quiet: tuple[int, int] | None = None,
    most: int = 20,
    acknowledged: Container[NoticeMessage] = (),
) -> tuple[Relay, list[str]]:
    """The relay, and the text of everything that it sends."""
    sent: list[str] = []

    def post(told: NoticeMessage) -> None:
        sent.append(said(told))

    made = Relay(
        post, clock=clock, acknowledged=acknowledged, zone=BERLIN, quiet_hours=quiet, most_an_hour=most
    )
    return made, sent


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "long-queue: more than 4 people wait (6)"),
        ({"count": None}, "long-queue: more than 4 people wait"),
        ({"active": False}, "long-queue: over"),
        (
            {"rule": "nobody_at_desk", "limit": None, "count": None},
            "long-queue: somebody waits and nobody is at the desk",
        ),
        (
            {"rule": "inside_over", "limit": 80, "count": 81},
            "long-queue: more than 80 people are inside (81)",
        ),
        ({"rule": "zone_empty", "limit": None, "count": 0}, "long-queue: nobody is there"),
    ],
)
def test_a_notice_in_words(changes: dict[str, Any], text: str) -> None:
    assert said(notice(**changes)) == text


def test_an_event_says_what_happened_and_no_more() -> None:
    assert json.loads(event_of(notice()).body) == {
        "type": "notice.began",
        "timestamp": "2026-03-02T08:00:00+00:00",
        "data": {
            "site": "shop",
            "device": "door",
            "name": "long-queue",
            "rule": "queue_over",
            "count": 6,
            "limit": 4,
            "text": "long-queue: more than 4 people wait (6)",
        },
    }
    assert event_of(notice()).id == event_of(notice()).id != event_of(notice(name="other")).id


def test_a_notice_is_told_once_and_its_end_only_after_it() -> None:
    told, sent = relay(ManualClock())
    for message in (notice(active=False), notice(), notice(), notice(active=False), notice(active=False)):
        told.tell(message)
    assert sent == ["long-queue: more than 4 people wait (6)", "long-queue: over"]


def test_an_old_notice_is_no_news() -> None:
    clock = ManualClock()
    told, sent = relay(clock)
    told.tell(notice(at=MORNING - timedelta(seconds=NEWS_S + 1)))
    assert sent == []
    told.tell(notice(at=MORNING - timedelta(seconds=NEWS_S)))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("quiet", "hours"), [((20, 8), range(8, 20)), ((12, 14), [*range(12), *range(14, 24)]), (None, range(24))]
)
def test_nothing_is_sent_in_quiet_hours(quiet: tuple[int, int] | None, hours: list[int]) -> None:
    midnight = datetime(2026, 3, 2, tzinfo=BERLIN).astimezone(UTC)
    told = []
    for hour in range(24):
        clock = ManualClock(midnight + timedelta(hours=hour, minutes=30))
        teller, sent = relay(clock, quiet=quiet)
        teller.tell(notice(at=clock.now()))
        told += [hour] if sent else []
    assert told == list(hours)


def test_a_shop_gets_so_many_in_an_hour_and_another_one_its_own(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    told, sent = relay(clock, most=3)
    for number in range(10):
        told.tell(notice(name=f"n{number}", at=clock.now()))
        clock.advance(60)
    assert [text[:2] for text in sent] == ["n0", "n1", "n2"]
    told.tell(notice(site="other", at=clock.now()))
    told.tell(notice(name="n0", active=False, at=clock.now()))
    assert len(sent) == 5, "another shop, and the end of what was told"
    clock.advance(3600)
    told.tell(notice(name="later", at=clock.now()))
    assert len(sent) == 6
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_notice_goes_out_at_once_while_the_store_is_away_and_a_bad_one_never(tmp_path: Path) -> None:
    store = FaultyStore(tmp_path / "store.sqlite")
    told: list[NoticeMessage] = []
    intake = Intake(store, lambda _: None, lambda _: None, clock=ManualClock(), tell=told.append, min_k=5)
    for message in (window(0), notice(), notice(k=3)):
        intake.submit(Delivery(topic(message), encode(message), lambda: None))
    intake.submit(Delivery(topic(notice()), b'{"faces": 1}', lambda: None))
    intake.submit(Delivery("a/b/notice", encode(notice()), lambda: None))
    assert told == [notice()]
    store.close()


@pytest.mark.mosquitto
def test_from_the_device_over_a_broker_to_the_web_address_within_five_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="cloud")
    store, clock = FaultyStore(tmp_path / "store.sqlite"), SystemClock()
    (tmp_path / "secret").write_text(SECRET + "\n")
    with Mosquitto(tmp_path) as server, Receiver(503) as receiver:
        settings = NoticeSettings(url=receiver.url, secret_file=tmp_path / "secret")
        with telling(settings, store.inner, clock) as tell:
            bridge = Bridge(store, Broker("127.0.0.1", server.port), client_id="bridge", tell=tell)
            with running(bridge), uplink(tmp_path, Broker("127.0.0.1", server.port)) as device:
                began_s = clock.monotonic()
                device.send(notice(at=clock.now()))
                until(lambda: len(receiver.calls) == 2, "the notice, after one attempt that failed", 10)
                assert clock.monotonic() - began_s < 5
                until(lambda: store.written, "it is stored")
    assert json.loads(receiver.calls[1].body)["data"]["text"] == "long-queue: more than 4 people wait (6)"
    assert SECRET[6:] not in caplog.text
    assert "key=1" not in caplog.text
    store.close()


@pytest.mark.parametrize(
    "text", ["whsec_c2hvcnQ=", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "whsec_no base64 at all!"]
)
def test_a_secret_that_is_none_is_refused(text: str, book: EmbeddedStore) -> None:
    settings = NoticeSettings(url="http://127.0.0.1:9/", secret=SecretStr(text))
    with (
        pytest.raises(UserError, match=r"^notices\.secret: .*openssl rand -base64 32"),
        telling(settings, book, SystemClock()),
    ):
        pass


def test_without_settings_nobody_is_told(book: EmbeddedStore) -> None:
    with telling(None, book, SystemClock()) as tell:
        assert tell is None


def test_the_rules_hold_without_a_webhook_and_a_secret_needs_one(book: EmbeddedStore) -> None:
    told: list[NoticeMessage] = []
    clock = ManualClock()
    with telling(NoticeSettings(most_an_hour=1), book, clock, told.append) as tell:
        assert tell is not None
        tell(notice(name="one", at=clock.now()))
        tell(notice(name="two", at=clock.now()))
    assert [one.name for one in told] == ["one"]
    with telling(None, book, clock) as tell:
        assert tell is None
    with pytest.raises(ValueError, match="secret of a webhook, but no url"):
        NoticeSettings(secret=SecretStr(SECRET))
