"""From this device to the store and back: each check continues where the one before ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from common.clock import Clock
from common.mqtt.broker import Broker
from common.mqtt.refusals import BrokerRefused, BrokerUnreachable
from edge.commands.doctor import broker as way
from edge.commands.doctor import round_trip
from edge.commands.doctor.checks import Finding, green, not_reached, red


class DeliveryPath:
    """The checks of the delivery path; call each once, in the order of this class. ``secret`` returns the password for
    the login and replaces the broker's; it may raise ``UserError``."""

    def __init__(
        self,
        broker: Broker,
        *,
        site: str,
        device: str,
        clock: Clock,
        secret: Callable[[], str | None] | None = None,
        echo_s: float = round_trip.ECHO_S,
        refusal_s: float = way.REFUSAL_S,
    ) -> None:
        self._broker, self._site, self._device, self._clock = broker, site, device, clock
        self._secret = secret or (lambda: broker.password)
        self._echo_s, self._refusal_s = echo_s, refusal_s
        self.addresses: tuple[str, ...] = ()
        """The addresses of the broker, known after its name was looked up."""
        self._connects = self._trusts = False
        self._shown: way.Certificate | None = None
        self._facts: round_trip.Facts | None = None

    def name(self) -> Finding:
        finding, self.addresses = way.resolve(self._broker.host, self._broker.port)
        return finding

    def port(self) -> Finding:
        finding = way.connect(self.addresses, self._broker.port, self._clock)
        self._connects = finding.state == "green"
        return finding

    def tls(self) -> Finding:
        finding, self._shown = way.handshake(
            self._broker.host,
            self._broker.port,
            self._broker.tls,
            connected=self._connects,
            refusal_s=self._refusal_s,
        )
        self._trusts = self._connects and finding.state != "red"
        return finding

    def certificates(self) -> Finding:
        found = [] if self._shown is None else [self._shown]
        files = self._broker.tls
        if files is not None and files.cert is not None:
            found.append(way.device_certificate(files.cert))
        if files is not None and files.ca is not None:
            found += way.authorities(files.ca)
        return way.certificates(found, identity=f"{self._site}/{self._device}", now=self._clock.now())

    def login(self) -> Finding:
        if not self._trusts:
            return not_reached("no connection that both sides trust")
        try:
            self._facts = round_trip.probe_broker(
                replace(self._broker, password=self._secret()),
                site=self._site,
                device=self._device,
                clock=self._clock,
                echo_s=self._echo_s,
            )
        except (BrokerRefused, BrokerUnreachable) as error:
            what, _, fix = str(error).removeprefix(f"broker {self._broker}").lstrip(": ").partition("; ")
            return red(what, fix or "check the broker's log")
        if self._broker.tls is not None and self._broker.tls.cert is not None:
            return green("accepted by its certificate")
        return green(
            f"accepted as user {self._broker.username}"
            if self._broker.username
            else "accepted without a login"
        )

    def as_itself(self) -> Finding:
        return _LOST if self._facts is None else round_trip.as_itself(self._facts, reasons=self._reasons)

    def as_another(self) -> Finding:
        if self._facts is None:
            return _LOST
        has_certificate = self._broker.tls is not None and self._broker.tls.cert is not None
        return round_trip.as_another(self._facts, reasons=self._reasons, has_certificate=has_certificate)

    def and_back(self) -> Finding:
        return _LOST if self._facts is None else round_trip.and_back(self._facts)

    @property
    def _reasons(self) -> bool:
        return self._broker.protocol == "5"


_LOST = not_reached("the broker does not accept this device")
