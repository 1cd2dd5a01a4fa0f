"""``footlight-cloud configure``: ask a device for other settings, and wait for its answer.

The device alone knows its file, its camera and its version, so that it is the judge; here only the form is checked.
What is asked for is retained by the broker: a device that is away answers when it comes back.
"""

from __future__ import annotations

import argparse
import json
import queue
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import JsonValue, RootModel

from cloud.config import MqttSettings, load
from cloud.ingest.bridge import Tls, set_tls
from common.clock import SystemClock
from common.config_file import checked, load_yaml_model
from common.errors import UserError
from common.wire import (
    CONTENT_TYPE,
    AlertMessage,
    ConfigMessage,
    HealthMessage,
    Message,
    StatusMessage,
    WireError,
    address,
    decode,
    encode,
    short_hash,
    topic,
)

WAIT_S = 180.0
"""A device waits a minute for nobody to be in view, and another for the first frame; then comes its next word."""
ANSWER_S = 10.0
"""The broker is to answer within this time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``message`` is the hash of what was asked for, ``config`` that of the settings now in force, where accepted."""

    state: Literal["accepted", "refused", "waiting"]
    message: str
    config: str | None
    text: str


class _AnyYaml(RootModel[dict[str, JsonValue]]):
    """A part of a device's settings."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``footlight-cloud configure``."""
    parser = commands.add_parser("configure", help="ask a device for other settings and wait for its answer")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="where the broker is")
    parser.add_argument("--site", required=True)
    parser.add_argument("--device", required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "settings", type=Path, nargs="?", metavar="SETTINGS", help="YAML, only what is to change"
    )
    what.add_argument("--clear", action="store_true", help="return to the device's own file")
    parser.add_argument(
        "--wait", type=float, default=WAIT_S, metavar="SECONDS", help="for the answer (%(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """The command: 0 accepted, 1 refused or not answered yet. Raises ``UserError``."""
    asked = {} if args.clear else load_yaml_model(args.settings, _AnyYaml).root
    parts = {"site": args.site, "device": args.device, "at": SystemClock().now(), "settings": asked}
    answer = ask(load(args.config).mqtt, checked(parts, ConfigMessage), wait_s=args.wait)
    print(json.dumps(asdict(answer)) if args.json else answer.text)
    return 0 if answer.state == "accepted" else 1


def ask(settings: MqttSettings, message: ConfigMessage, *, wait_s: float) -> Answer:
    """Publish, and wait for the device to say whether it takes it. Raises ``UserError`` when the broker is away or does
    not allow it."""
    try:
        payload = encode(message)
    except WireError as error:
        raise UserError(f"{error}; ask for less") from None
    name, who = short_hash(payload), f"{message.site}/{message.device}"
    party = _Party(settings)
    try:
        party.hear(
            *(address(message.site, message.device, channel) for channel in ("health", "alert", "status"))
        )
        party.publish(topic(message), payload)
        if not party.online:
            return Answer(
                "waiting", name, None, f"{who} is not connected; the broker keeps config {name} for it"
            )
        deadline = time.monotonic() + wait_s
        while (heard := party.next(deadline - time.monotonic())) is not None:
            match heard:
                case HealthMessage(config_message=found) if found == name:
                    return Answer("accepted", name, heard.config, f"config {name} is in force on {who}")
                case AlertMessage(fault="config", active=True) if heard.text.startswith(f"config {name} "):
                    return Answer("refused", name, None, heard.text)
        return Answer(
            "waiting",
            name,
            None,
            f"{who} has not answered within {wait_s:g} s; config {name} stays asked for",
        )
    finally:
        party.close()


class _Party:
    """A client of the broker that is there for one question. Raises ``UserError`` for all that goes wrong with it."""

    def __init__(self, settings: MqttSettings) -> None:
        self._address, self._v5 = f"{settings.host}:{settings.port}", settings.protocol == "5"
        self._heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[ReasonCode] = queue.SimpleQueue()
        self.online = False
        """Whether the broker says that the device is connected."""
        # A name of its own: under that of a bridge it would take over the bridge's session.
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"footlight-configure-{secrets.token_hex(4)}",
            protocol=mqtt.MQTTv5 if self._v5 else mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        if settings.username is not None:
            password = settings.password.get_secret_value() if settings.password else None
            self._client.username_pw_set(settings.username, password)
        if settings.tls is not None:
            set_tls(self._client, Tls(settings.tls.ca, settings.tls.cert, settings.tls.key))
        self._client.on_connect = lambda client, data, flags, reason, properties: self._said.put(reason)
        self._client.on_subscribe = lambda client, data, mid, reasons, properties: self._said.put(
            max(reasons)
        )
        self._client.on_publish = lambda client, data, mid, reason, properties: self._said.put(reason)
        self._client.on_message = lambda client, data, message: self._take(message)
        try:
            self._client.connect(settings.host, settings.port)
        except OSError as error:
            raise UserError(
                f"broker {self._address}: {error.strerror or error}; see mqtt.host and mqtt.port"
            ) from None
        self._client.loop_start()
        self._expect("refuses this client; check mqtt.username, mqtt.password and mqtt.tls")

    def hear(self, *topics: str) -> None:
        self._client.subscribe([(name, 1) for name in topics])
        self._expect(f"does not let it hear {topics[0]}")

    def publish(self, name: str, payload: bytes) -> None:
        """Retained, and acknowledged by the broker."""
        properties = None
        if self._v5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = CONTENT_TYPE
        self._client.publish(name, payload, qos=1, retain=True, properties=properties)
        self._expect(f"does not let it write {name}; only the user configure may (cloud/compose/acl)")

    def next(self, timeout_s: float) -> Message | None:
        """What the device says next, or None when it says nothing in time."""
        try:
            return self._heard.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _expect(self, otherwise: str) -> None:
        try:
            reason = self._said.get(timeout=ANSWER_S)
        except queue.Empty:
            self.close()
            raise UserError(f"broker {self._address}: no answer within {ANSWER_S:g} s") from None
        if reason.is_failure:
            self.close()
            raise UserError(f"broker {self._address} {otherwise} ({reason})")

    def _take(self, message: mqtt.MQTTMessage) -> None:
        try:
            heard = decode(message.topic, bytes(message.payload))
        except WireError:  # of another version; it will be repeated by a device that was updated
            return
        if isinstance(heard, StatusMessage):
            self.online = heard.online
        self._heard.put(heard)
