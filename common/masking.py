"""Hide credentials in what people see and what is logged."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?i)(://|\b(?:rtsps?|https?)(?:://?|:|//))\S*@")
_SECRET_PARAMETERS = re.compile(
    r"(?i)\b((?:user(?:name)?|usr|pass(?:word|wd)?|pwd|token|key|auth)=)[^&\s'\"]*"
)


def masked(text: str) -> str:
    """Replace the credentials of every URL in ``text``: ``rtsp://***@host/path``, ``password=***``.

    It hides too much rather than too little: passwords may hold ``@`` and ``/``, and the slashes of an address may be
    missing.
    """
    return _SECRET_PARAMETERS.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))
