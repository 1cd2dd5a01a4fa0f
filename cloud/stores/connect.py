"""Opens the configured store, or the tallies that are read from it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from cloud.config import EmbeddedSettings, InfluxSettings, Settings
from cloud.domain.chain import Chain, shop_zone
from cloud.domain.one_shop import assumed_chain
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.embedded_file import check_exists
from cloud.stores.embedded_windows import EmbeddedWindows
from cloud.stores.store import Reader, StoreUnavailable
from cloud.stores.tallies import InfluxTallies, Tallies
from cloud.stores.till_tallies import TillTallies, open_till
from cloud.stores.window_tallies import WindowTallies
from common.clock import Clock
from common.errors import UserError
from common.settings import first_line

if TYPE_CHECKING:
    from cloud.stores.influx import InfluxStore
    from cloud.stores.influxql import InfluxQL
    from cloud.stores.numbers import InfluxNumbers
    from cloud.stores.setup import Step


def open_store(settings: Settings, clock: Clock, *, repair: bool = False) -> EmbeddedStore | InfluxStore:
    """Open the bridge's store; only the bridge may ``repair`` it. Raises ``UserError`` if a file cannot be opened."""
    store = settings.store
    if isinstance(store, EmbeddedSettings):
        return open_embedded(store, clock, repair=repair)
    return open_influx(store, clock)


def open_embedded(store: EmbeddedSettings, clock: Clock, *, repair: bool = False) -> EmbeddedStore:
    return EmbeddedStore(store.location(), retention_days=store.retention_days, clock=clock, repair=repair)


def open_influx(store: InfluxSettings, clock: Clock) -> InfluxStore:
    from cloud.stores.influx import InfluxStore  # imported here: an embedded store needs no client library

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


def as_admin(store: InfluxSettings, token_file: Path | None) -> InfluxSettings:
    """Return the settings with the token in the first line of ``token_file``, if there is one. Raises ``UserError``."""
    if token_file is None:
        return store
    token = SecretStr(first_line(token_file, "--admin-token-file"))
    return store.model_copy(update={"token": token})


def set_up_influx(store: InfluxSettings) -> Iterator[Step]:
    """Create what is missing of the databases or buckets of all levels; see ``set_up``. Raises ``StoreUnavailable``."""
    from cloud.stores.setup import set_up

    return set_up(
        url=store.url,
        token=store.token.get_secret_value(),
        org=store.org,
        bucket=store.bucket,
        kept=store.kept_days,
        timeout_s=store.timeout_s,
    )


@contextmanager
def open_reader(settings: Settings, clock: Clock) -> Iterator[Reader]:
    """Open what the page reads, for a command. An embedded store must exist already. Raises ``UserError``."""
    store = settings.store
    if isinstance(store, EmbeddedSettings):
        check_exists(store.location())
        with closing(open_embedded(store, clock)) as embedded:
            yield embedded
    else:
        from cloud.stores.influx_reader import InfluxReader

        with closing(open_influxql(store)) as influxql, closing(open_influx(store, clock)) as messages:
            yield InfluxReader(influxql, messages)


@contextmanager
def open_numbers(
    settings: Settings, store: EmbeddedStore | InfluxStore
) -> Iterator[EmbeddedStore | InfluxNumbers]:
    """Open what tells the numbers of the windows in the bridge's store."""
    if isinstance(store, EmbeddedStore):
        yield store
        return
    from cloud.stores.numbers import InfluxNumbers

    assert isinstance(settings.store, InfluxSettings)
    with closing(open_influxql(settings.store)) as influxql:
        yield InfluxNumbers(influxql)


def read_chain(settings: Settings, given: Path | None) -> Chain | None:
    """Read the chain file that was ``given``, or that of the page; None if there is none. Raises ``UserError``."""
    file = settings.chain_file(given)
    return Chain.load(file) if file else None


def needed(chain: Chain | None) -> Chain:
    """Return the chain, without which InfluxDB cannot be read. Raises ``UserError`` for None."""
    if chain is None:
        raise UserError(
            "--chain FILE: is needed with InfluxDB; the chain file has the opening hours of the sites"
        )
    return chain


def add_chain(parser: argparse.ArgumentParser) -> None:
    """Let a command take the chain file that :func:`open_tallies` reads; it is in ``args.chain``."""
    parser.add_argument(
        "--chain",
        type=Path,
        metavar="FILE",
        help="the chain file with the sites (not needed with an embedded store)",
    )


@contextmanager
def open_tallies(settings: Settings, chain: Path | None, last: date) -> Iterator[tuple[Chain, Tallies]]:
    """Open the chain and its tallies, with those of its tills, from the configured store, for a command.

    An embedded store needs no chain file: without one, that of the page counts, or else the opening hours are estimated
    from the weeks up to ``last``. Raises ``UserError``, also if the store is not available while it is used.
    """
    store = settings.store
    given = read_chain(settings, chain)
    try:
        if isinstance(store, EmbeddedSettings):
            with (
                closing(EmbeddedWindows(store.location())) as windows,
                open_till(settings.till_file()) as till,
            ):
                found = given or assumed_chain(windows, shop_zone(settings.serve.page.timezone), last)
                yield found, TillTallies(WindowTallies(windows, found), till, found)
        else:
            found = needed(given)
            with closing(open_influxql(store)) as influxql, open_till(settings.till_file()) as till:
                yield found, TillTallies(InfluxTallies(influxql), till, found)
    except StoreUnavailable as error:
        raise UserError(f"store: {error}; fix this, then run the command again") from None
