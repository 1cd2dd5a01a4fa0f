"""Who is told of an alert: contact points and routes, against the documented API of Grafana."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from cloud.config import load
from cloud.grafana.contacts import AUDIENCES, Contact
from cloud.grafana.provision import Change, load_bundle, provision
from common.errors import UserError
from tests.cloud.grafana.test_provision import BUNDLE, CHAIN, SOURCES
from tests.support.grafana import TOKEN, Grafana, grafana

BOTH = {
    "installer": Contact(["a@example.com", "b@example.com"], "https://example.com/alerts"),
    "hq": Contact(["office@example.com"]),
}
TREE: Final = "notification policies"


@pytest.fixture
def server() -> Iterator[Grafana]:
    with grafana() as running:
        yield running


def run(server: Grafana, contacts: Mapping[str, Contact], *, dry: bool = False) -> list[Change]:
    changes = provision(
        server.url, TOKEN, chain=CHAIN, bundle=BUNDLE, sources=SOURCES, contacts=contacts, dry_run=dry
    )
    return [change for change in changes if change.kind in ("contact point", TREE)]


def routes(server: Grafana) -> dict[str, Any]:
    return {route["receiver"]: route["object_matchers"] for route in server.policies["routes"]}


def test_each_audience_is_told_its_own_ways_of_its_own_alerts(server: Grafana) -> None:
    run(server, BOTH)
    told = {uid: (way["name"], way["type"], way["settings"]) for uid, way in server.contacts.items()}
    assert told == {
        "footlight-installer-email": (
            "Footlight: installer",
            "email",
            {"addresses": "a@example.com;b@example.com", "singleEmail": False},
        ),
        "footlight-installer-webhook": (
            "Footlight: installer",
            "webhook",
            {"url": "https://example.com/alerts"},
        ),
        "footlight-hq-email": (
            "Footlight: hq",
            "email",
            {"addresses": "office@example.com", "singleEmail": False},
        ),
    }
    assert routes(server) == {
        f"Footlight: {audience}": [["audience", "=", audience], ["product", "=", "footlight"]]
        for audience in BOTH
    }


def test_every_alert_rule_is_for_an_audience_that_can_be_told() -> None:
    labels = [rule["labels"] for rule in load_bundle().rules]
    assert labels
    assert {label["product"] for label in labels} == {"footlight"}
    assert {label["audience"] for label in labels} == set(AUDIENCES)


def test_a_second_run_changes_nothing_and_a_dry_run_writes_nothing(server: Grafana) -> None:
    planned = run(server, BOTH, dry=True)
    assert server.contacts == {}
    assert run(server, BOTH) == planned
    assert len(planned) == 4
    server.writes.clear()
    assert run(server, BOTH) == []
    assert server.writes == []


def test_without_contacts_grafana_is_left_as_it_is(server: Grafana) -> None:
    before = dict(server.policies)
    assert run(server, {}) == []
    assert server.policies == before


def test_routes_of_others_are_kept_behind_ours(server: Grafana) -> None:
    other = {"receiver": "grafana-default-email", "object_matchers": [["team", "=", "web"]]}
    server.policies["routes"] = [other]
    run(server, BOTH)
    assert server.policies["receiver"] == "grafana-default-email"
    assert [route["receiver"] for route in server.policies["routes"]] == [
        "Footlight: installer",
        "Footlight: hq",
        "grafana-default-email",
    ]
    assert server.policies["routes"][-1] == other


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (
            lambda s: s.contacts["footlight-hq-email"]["settings"].update(addresses="nobody@example.com"),
            Change("update", "contact point", "footlight-hq-email"),
        ),
        (lambda s: s.policies["routes"].reverse(), Change("update", TREE, "installer, hq")),
        (lambda s: s.policies["routes"].pop(), Change("update", TREE, "installer, hq")),
        (
            lambda s: s.policies["routes"][0].update(object_matchers=[]),
            Change("update", TREE, "installer, hq"),
        ),
    ],
)
def test_what_somebody_changed_by_hand_is_put_right(server: Grafana, spoil: Any, expected: Change) -> None:
    run(server, BOTH)
    spoil(server)
    assert run(server, BOTH) == [expected]
    assert run(server, BOTH) == []


def test_an_authorization_that_was_added_in_grafana_outlives_a_change_of_the_address(server: Grafana) -> None:
    run(server, BOTH)
    settings = server.contacts["footlight-installer-webhook"]["settings"]
    settings.update(authorization_scheme="Bearer", authorization_credentials="secret")
    assert run(server, BOTH) == []
    moved = {**BOTH, "installer": Contact(BOTH["installer"].email, "https://example.com/new")}
    assert run(server, moved) == [Change("update", "contact point", "footlight-installer-webhook")]
    assert server.contacts["footlight-installer-webhook"]["settings"] == {
        "url": "https://example.com/new",
        "authorization_scheme": "Bearer",
        "authorization_credentials": "secret",
    }


def test_who_is_no_longer_named_is_told_no_more(server: Grafana) -> None:
    run(server, BOTH)
    fewer = {"installer": Contact(BOTH["installer"].email)}
    assert run(server, fewer) == [
        Change("update", TREE, "installer"),
        Change("delete", "contact point", "footlight-hq-email"),
        Change("delete", "contact point", "footlight-installer-webhook"),
    ]
    assert list(server.contacts) == ["footlight-installer-email"]
    assert list(routes(server)) == ["Footlight: installer"]
    assert run(server, fewer) == []


def test_what_comes_from_files_stays_with_them(server: Grafana) -> None:
    run(server, BOTH)
    server.policies["provenance"] = "file"
    for way in server.contacts.values():
        way["provenance"] = "file"
    assert run(server, {"hq": Contact(["other@example.com"])}) == []


@pytest.mark.parametrize(
    ("contacts", "says"),
    [
        ("{installer: {}}", "needs email, webhook, or both"),
        ("{installer: {email: [nobody]}}", "is not an e-mail address"),
        ("{installer: {email: ['a@b.c;d@e.f']}}", "is not an e-mail address"),
        ("{installer: {webhook: nowhere}}", "is not an address"),
        ("{somebody: {email: [a@example.com]}}", "somebody"),
    ],
)
def test_a_contact_that_cannot_be_told_is_refused(tmp_path: Path, contacts: str, says: str) -> None:
    path = tmp_path / "cloud.yaml"
    known = "{url: http://localhost:3000, token: a, influx_url: http://localhost:8086, influx_token: b, contacts: "
    path.write_text(f"grafana: {known}{contacts}}}\n")
    with pytest.raises(UserError, match="contacts") as told:
        load(path)
    assert says in str(told.value)
