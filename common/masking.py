"""Credentials hidden in what people and logs are shown."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)\S*@")
_SECRET_PARAMETERS = re.compile(
    r"(?i)\b((?:user(?:name)?|usr|pass(?:word|wd)?|pwd|token|key|auth)=)[^&\s'\"]*"
)


def masked(text: str) -> str:
    """``text`` with the credentials of any URL in it replaced: ``rtsp://***@host/path``, ``password=***``.

    It rather hides too much than too little: passwords may hold ``@`` and ``/``.
    """
    return _SECRET_PARAMETERS.sub(r"\1***", _CREDENTIALS.sub("***@", text))
