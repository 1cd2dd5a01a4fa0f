"""A simulated chain in an embedded store, and the API over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.applications import Starlette

from cloud.domain.chain import Chain
from cloud.simulation.fleet import SiteDay
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillShops
from cloud.web.app import create_app
from tests.cloud.api.serving import TOKEN, OneToken, serving
from tests.cloud.simulation.fleets import NOON, fleet, messages
from tests.support.clock import ManualClock

NOW = NOON + timedelta(days=1)
"""On the day after the last simulated one."""


@pytest.fixture(scope="session")
def simulated() -> tuple[Chain, list[SiteDay]]:
    made = fleet(sites=3, days=3, now=NOW)
    return made.chain, list(made.site_days())


@pytest.fixture(scope="session")
def store(
    simulated: tuple[Chain, list[SiteDay]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedStore]:
    _, site_days = simulated
    clock = ManualClock(NOW)
    path = tmp_path_factory.mktemp("api") / "store.sqlite"
    with closing(EmbeddedStore(path, retention_days=400, clock=clock)) as store:
        store.write(messages(site_days))
        yield store


@pytest.fixture(scope="session")
def shops(store: EmbeddedStore, simulated: tuple[Chain, list[SiteDay]]) -> OneBoxShops:
    return OneBoxShops(store, ZoneInfo("Europe/Berlin"), simulated[0])


@pytest.fixture(scope="session")
def app(
    store: EmbeddedStore, shops: OneBoxShops, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Starlette]:
    with closing(TillFile(tmp_path_factory.mktemp("till") / "till.sqlite")) as till:
        yield create_app(
            store,
            ManualClock(NOW),
            "Europe/Berlin",
            access=OneToken(),
            shops=TillShops(shops, till),
            till=till,
        )


@pytest.fixture(scope="session")
def address(app: Starlette) -> Iterator[str]:
    with serving(app) as found:
        yield found


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers=TOKEN, timeout=30) as asking:
        yield asking
