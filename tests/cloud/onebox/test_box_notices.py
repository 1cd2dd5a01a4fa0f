"""One box passes a notice of a device on to the page and to the web address, within five seconds."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from cloud.config import NoticeSettings
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
