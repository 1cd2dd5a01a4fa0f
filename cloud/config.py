"""The settings of the server; ``cloud/example.yaml`` shows all of them with their defaults."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from cloud.account_settings import AccountSettings
from cloud.domain.chain import TimeZone
from cloud.domain.levels import KEPT_DAYS, RAW_DAYS, Level
from cloud.domain.thresholds import MIN_K
from cloud.serve_settings import ServeSettings
from common import settings
from common.config_file import load_yaml_model, secret_file, state_file
from common.errors import UserError
from common.fields import BaseUrl, Port, Token, Url
from common.settings import Section, first_line
from common.wire import LONGEST_SESSION_S, Name

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every such secret begins with
Hour = Annotated[int, Field(ge=0, le=23)]


class MqttSettings(settings.MqttSettings):
    """The broker that ``bridge`` connects to."""

    client_id: Name = "footlight-bridge"
    share: Name = "bridge"
    session_expiry_s: Annotated[int, Field(ge=0, le=LONGEST_SESSION_S)] = LONGEST_SESSION_S


class EmbeddedSettings(Section):
    kind: Literal["embedded"] = "embedded"
    path: Path = Path("footlight.sqlite")
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 400
    backup: Path | None = Path("footlight.backup.sqlite")

    @property
    def kept_days(self) -> Mapping[Level, int | None]:
        """For how long each level that it stores is kept; None means without limit."""
        return {"raw": self.retention_days}

    def location(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the file; see ``state_file`` for a relative one."""
        return state_file(self.path, environ)

    def backup_location(self, environ: Mapping[str, str] = os.environ) -> Path | None:
        """Return the path of the nightly backup in the same way; None if there is no backup."""
        return self.backup and state_file(self.backup, environ)


class InfluxSettings(Section):
    kind: Literal["influx"]
    url: BaseUrl
    token: Token
    org: str = "-"
    bucket: Annotated[str, Field(pattern=r"^[^/\s]+(/[^/\s]+)?$")] = "footlight"
    retention_days: Annotated[int, Field(ge=3, le=3650)] = RAW_DAYS
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0

    @property
    def kept_days(self) -> Mapping[Level, int | None]:
        """For how long each level is kept, in days; None means without limit."""
        return {**KEPT_DAYS, "raw": self.retention_days}


def _with_kind(value: object) -> object:
    """Make ``embedded`` the default ``kind``; refuse a store without ``kind`` that has settings of InfluxDB."""
    if not isinstance(value, dict) or value.get("kind") is not None:
        return value
    only_influx = InfluxSettings.model_fields.keys() - EmbeddedSettings.model_fields
    if about := sorted(only_influx & value.keys()):
        raise ValueError(f"{about[0]} is a setting of InfluxDB; add 'kind: influx'")
    return {**value, "kind": "embedded"}


def _kind(value: object) -> str | None:
    if isinstance(value, dict):
        return str(value["kind"])
    return value.kind if isinstance(value, EmbeddedSettings | InfluxSettings) else None


StoreSettings = Annotated[
    Annotated[EmbeddedSettings, Tag("embedded")] | Annotated[InfluxSettings, Tag("influx")],
    Discriminator(_kind),
    BeforeValidator(_with_kind),
]


def _email(text: str) -> str:
    if not re.fullmatch(r"[^\s@;,<>]+@[^\s@;,<>]+", text):
        raise ValueError("is not an e-mail address; write one like installer@example.com")
    return text


class ContactSettings(Section):
    """Who is told of the alerts for one audience."""

    email: list[Annotated[str, AfterValidator(_email)]] = Field(default_factory=list)
    webhook: Url | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.email and self.webhook is None:
            raise ValueError("needs email, webhook, or both")
        return self


class GrafanaSettings(Section):
    """The Grafana that ``provision`` configures, and how it reaches InfluxDB."""

    url: BaseUrl
    token: Token
    influx_url: Url
    influx_token: Token
    contacts: dict[Literal["installer", "manager", "hq"], ContactSettings] = Field(default_factory=dict)


class NoticeSettings(Section):
    """When notices call staff, and the web address that gets them."""

    url: Url | None = None
    secret: Token | None = None
    secret_file: Path | None = None
    quiet_hours: tuple[Hour, Hour] | None = None
    timezone: TimeZone | None = None
    most_an_hour: Annotated[int, Field(ge=1, le=3600)] = 20

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.url is None and (self.secret or self.secret_file):
            raise ValueError("has the secret of a webhook, but no url")
        if self.url is not None and (self.secret is None) == (self.secret_file is None):
            raise ValueError("needs either secret or secret_file, better the file")
        if self.quiet_hours is not None and self.quiet_hours[0] == self.quiet_hours[1]:
            raise ValueError("quiet_hours must begin and end at different hours, as in [20, 8]")
        return self

    def without_webhook(self) -> Self:
        """Return the same rules for who has no webhook to call."""
        return self.model_copy(update={"url": None, "secret": None, "secret_file": None})

    def key(self, environ: Mapping[str, str] = os.environ) -> bytes:
        """Read the secret. Raises ``UserError`` if it cannot be read or is none of a webhook."""
        if self.secret_file is not None:
            name = "notices.secret_file"
            return webhook_key(first_line(secret_file(self.secret_file, environ), name), name)
        assert self.secret is not None
        return webhook_key(self.secret.get_secret_value(), "notices.secret")


class MetricsSettings(Section):
    """Where ``bridge`` serves its metrics for Prometheus, to this machine alone."""

    port: Port = 9108


class PrivacySettings(Section):
    """What ``bridge`` and ``serve`` refuse to store."""

    min_k: Annotated[int, Field(ge=1)] = MIN_K


class TillSettings(Section):
    """What the tills of the shops told."""

    path: Path | None = None


class Settings(Section):
    privacy: PrivacySettings = PrivacySettings()
    mqtt: MqttSettings = MqttSettings()
    store: StoreSettings = EmbeddedSettings()
    serve: ServeSettings = ServeSettings()
    grafana: GrafanaSettings | None = None
    notices: NoticeSettings | None = None
    metrics: MetricsSettings | None = None
    accounts: AccountSettings = AccountSettings()
    till: TillSettings = TillSettings()

    def _store_file(self, environ: Mapping[str, str]) -> Path:
        """Return the path of the embedded store, or where it would be: other files lie beside it."""
        store = self.store if isinstance(self.store, EmbeddedSettings) else EmbeddedSettings()
        return store.location(environ)

    def accounts_file(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the accounts' file."""
        return self.accounts.location(self._store_file(environ), environ)

    def changes_file(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the file with the changes of devices."""
        return self._store_file(environ).with_suffix(".changes.sqlite")

    def till_file(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the file with the takings of the tills."""
        if self.till.path is not None:
            return state_file(self.till.path, environ)
        return self._store_file(environ).with_suffix(".till.sqlite")

    def checks_file(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the file with the count checks."""
        return self._store_file(environ).with_suffix(".checks.sqlite")

    def own_chain_file(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the chain file that the page makes if there is none."""
        return self._store_file(environ).with_suffix(".chain.yaml")

    def chain_history_file(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the path of the file that remembers who changed the chain file."""
        return self.own_chain_file(environ).with_suffix(".sqlite")

    def files_beside_store(self, environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
        """Return the files that the server keeps beside its store, each under the suffix of its backup."""
        return {
            ".accounts.sqlite": self.accounts_file(environ),
            ".till.sqlite": self.till_file(environ),
            ".changes.sqlite": self.changes_file(environ),
            ".checks.sqlite": self.checks_file(environ),
            ".chain.yaml": self.own_chain_file(environ),
            ".chain.sqlite": self.chain_history_file(environ),
        }

    def backup_file(self, environ: Mapping[str, str] = os.environ) -> Path | None:
        """Return the path of the store's backup, or where it would be: other backups lie beside it; None for none."""
        store = self.store if isinstance(self.store, EmbeddedSettings) else EmbeddedSettings()
        return store.backup_location(environ)

    def chain_file(self, given: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
        """Return the chain file to read: the one that was ``given``, or that of the page, or None if there is none."""
        own = self.own_chain_file(environ)
        return given or (own if isinstance(self.store, EmbeddedSettings) and own.is_file() else None)


def webhook_key(secret: str, key: str) -> bytes:
    """Decode a secret of Standard Webhooks: ``whsec_`` and 24 to 64 bytes in base64. Raises ``UserError``."""
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError:
        decoded = b""
    if encoded == secret or not 24 <= len(decoded) <= 64:
        raise UserError(
            f"{key}: is not the secret of a webhook; make one with: echo {SECRET_PREFIX}$(openssl rand -base64 32)"
        )
    return decoded


def load(path: Path) -> Settings:
    """Read the settings from ``path``. Raises ``UserError``."""
    return load_yaml_model(path, Settings)
