"""Web push: where a notice is sent so that it rings on a phone, and which addresses are accepted for that."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

LONGEST_ENDPOINT: Final = 1000
PORT: Final = 443
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser that gets the notices of a shop.

    ``endpoint`` is its address at the push service of its maker: who knows it can ring there. ``key`` is the browser's
    public key (65 bytes, an uncompressed point of P-256) and ``secret`` its authentication secret (16 bytes).
    ``origin`` is our page as the browser knows it, ``language`` the code of its language.
    """

    endpoint: str
    key: bytes
    secret: bytes
    language: str
    origin: str

    @property
    def host(self) -> str:
        """The push service."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def path(self) -> str:
        """What is asked of it, with the query."""
        parts = urlsplit(self.endpoint)
        return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def is_endpoint(address: str) -> bool:
    """Tell whether ``address`` can be one of a push service: https, a host name, the usual port.

    Where the name leads is checked at each connection, see :func:`is_public`.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    return (
        len(address) <= LONGEST_ENDPOINT
        and address.isascii()
        and address.isprintable()
        and parts.scheme == "https"
        and port in (None, PORT)
        and parts.netloc.partition(":")[0].lower() == parts.hostname
        and _NAME.fullmatch(parts.hostname) is not None
        and not parts.fragment
    )


def is_public(address: str) -> bool:
    """Tell whether an IP address is on the public internet: a user must not make this machine call its neighbours."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        # Others carry an IPv4 address in them, or lead nowhere.
        return ip in _GLOBAL_UNICAST and ip.is_global and ip.sixtofour is None and ip.teredo is None
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
