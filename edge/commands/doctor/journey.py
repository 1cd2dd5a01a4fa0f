"""From this device to the store and back: each hop asks only what the one before it has reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from common.clock import Clock
from edge.commands.doctor import broker as way
from edge.commands.doctor import talk
from edge.commands.doctor.hops import Finding, green, not_reached, red
from edge.uplink.mqtt import Broker


class Journey:
    """The hops are meant to be asked in the order in which they stand here, each once. ``secret`` gives the password
    for the login, instead of the broker's; it may raise ``UserError``."""

    def __init__(
        self,
        broker: Broker,
        *,
        site: str,
        device: str,
        clock: Clock,
        secret: Callable[[], str | None] | None = None,
        echo_s: float = talk.ECHO_S,
        refusal_s: float = way.REFUSAL_S,
    ) -> None:
        self._broker, self._site, self._device, self._clock = broker, site, device, clock
        self._secret = secret or (lambda: broker.password)
        self._echo_s, self._refusal_s = echo_s, refusal_s
        self.addresses: tuple[str, ...] = ()
        """Of the broker, once its name was looked up."""
        self._connects = self._trusts = False
        self._shown: way.Certificate | None = None
        self._facts: talk.Facts | None = None

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
            self._facts = talk.converse(
                replace(self._broker, password=self._secret()),
                site=self._site,
                device=self._device,
                clock=self._clock,
                echo_s=self._echo_s,
            )
        except talk.LoginRefused as refusal:
            return red(f"refused: {refusal}", refusal.fix)
        if self._broker.tls is not None and self._broker.tls.cert is not None:
            return green("let in by its certificate")
        return green(
            f"let in as user {self._broker.username}" if self._broker.username else "let in as anybody is"
        )

    def as_itself(self) -> Finding:
        return _LOST if self._facts is None else talk.as_itself(self._facts, reasons=self._reasons)

    def as_another(self) -> Finding:
        if self._facts is None:
            return _LOST
        has_certificate = self._broker.tls is not None and self._broker.tls.cert is not None
        return talk.as_another(self._facts, reasons=self._reasons, has_certificate=has_certificate)

    def and_back(self) -> Finding:
        return _LOST if self._facts is None else talk.and_back(self._facts)

    @property
    def _reasons(self) -> bool:
        return self._broker.protocol == "5"


_LOST = not_reached("the broker does not let this device in")
