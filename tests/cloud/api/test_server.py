"""``footlight-cloud api`` answers alike from either store, and nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.__main__ import main
from cloud.api.endpoints import BY_NAME
from cloud.config import Settings
from cloud.domain.chain import Chain
from cloud.onebox.chain_page import serve_api
from cloud.simulation.fleet import SiteDay
from cloud.stores.embedded import EmbeddedStore
from tests.cloud.api.conftest import NOW
from tests.cloud.api.test_answers import FIRST, PERIOD
from tests.cloud.rollup.both_stores import Both
from tests.cloud.simulation.fleets import LAST_DAY, messages
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.loops import serving

pytestmark = pytest.mark.slow


@contextmanager
def running(store: dict[str, Any], chain: Chain | None) -> Iterator[httpx.Client]:
    settings = Settings.model_validate({"store": store, "serve": {"page": {"port": 0}}})

    def work(stop: asyncio.Event, ready: Callable[[str], None]) -> Coroutine[Any, Any, None]:
        return serve_api(settings, chain, clock=ManualClock(NOW), stop=stop, ready=ready)

    with serving(work, "the API is served") as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.mark.influxdb
def test_both_stores_give_the_same_answers(
    influxdb: InfluxDB, tmp_path: Path, simulated: tuple[Chain, list[SiteDay]]
) -> None:
    chain, site_days = simulated
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        both.embedded.write(messages(site_days))
        both.influx.write(messages(site_days))
        both.roll_up(chain, FIRST, LAST_DAY, NOW + timedelta(days=1))
    influx = influxdb.settings
    with running({"path": tmp_path / "store.sqlite"}, chain) as one, running(influx, chain) as other:
        compared = 0
        for site in chain.sites.values():
            for role in site.roles:
                for name in ("days", "hours", "cohorts", "places"):
                    path = f"/api/v1{BY_NAME[name].path.format(site=site.name)}"
                    query = {"role": role, **PERIOD}
                    found = [client.get(path, params=query) for client in (one, other)]
                    assert [answer.status_code for answer in found] == [200, 200]
                    first, second = (answer.json() for answer in found)
                    assert first == second, (path, role)
                    compared += 1
        assert compared >= 16
        assert one.get("/api/v1/sites").json() == other.get("/api/v1/sites").json()
        devices = [c.get(f"/api/v1/sites/{next(iter(chain.sites))}/devices").json() for c in (one, other)]
        assert [device["device"] for device in devices[0]["devices"]] == [
            device["device"] for device in devices[1]["devices"]
        ]
        assert other.get("/metrics").status_code == 200
        for path in ("/", "/static/page.css", "/site/berlin-01"):
            answer = other.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_one_box_needs_no_chain_file(store: EmbeddedStore) -> None:
    path = store._path
    with running({"path": path}, None) as client:
        found = client.get("/api/v1/sites").json()["sites"]
        assert [one["site"] for one in found] == ["berlin-01", "hamburg-01", "muenchen-01"]
        days = client.get("/api/v1/sites/berlin-01/days", params=PERIOD).json()
        assert days["role"] == "unassigned"
        assert sum(one["visits"] or 0 for one in days["days"]) > 0


def test_a_store_without_data_has_no_shops(tmp_path: Path) -> None:
    _empty(tmp_path).close()
    with running({"path": tmp_path / "empty.sqlite"}, None) as client:
        assert client.get("/api/v1/sites").json() == {"sites": [], "next": None}
        assert client.get("/api/v1/sites/shop/devices").status_code == 404
        answer = client.get("/api/v1/sites/shop/days")
        assert (answer.status_code, "no windows yet" in answer.json()["detail"]) == (400, True)


def _empty(folder: Path) -> EmbeddedStore:
    return EmbeddedStore(folder / "empty.sqlite", retention_days=30, clock=ManualClock(NOW))


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("{kind: influx, url: 'http://127.0.0.1:1', token: t}", "--chain FILE: is needed with InfluxDB"),
        ("{path: nowhere.sqlite}", "store.path: nowhere.sqlite: no such file"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], store: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cloud.yaml").write_text(f"store: {store}\n")
    assert main(["api", "cloud.yaml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert [one.name for one in tmp_path.iterdir()] == ["cloud.yaml"], "reading creates no store"


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    _empty(tmp_path).close()
    (tmp_path / "cloud.yaml").write_text(json.dumps(
        {"store": {"path": str(tmp_path / "empty.sqlite")}, "serve": {"page": {"port": 0}}}
    ))  # fmt: skip
    command = [sys.executable, "-W", "error", "-m", "cloud", "api", str(tmp_path / "cloud.yaml")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "API at http://127.0.0.1:" in line
        url = line.split(" at ")[1].strip()
        assert httpx.get(f"{url}/openapi.json", timeout=20).status_code == 200
        process.terminate()
        assert process.wait(20) == 0
