"""The settings of accounts and of the logins at a company or a proxy."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from cloud.domain.users import ALL_SITES, UserRole
from common.config_file import secret_file, state_file
from common.fields import BaseUrl, Password
from common.settings import Section, first_line
from common.wire import Name


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text) if "/" in text else ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("is not an address or a network; write one like 127.0.0.1 or 10.0.0.0/24") from None


ProxyAddress = Annotated[str, AfterValidator(_address)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
Given = Annotated[str, Field(min_length=1)]


class CompanySettings(Section):
    """The login of a company (OpenID Connect)."""

    issuer: BaseUrl
    client_id: Given
    client_secret: Password | None = None
    client_secret_file: Path | None = None
    scope: str = "openid profile email"
    claim: Given = "groups"
    roles: dict[Given, UserRole] = Field(min_length=1)
    sites: dict[Given, list[Name | Literal["*"]]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.client_secret is not None and self.client_secret_file is not None:
            raise ValueError("client_secret and client_secret_file are both given; keep one, better the file")
        if "openid" not in self.scope.split():
            raise ValueError("scope: must contain openid")
        host = self.issuer.split("://", 1)[1].split("/")[0].split(":")[0]
        if not self.issuer.startswith("https://") and host not in ("localhost", "127.0.0.1"):
            raise ValueError("issuer: must begin with https://")
        if not self.sites and set(self.roles.values()) != {"hq"}:
            raise ValueError(
                f"sites: says for each value which shops it gives, such as {{staff: [{ALL_SITES!r}]}}"
            )
        return self

    def secret(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """Read the client's secret. Raises ``UserError`` for a file that cannot be read."""
        if self.client_secret_file is not None:
            return first_line(
                secret_file(self.client_secret_file, environ), "accounts.company.client_secret_file"
            )
        return None if self.client_secret is None else self.client_secret.get_secret_value()


class ProxyLoginSettings(Section):
    """A reverse proxy that logs people in and says in a header who it is."""

    header: HeaderName
    addresses: list[ProxyAddress] = Field(min_length=1)


class AccountSettings(Section):
    """Who may use the page and the API, and for how long a login lasts."""

    path: Path | None = None
    idle_hours: Annotated[int, Field(ge=1, le=168)] = 72
    longest_days: Annotated[int, Field(ge=1, le=30)] = 30
    company: CompanySettings | None = None
    proxy: ProxyLoginSettings | None = None

    def location(self, store: Path, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the file; without one it lies beside ``store``, the file of the embedded store."""
        return store.with_suffix(".accounts.sqlite") if self.path is None else state_file(self.path, environ)
