"""``footlight-cloud configure``: send new settings to a device, and wait for its answer.

Only the device knows its file, its camera and its version, so it decides; here only the format is checked. The broker
retains the request: a device that is offline answers when it is back.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue, RootModel

from cloud.config import load
from common.clock import Clock, SystemClock
from common.command_line import add_command
from common.config_file import checked, load_yaml_model
from common.errors import UserError
from common.mqtt.broker import Broker
from common.mqtt.refusals import BrokerUnreachable
from common.mqtt.session import ANSWER_S, Received, Reply, Session
from common.wire import (
    AlertMessage,
    ConfigMessage,
    HealthMessage,
    Message,
    StatusMessage,
    WireError,
    address,
    decode,
    encode,
    one_line,
    short_hash,
    topic,
)

WAIT_S = 180.0
"""A device waits up to a minute until nobody is in view and up to another for its first frame; then it reports."""
STATUS_S = 2.0
"""Within this time a broker sends the retained status of a known device."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result. ``message`` is the hash of the request, ``config`` that of the settings now in use, if accepted."""

    state: Literal["accepted", "refused", "waiting"]
    message: str
    config: str | None
    text: str


class _AnyYaml(RootModel[dict[str, JsonValue]]):
    """A part of a device's settings."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud configure``."""
    parser = add_command(commands, "configure", "send new settings to a device and wait for its answer")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="settings with the broker")
    parser.add_argument("--site", required=True)
    parser.add_argument("--device", required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "settings",
        type=Path,
        nargs="?",
        metavar="SETTINGS",
        help="YAML file with only the settings to change",
    )
    what.add_argument("--clear", action="store_true", help="go back to the device's own file")
    parser.add_argument(
        "--wait",
        type=float,
        default=WAIT_S,
        metavar="SECONDS",
        help="how long to wait for the answer (default: %(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Run the command: return 0 if accepted, 1 if refused or not answered yet. Raises ``UserError``."""
    asked = {} if args.clear else load_yaml_model(args.settings, _AnyYaml).root
    if "signage" in asked:
        raise UserError(
            f"{args.settings}: signage: what a display shows must be approved by somebody else; use"
            " 'footlight-cloud offers draft' and 'approve'"
        )
    parts = {"site": args.site, "device": args.device, "at": SystemClock().now(), "settings": asked}
    answer = ask(
        load(args.config).mqtt.broker(), checked(parts, ConfigMessage), wait_s=args.wait, clock=SystemClock()
    )
    print(json.dumps(asdict(answer)) if args.json else answer.text)
    return 0 if answer.state == "accepted" else 1


def ask(broker: Broker, message: ConfigMessage, *, wait_s: float, clock: Clock) -> Answer:
    """Publish the request and wait for the device to accept or refuse it.

    Raises ``UserError`` if the broker cannot be reached or does not allow it.
    """
    try:
        payload = encode(message)
    except WireError as error:
        raise UserError(f"{error}; change fewer settings at once") from None
    name, who = short_hash(payload), f"{message.site}/{message.device}"
    heard = [address(message.site, message.device, channel) for channel in ("health", "alert", "status")]
    try:
        with Session(broker, "configure", clock=clock) as session:
            _expect(
                broker, session.subscribe(*heard), f"does not allow this client to subscribe to {heard[0]}"
            )
            _expect(
                broker,
                session.publish(topic(message), payload, retain=True),
                f"does not allow this client to publish to {topic(message)};"
                " only the user 'configure' may (cloud/compose/acl)",
            )
            return _answer(session, name, who, wait_s, clock)
    except BrokerUnreachable as error:
        raise UserError(f"{error}; check mqtt.host and mqtt.port") from None


def _expect(broker: Broker, reply: Reply | None, otherwise: str) -> None:
    if reply is None:
        raise UserError(f"broker {broker}: no answer within {ANSWER_S:g} s")
    if not reply.accepted:
        raise UserError(f"broker {broker} {otherwise} ({reply.reason})")


def _answer(session: Session, name: str, who: str, wait_s: float, clock: Clock) -> Answer:
    """Wait for the device's answer. A broker sends retained messages at once, including the device's status."""
    online = False
    deadline_s = clock.monotonic() + STATUS_S
    while (received := session.next(deadline_s - clock.monotonic())) is not None:
        match _decoded(received):
            case StatusMessage(online=connected) if not online:
                if not connected:
                    break
                # From here on it may go offline briefly, because it restarts.
                online, deadline_s = True, clock.monotonic() + wait_s
            case HealthMessage(config_message=found) as health if found == name:
                return Answer("accepted", name, health.config, f"config {name} is now in use on {who}")
            case HealthMessage(config_waiting=found) if found == name:
                return Answer(
                    "waiting",
                    name,
                    None,
                    f"{who} has checked config {name}; its places change at closing time",
                )
            case AlertMessage(fault="config", active=True, text=text) if text.startswith(f"config {name} "):
                return Answer("refused", name, None, one_line(text, 240))
    if not online:
        return Answer("waiting", name, None, f"{who} is not connected; the broker keeps config {name} for it")
    return Answer(
        "waiting", name, None, f"{who} has not answered within {wait_s:g} s; config {name} stays requested"
    )


def _decoded(received: Received) -> Message | None:
    try:
        return decode(received.topic, received.payload)
    except WireError:  # from another version; an updated device will send it again
        return None
