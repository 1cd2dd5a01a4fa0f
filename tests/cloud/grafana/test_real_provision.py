"""``footlight-cloud provision`` and a real Grafana: what it makes, and who then sees what."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cloud.domain.levels import LEVELS
from cloud.grafana.contacts import Contact
from cloud.grafana.provision import PER_STORE, Change, Source, load_bundle, provision, uid
from common.errors import UserError
from dashboards.queries import SOURCES
from tests.cloud.grafana.test_provision import CHAIN, LONG
from tests.support.brokers import until
from tests.support.influxdb import InfluxDB
from tests.support.real_grafana import RealGrafana, empty_grafana, logged_in, needs_grafana

pytestmark = [pytest.mark.influxdb, needs_grafana]

BUNDLE = load_bundle()
BOTH = {
    "installer": Contact(["a@example.com", "b@example.com"], "https://example.com/alerts"),
    "hq": Contact(["office@example.com"]),
}


@pytest.fixture
def grafana() -> Iterator[RealGrafana]:
    with empty_grafana(CHAIN) as running:
        yield running


def run(
    grafana: RealGrafana, influxdb: InfluxDB, *, token: str | None = None, **options: Any
) -> list[Change]:
    sources = [
        Source(SOURCES[level], influxdb.url, influxdb.database(level), token or influxdb.token)
        for level in LEVELS
    ]
    given: dict[str, Any] = {"contacts": BOTH, "dry_run": False, **options}
    return provision(grafana.url, grafana.token, chain=CHAIN, bundle=BUNDLE, sources=sources, **given)


def always(grafana: RealGrafana) -> list[Change]:
    """What each run changes again: Grafana before 12 does not keep how long an alert outlives its series."""
    return [] if grafana.release >= 12 else [Change("update", "alert rules", "footlight")]


def test_the_second_run_changes_nothing(grafana: RealGrafana, influxdb: InfluxDB) -> None:
    planned = run(grafana, influxdb, dry_run=True)
    assert run(grafana, influxdb) == planned
    assert len(planned) > len(BUNDLE.dashboards)
    assert run(grafana, influxdb) == always(grafana)


@pytest.mark.parametrize(
    ("method", "path", "change", "expected"),
    [
        (
            "PUT",
            "folders/footlight-mitte",
            {"title": "Mitte, old", "overwrite": True},
            Change("update", "folder", "Berlin Mitte"),
        ),
        (
            "POST",
            "folders/footlight-mitte/permissions",
            {"items": [{"role": "Viewer", "permission": 1}]},
            Change("update", "permissions", "Berlin Mitte"),
        ),
        (
            "POST",
            "dashboards/db",
            {
                "dashboard": {"uid": "footlight-fleet-health", "title": "Mine", "panels": []},
                "folderUid": "footlight-hq",
                "overwrite": True,
            },
            Change("update", "dashboard", "footlight-hq: Fleet health"),
        ),
        (
            "DELETE",
            "v1/provisioning/alert-rules/footlight-camera-blind",
            None,
            Change("update", "alert rules", "footlight"),
        ),
        (
            "DELETE",
            "v1/provisioning/policies",
            None,
            Change("update", "notification policies", "installer, hq"),
        ),
    ],
)
def test_what_somebody_changed_by_hand_is_put_right(
    grafana: RealGrafana, influxdb: InfluxDB, method: str, path: str, change: Any, expected: Change
) -> None:
    run(grafana, influxdb)
    grafana.http.request(method, f"/api/{path}", json=change).raise_for_status()
    assert set(run(grafana, influxdb)) == {expected, *always(grafana)}
    assert run(grafana, influxdb) == always(grafana)


def test_a_data_source_with_a_wrong_token_gets_the_right_one(
    grafana: RealGrafana, influxdb: InfluxDB
) -> None:
    run(grafana, influxdb, token="nobody:knows")
    assert grafana.status("datasources/uid/footlight/health") == 400
    sources = [Change("update", "data source", name) for name in SOURCES.values()]
    assert run(grafana, influxdb) == [*sources, *always(grafana)]
    # Grafana sees by the second of a change that a data source is not what it was, so that one change may be missed.
    until(lambda: run(grafana, influxdb) == always(grafana), "all data sources answer")


def test_who_is_told_no_more_is_taken_away(grafana: RealGrafana, influxdb: InfluxDB) -> None:
    run(grafana, influxdb)
    told = {route["receiver"] for route in grafana.get("v1/provisioning/policies")["routes"]}
    assert told == {"Footlight: installer", "Footlight: hq"}
    run(grafana, influxdb, contacts={"hq": BOTH["hq"]})
    (route,) = grafana.get("v1/provisioning/policies")["routes"]
    assert route["receiver"] == "Footlight: hq"
    ours = {way["uid"] for way in grafana.get("v1/provisioning/contact-points") if "Footlight" in way["name"]}
    assert ours == {"footlight-hq-email"}
    assert run(grafana, influxdb, contacts={"hq": BOTH["hq"]}) == always(grafana)


def test_a_wrong_token_is_one_line(grafana: RealGrafana, influxdb: InfluxDB) -> None:
    with pytest.raises(UserError, match=r"refused a request: .*; set grafana\.token to a token of a service"):
        provision(grafana.url, "wrong", chain=CHAIN, bundle=BUNDLE, sources=[], contacts={}, dry_run=False)


@contextmanager
def person(grafana: RealGrafana, *teams: str) -> Iterator[RealGrafana]:
    """Somebody who was invited as a viewer, is in these teams, and has logged in."""
    name, password = f"test-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    asked = {"loginOrEmail": f"{name}@example.com", "name": name, "role": "Viewer", "sendEmail": False}
    grafana.post("org/invites", asked)
    (code,) = (i["code"] for i in grafana.get("org/invites") if i["email"] == asked["loginOrEmail"])
    account = {
        "inviteCode": code,
        "email": asked["loginOrEmail"],
        "username": name,
        "name": name,
        "password": password,
        "confirmPassword": password,
    }
    grafana.post("user/invite/complete", account)
    (number,) = (user["userId"] for user in grafana.get("org/users", query=name))
    try:
        for team in teams:
            (found,) = grafana.get("teams/search", name=team)["teams"]
            grafana.post(f"teams/{found['id']}/members", {"userId": number})
        with logged_in(grafana.url, name, password) as login:
            yield login
    finally:
        grafana.delete(f"org/users/{number}")


def shown(login: RealGrafana) -> set[str]:
    """The uids of Footlight's dashboards that a person finds."""
    found = login.get("search", type="dash-db", tag="footlight")
    return {dashboard["uid"] for dashboard in found}


def test_a_shop_sees_its_own_dashboards_alone_and_head_office_all(
    grafana: RealGrafana, influxdb: InfluxDB
) -> None:
    run(grafana, influxdb)
    own, other = (
        {uid(BUNDLE.dashboards[name]["uid"], site) for name in PER_STORE} for site in ("mitte", LONG)
    )
    whole = {model["uid"] for model in BUNDLE.dashboards.values()}
    with person(grafana) as nobody:
        assert shown(nobody) == set()
    with person(grafana, "hq") as head_office:
        assert shown(head_office) == own | other | whole
    with person(grafana, "mitte") as shop:
        assert shown(shop) == own
        statuses = {name: shop.status(f"dashboards/uid/{name}") for name in own | other | whole}
        assert statuses == {**dict.fromkeys(other | whole, 403), **dict.fromkeys(own, 200)}
        assert not shop.get(f"dashboards/uid/{min(own)}")["meta"]["canSave"]
        assert shop.status("v1/provisioning/contact-points") == 403
