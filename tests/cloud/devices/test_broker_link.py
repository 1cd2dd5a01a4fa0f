"""Changes of devices of a chain, over the real broker with the real access list, as the user ``configure``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloud.config import load
from cloud.devices.broker_link import BrokerLink, broker_changes
from cloud.devices.changes import ELSEWHERE, Changes, NotSent
from cloud.devices.configure import ask
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import Message, decode, encode, topic
from tests.support.brokers import free_port, until
from tests.support.messages import asking, health, placement
from tests.support.secure_broker import Party, SecureMosquitto, make_secrets

pytestmark = pytest.mark.mosquitto

DEVICE = "footlight/v1/shop/door"


class Chain:
    """A broker with certificates, the changes at it, and what else the changes's client hears."""

    def __init__(self, folder: Path) -> None:
        self.made = make_secrets(folder / "secrets")
        self.broker = SecureMosquitto(folder, self.made)
        self.mqtt = load(self.made / "configure.yaml").mqtt.broker()
        self.heard: list[Message] = []
        self._file = folder / "changes.sqlite"

    @property
    def here(self) -> Broker:
        return replace(self.mqtt, host="127.0.0.1", port=self.broker.port)

    @contextmanager
    def changes(self) -> Iterator[Changes]:
        def also(topic_name: str, payload: bytes) -> None:
            self.heard.append(decode(topic_name, payload))

        with broker_changes(self._file, self.here, SystemClock(), also) as changes:
            yield changes


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    made = Chain(tmp_path)
    with made.broker:
        yield made


def change(changes: Changes, **sections: Any) -> str:
    history = changes.history("shop", "door")
    seen = history[0].number if history else None
    return changes.change("shop", "door", sections, who="anna", seen=seen).message


def state(changes: Changes) -> list[tuple[str, str]]:
    return [(change.who, change.answer) for change in changes.history("shop", "door")]


def test_a_change_reaches_the_device_and_its_answer_comes_back(chain: Chain) -> None:
    with (
        chain.changes() as changes,
        Party(chain.broker.port, chain.made, "devices/shop/door", f"{DEVICE}/config") as door,
    ):
        name = change(changes, doors=[])
        until(lambda: door.heard, "the device hears it")
        door.send(f"{DEVICE}/health", encode(health(config="1" * 12, config_message=name)))
        until(lambda: state(changes) == [("anna", "accepted")], "the answer is kept")
        said = placement(places={"doors": []})
        door.send(topic(said), encode(said))
        until(lambda: said in chain.heard, "a check is passed on")
        assert changes.own("shop", "door") == {"doors": []}


def test_what_the_command_line_sends_is_part_of_the_next_change(chain: Chain) -> None:
    with (
        chain.changes() as changes,
        Party(chain.broker.port, chain.made, "devices/shop/door", f"{DEVICE}/config") as door,
    ):
        ask(chain.here, asking({"pacing": {"hot_c": 60}}), wait_s=0.1, clock=SystemClock())
        until(lambda: state(changes) == [(ELSEWHERE, "none")], "the changes has noticed it")
        change(changes, doors=[])
        until(lambda: len(door.heard) == 2, "the device hears both")
        assert b'"settings":{"pacing":{"hot_c":60},"doors":[]}' in door.heard[1].payload
        assert len(state(changes)) == 2, "what the changes has sent itself is no new change"


def test_an_answer_waits_for_a_page_that_is_away(chain: Chain) -> None:
    with chain.changes() as changes:
        name = change(changes, doors=[])
        until(lambda: chain.heard, "the changes listens")
    with Party(chain.broker.port, chain.made, "devices/shop/door") as door:
        door.send(f"{DEVICE}/health", encode(health(config_message=name)))
    with chain.changes() as changes:
        until(lambda: state(changes) == [("anna", "accepted")], "the answer is kept")


def test_a_broker_that_is_away_or_refuses_is_said_in_a_sentence(chain: Chain) -> None:
    away = replace(chain.here, port=free_port())
    with pytest.raises(NotSent, match=r"^The change was not sent: broker .*\.$"):
        BrokerLink(away, SystemClock()).send(f"{DEVICE}/config", encode(asking({})))
    assert chain.here.tls is not None
    own = chain.made / "devices" / "shop" / "door"
    door = replace(chain.here.tls, cert=Path(f"{own}.crt"), key=Path(f"{own}.key"))
    with pytest.raises(NotSent, match="refuses it"):
        BrokerLink(replace(chain.here, tls=door), SystemClock()).send(f"{DEVICE}/config", encode(asking({})))
