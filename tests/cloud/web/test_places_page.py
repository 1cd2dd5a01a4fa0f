"""Who may change places, and what is answered to a request that is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import Changes, NotSent
from cloud.domain.users import USER_ROLES
from cloud.stores.embedded import EmbeddedStore
from common.wire import encode, topic
from tests.cloud.web.logins import add_person, logged_in, page_with
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, health, status, window

DOOR: dict[str, JsonValue] = {"name": "street", "line": [[0.3, 0.6], [0.7, 0.6]], "inside": [0.5, 0.9]}


class Broker:
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.away = False

    def send(self, topic: str, payload: bytes) -> None:
        if self.away:
            raise NotSent("The broker of this box does not answer.")
        self.heard.append(payload)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def changes(tmp_path: Path, clock: ManualClock, broker: Broker) -> Iterator[Changes]:
    file = ChangeFile(tmp_path / "changes.sqlite")
    yield Changes(file, broker, clock)
    file.close()


@pytest.fixture
def app(accounts: Accounts, store: EmbeddedStore, clock: ManualClock, changes: Changes) -> Starlette:
    store.write([status(online=True), health(config="0" * 12), health(site="other")])
    for role in USER_ROLES:
        add_person(accounts, f"the-{role}", role)
    return page_with(accounts, store, clock, changes=changes)


class Person:
    """Somebody with a role, in front of the editor."""

    def __init__(self, app: Starlette, role: str) -> None:
        self._browser, self._headers = logged_in(app, f"the-{role}"), {}
        self.page = self.get("/site/shop/position")
        if found := re.search(r'data-token="(\w+)"', self.page.text):
            self._headers["x-csrf-token"] = found[1]

    def get(self, path: str) -> httpx.Response:
        return self._browser.get(path)

    def post(self, path: str, body: object) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._browser.post(path, headers=self._headers, content=content)


CHANGE = {"seen": None, "sections": {"doors": [DOOR]}}


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_a_viewer_and_a_manager_change_nothing(app: Starlette, broker: Broker, role: str) -> None:
    person = Person(app, role)
    assert person.page.status_code == 403
    assert person.get("/api/shop/changes").status_code == 403
    assert person.post("/api/shop/changes/door", CHANGE).status_code == 403
    assert person.post("/api/shop/changes/door/restore", {"number": 0}).status_code == 403
    assert broker.heard == []


@pytest.mark.parametrize("role", ["installer", "hq"])
def test_who_may_configure_is_named_in_the_history(
    app: Starlette, accounts: Accounts, broker: Broker, role: str
) -> None:
    person = Person(app, role)
    assert 'id="editor"' in person.page.text
    answer = person.post("/api/shop/changes/door", CHANGE)
    assert (answer.status_code, answer.json()) == (202, {"number": 1})
    assert json.loads(broker.heard[0])["settings"] == {"doors": [DOOR]}
    (device,) = person.get("/api/shop/changes").json()["devices"]
    assert (device["device"], device["online"], device["settings"]) == ("door", True, "0" * 12)
    assert (device["last"], device["asked"], device["own"]) == (1, {"doors": [DOOR]}, None)
    (change,) = device["changes"]
    assert (change["who"], change["keys"], change["answer"]) == (f"the-{role}", ["doors"], "none")
    assert change["at"] == "2026-03-02T12:00:10+01:00"
    again = person.post("/api/shop/changes/door/restore", {"number": 0})
    assert again.json() == {"number": 2}
    logged = [(line.who, line.about) for line in accounts.audit.newest(9) if line.act == "configured"]
    assert logged == [
        (f"the-{role}", "door in shop as in version 0"),
        (f"the-{role}", "doors of door in shop"),
    ]
    states = person.get("/api/shop/changes").json()["devices"][0]["changes"]
    assert [(one["keys"], one["answer"]) for one in states] == [(["doors"], "none"), (["doors"], "replaced")]


def test_nobody_changes_a_device_of_another_site(app: Starlette, broker: Broker) -> None:
    person = Person(app, "installer")
    for path in ("/api/other/changes", "/api/nowhere/changes"):
        assert person.get(path).status_code == 404
        assert person.post(f"{path}/door", CHANGE).status_code == 404
    unknown = person.post("/api/shop/changes/shelf", CHANGE)
    assert (unknown.status_code, unknown.json()["error"]) == (
        404,
        "No data has been received from a device named shelf.",
    )
    assert broker.heard == []


def test_another_web_site_cannot_make_a_browser_change_anything(app: Starlette, broker: Broker) -> None:
    answer = logged_in(app, "the-installer").post(
        "/api/shop/changes/door", content=json.dumps(CHANGE).encode()
    )
    assert (answer.status_code, broker.heard) == (403, [])


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"no JSON", 400, "The request cannot be read: the request: Invalid JSON"),
        ({"seen": None}, 400, "sections: Field required"),
        ({"seen": "1", "sections": {}}, 400, "seen: Input should be a valid integer"),
        ({"seen": None, "sections": {}, "who": "boss"}, 400, "who: Extra inputs"),
        ({"seen": 7, "sections": {}}, 409, "Somebody else has changed this device meanwhile."),
        ({"seen": None, "sections": {"mqtt": {"host": "elsewhere"}}}, 409, "The section mqtt is none of"),
        ({"seen": None, "sections": {"zones": ["x" * 65_480]}}, 409, "too large"),
        ({"seen": None, "sections": {"zones": ["x" * 70_000]}}, 413, ""),
        (b'{"seen": null, "sections": {"zones": [NaN]}}', 409, "These settings cannot be sent"),
    ],
)
def test_a_request_that_is_wrong_is_answered_with_a_sentence(
    app: Starlette, broker: Broker, body: object, code: int, says: str
) -> None:
    answer = Person(app, "installer").post("/api/shop/changes/door", body)
    assert answer.status_code == code
    assert not says or says in answer.json()["error"]
    assert broker.heard == []


def test_a_broker_that_is_away_is_said_and_nothing_is_kept(app: Starlette, broker: Broker) -> None:
    person, broker.away = Person(app, "installer"), True
    answer = person.post("/api/shop/changes/door", CHANGE)
    assert (answer.status_code, answer.json()["error"]) == (503, "The broker of this box does not answer.")
    assert person.get("/api/shop/changes").json()["devices"][0]["changes"] == []


def test_a_page_that_cannot_change_devices_has_no_editor(
    accounts: Accounts, store: EmbeddedStore, clock: ManualClock
) -> None:
    store.write([status(online=True)])
    add_person(accounts, "the-installer", "installer")
    person = Person(page_with(accounts, store, clock), "installer")
    assert person.page.status_code == 200
    assert 'id="editor"' not in person.page.text
    assert person.get("/api/shop/changes").status_code == 404


def test_whoever_sees_figures_is_told_since_when_they_are_counted_in_another_way(
    app: Starlette, store: EmbeddedStore, changes: Changes, clock: ManualClock
) -> None:
    a_day_ago = MORNING - timedelta(days=1)
    store.write([window(minute - 24 * 60, seq=minute) for minute in range(60)])
    wanted: list[tuple[datetime, dict[str, JsonValue]]] = [
        (a_day_ago, {"doors": []}),
        (clock.now(), {"doors": [DOOR], "zones": []}),
    ]
    for at, sections in wanted:
        seen = next((change.number for change in changes.history("shop", "door")), None)
        sent = changes.change("shop", "door", sections, who="anna", seen=seen)
        answer = health(at=at, config="1" * 12, config_message=sent.message)
        changes.hear(topic(answer), encode(answer))
    viewer = Person(app, "viewer")
    assert viewer.get("/api/shop/today").json()["changes"] == [
        {"device": "door", "at": "2026-03-01T09:00:00+01:00", "sections": ["doors"]},
        {"device": "door", "at": "2026-03-02T12:00:10+01:00", "sections": ["doors", "zones"]},
    ]
    page = viewer.get("/site/shop/compare?from=2026-03-01&to=2026-03-01").text
    told = re.findall(r"Since ([^<]*) counts with other settings [(]([^)]*)[)]", page)
    assert [(" ".join(when.split()), what) for when, what in told] == [("Sun 1 Mar, door", "doors")]
