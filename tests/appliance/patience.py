"""How long is waited for a machine, which may share its processor with much else: no test here is one of speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support import brokers

PATIENCE_S = 600.0
"""For anything that takes seconds on a machine of one's own."""


def until(condition: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition, which mostly costs some programs inside the machine, so it is not asked all the time."""
    brokers.until(condition, what, timeout_s, every_s=0.3)
