"""Why a broker cannot be used: one table for everybody who connects.

A *temporary* refusal ends by itself: retry. A refused *login* may be a mistake of a person or a slow user database:
retry, and say it. Everything else needs a person.
"""

from __future__ import annotations

import ssl
from enum import Enum

from common.errors import UserError
from common.mqtt.broker import Broker

NO_SUBSCRIBERS = 0x10
FAILED = 0x80
"""Reason codes from here on are failures (MQTT 5, 2.4)."""
MALFORMED_PACKET, PROTOCOL_ERROR, PACKET_TOO_LARGE = 0x81, 0x82, 0x95
SESSION_TAKEN_OVER = 0x8E
CLOSED = 0x100
"""Not a code of MQTT: the connection was closed before CONNACK."""

_NOT_YET_VALID = 9
"""OpenSSL's code for a certificate from the future: here the clock of a Pi that has just started is wrong."""


class Refusal(Enum):
    """What follows from a refused connection."""

    TEMPORARY = "temporary"
    LOGIN = "login"
    PERMANENT = "permanent"


_BY_CODE = {
    CLOSED: Refusal.TEMPORARY,
    0x80: Refusal.TEMPORARY,  # unspecified
    0x83: Refusal.TEMPORARY,  # implementation specific
    0x86: Refusal.LOGIN,  # bad user name or password
    0x87: Refusal.LOGIN,  # not authorised
    0x88: Refusal.TEMPORARY,  # server unavailable
    0x89: Refusal.TEMPORARY,  # server busy
    0x8A: Refusal.LOGIN,  # banned
    0x8B: Refusal.TEMPORARY,  # server shutting down
    0x8C: Refusal.LOGIN,  # bad authentication method
    0x97: Refusal.TEMPORARY,  # quota exceeded
    0x9C: Refusal.TEMPORARY,  # use another server
    0x9F: Refusal.TEMPORARY,  # connection rate exceeded
}


class BrokerUnreachable(Exception):
    """The broker cannot be used at present: retry."""


class BrokerRefused(UserError):
    """The broker answers, but does not accept this client as it is configured.

    ``permanent``: the answer stays the same until a person changes something.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


def kind_of(code: int) -> Refusal:
    """Classify the reason code of a refused connection (MQTT 5, 3.2.2.2, and :data:`CLOSED`)."""
    return _BY_CODE.get(code, Refusal.PERMANENT)


def refused(broker: Broker, code: int, reason: str) -> BrokerRefused | BrokerUnreachable:
    """Make the error for a connection that the broker refused with ``code``; ``reason`` is the code in words."""
    if code == CLOSED and broker.tls is not None:
        # TLS 1.3 refuses a client's certificate after the handshake, and the broker just closes the connection.
        return BrokerRefused(
            f"broker {broker} closes the TLS connection without a reason; check the client's cert and key",
            permanent=False,
        )
    kind = kind_of(code)
    if kind is Refusal.TEMPORARY:
        return BrokerUnreachable(f"broker {broker}: {reason}")
    fix = (
        "set mqtt.protocol 3.1.1" if "protocol version" in reason else "check mqtt.username and mqtt.password"
    )
    return BrokerRefused(
        f"broker {broker} refuses this client: {reason}; {fix}", permanent=kind is Refusal.PERMANENT
    )


def silent(broker: Broker, timeout_s: float) -> BrokerUnreachable:
    """Make the error for a broker that takes the connection and says nothing for ``timeout_s`` seconds."""
    hint = "; a broker without MQTT 5 needs mqtt.protocol 3.1.1" if broker.protocol == "5" else ""
    return BrokerUnreachable(f"broker {broker}: no answer within {timeout_s:g} s{hint}")


def unreachable(broker: Broker, error: OSError) -> BrokerRefused | BrokerUnreachable:
    """Make the error for a connection that failed before MQTT, by what the network or TLS reports."""
    match error:
        case ssl.SSLCertVerificationError(verify_code=code) if code == _NOT_YET_VALID:
            return BrokerUnreachable(f"broker {broker}: TLS: {error.verify_message}; is the clock right?")
        case ssl.SSLCertVerificationError():
            return BrokerRefused(
                f"broker {broker}: TLS: {error.verify_message}; check mqtt.tls.ca and mqtt.host",
                permanent=False,
            )
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return BrokerUnreachable(f"broker {broker}: TLS: {_reason(error)}")
        case ssl.SSLError():
            return BrokerRefused(
                f"broker {broker}: TLS: {_reason(error)}; check mqtt.port, mqtt.tls.ca and mqtt.tls.cert",
                permanent=False,
            )
        case _:
            return BrokerUnreachable(f"broker {broker}: {error.strerror or error}")


def _reason(error: ssl.SSLError) -> str:
    """Say what OpenSSL found; an error that Python itself makes has no reason."""
    return getattr(error, "reason", None) or error.strerror or str(error)
