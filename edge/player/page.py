"""The reference player: one page, whose own script and style are all that its policy lets run."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

PAGE = files("edge.player").joinpath("player.html").read_bytes()


def _hash(tag: bytes) -> str:
    found = re.search(rb"<%b>(.*?)</%b>" % (tag, tag), PAGE, re.DOTALL)
    assert found is not None
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1]).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; script-src {_hash(b'script')}; style-src {_hash(b'style')}; img-src blob:; media-src blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
