"""The page of a chain server: over a real InfluxDB, with the chain file, until it is stopped."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cloud.account_settings import AccountSettings
from cloud.accounts.accounts import Accounts
from cloud.config import InfluxSettings, Settings
from cloud.onebox.chain_page import serve_page
from cloud.serve_settings import PageSettings, ServeSettings
from cloud.stores.connect import open_influx
from cloud.stores.influx import InfluxStore
from common.clock import SystemClock
from common.errors import UserError
from tests.cloud.ingest.phones import Phone, to_loopback
from tests.cloud.ingest.receiver import Receiver
from tests.cloud.rollup.both_stores import Both, chain
from tests.cloud.web.logins import HERE, PASSWORD, add_person
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, notice, window

PAGE = ServeSettings(page=PageSettings(port=0))


@pytest.mark.influxdb
def test_it_shows_today_and_every_site_of_the_chain_file(influxdb: InfluxDB, tmp_path: Path) -> None:
    of = chain(other={"title": "Other shop", "timezone": "Europe/Berlin", "opening": "09:00-20:00"})
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        both.write([window(0)])
    store = InfluxSettings.model_validate(influxdb.settings)
    answers: dict[str, httpx.Response] = {}

    async def visit() -> None:
        stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve_page(
                Settings(store=store, serve=PAGE),
                of,
                clock=ManualClock(MORNING),
                stop=stop,
                ready=address.set_result,
            )
        )
        async with httpx.AsyncClient(base_url=await address, timeout=60) as client:
            for path in ("/", "/api/shop/today", "/site/shop/week", "/site/other/week", "/site/nowhere/week"):
                answers[path] = await client.get(path)
        stop.set()
        await serving

    asyncio.run(visit())
    assert "Other shop" in answers["/"].text
    assert answers["/api/shop/today"].json()["timezone"] == "Europe/Berlin"
    assert "No data" in answers["/site/shop/week"].text
    assert "No data yet" in answers["/site/other/week"].text
    assert answers["/site/nowhere/week"].status_code == 404


@pytest.mark.influxdb
def test_a_notice_that_the_bridge_stores_rings_within_five_seconds(
    influxdb: InfluxDB, tmp_path: Path
) -> None:
    store = InfluxSettings.model_validate(influxdb.settings)
    clock, phone = SystemClock(), Phone()
    chosen = Settings(store=store, serve=PAGE, accounts=AccountSettings(path=tmp_path / "accounts.sqlite"))
    hours = {"idle": timedelta(hours=1), "longest": timedelta(days=1)}

    async def ring(service: Receiver, bridged: InfluxStore, accounts: Accounts) -> float:
        stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve_page(
                chosen,
                chain(),
                clock=clock,
                stop=stop,
                ready=address.set_result,
                connect=to_loopback(service),
            )
        )
        await address
        session = accounts.login("ana", PASSWORD, HERE, "phone")
        accounts.subscriptions.add(session, "shop", phone.subscription())
        began_s = clock.monotonic()
        bridged.write([notice(at=clock.now())])
        await asyncio.to_thread(until, lambda: service.calls, "the phone")
        took_s = clock.monotonic() - began_s
        stop.set()
        await serving
        return took_s

    with (
        closing(open_influx(store, clock)) as bridged,
        closing(Accounts(tmp_path / "accounts.sqlite", clock, **hours)) as accounts,
        Receiver() as service,
    ):
        add_person(accounts, "ana")
        took_s = asyncio.run(ring(service, bridged, accounts))
        assert [one["text"] for one in phone.got(service)] == ["long-queue: more than 4 people wait (6)"]
        assert took_s < 5


def test_an_embedded_store_has_its_page_from_serve() -> None:
    with pytest.raises(UserError, match=r"store\.kind: 'page' reads InfluxDB; use 'footlight-cloud serve'"):
        asyncio.run(
            serve_page(
                Settings(serve=PAGE),
                chain(),
                clock=ManualClock(),
                stop=asyncio.Event(),
                ready=lambda url: None,
            )
        )
