"""From the settings to an open store, or to the tallies that are read from one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from cloud.config import EmbeddedSettings, InfluxSettings, Settings
from cloud.domain.chain import Chain
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import Store
from cloud.stores.tallies import InfluxTallies, Tallies, WindowTallies
from common.clock import Clock, SystemClock

if TYPE_CHECKING:
    from cloud.stores.influx import InfluxStore
    from cloud.stores.influxql import InfluxQL


def open_store(settings: Settings, clock: Clock, *, repair: bool = False) -> Store:
    """Where the bridge writes; only that process may ``repair``. Raises ``UserError`` when a file cannot be opened."""
    store = settings.store
    if isinstance(store, EmbeddedSettings):
        return open_embedded(store, clock, repair=repair)
    return open_influx(store, clock)


def open_embedded(store: EmbeddedSettings, clock: Clock, *, repair: bool = False) -> EmbeddedStore:
    return EmbeddedStore(store.location(), retention_days=store.retention_days, clock=clock, repair=repair)


def open_influx(store: InfluxSettings, clock: Clock) -> InfluxStore:
    from cloud.stores.influx import InfluxStore  # an embedded store needs no client library

    return InfluxStore(
        url=store.url,
        token=store.token.get_secret_value(),
        org=store.org,
        bucket=store.bucket,
        timeout_s=store.timeout_s,
        clock=clock,
    )


def open_influxql(store: InfluxSettings) -> InfluxQL:
    from cloud.stores.influxql import InfluxQL

    return InfluxQL(
        url=store.url, token=store.token.get_secret_value(), bucket=store.bucket, timeout_s=store.timeout_s
    )


@contextmanager
def open_tallies(settings: Settings, chain: Chain) -> Iterator[Tallies]:
    """What an analysis reads, from whichever store is configured. Raises ``UserError``."""
    store = settings.store
    if isinstance(store, EmbeddedSettings):
        with closing(open_embedded(store, SystemClock())) as embedded:
            yield WindowTallies(embedded, chain)
    else:
        with closing(open_influxql(store)) as influxql:
            yield InfluxTallies(influxql)
