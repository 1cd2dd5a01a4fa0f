"""What the bridge asks of a store, and what the built-in page may read from one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from common.wire import AlertMessage, HealthMessage, Message, ProbeMessage, WindowMessage


class StoreUnavailable(Exception):
    """The store cannot take anything now, but will again: keep the messages and try later."""


class StoreRejected(Exception):
    """The store will never take what it was given, however often it is tried."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that can never be stored, and why. Whatever a stranger wrote is on one line and bounded."""

    at: datetime
    """When it was given up."""
    site: str
    """As its topic says; "-" where that is no name, so that nobody makes up tags."""
    device: str
    topic: str
    reason: str
    payload: bytes


class Store(Protocol):
    """The write side, used by the bridge."""

    def write(self, messages: Sequence[Message]) -> None:
        """Store all of ``messages``; returns only when they are durable.

        Idempotent: a message of the same identity overwrites. The identity of a window is (site, device,
        camera, start), of a health message, alert or probe its device and time; of the status, the last to arrive
        counts. A store may keep only the newest of what is not a window.
        Raises ``StoreUnavailable`` for a fault that heals, and ``StoreRejected`` when at least one of the
        messages can never be stored (give them one by one to learn which); after either, some of them may
        have been stored.
        """
        ...

    def contains(self, probe: ProbeMessage) -> bool:
        """Whether this very probe can be read back; asked right after it was written. Raises ``StoreUnavailable``."""
        ...

    def record_dead_letter(self, letter: DeadLetter) -> None:
        """Keep a message that can never be stored; a store may forget the oldest. Raises as ``write`` does."""
        ...

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The last ones, newest first, at most ``limit``. Raises ``StoreUnavailable``."""
        ...

    def close(self) -> None:
        """Release files and connections. Nothing may be written afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceState:
    """The last that is known of one device. Times are aware UTC."""

    site: str
    device: str
    online: bool | None
    """None while no status was ever received."""
    since: datetime | None
    """Since when it is, or is not, online; the latter as the store learned it, for a last will cannot know."""
    last_seen: datetime | None
    """When a window, health message or alert of it was last stored (a status may be the broker's last will)."""
    software: str | None
    model: str | None
    health: HealthMessage | None
    """The last one."""
    alerts: tuple[AlertMessage, ...]
    """Those that are active, oldest first."""


class Reader(Protocol):
    """The read side of the embedded store, used by the built-in page. May be called from any thread. Raises
    ``StoreUnavailable``."""

    def sites(self) -> list[str]:
        """Every site that was ever heard of, by name."""
        ...

    def devices(self, site: str) -> list[DeviceState]:
        """The devices of a site, by name."""
        ...

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        """Windows of all cameras of a site that start within [start, end), by start, device, camera."""
        ...

    def latest(self, site: str) -> WindowMessage | None:
        """The window with the latest start, or None before the first."""
        ...

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """As for ``Store``."""
        ...
