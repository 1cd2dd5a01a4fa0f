"""A notice that a device sends to the real broker rings on the phone of who is logged in, within five seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest

from cloud.accounts.accounts import Accounts
from cloud.config import NoticeSettings, Settings
from cloud.onebox.serve import Box
from common.clock import SystemClock
from tests.cloud.ingest.phones import Phone, to_loopback
from tests.cloud.ingest.receiver import Receiver
from tests.cloud.onebox.boxes import running, settings
from tests.cloud.onebox.test_serve import device, publish
from tests.cloud.web.logins import PASSWORD, add_person
from tests.support.brokers import until
from tests.support.messages import notice, window

pytestmark = pytest.mark.slow


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """A box with one user."""
    made = settings(tmp_path, users={"shop/door": "right"})
    with closing(
        Accounts(made.accounts_file(), SystemClock(), idle=timedelta(hours=1), longest=timedelta(days=1))
    ) as accounts:
        add_person(accounts, "ana", "manager")
    return made


@contextmanager
def session_at(page_url: str) -> Iterator[Session]:
    with httpx.Client(base_url=page_url, timeout=20) as http:
        yield Session(http)


@contextmanager
def session_after_data(box: Box, client: mqtt.Client) -> Iterator[Session]:
    """The shop is known once it has sent a window."""
    publish(client, window(0)).wait_for_publish(10)
    with session_at(box.page_url) as session:
        yield session


@pytest.fixture
def service() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class Session:
    """A person who is logged in over HTTP."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.submit("login", "login", name="ana", password=PASSWORD)
        self._token = self.token("account")

    def token(self, page: str) -> str:
        return self._http.get(page).text.split('name="csrf" value="')[1].partition('"')[0]

    def submit(self, path: str, page: str, **fields: str) -> None:
        assert self._http.post(path, data={"csrf": self.token(page), **fields}).status_code == 303

    def send(self, path: str, **fields: str) -> httpx.Response:
        return self._http.post(path, data=fields, headers={"x-csrf-token": self._token})

    def get(self, path: str) -> Any:
        return self._http.get(path).json()


def test_a_notice_rings_on_the_phone_until_the_logout(chosen: Settings, service: Receiver) -> None:
    clock, phone = SystemClock(), Phone()
    with (
        running(chosen, connect=to_loopback(service)) as box,
        device(box.mqtt_port, user="shop/door", password="right") as client,
        session_after_data(box, client) as session,
    ):
        assert session.get("api/shop/push")["on"] is False
        assert session.send("api/shop/push", **phone.form()).status_code == 204
        assert session.get("api/shop/push")["on"] is True

        began_s = clock.monotonic()
        publish(client, notice(at=clock.now())).wait_for_publish(10)
        until(lambda: service.calls, "the phone", 5)
        assert clock.monotonic() - began_s < 5
        assert phone.got(service) == [
            {
                "title": "shop",
                "text": "long-queue: more than 4 people wait (6)",
                "tag": "shop/door/long-queue",
                "path": "site/shop",
            }
        ]
        session.submit("logout", "account")
        second = Phone("ben")
        with session_at(box.page_url) as other:
            other.send("api/shop/push", **second.form())
        publish(client, notice(name="after", at=clock.now())).wait_for_publish(10)
        until(lambda: second.got(service), "the phone of who is logged in")
        assert len(phone.got(service)) == 1


def test_quiet_hours_and_care_hold_for_phones_as_for_the_webhook(chosen: Settings, service: Receiver) -> None:
    """Here with the limit of an hour: the third notice is not told."""
    limited = chosen.model_copy(update={"notices": NoticeSettings(most_an_hour=2)})
    clock, phone = SystemClock(), Phone()
    with (
        running(limited, connect=to_loopback(service)) as box,
        device(box.mqtt_port, user="shop/door", password="right") as client,
        session_after_data(box, client) as session,
    ):
        session.send("api/shop/push", **phone.form())
        for name in ("one", "two", "three"):
            publish(client, notice(name=name, at=clock.now())).wait_for_publish(10)
        until(lambda: len(session.get("api/shop/today")["notices"]) == 3, "all are on the page")
        until(lambda: len(service.calls) == 2, "two ring")
        taken = session.send("api/shop/acknowledge", device="door", name="one")
        assert (taken.status_code, taken.json()["who"]) == (200, "ana")
        shown = {one["name"]: one["acknowledged"] for one in session.get("api/shop/today")["notices"]}
        assert (shown["one"]["who"], shown["two"]) == ("ana", None)
    assert {one["text"].partition(":")[0] for one in phone.got(service)} == {"one", "two"}
    assert len(service.calls) == 2
