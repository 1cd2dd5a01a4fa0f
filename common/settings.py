"""The parts of a configuration that the device and the server have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from common.config_file import secret_file
from common.errors import UserError
from common.fields import Host, Password, Port
from common.mistakes import annotation_leaves, models_in
from common.mqtt.broker import Broker, Protocol
from common.mqtt.tls import Tls


class Section(BaseModel):
    """One block of a configuration file.

    It refuses unknown keys, infinite numbers, and true or false for a number. Empty sections and lists mean their
    defaults. Space around a text is stripped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: Any) -> Any:
        """Drop what YAML reads as null: a section whose lines are all commented out."""
        if not isinstance(data, dict):
            return data
        blocks = {
            name
            for key, field in cls.model_fields.items()
            for name in (key, field.alias)
            if not field.is_required() and _is_block(field.annotation)
        }
        return {key: value for key, value in data.items() if value is not None or key not in blocks}

    @field_validator("*", mode="before")
    @classmethod
    def _boolean_only_where_meant(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false for a number: pydantic would take them for 1 and 0."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        # A section inside checks its own values.
        if bool not in annotation_leaves(annotation) and not models_in(annotation) and _holds_boolean(value):
            raise ValueError("must not be true or false")
        return value


def _is_block(annotation: object) -> bool:
    """Tell whether a key takes lines below it: a section, a list, a mapping."""
    return bool(models_in(annotation)) or get_origin(annotation) in (dict, list, tuple)


def _holds_boolean(value: object) -> bool:
    """Tell whether there is a boolean in ``value``, at any depth; a list may hold itself."""
    waiting, seen = [value], set()
    while waiting:
        found = waiting.pop()
        if isinstance(found, bool):
            return True
        if isinstance(found, (dict, list, tuple)) and id(found) not in seen:
            seen.add(id(found))
            waiting.extend(found.values() if isinstance(found, dict) else found)
    return False


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
    """Where the broker is, and how to log in."""

    section: ClassVar[str] = "mqtt"
    """Where it stands in the file, for messages."""

    host: Host = "localhost"
    port: Port = 1883
    username: str | None = None
    password: Password | None = None
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
        return first_line(secret_file(self.password_file, environ), f"{self.section}.password_file")

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
