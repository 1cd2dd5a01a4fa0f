"""The code that a member may show to a camera: signed, with an end, and about nobody.

It holds its last day and five random bytes, and says only that the shop has given it to somebody. It fits into the
smallest QR code, so that it is read from as far away as possible: a letter, then 15 bytes in base 32.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import date, timedelta

from common.errors import UserError

KEY_BYTES = 32
_PREFIX = "M"
_FIRST_DAY = date(2020, 1, 1)
LAST_DAY = _FIRST_DAY + timedelta(days=0xFFFF)
_PURPOSE = b"footlight loyalty 1"
_DAY_BYTES, _SERIAL_BYTES, _TAG_BYTES = 2, 5, 8
CODE_LENGTH = len(_PREFIX) + (_DAY_BYTES + _SERIAL_BYTES + _TAG_BYTES) * 8 // 5


def new_key() -> str:
    """Return a new random key, in hexadecimal."""
    return secrets.token_hex(KEY_BYTES)


def parse_key(text: str, where: str) -> bytes:
    """Return the key in a text. Raises ``UserError`` that names ``where``."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UserError(f'{where}: is not a key; make one with "footlight-cloud loyalty key"')
    return key


def new_code(key: bytes, last_day: date) -> str:
    """Return a new code that is valid up to ``last_day``, which must not be after ``LAST_DAY``."""
    day = (last_day - _FIRST_DAY).days.to_bytes(_DAY_BYTES, "big")
    said = day + secrets.token_bytes(_SERIAL_BYTES)
    return _PREFIX + base64.b32encode(said + _tag(key, said)).decode()


def last_day_of(keys: Iterable[bytes], code: str) -> date | None:
    """Return the last day of a code that was made with one of the keys; None for anything else."""
    if len(code) != CODE_LENGTH or not code.startswith(_PREFIX):
        return None
    try:
        whole = base64.b32decode(code.removeprefix(_PREFIX))
    except ValueError:
        return None
    said, tag = whole[:-_TAG_BYTES], whole[-_TAG_BYTES:]
    if not any(hmac.compare_digest(tag, _tag(key, said)) for key in keys):
        return None
    return _FIRST_DAY + timedelta(days=int.from_bytes(said[:_DAY_BYTES], "big"))


def _tag(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + said, hashlib.sha256)[:_TAG_BYTES]
