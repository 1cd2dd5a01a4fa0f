"""A message to a browser: encrypted for it alone (RFC 8291), signed by this server for the push service (RFC 8292)."""

from __future__ import annotations

import base64
import os
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from cloud.domain.push import Subscription

MOST_BYTES: Final = 3993
"""The longest text that fits into one record, which every push service takes."""
SIGNED_FOR: Final = timedelta(hours=12)
_RECORD_BYTES: Final = 4096
_LAST_RECORD: Final = b"\x02"


def encrypted(
    text: bytes,
    subscription: Subscription,
    *,
    own: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return the body of a push message with ``text``, of at most ``MOST_BYTES``.

    ``own`` is the key and ``salt`` (16 bytes) the random part of this message alone; the tests give those of the RFC.
    Raises ``ValueError`` for a public key that is not a point of P-256.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(f"{len(text)} bytes do not fit into a push message")
    own, salt = own or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    theirs, ours = subscription.key, public_bytes(own)
    shared = own.exchange(ec.ECDH(), receiver_key(theirs))
    secret = _derived(shared, subscription.secret, b"WebPush: info\0" + theirs + ours, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + _RECORD_BYTES.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return header + AESGCM(key).encrypt(nonce, text + _LAST_RECORD, None)


def receiver_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of a browser. Raises ``ValueError``."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as an uncompressed point (65 bytes)."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def authorization(subscription: Subscription, pem: str, now: datetime) -> str:
    """Return the header that tells the push service who sends; ``pem`` is the private key of this server."""
    parts = urlsplit(subscription.endpoint)
    claims = {
        "aud": f"https://{parts.netloc}",
        "exp": int((now + SIGNED_FOR).timestamp()),
        "sub": subscription.origin,
    }
    token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, ECKey.import_key(pem))
    return f"vapid t={token}, k={public_key(pem)}"


def public_key(pem: str) -> str:
    """Return the public key of this server, as a browser wants it to subscribe."""
    key = ECKey.import_key(pem).private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return base64url(public_bytes(key))


def base64url(raw: bytes) -> str:
    """Return the bytes in base64 as addresses have it, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
