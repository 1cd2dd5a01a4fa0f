"""The doctor's own probes, beside the service: publish as this device, try to publish as another, and wait for the
bridge's echo.

A probe counts nothing, so nothing is counted wrongly should the broker let through what it must refuse.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from common.clock import Clock
from common.mqtt.broker import Broker
from common.mqtt.refusals import CLOSED, FAILED, NO_SUBSCRIBERS
from common.mqtt.session import Received, Session
from common.wire import EchoMessage, ProbeMessage, WireError, address, decode, encode, topic
from edge.commands.doctor.checks import Finding, amber, green, not_reached, red

ANSWER_S = 5.0
ECHO_S = 10.0

NOBODY = "nobody-here"
"""The device that nobody is: as it we must not be able to speak."""

CLOCKS_APART = (timedelta(minutes=1), timedelta(seconds=2))
"""From which difference to the bridge's clock on it is red (counts fall into other windows), and amber."""

_UPDATE_ACL = "update the broker's access list (role broker, cloud/compose/acl)"


@dataclass(frozen=True, slots=True)
class Echo:
    """The bridge's answer: how long it took, and how far its clock is ahead of ours (0 within what can be told)."""

    after_ms: float
    ahead: timedelta


@dataclass(frozen=True, slots=True)
class Facts:
    """What the probes found. ``own`` and ``foreign`` are the broker's reason codes to a probe as ourselves and
    as another device, None without an answer. ``foreign_came_back``: the bridge received the latter."""

    own: int | None
    foreign: int | None
    foreign_came_back: bool
    echo: Echo | None


def probe_broker(broker: Broker, *, site: str, device: str, clock: Clock, echo_s: float = ECHO_S) -> Facts:
    """Send probes and wait for their echo. Raises ``BrokerRefused`` or ``BrokerUnreachable``."""
    with _Prober(broker, site=site, device=device, clock=clock) as prober:
        _, own = prober.probe(device)
        if prober.closed:
            return Facts(own, None, foreign_came_back=False, echo=None)
        foreign_probe, foreign = prober.probe(NOBODY)
        if not prober.closed:
            return _listen(prober, device, own, foreign, foreign_probe, echo_s)
    # Some brokers close the connection of a client that publishes what it may not.
    with _Prober(broker, site=site, device=device, clock=clock) as prober:
        return _listen(prober, device, own, foreign, foreign_probe, echo_s)


def _listen(
    prober: _Prober,
    device: str,
    own: int | None,
    foreign: int | None,
    foreign_probe: ProbeMessage,
    echo_s: float,
) -> Facts:
    if own is None or own >= FAILED or own == NO_SUBSCRIBERS:
        return Facts(own, foreign, foreign_came_back=False, echo=None)
    # Sent last: once its echo is here, that of the foreign one would be here, too.
    probe, _ = prober.probe(device)
    echo = prober.echo_of(probe, within_s=echo_s)
    return Facts(own, foreign, foreign_probe.nonce in prober.heard, echo)


class _Prober(Session):
    """A session that sends probes and hears their echoes."""

    def __init__(self, broker: Broker, *, site: str, device: str, clock: Clock) -> None:
        super().__init__(broker, "doctor", clock=clock, timeout_s=ANSWER_S)
        self._site, self._device = site, device
        self.heard: set[str] = set()
        """The nonces of all echoes so far."""

    def open(self) -> None:
        super().open()
        self.subscribe(*(address(self._site, device, "echo") for device in (self._device, NOBODY)))

    def probe(self, device: str) -> tuple[ProbeMessage, int | None]:
        """Publish a probe as ``device``; with it the broker's reason code, None without an answer."""
        message = ProbeMessage(
            site=self._site, device=device, at=self._clock.now(), nonce=secrets.token_hex(8)
        )
        reply = self.publish(topic(message), encode(message))
        return message, None if reply is None else reply.code

    def echo_of(self, probe: ProbeMessage, *, within_s: float) -> Echo | None:
        """Wait for the bridge's answer to ``probe``."""
        until_s = self._clock.monotonic() + within_s
        while (received := self.next(until_s - self._clock.monotonic())) is not None:
            echo = _echo(received)
            if echo is None:
                continue
            self.heard.add(echo.nonce)
            if echo.nonce == probe.nonce:
                # It was sent between the two moments, if both clocks are right.
                ahead = max(echo.at - received.at, timedelta()) + min(echo.at - probe.at, timedelta())
                return Echo((received.at - probe.at) / timedelta(milliseconds=1), ahead)
        return None


def _echo(received: Received) -> EchoMessage | None:
    try:
        message = decode(received.topic, received.payload)
    except WireError:  # a bridge of another version: then there is no echo
        return None
    return message if isinstance(message, EchoMessage) else None


def as_itself(facts: Facts, *, reasons: bool) -> Finding:
    """May it speak as itself? ``reasons``: the broker gives them (MQTT 5)."""
    if facts.own is None:
        return red("the broker does not answer", "see its log; it is overloaded, or no broker")
    if facts.own == CLOSED:
        return red("the broker closes the connection on a message of this device", _UPDATE_ACL)
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
