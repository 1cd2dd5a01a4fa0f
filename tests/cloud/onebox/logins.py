"""The users of the one box under attack, and what its broker answers them."""

from __future__ import annotations

from typing import Any

DOOR: dict[str, Any] = {"user": "shop/door", "password": "right"}
SHELF: dict[str, Any] = {"user": "shop/shelf", "password": "left"}
DESK: dict[str, Any] = {"user": "configure", "password": "settings"}
USERS = {"shop/door": "right", "shop/shelf": "left", "configure": "settings"}
REFUSED = b"\x20\x02\x00\x04"
NOBODY_ELSES = b"\x20\x02\x00\x05"
PUBACK = b"\x40\x02\x00\x01"
