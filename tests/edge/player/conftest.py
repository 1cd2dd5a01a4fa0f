"""A real browser for the reference player."""

from __future__ import annotations

from tests.cloud.web.conftest import chromium

__all__ = ["chromium"]
