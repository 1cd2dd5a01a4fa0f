"""A push service on the loopback, and a browser that reads what it got with its own private key (RFC 8291)."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlsplit

import urllib3
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloud.domain.push import Subscription
from cloud.ingest.push import Connect
from cloud.ingest.push_message import base64url, public_bytes
from tests.cloud.ingest.receiver import Call, Receiver

SERVICE = "push.example.com"
CURVE = ec.SECP256R1()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_loopback(receiver: Receiver) -> Connect:
    """The way to every push service ends at this one."""
    return lambda host: urllib3.HTTPConnectionPool("127.0.0.1", receiver.port, timeout=4, retries=False)


class Phone:
    """A browser with a subscription."""

    def __init__(self, name: str = "ana", key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self._key = key or ec.generate_private_key(CURVE)
        self.secret = bytes(range(16))
        self.public = public_bytes(self._key)
        self.path = f"/send/{name}?v=2"
        self.endpoint = f"https://{SERVICE}{self.path}"

    def subscription(self, language: str = "en") -> Subscription:
        return Subscription(self.endpoint, self.public, self.secret, language, "https://shop.example.com")

    def form(self) -> dict[str, str]:
        """What the script of the page sends."""
        return {"endpoint": self.endpoint, "key": base64url(self.public), "secret": base64url(self.secret)}

    def reads(self, body: bytes) -> bytes:
        """Decrypt a message, written from the RFC and not from our code."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        theirs, record = body[21 : 21 + length], body[21 + length :]
        assert size >= len(record), "one record"
        shared = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs))
        info = b"WebPush: info\x00" + self.public + theirs
        secret = HKDF(algorithm=SHA256(), length=32, salt=self.secret, info=info).derive(shared)
        key, nonce = (
            HKDF(
                algorithm=SHA256(), length=bits, salt=salt, info=b"Content-Encoding: " + name + b"\x00"
            ).derive(secret)
            for bits, name in ((16, b"aes128gcm"), (12, b"nonce"))
        )
        plain = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\x00")
        assert plain.endswith(b"\x02"), "the last record"
        return plain[:-1]

    def got(self, receiver: Receiver) -> list[dict[str, Any]]:
        """All messages at the push service that are for this browser."""
        return [json.loads(self.reads(call.body)) for call in receiver.calls if call.path == self.path]


def service_of(call: Call) -> str:
    """The push service that a call was meant for."""
    return urlsplit(f"https://{call.headers['host']}").hostname or ""
