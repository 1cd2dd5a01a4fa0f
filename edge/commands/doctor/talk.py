"""The doctor's own conversation with the broker, beside that of the service: log in, speak as itself, try to speak as
another, and wait for what the bridge answers.

A probe is what it speaks with. It counts nothing, so that nothing is counted wrongly should the broker let through
what it must refuse.
"""

from __future__ import annotations

import queue
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from common.clock import Clock
from common.wire import EchoMessage, ProbeMessage, WireError, address, decode, encode, topic
from edge.commands.doctor.hops import Finding, amber, green, not_reached, red
from edge.uplink.mqtt import FAILED, NO_SUBSCRIBERS, Broker

ANSWER_S = 5.0
ECHO_S = 10.0

NOBODY = "nobody-here"
"""The device that nobody is: as it we must not be able to speak."""

CLOCKS_APART = (timedelta(minutes=1), timedelta(seconds=2))
"""From which difference to the bridge's clock on it is red (counts fall into other windows), and amber."""

HUNG_UP = 0x100
"""Beside the reason codes of MQTT, and as much a refusal as those from ``FAILED`` on."""

_UPDATE_ACL = "update the broker's access list (role broker, cloud/compose/acl)"


class LoginRefused(Exception):
    """The broker does not let us in; the text says why, ``fix`` what to do."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Echo:
    """The bridge's answer: how long it took, and how far its clock is ahead of ours (0 within what can be told)."""

    after_ms: float
    ahead: timedelta


@dataclass(frozen=True, slots=True)
class Facts:
    """What came of the conversation. ``own`` and ``foreign`` are the broker's reason codes to a probe as ourselves and
    as somebody else, None where it stayed silent. ``foreign_came_back``: the bridge heard the latter."""

    own: int | None
    foreign: int | None
    foreign_came_back: bool
    echo: Echo | None


def converse(broker: Broker, *, site: str, device: str, clock: Clock, echo_s: float = ECHO_S) -> Facts:
    """Raises ``LoginRefused``, or ``OSError`` where there is no connection."""
    with Talk(broker, site=site, device=device, clock=clock) as talk:
        _, own = talk.probe(device)
        if talk.over:
            return Facts(own, None, foreign_came_back=False, echo=None)
        foreign_probe, foreign = talk.probe(NOBODY)
        if not talk.over:
            return _listen(talk, device, own, foreign, foreign_probe, echo_s)
    # Some brokers hang up on whoever says what it may not.
    with Talk(broker, site=site, device=device, clock=clock) as talk:
        return _listen(talk, device, own, foreign, foreign_probe, echo_s)


def _listen(
    talk: Talk, device: str, own: int | None, foreign: int | None, foreign_probe: ProbeMessage, echo_s: float
) -> Facts:
    if own is None or own >= FAILED or own == NO_SUBSCRIBERS:
        return Facts(own, foreign, foreign_came_back=False, echo=None)
    # Sent last, so that when its echo is there, that of the foreign one would be, too.
    probe, _ = talk.probe(device)
    echo = talk.echo_of(probe, within_s=echo_s)
    return Facts(own, foreign, foreign_probe.nonce in talk.heard, echo)


class Talk:
    """One connection. Entering logs in; raises ``LoginRefused``, or ``OSError`` where there is no connection."""

    def __init__(
        self, broker: Broker, *, site: str, device: str, clock: Clock, timeout_s: float = ANSWER_S
    ) -> None:
        self._broker, self._site, self._device, self._clock = broker, site, device, clock
        self._timeout_s = timeout_s
        self._ended = threading.Event()
        self._greeting: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
        self._subscribed: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self.heard: set[str] = set()
        """The nonces of all echoes that were waited for or passed over."""
        self._echoes: queue.SimpleQueue[tuple[EchoMessage, datetime]] = queue.SimpleQueue()
        # A name of its own: under that of the service it would take the service's place.
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"footlight-doctor-{secrets.token_hex(4)}",
            protocol=MQTTv5 if broker.protocol == "5" else MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = timeout_s
        self._client.on_connect = lambda _, __, ___, reason, ____: self._greeting.put(
            (reason.value, str(reason))
        )
        self._client.on_subscribe = lambda *_: self._subscribed.put(None)
        self._client.on_publish = lambda _, __, mid, reason, ___: self._answers.put((mid, reason.value))
        self._client.on_message = self._on_message
        self._client.on_disconnect = lambda *_: self._end()
        if broker.username is not None:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.tls is not None:
            self._client.tls_set_context(broker.tls.context())

    def __enter__(self) -> Self:
        self._client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s)
        self._client.loop_start()
        try:
            code, reason = self._greeting.get(timeout=self._timeout_s)
        except queue.Empty:
            code, reason = FAILED, f"no answer within {self._timeout_s:g} s"
        if code >= FAILED:
            self.__exit__()
            raise LoginRefused(reason, self._way_in(reason))
        self._client.subscribe([(address(self._site, one, "echo"), 1) for one in (self._device, NOBODY)])
        self._await(self._subscribed)
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.disconnect()
        if self._ended.wait(self._timeout_s):
            self._client.loop_stop()

    @property
    def over(self) -> bool:
        """Whether the broker has ended the conversation."""
        return self._ended.is_set()

    def probe(self, device: str) -> tuple[ProbeMessage, int | None]:
        """Publish a probe as ``device``, and the broker's reason code; None when it stays silent."""
        message = ProbeMessage(
            site=self._site, device=device, at=self._clock.now(), nonce=secrets.token_hex(8)
        )
        mid = self._client.publish(topic(message), encode(message), qos=1).mid
        while (answer := self._await(self._answers)) is not None:
            if answer[0] == mid:
                return message, answer[1]
        return message, HUNG_UP if self.over else None

    def echo_of(self, probe: ProbeMessage, *, within_s: float = ECHO_S) -> Echo | None:
        """Wait for the bridge's answer to ``probe``."""
        until_s = self._clock.monotonic() + within_s
        while (left_s := until_s - self._clock.monotonic()) > 0 and not self.over:
            try:
                echo, heard_at = self._echoes.get(timeout=left_s)
            except queue.Empty:
                break
            self.heard.add(echo.nonce)
            if echo.nonce == probe.nonce:
                # Somewhere between the two moments it was said, if both clocks are right.
                ahead = max(echo.at - heard_at, timedelta()) + min(echo.at - probe.at, timedelta())
                return Echo((heard_at - probe.at) / timedelta(milliseconds=1), ahead)
        return None

    def _await(self, answers: queue.SimpleQueue[Any]) -> Any:
        try:
            return None if self.over and answers.empty() else answers.get(timeout=self._timeout_s)
        except queue.Empty:
            return None

    def _way_in(self, reason: str) -> str:
        if "protocol version" in reason or (self._broker.protocol == "5" and "no answer" in reason):
            return "a broker that knows no MQTT 5 needs mqtt.protocol 3.1.1"
        if "hangs up" in reason:
            return (
                "check this device's certificate, and mqtt.protocol: 3.1.1 where the broker knows no MQTT 5"
            )
        return "check mqtt.username and mqtt.password_file, or whether the broker knows this device"

    # In paho's thread.

    def _end(self) -> None:
        self._ended.set()
        self._greeting.put((FAILED, "it hangs up without a word"))
        self._subscribed.put(None)
        self._answers.put((0, FAILED))  # no message has this number

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        heard_at = self._clock.now()
        try:
            echo = decode(message.topic, bytes(message.payload))
        except WireError:  # a bridge of another version; then there is no echo
            return
        if isinstance(echo, EchoMessage):
            self._echoes.put((echo, heard_at))


def as_itself(facts: Facts, *, reasons: bool) -> Finding:
    """May it speak as itself? ``reasons``: the broker gives them (MQTT 5)."""
    if facts.own is None:
        return red("the broker does not answer", "see its log; it is overloaded, or no broker")
    if facts.own == HUNG_UP:
        return red("the broker hangs up on a message of this device", _UPDATE_ACL)
    if facts.own >= FAILED:
        return red(
            f"refused (reason 0x{facts.own:02x})", f"{_UPDATE_ACL}; the certificate's name is site/device"
        )
    return green("taken" if reasons else "taken, as far as MQTT 3.1.1 tells")


def as_another(facts: Facts, *, reasons: bool, has_certificate: bool) -> Finding:
    """May it speak as another? It must not, where certificates are to tell devices apart."""
    if facts.foreign is None:
        return not_reached("the broker does not answer")
    if facts.foreign >= FAILED and not facts.foreign_came_back:
        return green("refused, as it must be")
    if not reasons and not facts.foreign_came_back:
        if facts.echo is None:
            return not_reached("MQTT 3.1.1 gives no reason, and no bridge answers")
        return green("nothing of it came through")
    value = "this device can speak as any other"
    if has_certificate:
        return red(value, f"{_UPDATE_ACL}: acl_file and use_identity_as_username are missing")
    return amber(value, "keep strangers off this network, or give each device a certificate")


def and_back(facts: Facts) -> Finding:
    """Does the bridge store and answer?"""
    if facts.own is None or facts.own >= FAILED:
        return not_reached("the broker takes nothing from this device")
    if facts.own == NO_SUBSCRIBERS:
        return amber("nobody hears probes", "start the bridge, or update it: an old one knows no probes")
    if facts.echo is None:
        return amber(
            "taken by the broker, and no echo",
            "see the bridge's log: it is away, its store is away or cannot be read, or it is too old to know probes",
        )
    value = f"stored and read back, {facts.echo.after_ms:.0f} ms"
    apart = facts.echo.ahead
    if abs(apart) < CLOCKS_APART[1]:
        return green(value)
    behind = "ahead of" if apart > timedelta() else "behind"
    value += f"; the bridge's clock is {abs(apart).total_seconds():.0f} s {behind} this one"
    state = red if abs(apart) >= CLOCKS_APART[0] else amber
    return state(value, "set the clock that is wrong; counts carry the time of this Pi")
