"""Kinds of values in a configuration, each with its own check."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

Port = Annotated[int, Field(ge=1, le=65_535)]

_LABELS = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.(?!-)[A-Za-z0-9_-]{1,63})*\.?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_IN_A_HEADER = re.compile("[!-~]([ -~]*[!-~])?")


def host_name(text: str) -> str:
    """Refuse what no name server and no address could be, which ``socket`` meets with odd exceptions."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(text)
        return text
    if "://" in text or "/" in text:
        raise ValueError("write the name alone, without '://' and '/'")
    name, colon, port = text.rpartition(":")
    if colon and name and port.isdigit():
        raise ValueError(f"write the name alone; {port} belongs under 'port'")
    try:
        plain = text.encode("idna").decode()
    except UnicodeError:
        plain = ""
    if len(plain) > 253 or not _LABELS.fullmatch(plain):
        raise ValueError("is not the name of a machine; write one like broker.example.com or 192.168.1.4")
    return text


def _url(text: str) -> str:
    host = _host_of(text)
    if not host or not re.fullmatch("https?://[!-~]+", text):
        raise ValueError("is not an address; write one like http://influxdb.example.com:8086")
    host_name(host)
    return text


def _without_query(text: str) -> str:
    if "?" in text or "#" in text:
        raise ValueError("must end before '?' and '#'")
    return text


def _host_of(url: str) -> str | None:
    with contextlib.suppress(ValueError):  # a port that is no number, or one bracket alone
        parts = urlsplit(url)
        if parts.port != 0:
            return parts.hostname
    return None


def _without_line_end(secret: SecretStr) -> SecretStr:
    """Strip the line end that a block of YAML (``|``) leaves."""
    text = secret.get_secret_value().rstrip("\r\n")
    if _CONTROL.search(text):
        raise ValueError("must be one line without tabs and other control characters")
    return SecretStr(text)


def _fits_a_header(secret: SecretStr) -> SecretStr:
    if not _IN_A_HEADER.fullmatch(secret.get_secret_value()):
        raise ValueError("must be plain ASCII without spaces around it; copy the token again")
    return secret


Host = Annotated[str, AfterValidator(host_name)]
"""A machine, by its name or address alone."""
Url = Annotated[str, AfterValidator(_url)]
BaseUrl = Annotated[Url, AfterValidator(_without_query)]
"""An address that a path is appended to."""
Password = Annotated[SecretStr, AfterValidator(_without_line_end)]
Token = Annotated[Password, AfterValidator(_fits_a_header)]
"""A secret that travels in a header of HTTP."""
