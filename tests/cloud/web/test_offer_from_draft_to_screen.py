"""An offer from the draft to the screen and back: two people at the page, a real broker, the service of a device, the
reference player, and what was watched in the store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.devices.broker_link import broker_changes
from cloud.domain.clips import ClipSums, clips_of
from cloud.ingest.bridge import Bridge
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.window_tallies import WindowTallies
from cloud.web.account_access import AccountAccess
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import AlertMessage, HealthMessage, encode, short_hash
from edge.config import Settings
from edge.service.supervisor import serve
from edge.types import Image
from tests.cloud.ingest.bridges import running
from tests.cloud.reports.weeks import a_chain
from tests.cloud.web.browser import _Server, visit
from tests.cloud.web.editor_shop import CLOSING, DayTime, PageTime
from tests.cloud.web.logins import PASSWORD, add_person, opened_accounts
from tests.edge.player.players import TOKEN
from tests.edge.service.runs import heard
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.clock import START, ManualClock
from tests.support.messages import asking
from tests.support.shop import Shop
from tests.support.short_scene import models, stretch

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.mosquitto,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

OWN = {
    "token": TOKEN,
    "clips": [
        {"name": "hello", "kind": "information", "seconds": 3},
        {"name": "brand", "kind": "brand", "seconds": 3},
    ],
    "rotation": ["hello", "brand"],
}
OFFER = """\
holdout: 0.2
clips:
  - {name: welcome, kind: information, seconds: 3}
  - {name: scarf, kind: product, seconds: 3}
rules:
  - {clip: scarf, people: [1, 100]}
rotation: [welcome]
"""
BY_GENDER = OFFER.replace("product", "price").replace("people: [1, 100]", "gender: female")
LOOPS = 3
"""So often the same two people come by."""
PATIENCE_S = 120


class Days(DayTime):
    """The time of the shop over several days."""

    def to_closing_time(self) -> None:
        closing_time = CLOSING
        while closing_time <= self.now():
            closing_time += timedelta(days=1)
        self.elapsed_s += (closing_time + timedelta(seconds=1) - self.now()).total_seconds()


@dataclass
class Street:
    """What the camera of the display sees: nobody, or people as soon as they ``come``."""

    come: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    _shown: int = 0

    def picture(self, _index: int) -> Image:
        if not self.come.is_set() or self.gone.is_set():
            return _picture(0)
        self._shown += 1
        if self._shown == LOOPS * len(stretch()):
            self.gone.set()
        return _picture(self._shown % len(stretch()))


@cache
def _picture(index: int) -> Image:
    return stretch().render(index)


@contextmanager
def device(own: Settings, street: Street, clock: Days, port: int) -> Iterator[None]:
    """The service, in a thread."""
    stop, camera = threading.Event(), Shop(clock, street.picture)
    with camera.in_step(), ThreadPoolExecutor(1) as pool:
        run = pool.submit(
            serve,
            own,
            clock=clock,
            stop=stop,
            camera=camera,
            broker=Broker("127.0.0.1", port),
            models=models(),
        )
        try:
            yield
        finally:
            stop.set()
            run.result(30)


@contextmanager
def at_the_page(chromium: Browser, address: str, name: str) -> Iterator[Page]:
    """Somebody who has logged in, at the page of the display."""
    with visit(chromium, f"{address}/site/shop/offers", expected="Failed to load resource") as page:
        page.get_by_label("Name").fill(name)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.goto(f"{address}/site/shop/offers")
        yield page


def write_draft(page: Page, text: str) -> None:
    page.locator("textarea[name=programme]").fill(text)
    page.get_by_role("button", name="Save the draft").click()


def clips_in(store: EmbeddedStore, clock: Days) -> dict[str, ClipSums]:
    told = WindowTallies(store, a_chain())
    return clips_of(told.clips("shop", START - timedelta(days=1), clock.now() + timedelta(days=1)))


def waits_for_closing(listener: Listener) -> bool:
    """Whether the device says that it has the last settings and waits for closing time."""
    healths = [one for one in heard(listener, "health") if isinstance(one, HealthMessage)]
    return healths[-1].config_waiting == short_hash(bytes(listener.on("config")[-1].payload))


def test_an_offer_runs_once_a_second_person_approved_it(chromium: Browser, tmp_path: Path) -> None:
    clock, street, port = Days(), Street(), free_port()
    own = Settings.model_validate(
        {
            "site": "shop",
            "device": "window",
            "outbox": {"path": tmp_path / "outbox.sqlite"},
            "window": {"seconds": 900},
            "health": {"every_s": 5},
            "pacing": {"idle_fps": 240},  # every frame
            "privacy": {"k": 1, "closing_hour": CLOSING.astimezone().hour},
            "signage": {**OWN, "port": port},
        }
    )
    with (
        Mosquitto(tmp_path) as mosquitto,
        Listener(mosquitto.port, "footlight/#") as listener,
        closing(EmbeddedStore(tmp_path / "store.sqlite", retention_days=3650, clock=clock)) as store,
        closing(opened_accounts(tmp_path, ManualClock())) as accounts,
        broker_changes(
            tmp_path / "changes.sqlite",
            Broker("127.0.0.1", mosquitto.port),
            SystemClock(),
            lambda *_: None,
        ) as changes,
        running(Bridge(store, Broker("127.0.0.1", mosquitto.port), client_id="bridge", min_k=1)),
        device(own, street, clock, mosquitto.port),
        _Server(
            store,
            PageTime(clock),
            access=AccountAccess(accounts),
            changes=changes,
            shops=OneBoxShops(store, ZoneInfo("Europe/Berlin")),
        ) as address,
        chromium.new_page() as screen,
    ):
        for name in ("anna", "ben"):
            add_person(accounts, name, "manager")
        until(lambda: [one.device for one in store.devices("shop")], "the device is known", PATIENCE_S)
        screen.goto(f"http://127.0.0.1:{port}/#{TOKEN}")
        stage = screen.locator("#stage")
        expect(stage).to_contain_text("hello")

        with at_the_page(chromium, address, "anna") as page:
            write_draft(page, BY_GENDER)
            expect(page.get_by_role("alert")).to_contain_text("never allowed")
            expect(page.locator("#drafts")).to_have_count(0)
            write_draft(page, OFFER)
            expect(page.locator("#drafts")).to_contain_text("somebody else must approve it")
            expect(page.get_by_role("button", name="Approve")).to_have_count(0)

        day = len(listener.on("window"))
        clock.to_closing_time()
        until(lambda: len(listener.on("window")) > day + 1, "the day is over at the device", PATIENCE_S)
        assert listener.on("config") == [], "nothing was sent"
        expect(stage).to_contain_text("brand")
        expect(stage).to_contain_text("hello")

        with at_the_page(chromium, address, "ben") as page:
            page.get_by_role("button", name="Approve").click()
            expect(page.locator("#drafts")).to_contain_text("approved: ben")
            until(lambda: waits_for_closing(listener), "the device has it", PATIENCE_S)
            clock.to_closing_time()
            expect(stage).to_contain_text("welcome", timeout=1000 * PATIENCE_S)

            street.come.set()
            expect(stage).to_contain_text("scarf", timeout=1000 * PATIENCE_S)
            until(street.gone.is_set, "the people have come by", PATIENCE_S)
            clock.to_closing_time()
            until(lambda: "scarf" in clips_in(store, clock), "the clips are in the store", PATIENCE_S)
            sums = clips_in(store, clock)
            assert sums.keys() <= {"scarf", "welcome"}
            assert 1 <= sums["scarf"].visits <= 3 * LOOPS
            assert sums["scarf"].shows <= sums["scarf"].visits
            page.reload()
            row = page.locator("#clips tbody tr").filter(has_text="scarf").locator("td").all_inner_texts()
            assert row[2] == str(sums["scarf"].visits)

        listener.publish(
            "footlight/v1/shop/window/config",
            encode(
                asking(
                    {
                        "signage": {
                            "clips": [{"name": "scarf", "kind": "price"}, OWN["clips"][0]],
                            "rules": [{"clip": "scarf", "gender": "female"}],
                            "rotation": ["hello"],
                        }
                    },
                    device="window",
                )
            ),
        )

        def refused() -> list[AlertMessage]:
            alerts = [one for one in heard(listener, "alert") if isinstance(one, AlertMessage)]
            return [one for one in alerts if one.fault == "config" and "never allowed" in one.text]

        until(refused, "the device refuses it, too", PATIENCE_S)
