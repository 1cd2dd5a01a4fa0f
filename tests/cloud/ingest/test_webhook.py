"""The webhook against a real server: signed, sent again, given up, and logged once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cloud.domain.notices import Event
from cloud.ingest.webhook import MOST_WAITING, Webhook, signature
from common.clock import Clock, SystemClock
from common.wire import NEWS_S
from tests.cloud.ingest.receiver import Receiver
from tests.support.brokers import free_port, until
from tests.support.clock import ManualClock

KEY = b"0123456789abcdef01234567"
EVENT = Event("notice_1", b'{"type": "notice.began"}')


@contextmanager
def running(url: str, *, clock: Clock | None = None, timeout_s: float = 2.0) -> Iterator[Webhook]:
    webhook = Webhook(
        url, KEY, clock=clock or SystemClock(), retry_first_s=0.02, retry_most_s=0.05, timeout_s=timeout_s
    )
    webhook.start()
    try:
        yield webhook
    finally:
        webhook.stop()


def events(*numbers: int) -> list[Event]:
    return [Event(f"notice_{number}", b"{}") for number in numbers]


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of its specification."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    event = Event("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}')
    assert signature(key, event, 1614265330) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_event_arrives_signed_within_a_second() -> None:
    clock = SystemClock()
    with Receiver() as receiver, running(receiver.url) as webhook:
        began_s = clock.monotonic()
        webhook.post(EVENT)
        until(lambda: receiver.calls, "the event", 5)
        assert clock.monotonic() - began_s < 1
        (call,) = receiver.calls
    assert (call.path, call.body, call.headers["content-type"]) == (
        "/hook?key=1",
        EVENT.body,
        "application/json",
    )
    sent_at = int(call.headers["webhook-timestamp"])
    assert abs(sent_at - clock.now().timestamp()) < 10
    signed = f"{EVENT.id}.{sent_at}.".encode() + EVENT.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert (call.headers["webhook-id"], call.headers["webhook-signature"]) == (EVENT.id, f"v1,{expected}")


def test_what_is_refused_is_sent_again_in_order_with_the_same_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="cloud")
    with Receiver(500, 404, 301) as receiver, running(receiver.url) as webhook:
        for event in events(1, 2):
            webhook.post(event)
        until(lambda: len(receiver.calls) == 5, "all attempts", 5)
    assert [call.headers["webhook-id"] for call in receiver.calls] == [f"notice_{n}" for n in (1, 1, 1, 1, 2)]
    assert {call.path for call in receiver.calls} == {"/hook?key=1"}, "a redirect is not followed"
    assert [record.getMessage() for record in caplog.records] == [
        "webhook at 127.0.0.1: answered 500; notices are sent again for 5 minutes",
        "webhook at 127.0.0.1: works again, 0 notices were given up",
    ]


def test_a_server_that_comes_late_gets_it_and_its_absence_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="cloud")
    port = free_port()
    with running(f"http://127.0.0.1:{port}/") as webhook:
        webhook.post(EVENT)
        until(lambda: caplog.records, "the fault", 5)
        with Receiver(port=port) as receiver:
            until(lambda: receiver.calls, "the event", 5)
            until(lambda: len(caplog.records) == 2, "that it works again", 5)
    assert "Connection refused" in caplog.records[0].getMessage()


def test_what_is_no_longer_news_is_given_up() -> None:
    clock = ManualClock()
    with Receiver() as receiver, running(receiver.url, clock=clock) as webhook:

        def ids() -> list[str]:
            return [call.headers["webhook-id"] for call in receiver.calls]

        receiver.refuses.set()
        webhook.post(EVENT)
        until(lambda: len(ids()) > 2, "several attempts", 5)
        clock.advance(NEWS_S)
        webhook.post(Event("notice_2", b"{}"))
        until(lambda: "notice_2" in ids(), "the next one", 5)
        receiver.refuses.clear()
        before = len(ids())
        until(lambda: len(ids()) > before, "another attempt", 5)
        assert EVENT.id not in ids()[ids().index("notice_2") :]


def test_a_server_that_never_answers_blocks_nobody() -> None:
    clock = SystemClock()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with running(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.3) as webhook:
            began_s = clock.monotonic()
            for event in events(*range(3 * MOST_WAITING)):
                webhook.post(event)
            assert clock.monotonic() - began_s < 0.3
        assert clock.monotonic() - began_s < 5, "and it ends"
    assert "webhook" not in {thread.name for thread in threading.enumerate()}
