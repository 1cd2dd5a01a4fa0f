"""TLS for the connection to a broker, from files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError


class _TidySocket(ssl.SSLSocket):
    """Close the socket when its handshake fails; paho leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: ``ca`` None trusts the system's authorities, ``cert`` and ``key`` name this device."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Make the context. Raises ``UserError`` for files that cannot be read or do not belong together."""
        for name, path in (("ca", self.ca), ("cert", self.cert), ("key", self.key)):
            if path is not None and not path.is_file():
                raise UserError(f"mqtt.tls.{name}: {path} is not a readable file")
        try:
            context = ssl.create_default_context(cafile=self.ca)
            context.sslsocket_class = _TidySocket
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except OSError as error:  # ssl.SSLError is one
            raise UserError(
                f"mqtt.tls: {self.ca}, {self.cert}, {self.key}: {error}; give matching PEM files"
            ) from None
        return context
