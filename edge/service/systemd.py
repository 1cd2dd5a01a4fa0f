"""Messages to systemd: ready, alive, stopping, and the log.

sd_notify(3) is one datagram. It is written here instead of using libsystemd, so that the watchdog works without
systemd-python. The journal handler needs that library and is used only where it is installed.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from common.clock import Clock
from common.masking import MaskingFormatter

log = logging.getLogger(__name__)
_FAULT = {"FOOTLIGHT_FAULT": "watchdog"}

IDENTIFIER = "footlight-edge"


class Notifier:
    """The notification socket of the service manager; without a socket, every call does nothing."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the null byte of an abstract socket.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        meant_for = environ.get("WATCHDOG_PID")
        ours = meant_for is None or meant_for == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(usec) / 1e6 if self._address and ours and usec.isdigit() else None
        """systemd restarts us when no watchdog message comes within this many seconds; None: no watchdog."""

    def ready(self) -> None:
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Set the line that ``systemctl status`` shows."""
        self._send(f"STATUS={' '.join(text.split())}")

    def watchdog(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.sendto(text.encode(), self._address)


@dataclass(slots=True)
class _Source:
    name: str
    progress: Callable[[], Hashable]
    limit_s: float
    seen: Hashable
    moved_at: float


class Watchdog:
    """Feeds systemd's watchdog as long as every part makes progress.

    A timer that only reports "alive" proves nothing: it would keep running while a camera thread hangs in a read. So
    each part has a value that changes as it works, such as the number of frames and of attempts to open the camera
    (a camera that is being reopened counts as alive). No value may stay the same for longer than its limit. The main
    loop shows its progress by calling :meth:`feed`.
    """

    def __init__(self, notifier: Notifier, clock: Clock) -> None:
        self._notifier = notifier
        self._clock = clock
        self._sources: list[_Source] = []
        self._stuck: frozenset[str] = frozenset()
        # systemd recommends half of the interval; a third leaves time for one slow step.
        self._every_s = (notifier.watchdog_s or 0.0) / 3
        self._fed_at: float | None = None

    def watch(self, name: str, progress: Callable[[], Hashable], *, limit_s: float) -> None:
        """Watch a part; ``progress()`` must return a new value at least every ``limit_s`` seconds."""
        self._sources.append(_Source(name, progress, limit_s, progress(), self._clock.monotonic()))

    @property
    def stuck(self) -> frozenset[str]:
        """Names of the parts that made no progress for too long when :meth:`feed` last checked."""
        return self._stuck

    def feed(self) -> bool:
        """Check every part, and feed systemd's watchdog when that is due. False while a part is stuck."""
        now = self._clock.monotonic()
        for source in self._sources:
            if (value := source.progress()) != source.seen:
                source.seen, source.moved_at = value, now
        stuck = frozenset(s.name for s in self._sources if now - s.moved_at > s.limit_s)
        for name in sorted(stuck - self._stuck):
            log.error("watchdog: %s makes no progress; systemd will restart the service", name, extra=_FAULT)
        for name in sorted(self._stuck - stuck):
            log.warning("watchdog: %s makes progress again", name, extra=_FAULT)
        self._stuck = stuck
        if not stuck and (self._fed_at is None or now - self._fed_at >= self._every_s):
            self._notifier.watchdog()
            self._fed_at = now
        return not stuck


def configure_logging(
    level: str, *, fields: Mapping[str, str] | None = None, environ: Mapping[str, str] = os.environ
) -> None:
    """Log to the journal if standard error leads there and systemd-python is installed; otherwise log to standard
    error, one line a record.

    Every record in the journal carries ``fields``, and the fields that ``extra`` added. journalctl can filter by those
    in capitals, such as FOOTLIGHT_FAULT.
    """
    handler = _journal_handler(fields or {}) if _to_journal(environ) else None
    if handler is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _to_journal(environ: Mapping[str, str]) -> bool:
    """Return whether standard error is the stream that systemd connected, by its device and inode; a redirected one
    is not."""
    try:
        stderr = os.fstat(2)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


def _journal_handler(fields: Mapping[str, str]) -> logging.Handler | None:
    try:
        journal = importlib.import_module("systemd.journal")
    except ImportError:
        return None
    handler: logging.Handler = journal.JournalHandler(SYSLOG_IDENTIFIER=IDENTIFIER, **fields)
    handler.setFormatter(MaskingFormatter("%(message)s"))  # level and logger are separate fields
    return handler
