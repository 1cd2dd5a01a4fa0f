"""The page of a chain: the same application as on one box, over InfluxDB and the chain file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, closing

from cloud.config import InfluxSettings, Settings
from cloud.devices.broker_link import broker_changes
from cloud.domain.chain import Chain
from cloud.ingest.push import Connect, connect_public
from cloud.onebox.page import PageServer
from cloud.onebox.pushing import pushing_from
from cloud.onebox.serve import listen
from cloud.stores.connect import open_influx, open_influxql
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.shops import ChainShops
from cloud.stores.tallies import InfluxTallies
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
    configure: Broker | None = None,
    connect: Connect = connect_public,
) -> None:
    """Serve until ``stop`` is set. ``ready`` gets the address once connections are accepted.

    ``configure`` is the broker with the user that may change the settings of devices; without it, the page cannot.
    ``connect`` opens the way to a push service.

    Raises ``UserError`` if the address is in use, or the store is not InfluxDB.
    """
    store, shown = settings.store, settings.serve.page
    if not isinstance(store, InfluxSettings):
        raise UserError(
            "store.kind: 'page' reads InfluxDB; use 'footlight-cloud serve' for an embedded store"
        )
    with (
        page_access(settings, clock) as access,
        closing(open_influxql(store)) as influxql,
        closing(open_influx(store, clock)) as writing,
        listen(shown) as sock,
        ExitStack() as opened,
    ):
        positions, changes = Positions(clock), None
        if configure is not None:
            changes = opened.enter_context(
                broker_changes(settings.changes_file(), configure, clock, positions.take)
            )
        reader, shops = InfluxReader(influxql, writing), ChainShops(chain, InfluxTallies(influxql))
        opened.enter_context(pushing_from(reader, access, shops, settings.notices, clock, connect))
        app = create_app(
            reader,
            clock,
            shown.timezone,
            positions,
            access=access,
            changes=changes,
            shops=shops,
            names=shown.names,
            path=shown.path,
            proxies=shown.proxies,
        )
        page = PageServer(
            app, tls=shown.tls.files() if shown.tls else None, end_streams=app.state.today.live.end
        )
        serving = asyncio.create_task(page.serve([sock]))
        host, port = sock.getsockname()[:2]
        ready(f"http{'s' if shown.tls else ''}://{host}:{port}/")
        await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        page.should_exit = True
        await serving
