"""The page of a chain server: over a real InfluxDB, with the chain file, until it is stopped."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from cloud.config import InfluxSettings, PageSettings, ServeSettings, Settings
from cloud.onebox.chain_page import serve_page
from common.errors import UserError
from tests.cloud.rollup.both_stores import Both, chain
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, window

PAGE = ServeSettings(page=PageSettings(port=0))


@pytest.mark.influxdb
def test_it_shows_today_and_every_site_of_the_chain_file(influxdb: InfluxDB, tmp_path: Path) -> None:
    of = chain(other={"title": "Other shop", "timezone": "Europe/Berlin", "opening": "09:00-20:00"})
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        both.write([window(0)])
    store = InfluxSettings(kind="influx", url=influxdb.url, token=influxdb.token, bucket=influxdb.bucket)  # type: ignore[arg-type]
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
