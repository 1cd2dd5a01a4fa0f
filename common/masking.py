"""Hide credentials in what people see and what is logged."""

from __future__ import annotations

import logging
import re

_CREDENTIALS = re.compile(r"(?i)(://|\b(?:rtsps?|https?)(?:://?|:|//))\S*@")
_SECRET_PARAMETERS = re.compile(
    r"(?i)(?<![A-Za-z0-9])((?:[A-Za-z0-9]+[_-])*"
    r"(?:user(?:name)?|usr|u|p|pass(?:word|wd|phrase)?|pwd|auth(?:orization)?|credentials?|token|secret|sig(?:nature)?|"
    r"(?:api)?key)=)[^&\s'\"]*"
)
"""Such as ``?auth=``, ``&access_token=``, ``X-Api-Key=``, and InfluxDB's own ``u=`` and ``p=``."""


def masked(text: str) -> str:
    """Replace the credentials of every URL in ``text``: ``rtsp://***@host/path``, ``password=***``.

    It hides too much rather than too little: passwords may hold ``@`` and ``/``, and the slashes of an address may be
    missing.
    """
    return _SECRET_PARAMETERS.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


class MaskingFormatter(logging.Formatter):
    """Writes log lines, and the tracebacks of errors that nobody named, without the credentials of any URL."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))
