"""One box: broker, intake, embedded store and page in one process, so that one Pi is the whole product.

The event loop runs the broker and the page; the intake stores messages in a separate thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloud.backup.copies import copies, nightly
from cloud.chain_file.changes import ChainChanges, chain_changes
from cloud.config import EmbeddedSettings, Settings
from cloud.devices.changes import CHANNELS
from cloud.domain.chain import shop_zone
from cloud.ingest.intake import Delivery, Intake, Stats, dead_letter_topic, echo_of
from cloud.ingest.metrics import IntakeMetrics
from cloud.ingest.missing import telling_missing
from cloud.ingest.notices import Tell, telling
from cloud.ingest.push import Connect, connect_public
from cloud.onebox.broker import EmbeddedBroker
from cloud.onebox.changes import box_changes
from cloud.onebox.checks import count_checks
from cloud.onebox.home_assistant import HomeAssistant
from cloud.onebox.page import PageServer, listen, page_url
from cloud.onebox.pushing import pushing
from cloud.stores.connect import open_embedded, read_chain
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops, Shops
from cloud.stores.store import DeadLetter, Reader
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillShops, open_till
from cloud.web.access import Access
from cloud.web.app import create_app
from cloud.web.page_access import page_access
from cloud.web.placement import Positions
from common.clock import Clock
from common.errors import UserError
from common.wire import ProbeMessage, channel_of, encode, topic

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Box:
    """What is running: the ports in use, and the address of the page."""

    mqtt_port: int
    page_url: str
    reader: Reader
    stats: Callable[[], Stats]


async def serve(
    settings: Settings,
    *,
    clock: Clock,
    stop: asyncio.Event,
    ready: Callable[[Box], None],
    chain: Path | None = None,
    connect: Connect = connect_public,
) -> None:
    """Serve until ``stop`` is set. ``ready`` is called once everything accepts connections.

    ``chain`` is the file with the opening hours and the roles of cameras; None takes the one that the page has made, or
    else estimates opening hours from the windows. ``connect`` opens the way to a push service.

    Raises ``UserError`` if an address is in use or the store's file cannot be opened.
    """
    if not isinstance(settings.store, EmbeddedSettings):
        raise UserError(
            "store.kind: 'serve' needs the embedded store; use 'footlight-cloud bridge' for InfluxDB, and"
            " 'footlight-cloud page' for its page"
        )
    listed = read_chain(settings, chain)
    store = open_embedded(settings.store, clock, repair=True)
    shops = OneBoxShops(store, shop_zone(settings.serve.page.timezone), listed)
    try:
        with (
            page_access(settings, clock) as access,
            pushing(access, shops, clock, connect) as push,
            telling(settings.notices, store, clock, push) as tell,
            telling_missing(settings.notices, store, clock),
            chain_changes(chain or settings.own_chain_file(), settings.chain_history_file(), clock) as edits,
            open_till(settings.till_file()) as till,
        ):
            told = TillShops(shops, till)
            await _serve(settings, store, told, access, edits, till, tell, clock, stop, ready)
    finally:
        store.close()


async def _serve(
    settings: Settings,
    store: EmbeddedStore,
    shops: Shops,
    access: Access,
    edits: ChainChanges,
    till: TillFile,
    tell: Tell | None,
    clock: Clock,
    stop: asyncio.Event,
    ready: Callable[[Box], None],
) -> None:
    loop = asyncio.get_running_loop()
    users = {name: password.get_secret_value() for name, password in settings.serve.broker.users.items()}

    def dead_letter(letter: DeadLetter) -> None:
        where = dead_letter_topic(letter.site, letter.device)
        asyncio.run_coroutine_threadsafe(broker.publish(where, letter.payload), loop)

    def echo(probe: ProbeMessage) -> None:
        answer = echo_of(probe, clock)
        asyncio.run_coroutine_threadsafe(broker.publish(topic(answer), encode(answer)), loop)

    async def retain(where: str, payload: bytes) -> None:
        await broker.publish(where, payload, retain=True)

    def receive(delivery: Delivery) -> None:
        channel = channel_of(delivery.topic)
        if channel in CHANNELS:
            hear(delivery.topic, delivery.payload)
        if channel == "placement":  # only shown while it is current, never stored
            positions.take(delivery.topic, delivery.payload)
        if channel in ("placement", "config"):
            delivery.acknowledge()
        else:
            intake.submit(_then(delivery, today.news) if channel == "notice" else delivery)

    positions = Positions(clock)
    intake = Intake(store, dead_letter, echo, clock=clock, tell=tell, min_k=settings.privacy.min_k)
    broker = EmbeddedBroker(
        host=settings.serve.broker.host, port=settings.serve.broker.port, users=users, receive=receive
    )
    try:
        chosen = settings.serve.page
        with (
            nightly(copies(settings), clock),
            listen(chosen.host, chosen.port) as sock,
            box_changes(settings.changes_file(), retain, clock) as (changes, hear),
            count_checks(settings.checks_file(), store, clock) as checks,
        ):
            app = create_app(
                store,
                clock,
                chosen.timezone,
                positions,
                access=access,
                changes=changes,
                chain_changes=edits,
                checks=checks,
                kept_days=settings.store.kept_days,
                shops=shops,
                till=till,
                collectors=[IntakeMetrics(lambda: intake.stats)],
                names=chosen.names,
                path=chosen.path,
                proxies=chosen.proxies,
            )
            today = app.state.today
            page = PageServer(app, tls=chosen.tls.files() if chosen.tls else None, end_streams=today.live.end)
            mqtt_port = await broker.start()
            await asyncio.to_thread(changes.send_again)
            tasks = {
                asyncio.create_task(asyncio.to_thread(intake.run)),
                asyncio.create_task(page.serve([sock])),
                asyncio.create_task(stop.wait()),
            }
            if settings.serve.home_assistant:
                home = HomeAssistant(store, shops, shop_zone(chosen.timezone), clock, retain)
                tasks.add(asyncio.create_task(home.run(stop)))
            ready(Box(mqtt_port, page_url(sock, tls=chosen.tls is not None), store, lambda: intake.stats))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            page.should_exit = True
            # Stop the broker first, so that it accepts no more messages, then the intake, which acknowledges them.
            await broker.stop()
            intake.stop()
            await asyncio.gather(*tasks)
    finally:
        intake.stop()


def _then(delivery: Delivery, news: Callable[[str], None]) -> Delivery:
    """Return the same; once it is stored, ``news`` is called with its site."""

    def stored() -> None:
        delivery.acknowledge()
        news(delivery.topic.rsplit("/", 3)[1])

    return delivery._replace(acknowledge=stored)
