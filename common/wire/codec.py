"""Topics, and messages as the JSON that travels."""

from __future__ import annotations

import hashlib
import re

from pydantic import ValidationError

from common.wire.device import (
    AlertMessage,
    ConfigMessage,
    EchoMessage,
    HealthMessage,
    ProbeMessage,
    StatusMessage,
)
from common.wire.notice import NoticeMessage
from common.wire.placement import PlacementMessage
from common.wire.window import WindowMessage

ROOT = "footlight/v1"
CONTENT_TYPE = "application/json"
MAX_BYTES = 64 * 1024
"""No message is larger; a broker with a lower limit would disconnect, and QoS 1 would resend for ever."""

Message = (
    WindowMessage
    | StatusMessage
    | HealthMessage
    | AlertMessage
    | NoticeMessage
    | ProbeMessage
    | EchoMessage
    | ConfigMessage
    | PlacementMessage
)

BY_CHANNEL: dict[str, type[Message]] = {
    "window": WindowMessage,
    "status": StatusMessage,
    "health": HealthMessage,
    "alert": AlertMessage,
    "notice": NoticeMessage,
    "probe": ProbeMessage,
    "echo": EchoMessage,
    "config": ConfigMessage,
    "placement": PlacementMessage,
}
"""The last topic level names what travels there."""

STORED = ("window", "status", "health", "alert", "notice", "probe")
"""The channels that a bridge hears and stores."""

RESEND_TOPIC = f"{ROOT}-resend"
"""The last will of every bridge, for all devices: whatever comes here asks for what was delivered lately once more."""
HELD_S = 7200
"""So long a device keeps what it has delivered."""
LONGEST_SESSION_S = HELD_S // 2
"""After this time a broker may forget a bridge that is away, and with it what waited for it."""

TO_DEVICE = frozenset({"echo", "config"})
"""The channels on which a device is spoken to; on all others it speaks."""

_READERS = {channel: model.__pydantic_validator__.validate_json for channel, model in BY_CHANNEL.items()}
"""What ``model_validate_json`` calls; half a microsecond less for each message."""
_CHANNELS = {model: channel for channel, model in BY_CHANNEL.items()}
_TOPIC = re.compile(rf"^{re.escape(ROOT)}/([^/]+)/([^/]+)/([^/]+)$")


class WireError(ValueError):
    """A message that breaks the contract; the text says where."""


def topic(message: Message) -> str:
    """Return where a message is published: ``footlight/v1/{site}/{device}/{channel}``."""
    return address(message.site, message.device, _CHANNELS[type(message)])


def address(site: str, device: str, channel: str) -> str:
    """Return the topic of a message that does not exist yet."""
    return f"{ROOT}/{site}/{device}/{channel}"


def channel_of(topic_name: str) -> str:
    """Return the last level of a topic."""
    return topic_name.rpartition("/")[2]


def short_hash(payload: bytes) -> str:
    """Return the first 12 hexadecimal digits of SHA-256, to tell payloads apart; no protection against forgery."""
    return hashlib.sha256(payload).hexdigest()[:12]


def encode(message: Message) -> bytes:
    """Encode as the JSON that travels. Raises ``WireError`` when it is larger than :data:`MAX_BYTES`, or holds text
    that is not Unicode (such as the odd bytes of a file name)."""
    try:
        payload = message.model_dump_json(by_alias=True).encode()
    except ValueError:
        raise WireError(f"{topic(message)}: holds text that is not Unicode") from None
    if len(payload) > MAX_BYTES:
        raise WireError(f"{topic(message)}: {len(payload)} bytes, more than {MAX_BYTES}")
    return payload


def decode(topic_name: str, payload: bytes) -> Message:
    """Decode the message of a topic. Raises ``WireError`` for a foreign topic, a payload that breaks the contract,
    or one whose site and device are not those of its topic (a device speaks only as itself)."""
    match = _TOPIC.match(topic_name)
    if match is None or match[3] not in _READERS:
        raise _broken(topic_name, f"not a topic of {ROOT}")
    site, device, channel = match.groups()
    if len(payload) > MAX_BYTES:
        raise _broken(topic_name, f"{len(payload)} bytes, more than {MAX_BYTES}")
    try:
        message: Message = _READERS[channel](payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = one_line(".".join(str(part) for part in first["loc"]), 100) or "payload"
        raise _broken(topic_name, f"{where}: {one_line(first['msg'], 200)}") from None
    except Exception as error:  # noqa: BLE001 - whatever a foreign text does to a parser, only that text is refused
        raise _broken(topic_name, f"cannot be read ({type(error).__name__})") from None
    if "kind" not in message.model_fields_set:
        raise _broken(topic_name, "schema: Field required")
    if (message.site, message.device) != (site, device):
        raise _broken(topic_name, f"payload speaks for {message.site}/{message.device}")
    return message


def _broken(topic_name: str, why: str) -> WireError:
    return WireError(f"{one_line(topic_name, 200)}: {why}")


def one_line(foreign: str, longest: int) -> str:
    """Make text from outside fit for a log or an MQTT property: printable ASCII on one line, at most ``longest``."""
    text = "".join(
        char if " " <= char <= "~" else char.encode("unicode_escape").decode()
        for char in foreign[: longest + 1]
    )
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
