"""Credentials hidden in what people and logs are shown."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?i)(://|\b(?:rtsps?|https?)(?:://?|:|//))\S*@")
_SECRET_PARAMETERS = re.compile(r"(?i)\b((?:user(?:name)?|usr|pass(?:word|wd)?|pwd|token|key)=)[^&\s'\"]*")


def masked(text: str) -> str:
    """``text`` with the credentials of any URL in it replaced: ``rtsp://***@host/path``, ``password=***``.

    It rather hides too much than too little: passwords may hold ``@`` and ``/``, and the
    slashes of an address may be missing.
    """
    return _SECRET_PARAMETERS.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))
