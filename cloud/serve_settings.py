"""The settings of ``serve``: the broker and the page of a shop with one device."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from cloud.account_settings import ProxyAddress
from cloud.domain.access import HOME_ASSISTANT, is_user
from cloud.domain.chain import TimeZone
from common.config_file import secret_file
from common.fields import Password, host_name
from common.settings import Section

FreePort = Annotated[int, Field(ge=0, le=65_535, description="0 takes any free one")]


def _listen_address(host: str) -> str:
    if not host:
        raise ValueError(
            "is not an address; use 127.0.0.1 for this machine only, 0.0.0.0 for the whole network"
        )
    return host_name(host)


ListenAddress = Annotated[str, AfterValidator(_listen_address)]


def _host_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", name):
        raise ValueError("is not a host name; write it without http:// and port, such as shop.example.com")
    return name.lower()


def _sub_path(path: str) -> str:
    """Check the path below which a proxy shows the page; return it without a slash at its end."""
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", path):
        raise ValueError("is not a path; write one such as /footlight")
    return path.rstrip("/")


def _users(users: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, password in users.items():
        if not is_user(name):
            raise ValueError(f"{name!r} is not a valid user; use SITE/DEVICE for a device, such as shop/door")
        if not password.get_secret_value():
            raise ValueError(f"{name!r} has an empty password")
    return users


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class ServeBrokerSettings(Section):
    """The broker inside ``serve``."""

    host: ListenAddress = "127.0.0.1"
    port: FreePort = 1883
    users: Annotated[dict[str, Password], AfterValidator(_users)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _anonymous_only_at_home(self) -> Self:
        if not self.users and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached from other machines; add users, or use 127.0.0.1"
            )
        return self


class PageTlsSettings(Section):
    """The page's own certificate, in PEM form."""

    cert: Path
    key: Path

    def files(self, environ: Mapping[str, str] = os.environ) -> tuple[Path, Path]:
        """Locate certificate and key; see ``secret_file`` for relative paths."""
        return secret_file(self.cert, environ), secret_file(self.key, environ)


class PageSettings(Section):
    host: ListenAddress = "127.0.0.1"
    port: FreePort = 8080
    timezone: TimeZone | None = None
    names: list[Annotated[str, AfterValidator(_host_name)]] = Field(default_factory=list)
    path: Annotated[str, AfterValidator(_sub_path)] = ""
    proxies: list[ProxyAddress] = Field(default_factory=list)
    tls: PageTlsSettings | None = None


class ServeSettings(Section):
    broker: ServeBrokerSettings = ServeBrokerSettings()
    page: PageSettings = PageSettings()
    home_assistant: bool = False

    @model_validator(mode="after")
    def _home_assistant_can_log_in(self) -> Self:
        if self.home_assistant and self.broker.users and HOME_ASSISTANT not in self.broker.users:
            raise ValueError(
                f"home_assistant needs a user; add {HOME_ASSISTANT} with a password to broker.users"
            )
        return self
