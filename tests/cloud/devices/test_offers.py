"""A programme of a display is written by one person and approved by another; only then it reaches the device."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import Changes, NotPossible, NotSent
from cloud.devices.offers import Offers
from common.errors import UserError
from tests.support.clock import ManualClock

TEXT = """\
clips:
  - {name: welcome, kind: information}
  - {name: running, kind: product}
rules:
  - {clip: running, people: [2, 10]}
rotation: [welcome]
"""


class Broker:
    """What was sent; it can be away."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, object]]] = []
        self.away = False

    def send(self, topic: str, payload: bytes) -> None:
        if self.away:
            raise NotSent("The broker is away.")
        self.sent.append((topic, json.loads(payload)["settings"]))


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def offers(tmp_path: Path, broker: Broker) -> Iterator[Offers]:
    clock = ManualClock()
    with closing(ChangeFile(tmp_path / "changes.sqlite")) as file:
        yield Offers(file, Changes(file, broker, clock), clock)


def test_what_somebody_else_approves_is_sent(offers: Offers, broker: Broker) -> None:
    draft = offers.draft("shop", "window", TEXT, who="anna")
    assert broker.sent == []
    approved = offers.approve("shop", draft.number, who="ben")
    assert (approved.state, approved.who, approved.decided_by) == ("approved", "anna", "ben")
    ((topic, settings),) = broker.sent
    assert topic == "footlight/v1/shop/window/config"
    programme = settings["signage"]
    assert isinstance(programme, dict)
    assert programme.keys() == {"holdout", "holdout_by", "clips", "rules", "rotation"}
    assert programme["rotation"] == ["welcome"]


def test_nobody_approves_the_own_draft(offers: Offers, broker: Broker) -> None:
    draft = offers.draft("shop", "window", TEXT, who="anna")
    with pytest.raises(NotPossible, match="somebody else"):
        offers.approve("shop", draft.number, who="anna")
    assert broker.sent == []
    assert offers.decline("shop", draft.number, who="anna").state == "declined"


def test_a_draft_is_decided_once_and_in_its_shop(offers: Offers, broker: Broker) -> None:
    draft = offers.draft("shop", "window", TEXT, who="anna")
    with pytest.raises(NotPossible):
        offers.approve("other", draft.number, who="ben")
    offers.approve("shop", draft.number, who="ben")
    for decide in (offers.approve, offers.decline):
        with pytest.raises(NotPossible, match="does not wait"):
            decide("shop", draft.number, who="carla")
    assert len(broker.sent) == 1


def test_a_later_draft_replaces_one_that_waits(offers: Offers) -> None:
    first = offers.draft("shop", "window", TEXT, who="anna")
    offers.draft("shop", "window", TEXT, who="anna")
    offers.draft("shop", "door", TEXT, who="anna")
    assert [draft.state for draft in offers.of("shop")] == ["drafted", "drafted", "replaced"]
    with pytest.raises(NotPossible):
        offers.approve("shop", first.number, who="ben")


def test_a_draft_waits_until_the_broker_is_back(offers: Offers, broker: Broker) -> None:
    draft = offers.draft("shop", "window", TEXT, who="anna")
    broker.away = True
    with pytest.raises(NotSent):
        offers.approve("shop", draft.number, who="ben")
    assert offers.of("shop")[0].state == "drafted"
    broker.away = False
    offers.approve("shop", draft.number, who="ben")
    assert len(broker.sent) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "clips"),
        ("[1]", "key: value"),
        ("clips: [", "line"),
        (TEXT + "listen: 192.168.1.2\n", "listen"),
        (TEXT.replace("product}", "price}").replace("people: [2, 10]", "gender: male"), "never allowed"),
    ],
)
def test_what_is_no_programme_is_refused_with_one_line(offers: Offers, text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as refused:
        offers.draft("shop", "window", text, who="anna")
    assert "\n" not in str(refused.value)
    assert offers.of("shop") == []


def test_a_file_of_an_earlier_version_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "changes.sqlite"
    ChangeFile(path).close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("DROP TABLE drafts")
        file.commit()
    with closing(ChangeFile(path)) as file:
        assert file.run("SELECT count(*) FROM drafts", ()) == [(0,)]
