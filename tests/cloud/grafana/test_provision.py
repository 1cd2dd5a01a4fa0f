"""``footlight-cloud provision`` against the documented API of Grafana; ``test_real_provision.py`` has a real one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cloud.domain.chain import Chain
from cloud.grafana.provision import PER_STORE, Bundle, Change, Source, load_bundle, of_store, provision, uid
from common.errors import UserError
from tests.support.brokers import free_port
from tests.support.grafana import TOKEN, Grafana, grafana

HOURS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "09:00-20:00")
LONG = "a-store.with-a-name-of-more-than-forty-characters"
CHAIN = Chain.model_validate(
    {
        "name": "corner-shops",
        "sites": {
            "mitte": {"title": "Berlin Mitte", "timezone": "Europe/Berlin", "opening": HOURS},
            LONG: {"title": "Lisboa", "timezone": "Europe/Lisbon", "opening": HOURS},
        },
    }
)
SOURCES = [Source("footlight", "http://influxdb:8086", "footlight", "read-only")]


def model(name: str) -> dict[str, Any]:
    site = {"name": "site", "type": "query", "query": "SHOW TAG VALUES", "multi": False}
    zone = {"name": "timezone", "type": "query", "query": "SHOW"}
    return {
        "uid": name,
        "title": name.replace("-", " "),
        "templating": {"list": [site, zone]},
        "panels": [{"id": 1, "type": "stat"}],
    }


RULE = {
    "uid": "device-silent",
    "title": "Device silent",
    "condition": "A",
    "data": [{"refId": "A", "datasourceUid": "footlight", "model": {"refId": "A"}}],
    "noDataState": "OK",
    "execErrState": "Error",
    "for": "10m",
}
BUNDLE = Bundle({"store-today": model("store-today"), "chain-compare": model("chain-compare")}, [RULE])


@pytest.fixture
def server() -> Iterator[Grafana]:
    with grafana() as running:
        yield running


def run(server: Grafana, *, bundle: Bundle = BUNDLE, chain: Chain = CHAIN, dry: bool = False) -> list[Change]:
    return provision(server.url, TOKEN, chain=chain, bundle=bundle, sources=SOURCES, contacts={}, dry_run=dry)


def test_every_store_has_its_folder_and_head_office_one_for_all(server: Grafana) -> None:
    run(server)
    assert {folder["title"] for folder in server.folders.values()} == {
        "corner-shops: head office",
        "Berlin Mitte",
        "Lisboa",
    }
    where = {name: saved["meta"]["folderUid"] for name, saved in server.dashboards.items()}
    assert where == {
        "store-today": "footlight-hq",
        "chain-compare": "footlight-hq",
        "store-today-mitte": "footlight-mitte",
        uid("store-today", LONG): uid("footlight", LONG),
    }
    assert list(server.rule_groups) == [("footlight-hq", "footlight")]


def test_a_store_sees_its_own_folder_and_head_office_all(server: Grafana) -> None:
    run(server)
    names = {team["id"]: team["name"] for team in server.teams.values()}

    def may(folder: str) -> dict[str, str]:
        assert all(entry["teamId"] for entry in server.permissions[folder]), "roles see it too"
        return {names[e["teamId"]]: e["permissionName"] for e in server.permissions[folder]}

    head_office = {"hq": "View", "hq managers": "Edit"}
    assert may("footlight-hq") == head_office
    assert may("footlight-mitte") == {"mitte": "View", "mitte managers": "Edit", **head_office}


def test_the_dashboard_of_a_store_cannot_be_turned_to_another(server: Grafana) -> None:
    run(server)
    variables = server.dashboards["store-today-mitte"]["dashboard"]["templating"]["list"]
    assert variables[0] == {"name": "site", "type": "constant", "query": "mitte", "hide": 2}
    assert variables[1]["name"] == "timezone"
    assert of_store(BUNDLE.dashboards["store-today"], "mitte") != BUNDLE.dashboards["store-today"]


def test_a_second_run_changes_nothing(server: Grafana) -> None:
    first = run(server)
    assert len(first) + len(BUNDLE.rules) == len(server.writes) > 10  # each rule, then their group
    server.writes.clear()
    assert run(server) == []
    assert server.writes == []


def test_a_dry_run_tells_the_same_and_writes_nothing(server: Grafana) -> None:
    planned = run(server, dry=True)
    assert server.writes == []
    assert planned == run(server)
    assert run(server, dry=True) == []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (
            lambda s: s.folders["footlight-mitte"].update(title="Mitte, old"),
            Change("update", "folder", "Berlin Mitte"),
        ),
        (lambda s: s.permissions["footlight-mitte"].pop(), Change("update", "permissions", "Berlin Mitte")),
        (
            lambda s: s.sources["footlight"].update(url="http://elsewhere"),
            Change("update", "data source", "footlight"),
        ),
        (
            lambda s: s.dashboards["store-today"]["dashboard"]["panels"].clear(),
            Change("update", "dashboard", "footlight-hq: store today"),
        ),
        (
            lambda s: s.dashboards["store-today-mitte"]["meta"].update(folderUid=""),
            Change("update", "dashboard", "footlight-mitte: store today"),
        ),
        (
            lambda s: s.rule_groups["footlight-hq", "footlight"]["rules"][0].update({"for": "1h"}),
            Change("update", "alert rules", "footlight"),
        ),
        (
            lambda s: s.rule_groups["footlight-hq", "footlight"]["rules"].clear(),
            Change("update", "alert rules", "footlight"),
        ),
    ],
)
def test_what_somebody_changed_by_hand_is_put_right(server: Grafana, spoil: Any, expected: Change) -> None:
    run(server)
    spoil(server)
    assert run(server) == [expected]
    assert run(server) == []


def test_a_source_that_does_not_answer_gets_its_token_again(server: Grafana) -> None:
    run(server)
    server.working = False
    assert run(server) == [Change("update", "data source", "footlight")]
    server.working = True
    assert run(server) == []


def test_the_token_of_a_source_is_hidden(server: Grafana) -> None:
    run(server)
    assert "read-only" not in repr(server.sources) + repr(SOURCES)
    assert server.sources["footlight"]["secureJsonFields"] == {"httpHeaderValue1": True}


def test_what_comes_from_files_stays_with_them(server: Grafana) -> None:
    run(server)
    server.dashboards["store-today"]["dashboard"]["panels"].clear()
    server.dashboards["store-today"]["meta"]["provisioned"] = True
    server.sources["footlight"].update(readOnly=True, url="http://elsewhere")
    rules = server.rule_groups.pop(("footlight-hq", "footlight"))
    rules["rules"][0].update({"for": "1h", "provenance": "file"})
    server.rule_groups["another-folder", "footlight"] = rules
    assert run(server) == []


def test_a_new_store_costs_only_its_own(server: Grafana) -> None:
    few = CHAIN.model_copy(update={"sites": {"mitte": CHAIN.sites["mitte"]}})
    run(server, chain=few)
    added = {(change.verb, change.kind) for change in run(server)}
    assert added == {
        ("create", "team"),
        ("create", "folder"),
        ("update", "permissions"),
        ("create", "dashboard"),
    }


def test_what_footlight_brings_is_taken_and_then_left_alone(server: Grafana) -> None:
    bundle = load_bundle()
    assert {"store-today", "chain-compare", "fleet-health", "data-quality"} <= bundle.dashboards.keys()
    run(server, bundle=bundle)
    shown = {
        saved["dashboard"]["title"]
        for saved in server.dashboards.values()
        if saved["meta"]["folderUid"] == "footlight-mitte"
    }
    assert shown == {bundle.dashboards[name]["title"] for name in PER_STORE}
    (group,) = server.rule_groups.values()
    assert [rule["uid"] for rule in group["rules"]] == [rule["uid"] for rule in bundle.rules]
    assert run(server, bundle=bundle) == []


def test_names_that_grafana_does_not_allow_give_uids_that_it_does_and_that_differ() -> None:
    assert uid("footlight", "nord.2") == "footlight-" + hashlib.sha256(b"nord.2").hexdigest()[:30]
    assert uid("footlight", "nord.2") != uid("footlight", "nord.3")
    other = LONG[:-1] + "z"
    assert len(uid("footlight", LONG)) == 40
    assert uid("footlight", LONG) != uid("footlight", other)
    assert uid("footlight", "mitte") == "footlight-mitte"


def test_a_wrong_token_and_a_grafana_that_is_away_are_one_line(server: Grafana) -> None:
    with pytest.raises(
        UserError,
        match=r"refused a request: Unauthorized; set grafana\.token to a token of a service account",
    ):
        provision(
            server.url, "wrong", chain=CHAIN, bundle=BUNDLE, sources=SOURCES, contacts={}, dry_run=False
        )
    away = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(
        UserError, match=r"does not answer \(.*Connection refused\); check grafana\.url"
    ) as told:
        provision(away, TOKEN, chain=CHAIN, bundle=BUNDLE, sources=SOURCES, contacts={}, dry_run=False)
    assert "\n" not in str(told.value)


def test_a_rule_that_grafana_refuses_is_told(server: Grafana) -> None:
    broken = replace(BUNDLE, rules=[{k: v for k, v in RULE.items() if k != "for"}])
    with pytest.raises(UserError, match="invalid alert rule: no for"):
        run(server, bundle=broken)
