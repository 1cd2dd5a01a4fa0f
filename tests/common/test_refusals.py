"""What follows from a broker that cannot be used: retry, say it, or ask a person."""

from __future__ import annotations

import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from common.mqtt.broker import Broker
from common.mqtt.refusals import (
    CLOSED,
    FAILED,
    BrokerRefused,
    BrokerUnreachable,
    Refusal,
    kind_of,
    refused,
    unreachable,
)
from common.mqtt.tls import Tls

PLAIN, SECURE = Broker("broker.example.com"), Broker("broker.example.com", 8883, tls=Tls())
LOGIN = {"Bad user name or password", "Not authorized", "Banned", "Bad authentication method"}
TEMPORARY = {
    "Unspecified error",
    "Implementation specific error",
    "Server unavailable",
    "Server busy",
    "Server shutting down",
    "Quota exceeded",
    "Use another server",
    "Connection rate exceeded",
}


def connack_codes() -> dict[str, int]:
    """Every reason code that MQTT 5 allows in CONNACK, by its name."""
    names = ReasonCode(PacketTypes.CONNACK).names
    return {
        name: code
        for code, by_name in names.items()
        for name, packets in by_name.items()
        if PacketTypes.CONNACK in packets and code >= FAILED
    }


def test_every_reason_of_the_standard_has_its_consequence() -> None:
    for name, code in connack_codes().items():
        expected = (
            Refusal.TEMPORARY if name in TEMPORARY else Refusal.LOGIN if name in LOGIN else Refusal.PERMANENT
        )
        assert kind_of(code) is expected, name


@given(st.integers(FAILED, CLOSED), st.text())
def test_every_code_is_an_error_that_names_the_broker(code: int, reason: str) -> None:
    """Also one that no standard knows."""
    for broker in (PLAIN, SECURE):
        error = refused(broker, code, reason)
        assert str(broker) in str(error)
        kind = kind_of(code)
        if isinstance(error, BrokerUnreachable):
            assert kind is Refusal.TEMPORARY
        else:
            assert error.permanent == (kind is Refusal.PERMANENT)


def test_a_login_that_is_refused_says_what_to_check_and_may_end() -> None:
    error = refused(PLAIN, 0x87, "Not authorized")
    assert isinstance(error, BrokerRefused)
    assert not error.permanent
    assert str(error) == (
        "broker broker.example.com:1883 refuses this client: Not authorized; check mqtt.username and mqtt.password"
    )


def test_another_version_of_mqtt_is_named() -> None:
    error = refused(PLAIN, 0x84, "Unsupported protocol version")
    assert isinstance(error, BrokerRefused)
    assert error.permanent
    assert str(error).endswith("set mqtt.protocol 3.1.1")


def test_a_connection_closed_without_a_word_is_the_certificate_under_tls_and_the_network_without() -> None:
    assert isinstance(refused(PLAIN, CLOSED, "closed"), BrokerUnreachable)
    error = refused(SECURE, CLOSED, "closed")
    assert isinstance(error, BrokerRefused)
    assert not error.permanent
    assert "check the client's cert and key" in str(error)


def verification(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (ConnectionRefusedError(111, "Connection refused"), BrokerUnreachable, "Connection refused"),
        (TimeoutError("timed out"), BrokerUnreachable, "timed out"),
        (socket.gaierror(-2, "Name or service not known"), BrokerUnreachable, "Name or service not known"),
        (ssl.SSLEOFError(8, "EOF occurred"), BrokerUnreachable, "TLS: "),
        (verification(9, "certificate is not yet valid"), BrokerUnreachable, "is the clock right?"),
        (verification(10, "certificate has expired"), BrokerRefused, "check mqtt.tls.ca and mqtt.host"),
        (
            ssl.SSLError(1, "wrong version number"),
            BrokerRefused,
            "check mqtt.port, mqtt.tls.ca and mqtt.tls.cert",
        ),
    ],
)
def test_what_the_network_reports_is_told_with_what_to_check(
    error: OSError, kind: type[Exception], says: str
) -> None:
    found = unreachable(SECURE, error)
    assert isinstance(found, kind)
    assert str(found).startswith("broker broker.example.com:8883: ")
    assert says in str(found)
    if isinstance(found, BrokerRefused):
        assert not found.permanent, "the certificate may be mended on the broker"
