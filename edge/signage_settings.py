"""The settings of a display: the programme, who is before it, and the endpoint of its player."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from common.config_file import secret_file
from common.errors import UserError
from common.fields import Port, Token
from common.settings import MqttSettings, first_line
from common.signage import ProgrammeSettings, RuleSettings
from common.wire import Name
from edge.signage.rules import Rule

SHORTEST_TOKEN = 16


def _in_the_shop(text: str, what: str) -> str:
    """Refuse a name, which may lead elsewhere tomorrow, and an address outside the shop's own network."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"write {what}") from None
    if address.is_unspecified or not (address.is_loopback or address.is_private):
        raise ValueError(f"{text} is not an address of the shop's own network; write {what}")
    return text


def _own_address(text: str) -> str:
    return _in_the_shop(text, "an address of this device, such as 127.0.0.1 or 192.168.1.20")


def _broker_address(text: str) -> str:
    return _in_the_shop(text, "an address in the shop, such as 127.0.0.1 or 192.168.1.5")


def rule_of(asked: RuleSettings) -> Rule:
    """Return the rule that the settings ask for."""
    return Rule(
        asked.clip, asked.zone, asked.people, asked.hours, asked.gender, frozenset(asked.ages), asked.share
    )


class PlayerBrokerSettings(MqttSettings):
    """A broker of the shop, which tells players what is on."""

    section = "signage.broker"

    host: Annotated[str, AfterValidator(_broker_address)]

    def is_that_of(self, mqtt: MqttSettings) -> bool:
        """Return whether it is the broker that gets the counts."""
        here, there = (_plain_host(one) for one in (self.host, mqtt.host))
        return here == there and self.port == mqtt.port


def _plain_host(host: str) -> str:
    """Return a host, the same for all ways to write this device."""
    try:
        return "localhost" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host.lower().rstrip(".")


class SignageSettings(ProgrammeSettings):
    """A display with its programme."""

    listen: Annotated[str, AfterValidator(_own_address)] = "127.0.0.1"
    port: Port = 8790
    token: Token | None = None
    token_file: Path | None = None
    folder: Path | None = None
    broker: PlayerBrokerSettings | None = None
    zone: Name | None = None
    target: Name | None = None

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if (self.token is None) == (self.token_file is None):
            raise ValueError(
                "needs token or token_file, and not both: a secret that the player gives, better the file"
            )
        if self.token is not None:
            _long_enough(self.token.get_secret_value(), "token")
        return self

    def check_places(self, zones: Collection[str], targets: Collection[str]) -> None:
        """Raise ``ValueError`` for a zone or a target that is not there."""
        wanted = [("zone of signage", self.zone)]
        wanted += [(f"zone of the rule for {rule.clip!r}", rule.zone) for rule in self.rules]
        for what, name in wanted:
            if name is not None and name not in zones:
                raise ValueError(
                    f"{what}: there is no zone {name!r} in which people are counted; zones:"
                    f" {', '.join(sorted(zones)) or 'none'}"
                )
        if self.target is not None and self.target not in targets:
            known = ", ".join(sorted(targets)) or "none"
            raise ValueError(f"target of signage: there is no target {self.target!r}; targets: {known}")

    def secret(self) -> str:
        """Return the token. Raises ``UserError`` if its file cannot be read, or if it is too short."""
        if self.token is not None:
            return self.token.get_secret_value()
        assert self.token_file is not None
        token = first_line(secret_file(self.token_file), "signage.token_file")
        try:
            _long_enough(token, "the token")
        except ValueError as error:
            raise UserError(f"signage.token_file: {error}") from None
        return token


def _long_enough(token: str, what: str) -> None:
    if len(token) < SHORTEST_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        raise ValueError(
            f"{what} must have at least {SHORTEST_TOKEN} characters, letters and digits; make one with"
            " 'openssl rand -hex 16'"
        )
