"""The connection to the broker, step by step: name, port, TLS, and the dates of the certificates."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from common.clock import Clock
from common.mqtt.tls import Tls
from edge.commands.doctor.checks import Finding, amber, green, not_reached, red

TIMEOUT_S = 5.0
REFUSAL_S = 1.0
"""With TLS 1.3 the client sees a finished handshake before the server has checked the client's certificate. A broker
sends nothing before the client does, so anything that comes within this time is a refusal."""

DAYS = (7, 30)
"""With fewer days left, a certificate is red, and amber."""

_CERTIFICATE_FAULTS = {
    9: "the broker's certificate is not valid yet",
    10: "the broker's certificate has expired",
    18: "unknown authority: the broker's certificate is self-signed",
    19: "unknown authority",
    20: "unknown authority",
    21: "unknown authority",
    62: "the broker's certificate is for another name",
    64: "the broker's certificate is for another address",
}
"""OpenSSL's error codes for a server's certificate, as plain text."""

_AUTHORITY = "set mqtt.tls.ca to the authority that signed the broker's certificate"
_ANEW = "create the certificates again (ansible/certificates.yml): this Python is stricter than the last one"
_CERTIFICATE_FIXES = {
    9: "set the clock of this Pi",
    10: "renew the broker's certificate (ansible/certificates.yml)",
    **dict.fromkeys((18, 19, 20, 21), _AUTHORITY),
    62: "set mqtt.host to a name in the certificate, or create the certificate again with this name",
    64: "set mqtt.host to a name in the certificate, or create the certificate again with this address",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate; ``name`` is its common name, which identifies a device at the broker."""

    title: str
    name: str
    valid_from: datetime
    valid_until: datetime


def resolve(host: str, port: int) -> tuple[Finding, tuple[str, ...]]:
    """Look up the addresses of the broker; empty if the name is not found."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        fix = "check mqtt.host, and the DNS server of this Pi (resolvectl status)"
        return red(f"{host}: {error.strerror or error}", fix), ()
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    return green(host if host in addresses else f"{host} is {', '.join(addresses)}"), addresses


def connect(addresses: Sequence[str], port: int, clock: Clock, *, timeout_s: float = TIMEOUT_S) -> Finding:
    """Check whether one of ``addresses`` accepts a TCP connection."""
    refused = not_reached("no address")
    for address in addresses:
        began_s = clock.monotonic()
        try:
            with socket.create_connection((address, port), timeout_s):
                took_ms = 1000 * (clock.monotonic() - began_s)
                return green(f"{_at(address, port)} answers in {took_ms:.0f} ms")
        except ConnectionRefusedError:
            fix = "no broker listens there: start it, or check mqtt.port"
            refused = red(f"{_at(address, port)} refuses the connection", fix)
        except TimeoutError:
            fix = "check the cable or Wi-Fi, and whether a firewall lets this port through"
            refused = red(f"{_at(address, port)} does not answer within {timeout_s:g} s", fix)
        except OSError as error:
            fix = "check the cable or Wi-Fi, and the IP address of this Pi (ip address)"
            refused = red(f"{_at(address, port)}: {error.strerror or error}", fix)
    return refused


def handshake(
    host: str,
    port: int,
    tls: Tls | None,
    *,
    connected: bool,
    timeout_s: float = TIMEOUT_S,
    refusal_s: float = REFUSAL_S,
) -> tuple[Finding, Certificate | None]:
    """Check whether both sides trust each other; return the broker's certificate as well.

    Raises ``UserError`` when the files of this device cannot be used.
    """
    if tls is None:
        if _is_local(host):
            return green("none, and not needed: the broker is on this device"), None
        return amber(
            "none: everybody on the network can read and write", "use TLS for the broker: mqtt.tls"
        ), None
    context = tls.context()
    if not connected:
        return not_reached("no connection"), None
    try:
        version, shown = _shake(context, host, port, timeout_s, refusal_s)
    except ssl.SSLCertVerificationError as error:
        value = _CERTIFICATE_FAULTS.get(error.verify_code, "the broker's certificate is not valid")
        fix = _CERTIFICATE_FIXES.get(error.verify_code, _ANEW)
        return red(f"{value} ({error.verify_message})", fix), None
    except OSError as error:
        return _refused(error, tls), None
    trust = (
        "both sides trust each other" if tls.cert else "the broker is trusted; this device has no certificate"
    )
    return green(f"{version}, {trust}"), shown


def _shake(
    context: ssl.SSLContext, host: str, port: int, timeout_s: float, refusal_s: float
) -> tuple[str, Certificate]:
    """Return the TLS version and the broker's certificate. Raises ``OSError``, which includes ``ssl.SSLError``."""
    with (
        socket.create_connection((host, port), timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        shown = secure.getpeercert() or {}
        secure.settimeout(refusal_s)
        try:
            if not secure.recv(1):
                raise ConnectionResetError
        except TimeoutError:  # no answer is good: the broker waits for our first message
            pass
        since, until = _moment(str(shown["notBefore"])), _moment(str(shown["notAfter"]))
        return str(secure.version()), Certificate("the broker's certificate", host, since, until)


def _refused(error: OSError, tls: Tls) -> Finding:
    """Explain why the broker refused our certificate or the connection."""
    reason = (getattr(error, "reason", None) or "").upper()
    again = (
        f"issue this device's certificate again ({tls.cert or 'mqtt.tls.cert'}); see ansible/certificates.yml"
    )
    for mark, value in (
        ("CERTIFICATE_REQUIRED", "the broker requires a certificate from this device"),
        ("REVOKED", "the broker refuses this device's certificate: revoked"),
        ("EXPIRED", "the broker refuses this device's certificate: expired"),
        (
            "UNKNOWN_CA",
            "the broker refuses this device's certificate: signed by an unknown authority",
        ),
        ("ALERT", "the broker refuses this device's certificate"),
    ):
        if mark in reason:
            return red(f"{value} ({reason.lower().replace('_', ' ')})", again)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return red(
            f"no TLS: {reason.lower().replace('_', ' ') or error}", "check that mqtt.port is the TLS port"
        )
    return red(
        "the broker closes the connection during the handshake",
        f"check that mqtt.port is the TLS port, then {again}",
    )


def certificates(found: Sequence[Certificate], *, identity: str, now: datetime) -> Finding:
    """Check how long the certificates are valid; the device's one must carry ``identity``, site/device."""
    if not found:
        return green("none in use")
    first = min(found, key=lambda one: one.valid_until)
    days = (first.valid_until - now) // timedelta(days=1)
    value = f"{first.title} is valid for {days} days, until {first.valid_until:%Y-%m-%d}"
    renew = f"renew {first.title} (ansible/certificates.yml)"
    for one in found:
        if one.title == DEVICE and one.name != identity:
            return red(
                f"this device's certificate is for {one.name}, but the configuration says {identity}",
                "correct site and device in the configuration, or issue a certificate for them",
            )
        if one.valid_from > now:
            return red(
                f"{one.title} is not valid before {one.valid_from:%Y-%m-%d %H:%M} UTC",
                "set the clock of this Pi",
            )
    if days < 0:
        return red(f"{first.title} expired on {first.valid_until:%Y-%m-%d}", renew)
    return red(value, renew) if days < DAYS[0] else amber(value, renew) if days < DAYS[1] else green(value)


DEVICE = "this device's certificate"
AUTHORITY = "the authority's certificate"


def device_certificate(path: Path) -> Certificate:
    """Read a certificate from a PEM file. Python's own library reads only certificates of a connection, so this calls
    openssl, which every Debian with certificate authorities has. Raises ``OSError``."""
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(path), "-noout", "-dates", "-subject", "-nameopt", "sep_multiline"],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode:
        raise OSError(f"{path}: openssl cannot read this certificate; issue it again")
    said = dict(re.findall(r"^\s*(notBefore|notAfter|CN)\s*=\s*(.*)$", shown.stdout, re.MULTILINE))
    return Certificate(
        DEVICE, said.get("CN", "nobody"), _moment(said["notBefore"]), _moment(said["notAfter"])
    )


def authorities(path: Path) -> list[Certificate]:
    """Read the authorities of a PEM file. Raises ``OSError``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    return [
        Certificate(AUTHORITY, "", _moment(str(one["notBefore"])), _moment(str(one["notAfter"])))
        for one in context.get_ca_certs()
    ]


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
