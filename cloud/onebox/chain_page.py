"""The page of a chain, or the read API alone, over the store of another process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from cloud.backup.copies import copies, nightly
from cloud.chain_file.changes import chain_changes
from cloud.config import InfluxSettings, Settings
from cloud.devices.broker_link import broker_changes
from cloud.domain.chain import Chain, shop_zone
from cloud.ingest.push import Connect, connect_public
from cloud.onebox.checks import count_checks
from cloud.onebox.page import PageServer, listen, page_url
from cloud.onebox.pushing import pushing_from
from cloud.stores.connect import needed, open_embedded, open_influx, open_influxql
from cloud.stores.embedded_file import check_exists
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.shops import ChainShops, OneBoxShops, Shops
from cloud.stores.store import Reader
from cloud.stores.tallies import InfluxTallies
from cloud.stores.till_tallies import TillShops, open_till
from cloud.web.app import create_app
from cloud.web.page_access import page_access
from cloud.web.placement import Positions
from common.clock import Clock
from common.errors import UserError
from common.mqtt.broker import Broker


async def serve_page(
    settings: Settings,
    chain: Chain,
    *,
    clock: Clock,
    stop: asyncio.Event,
    ready: Callable[[str], None],
    chain_file: Path | None = None,
    configure: Broker | None = None,
    connect: Connect = connect_public,
) -> None:
    """Serve the page until ``stop`` is set. ``ready`` gets the address once connections are accepted.

    ``chain_file`` is where ``chain`` was read, so that the page can change it; without it, the page cannot.
    ``configure`` is the broker with the user that may change the settings of devices; without it, the page cannot.
    ``connect`` opens the way to a push service.

    Raises ``UserError`` if the address is in use, or the store is not InfluxDB.
    """
    if not isinstance(settings.store, InfluxSettings):
        raise UserError(
            "store.kind: 'page' reads InfluxDB; use 'footlight-cloud serve' for an embedded store"
        )
    await _serve(
        settings, chain, clock, stop, ready, chain_file=chain_file, configure=configure, connect=connect
    )


async def serve_api(
    settings: Settings,
    chain: Chain | None,
    *,
    clock: Clock,
    stop: asyncio.Event,
    ready: Callable[[str], None],
) -> None:
    """Serve the read API alone in the same way, from either store.

    Raises ``UserError`` if the address is in use, the store cannot be opened, or InfluxDB has no chain file.
    """
    await _serve(settings, chain, clock, stop, ready, only_api=True)


async def _serve(
    settings: Settings,
    chain: Chain | None,
    clock: Clock,
    stop: asyncio.Event,
    ready: Callable[[str], None],
    *,
    only_api: bool = False,
    chain_file: Path | None = None,
    configure: Broker | None = None,
    connect: Connect = connect_public,
) -> None:
    shown = settings.serve.page
    with (
        page_access(settings, clock) as access,
        _opened(settings, chain, clock) as (reader, listed),
        open_till(settings.till_file()) as till,
        listen(shown.host, shown.port) as sock,
        ExitStack() as opened,
    ):
        positions, changes, shops = Positions(clock), None, TillShops(listed, till)
        if configure is not None:
            changes = opened.enter_context(
                broker_changes(settings.changes_file(), configure, clock, positions.take)
            )
        edits = None
        if chain_file is not None:
            edits = opened.enter_context(chain_changes(chain_file, settings.chain_history_file(), clock))
        checks = None
        if not only_api:
            checks = opened.enter_context(count_checks(settings.checks_file(), reader, clock))
            opened.enter_context(nightly(copies(settings), clock))
            opened.enter_context(pushing_from(reader, access, shops, settings.notices, clock, connect))
        app = create_app(
            reader,
            clock,
            shown.timezone,
            positions,
            access=access,
            changes=changes,
            chain_changes=edits,
            checks=checks,
            kept_days=settings.store.kept_days,
            shops=shops,
            till=till,
            only_api=only_api,
            names=shown.names,
            path=shown.path,
            proxies=shown.proxies,
        )
        page = PageServer(
            app, tls=shown.tls.files() if shown.tls else None, end_streams=app.state.today.live.end
        )
        serving = asyncio.create_task(page.serve([sock]))
        ready(page_url(sock, tls=shown.tls is not None))
        await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        page.should_exit = True
        await serving


@contextmanager
def _opened(settings: Settings, chain: Chain | None, clock: Clock) -> Iterator[tuple[Reader, Shops]]:
    """Open the store for reading; an embedded one must exist already."""
    store = settings.store
    if isinstance(store, InfluxSettings):
        listed = needed(chain)
        with closing(open_influxql(store)) as influxql, closing(open_influx(store, clock)) as messages:
            yield InfluxReader(influxql, messages), ChainShops(listed, InfluxTallies(influxql))
    else:
        check_exists(store.location())
        with closing(open_embedded(store, clock)) as embedded:
            yield embedded, OneBoxShops(embedded, shop_zone(settings.serve.page.timezone), chain)
