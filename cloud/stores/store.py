"""The interfaces of a store: what the bridge writes, and what the built-in page reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cloud.domain.noise import ToldNoise
from cloud.domain.notices import Acknowledgement
from common.wire import (
    AlertMessage,
    HealthMessage,
    Message,
    NoticeMessage,
    ProbeMessage,
    WindowMessage,
)


class StoreUnavailable(Exception):
    """The store is temporarily unavailable: keep the messages and retry later."""


class StoreRejected(Exception):
    """The store will never accept these messages; do not retry."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that can never be stored, and the reason. Text from outside is limited to one line."""

    at: datetime
    """When the message was given up."""
    site: str
    """From its topic; "-" if that is not a valid name, so that nobody can invent tags."""
    device: str
    topic: str
    reason: str
    payload: bytes


class OpenNotices(Protocol):
    """Open notices, and who takes care of them. May be called from any thread. Raises ``StoreUnavailable``."""

    def notices(self, site: str | None = None) -> list[NoticeMessage]:
        """Return the notices of a site, or of all, whose last message is a beginning, newest first: at least those that
        are still shown."""
        ...

    def acknowledgements(self, site: str | None = None) -> list[Acknowledgement]:
        """Return the last acknowledgement of each notice of a site, or of all, newest first: at least those of notices
        that are still shown."""
        ...


class NoticeBook(OpenNotices, Protocol):
    """Where somebody writes down that he or she takes care of a notice."""

    def record_acknowledgement(self, acknowledgement: Acknowledgement) -> None:
        """Keep it; returns once it is durable. Raises the errors of ``Store.write``."""
        ...


class Store(Protocol):
    """The write side, used by the bridge."""

    def write(self, messages: Sequence[Message]) -> None:
        """Store all of ``messages``; returns only when they are durable.

        Idempotent: a message with the same identity overwrites the old one. The identity of a window is (site, device,
        camera, start), of a health message, alert, notice or probe its device and time; of status messages, the last to
        arrive counts. A store may keep only the newest message of each kind except windows.

        Raises ``StoreUnavailable`` for a temporary fault, and ``StoreRejected`` if at least one of the messages can
        never be stored (write them one by one to find it). After either, some of them may have been stored.
        """
        ...

    def contains(self, probe: ProbeMessage) -> bool:
        """Check that this probe, just written, can be read back. Raises ``StoreUnavailable``."""
        ...

    def record_duplicates(self, windows: Mapping[tuple[str, str], int], at: datetime) -> None:
        """Keep how many windows of each site and device came once more at this moment, after they had been stored.
        Raises the errors of ``write``."""
        ...

    def record_dead_letter(self, letter: DeadLetter) -> None:
        """Keep a message that can never be stored; a store may delete the oldest. Raises the errors of ``write``."""
        ...

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return the last dead letters, newest first, at most ``limit``. Raises ``StoreUnavailable``."""
        ...

    def close(self) -> None:
        """Release files and connections. Nothing may be written afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceState:
    """The last known state of one device. Times are aware UTC."""

    site: str
    device: str
    online: bool | None
    """None until the first status is received."""
    since: datetime | None
    """Since when it is online or offline; for offline, the time of arrival, which a last will cannot contain."""
    last_seen: datetime | None
    """When its last window, health message or alert was stored (a status may be the broker's last will)."""
    software: str | None
    model: str | None
    health: HealthMessage | None
    """The last health message."""
    alerts: tuple[AlertMessage, ...]
    """The active alerts, oldest first."""


Watched = Iterable[tuple[tuple[str, str, str], float]]


def by_device(watched: Watched) -> dict[tuple[str, str], float]:
    """Average the seconds of cameras, given window by window as (site, device, camera), over those of a device."""
    cameras: dict[tuple[str, str], dict[str, float]] = {}
    for (site, device, camera), seconds in watched:
        of = cameras.setdefault((site, device), {})
        of[camera] = of.get(camera, 0.0) + seconds
    return {key: sum(of.values()) / len(of) for key, of in cameras.items()}


class Reader(NoticeBook, Protocol):
    """What the built-in page reads; all that it writes is who takes care of a notice. May be called from any thread.
    Raises ``StoreUnavailable``."""

    def sites(self) -> list[str]:
        """Return every site that has ever sent data, sorted by name."""
        ...

    def devices(self, site: str) -> list[DeviceState]:
        """Return the devices of a site, sorted by name."""
        ...

    def fleet(self) -> list[DeviceState]:
        """Return the devices of all sites, sorted by site, then name."""
        ...

    def watched_s(self, start: datetime, end: datetime) -> dict[tuple[str, str], float]:
        """Return how many seconds the cameras of each device watched, by site and device.

        Only windows that start in [start, end) count. A device without windows is missing; several cameras of one
        device are averaged.
        """
        ...

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        """Return the windows of all cameras of a site that start in [start, end), by start, device, camera. They are
        without noise: its numbers are no counts."""
        ...

    def noise(self, site: str, start: datetime, end: datetime) -> list[ToldNoise]:
        """Return what the cohorts that came with these windows tell with noise, in the same order."""
        ...

    def duplicates(self, site: str, start: datetime, end: datetime) -> dict[str, int]:
        """Return how many windows came once more in [start, end), by device; a device without any is missing."""
        ...

    def latest(self, site: str) -> WindowMessage | None:
        """Return the window with the latest start, or None before the first."""
        ...

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return the last dead letters, as in ``Store``."""
        ...
