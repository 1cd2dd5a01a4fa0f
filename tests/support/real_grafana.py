"""The Grafana that ``GRAFANA_URL`` names, for the tests that need a real one.

``GRAFANA_TOKEN`` is a token of a service account there with the role Admin. It must be a Grafana for tests: they
replace its data sources, dashboards, alert rules, contact points and notification policies named after Footlight.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from cloud.domain.chain import Chain
from cloud.grafana.provision import HQ, uid
from dashboards.queries import SOURCES
from tests.support.brokers import until

Json = dict[str, Any]


needs_grafana = pytest.mark.skipif(
    not (os.environ.get("GRAFANA_URL") and os.environ.get("GRAFANA_TOKEN")),
    reason="set GRAFANA_URL and GRAFANA_TOKEN to a real Grafana for tests",
)


class RealGrafana:
    """Asks with the rights of the service account, or, without ``token``, of a person who has logged in."""

    def __init__(self, url: str, http: httpx.Client, token: str = "") -> None:
        self.url, self.token, self.http = url, token, http

    @property
    def release(self) -> int:
        """Its major release."""
        return int(self.get("health")["version"].partition(".")[0])

    def get(self, path: str, **values: Any) -> Any:
        return self._body(self.http.get(f"/api/{path}", params=values))

    def post(self, path: str, body: Any, **values: Any) -> Any:
        return self._body(self.http.post(f"/api/{path}", json=body, params=values))

    def delete(self, path: str) -> Any:
        return self._body(self.http.delete(f"/api/{path}"))

    def status(self, path: str) -> int:
        return self.http.get(f"/api/{path}").status_code

    @staticmethod
    def _body(answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text[:500]}"
        return answer.json()


@contextmanager
def real_grafana() -> Iterator[RealGrafana]:
    """With the rights of the service account."""
    url, token = os.environ["GRAFANA_URL"].rstrip("/"), os.environ["GRAFANA_TOKEN"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        yield RealGrafana(url, http, token)


@contextmanager
def empty_grafana(chain: Chain) -> Iterator[RealGrafana]:
    """Without anything of this chain, at the beginning and at the end."""
    with real_grafana() as grafana:
        if from_files(grafana):
            pytest.skip("the data sources of this Grafana come from files")
        clear(grafana, chain)
        yield grafana
        clear(grafana, chain)


@contextmanager
def logged_in(url: str, user: str, password: str) -> Iterator[RealGrafana]:
    """As a person, with the cookie of the login page."""
    with httpx.Client(base_url=url, timeout=60) as http:
        http.post("/login", json={"user": user, "password": password}).raise_for_status()
        yield RealGrafana(url, http)


def clear(grafana: RealGrafana, chain: Chain) -> None:
    """Take away all that ``provision`` makes for this chain."""
    http = grafana.http
    for name in (HQ, *chain.sites):
        http.delete(f"/api/folders/{uid('footlight', name)}", params={"forceDeleteRules": "true"})
        for team in grafana.get("teams/search", query=name)["teams"]:
            if team["name"] in (name, f"{name} managers"):
                grafana.delete(f"teams/{team['id']}")
    for source in SOURCES.values():
        http.delete(f"/api/datasources/uid/{source}")
    # A data source that was asked lately is kept for five seconds; a new one of this name would be the old one so long.
    health = [f"datasources/uid/{source}/health" for source in SOURCES.values()]
    until(
        lambda: all(grafana.status(one) in (404, 500) for one in health),
        "its data sources are gone",
        every_s=0.2,
    )
    grafana.delete("v1/provisioning/policies")
    for way in grafana.get("v1/provisioning/contact-points"):
        if way["uid"].startswith("footlight-"):
            grafana.delete(f"v1/provisioning/contact-points/{way['uid']}")


def from_files(grafana: RealGrafana) -> bool:
    """Whether its data sources come from Footlight's provisioning files, so that no test may replace them."""
    found = grafana.http.get("/api/datasources/uid/footlight")
    return found.is_success and bool(found.json()["readOnly"])
