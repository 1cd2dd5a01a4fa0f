"""Which addresses of a network belong together."""

from __future__ import annotations

import ipaddress


def neighbourhood_of(address: str) -> str:
    """Return what identifies a host: its IPv4 address, or for IPv6 its /64 network, of which one customer has every
    address. Text that is no address identifies itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
