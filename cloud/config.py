"""The settings of the cloud side; ``cloud/example.yaml`` shows them all with their defaults."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    model_validator,
)

from cloud.bridge import Protocol
from edge.wire import Name
from edge.yamlfile import load_yaml_model

Port = Annotated[int, Field(ge=1, le=65_535)]
FreePort = Annotated[int, Field(ge=0, le=65_535, description="0 takes any free one")]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSettings(_Section):
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("give both 'cert' and 'key', or neither")
        return self


class BrokerSettings(_Section):
    """The broker that ``bridge`` connects to."""

    host: str = "127.0.0.1"
    port: Port = 1883
    protocol: Annotated[Protocol, BeforeValidator(str)] = "5"
    client_id: Name = "footlight-bridge"
    share: Name = "bridge"
    session_expiry_s: Annotated[int, Field(ge=0, le=0xFFFF_FFFE)] = 86_400
    username: str | None = None
    password: SecretStr | None = None
    tls: TlsSettings | None = None

    @model_validator(mode="after")
    def _user(self) -> Self:
        if self.password is not None and self.username is None:
            raise ValueError("'password' needs a 'username'")
        return self


class EmbeddedSettings(_Section):
    kind: Literal["embedded"] = "embedded"
    path: Path = Path("footlight.sqlite")
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 400


class InfluxSettings(_Section):
    kind: Literal["influx"]
    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+")]
    token: SecretStr
    org: str = "-"
    bucket: str = "footlight"
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0


def _kind(value: object) -> object:
    """A store without a ``kind`` is the embedded one."""
    return value.get("kind", "embedded") if isinstance(value, dict) else getattr(value, "kind", None)


StoreSettings = Annotated[
    Annotated[EmbeddedSettings, Tag("embedded")] | Annotated[InfluxSettings, Tag("influx")],
    Discriminator(_kind),
]


class ServeBrokerSettings(_Section):
    """The broker inside ``serve``."""

    host: str = "127.0.0.1"
    port: FreePort = 1883
    users: dict[str, SecretStr] = {}

    @model_validator(mode="after")
    def _anonymous_only_at_home(self) -> Self:
        if not self.users and not _is_loopback(self.host):
            raise ValueError("'users' must be given when 'host' can be reached from outside")
        return self


class PageSettings(_Section):
    host: str = "127.0.0.1"
    port: FreePort = 8080
    timezone: str | None = None


class ServeSettings(_Section):
    broker: ServeBrokerSettings = ServeBrokerSettings()
    page: PageSettings = PageSettings()


class Settings(_Section):
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = EmbeddedSettings()
    serve: ServeSettings = ServeSettings()


def load(path: Path) -> Settings:
    """The settings in ``path``. Raises ``UserError``."""
    return load_yaml_model(path, Settings)
