"""One box passes a notice of a device on to the page and to the web address, within five seconds."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.config import NoticeSettings
from cloud.ingest.acknowledging import acknowledge
from cloud.stores.embedded import EmbeddedStore
from common.clock import SystemClock
from tests.cloud.ingest.receiver import Receiver
from tests.cloud.onebox.boxes import running, settings
from tests.cloud.onebox.test_serve import device, publish
from tests.support.brokers import until
from tests.support.messages import notice

pytestmark = pytest.mark.slow


def test_a_notice_is_on_the_page_and_at_the_web_address_within_five_seconds(tmp_path: Path) -> None:
    clock = SystemClock()
    (tmp_path / "webhook").write_text("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n")
    with Receiver() as receiver:
        hook = NoticeSettings(url=receiver.url, secret_file=tmp_path / "webhook")
        chosen = settings(tmp_path).model_copy(update={"notices": hook})
        with running(chosen) as box, device(box.mqtt_port) as client:

            def shown() -> list[str]:
                day = httpx.get(f"{box.page_url}api/shop/today", timeout=10).json()
                return [one["text"] for one in day["notices"]]

            began_s = clock.monotonic()
            publish(client, notice(at=clock.now())).wait_for_publish(10)
            until(lambda: receiver.calls, "the webhook", 5)
            until(shown, "the page", 5)
            assert clock.monotonic() - began_s < 5
            assert shown() == [json.loads(receiver.calls[0].body)["data"]["text"]]
            publish(client, notice(active=False, at=clock.now())).wait_for_publish(10)
            until(lambda: len(receiver.calls) == 2, "its end", 5)
            until(lambda: shown() == [], "and it is no longer shown", 5)
    assert [json.loads(call.body)["type"] for call in receiver.calls] == ["notice.began", "notice.ended"]


def test_repeats_of_what_somebody_takes_care_of_stop_at_the_web_address(tmp_path: Path) -> None:
    clock, number = SystemClock(), count()
    (tmp_path / "webhook").write_text("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n")
    with Receiver() as receiver:
        hook = NoticeSettings(url=receiver.url, secret_file=tmp_path / "webhook", most_an_hour=3600)
        chosen = settings(tmp_path).model_copy(update={"notices": hook})
        with running(chosen) as box, device(box.mqtt_port) as client:

            def told() -> list[str]:
                return [json.loads(call.body)["data"]["name"] for call in receiver.calls]

            def is_repeated() -> bool:
                """Nobody is at the desk, once more; another notice right after it shows that it was passed over."""
                before, after = told().count("desk"), f"after-{next(number)}"
                few: dict[str, Any] = {"rule": "nobody_at_desk", "limit": None, "count": None}
                publish(client, notice(name="desk", at=clock.now(), **few)).wait_for_publish(10)
                publish(client, notice(name=after, at=clock.now())).wait_for_publish(10)
                until(lambda: after in told(), "the other notice", 10)
                return told().count("desk") > before

            assert is_repeated()
            book = box.reader
            assert isinstance(book, EmbeddedStore)
            acknowledge(book, site="shop", device="door", name="desk", who="Ana", at=clock.now())
            until(lambda: not is_repeated(), "the acknowledgement is known", 30)
            assert not is_repeated()
