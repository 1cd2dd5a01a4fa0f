"""From a notice to the phones of staff: each its own message, in its language, and none to who is gone."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cloud.domain.push import Subscription
from cloud.ingest.push import Connect, Push, connect_public
from cloud.ingest.push_message import public_key
from cloud.stores.store import StoreUnavailable
from common.clock import SystemClock
from common.wire import NoticeMessage
from tests.cloud.ingest.phones import SERVICE, Phone, service_of, to_loopback
from tests.cloud.ingest.receiver import Receiver
from tests.support.brokers import until
from tests.support.messages import notice

PEM = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyfWPiYE+n46HLnH0
KqZOF1fJJU3MYrct3AELtAQ+oRyhRANCAAT+M/SrDepxkU21WCP3O1SUj0EwbZIH
Mtu5pZpTKGSCIA5Zent7wmC6HCJ5mFgJkuk5cwAvMBKiiujwa7t45ewP
-----END PRIVATE KEY-----
"""
"""The key of the example in RFC 8291."""


class Staff:
    """The subscriptions of one shop, in memory."""

    def __init__(self, *found: Subscription) -> None:
        self.found = list(found)
        self.away = False

    def push_key(self) -> str:
        return PEM

    def pushed_to(self, site: str) -> list[Subscription]:
        if self.away:
            raise StoreUnavailable("disk I/O error")
        return self.found if site == "shop" else []

    def forget_push(self, endpoint: str) -> None:
        self.found = [one for one in self.found if one.endpoint != endpoint]


@contextmanager
def pushing(staff: Staff, connect: Connect, **options: Any) -> Iterator[Push]:
    def text(message: NoticeMessage, language: str) -> bytes:
        return json.dumps({"name": message.name, "language": language}).encode()

    options.setdefault("pauses_s", (0, 0.01, 0.01))
    push = Push(staff, text, clock=SystemClock(), connect=connect, **options)
    try:
        yield push
    finally:
        push.stop()


def test_each_phone_gets_its_own_message_in_its_language() -> None:
    ana, ben = Phone("ana"), Phone("ben")
    with (
        Receiver() as service,
        pushing(Staff(ana.subscription("de"), ben.subscription()), to_loopback(service)) as push,
    ):
        push.post(notice(active=False))
        push.post(notice(site="elsewhere"))
        push.post(notice())
        until(lambda: len(service.calls) == 2, "both phones")
    assert ana.got(service) == [{"name": "long-queue", "language": "de"}]
    assert ben.got(service) == [{"name": "long-queue", "language": "en"}]
    for call in service.calls:
        assert service_of(call) == SERVICE
        assert (call.headers["content-encoding"], call.headers["ttl"], call.headers["urgency"]) == (
            "aes128gcm",
            "300",
            "high",
        )
        assert call.headers["authorization"].endswith(f"k={public_key(PEM)}")
        assert b"long-queue" not in call.body


@pytest.mark.parametrize("gone", [404, 410])
def test_a_browser_that_its_push_service_does_not_know_is_removed(gone: int) -> None:
    staff = Staff(Phone("ana").subscription())
    with Receiver(gone) as service, pushing(staff, to_loopback(service)) as push:
        push.post(notice())
        until(lambda: not staff.found, "it is removed")
        push.post(notice(name="second"))
    assert len(service.calls) == 1


def test_a_push_service_that_is_busy_is_asked_again_and_one_that_refuses_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    phone = Phone()
    staff = Staff(phone.subscription())
    with caplog.at_level(logging.INFO), Receiver(503, 429, 201, 403) as service:
        with pushing(staff, to_loopback(service)) as push:
            push.post(notice(name="busy"))
            until(lambda: len(service.calls) == 3, "the third attempt")
            push.post(notice(name="refused"))
            until(lambda: "answered 403" in caplog.text, "it is told")
            push.post(notice(name="fine"))
            until(lambda: "works again" in caplog.text, "it is over")
        assert [one["name"] for one in phone.got(service)] == 3 * ["busy"] + ["refused", "fine"]
    assert staff.found
    assert SERVICE in caplog.text
    assert "/send/" not in caplog.text, "who knows an address can ring there"


def test_a_push_service_that_is_away_or_a_store_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    def away(host: str) -> Any:
        raise ConnectionRefusedError("refused")

    staff = Staff(Phone().subscription())
    with pushing(staff, away) as push:
        push.post(notice())
        until(lambda: f"push: {SERVICE}: " in caplog.text, "it is told")
        staff.away = True
        push.post(notice())
        until(lambda: "is given up: disk I/O error" in caplog.text, "it is told, too")


def test_a_name_that_leads_into_the_own_network_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is looked up once, and what was found is what is called."""
    found = ["192.168.1.20"]

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(OSError, match="not on the public internet"):
        connect_public("router.example.com")
    found.insert(0, "142.250.185.106")
    with pytest.raises(OSError, match="not on the public internet"):
        connect_public("both.example.com")
    found[:] = ["142.250.185.106"]
    with connect_public("push.example.com") as pool:
        assert (pool.host, pool.port, pool.scheme) == ("142.250.185.106", 443, "https")
