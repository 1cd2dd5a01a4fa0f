"""The parts of a configuration that the device and the server have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from common.config_file import annotation_leaves, secret_file
from common.errors import UserError
from common.mqtt.broker import Broker, Protocol
from common.mqtt.tls import Tls

Port = Annotated[int, Field(ge=1, le=65_535)]


class Section(BaseModel):
    """One block of a configuration file. It refuses unknown keys, infinite numbers, and yes or no for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _boolean_only_where_meant(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads ``on`` and ``yes`` as true, and pydantic would take true for 1."""
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and bool not in annotation_leaves(field.annotation):
            raise ValueError("must not be yes, no, on or off")
        return value


class TlsSettings(Section):
    """Files in PEM form. Without ``ca`` the authorities of the system are trusted."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.cert is None) != (self.key is None):
            given, other = ("cert", "key") if self.key is None else ("key", "cert")
            raise ValueError(f"{given} is given without {other}; a client certificate needs both")
        return self

    def files(self, environ: Mapping[str, str] = os.environ) -> Tls:
        """Locate the files; see ``secret_file`` for relative paths."""
        ca, cert, key = (path and secret_file(path, environ) for path in (self.ca, self.cert, self.key))
        return Tls(ca, cert, key)


class MqttSettings(Section):
    """Where the broker is, and who we are to it."""

    host: Annotated[str, Field(min_length=1)] = "localhost"
    port: Port = 1883
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    tls: TlsSettings | None = None
    # YAML reads a bare 5 as a number.
    protocol: Annotated[Protocol, BeforeValidator(lambda value: "5" if value == 5 else value)] = "5"
    keepalive_s: Annotated[int, Field(ge=5, le=65_535)] = 30

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("password and password_file are both given; keep one, better the file")
        if self.username is None and (self.password is not None or self.password_file is not None):
            raise ValueError("a password is given without username; add username")
        return self

    def secret(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """Read the password; see ``secret_file`` for a relative ``password_file``.

        Raises ``UserError`` when the file cannot be read.
        """
        if self.password_file is None:
            return self.password.get_secret_value() if self.password is not None else None
        return first_line(secret_file(self.password_file, environ), "mqtt.password_file")

    def broker(self, environ: Mapping[str, str] = os.environ) -> Broker:
        """Collect all that a connection needs. Raises ``UserError`` for a password file that cannot be read."""
        return Broker(
            host=self.host,
            port=self.port,
            protocol=self.protocol,
            username=self.username,
            password=self.secret(environ),
            tls=None if self.tls is None else self.tls.files(environ),
            keepalive_s=self.keepalive_s,
        )


def first_line(path: Path, key: str) -> str:
    """Read the secret in the first line of a file. Raises ``UserError`` that names ``key``."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()  # an editor may put a byte order mark first
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text in UTF-8"
        raise UserError(f"{key}: {path} cannot be read ({reason})") from None
    if not lines or not lines[0]:
        raise UserError(f"{key}: {path} has no password in its first line")
    return lines[0]
