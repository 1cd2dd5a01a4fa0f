"""Where a broker is, and how to log in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from common.mqtt.tls import Tls

Protocol = Literal["5", "3.1.1"]
"""The version of MQTT. 3.1.1 is for brokers that know nothing newer."""


@dataclass(frozen=True, slots=True)
class Broker:
    """All that a connection needs."""

    host: str
    port: int = 1883
    protocol: Protocol = "5"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    keepalive_s: int = 30

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
