"""The doctor's probes: publish as this device, try to publish as another, and wait for the bridge's echo.

A probe carries no counts, so no count is wrong if the broker accepts a probe that it must refuse.
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
"""The name of a device that does not exist: the broker must not let us publish under it."""

CLOCKS_APART = (timedelta(minutes=1), timedelta(seconds=2))
"""From this difference to the bridge's clock on it is red (counts fall into other windows), and amber."""

_UPDATE_ACL = "update the broker's access list (role broker, cloud/compose/acl)"


@dataclass(frozen=True, slots=True)
class Echo:
    """The bridge's answer: how long it took, and how far its clock is ahead of ours (0 if too small to measure)."""

    after_ms: float
    ahead: timedelta


@dataclass(frozen=True, slots=True)
class Facts:
    """The results of the probes. ``own`` and ``foreign`` are the broker's reason codes for a probe as this device and
    as another one, None without an answer. ``foreign_came_back``: the bridge received the probe as another device."""

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
    # Some brokers close the connection of a client that publishes without permission.
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
    # Sent last: once its echo is here, an echo of the foreign probe would be here, too.
    probe, _ = prober.probe(device)
    echo = prober.echo_of(probe, within_s=echo_s)
    return Facts(own, foreign, foreign_probe.nonce in prober.heard, echo)


class _Prober(Session):
    """A session that sends probes and receives their echoes."""

    def __init__(self, broker: Broker, *, site: str, device: str, clock: Clock) -> None:
        super().__init__(broker, "doctor", clock=clock, timeout_s=ANSWER_S)
        self._site, self._device = site, device
        self.heard: set[str] = set()
        """Return the nonces of all echoes so far."""

    def open(self) -> None:
        super().open()
        self.subscribe(*(address(self._site, device, "echo") for device in (self._device, NOBODY)))

    def probe(self, device: str) -> tuple[ProbeMessage, int | None]:
        """Publish a probe as ``device``; return it and the broker's reason code, None without an answer."""
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
                # If both clocks are right, the echo was sent between the two moments.
                ahead = max(echo.at - received.at, timedelta()) + min(echo.at - probe.at, timedelta())
                return Echo((received.at - probe.at) / timedelta(milliseconds=1), ahead)
        return None


def _echo(received: Received) -> EchoMessage | None:
    try:
        message = decode(received.topic, received.payload)
    except WireError:  # a bridge of another version: count this as no echo
        return None
    return message if isinstance(message, EchoMessage) else None


def as_itself(facts: Facts, *, reasons: bool) -> Finding:
    """Check that this device may publish under its name. ``reasons``: the broker sends reason codes (MQTT 5)."""
    if facts.own is None:
        return red("the broker does not answer", "check its log; it is overloaded, or this is not a broker")
    if facts.own == CLOSED:
        return red("the broker closes the connection when this device publishes", _UPDATE_ACL)
    if facts.own >= FAILED:
        return red(
            f"refused (reason 0x{facts.own:02x})",
            f"{_UPDATE_ACL}; the certificate's name must be site/device",
        )
    return green("accepted" if reasons else "accepted, as far as MQTT 3.1.1 can tell")


def as_another(facts: Facts, *, reasons: bool, has_certificate: bool) -> Finding:
    """Check that this device cannot publish as another, at least where each device has a certificate."""
    if facts.foreign is None:
        return not_reached("the broker does not answer")
    if facts.foreign >= FAILED and not facts.foreign_came_back:
        return green("refused, as it must be")
    if not reasons and not facts.foreign_came_back:
        if facts.echo is None:
            return not_reached("MQTT 3.1.1 has no reason codes, and no bridge answers")
        return green("the probe was not delivered")
    value = "this device can publish as any other device"
    if has_certificate:
        return red(value, f"{_UPDATE_ACL}: acl_file and use_identity_as_username are missing")
    return amber(value, "keep strangers off this network, or give each device a certificate")


def and_back(facts: Facts) -> Finding:
    """Check that the bridge stores a probe and answers."""
    if facts.own is None or facts.own >= FAILED:
        return not_reached("the broker accepts no message from this device")
    if facts.own == NO_SUBSCRIBERS:
        return amber(
            "no bridge receives probes", "start the bridge, or update it: an old one does not know probes"
        )
    if facts.echo is None:
        return amber(
            "accepted by the broker, but no echo",
            "check the bridge's log: it or its store is not running, the store cannot be read, or it is too old",
        )
    value = f"stored and read back, {facts.echo.after_ms:.0f} ms"
    apart = facts.echo.ahead
    if abs(apart) < CLOCKS_APART[1]:
        return green(value)
    behind = "ahead of" if apart > timedelta() else "behind"
    value += f"; the bridge's clock is {abs(apart).total_seconds():.0f} s {behind} this one"
    state = red if abs(apart) >= CLOCKS_APART[0] else amber
    return state(value, "correct the clock that is wrong; counts use the time of this Pi")
