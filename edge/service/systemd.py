"""What systemd is told: ready, alive, stopping, and the log.

sd_notify(3) is one datagram; it is written here rather than taken from libsystemd, so that the watchdog works
where systemd-python is not installed. The journal handler needs that library and is used where it is there.
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
    """The notification socket of the service manager; without one every call does nothing."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the null byte of an abstract socket.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        meant_for = environ.get("WATCHDOG_PID")
        ours = meant_for is None or meant_for == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(usec) / 1e6 if self._address and ours and usec.isdigit() else None
        """Within this many seconds systemd wants to hear of us; None where it does not watch."""

    def ready(self) -> None:
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
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
    """Feeds systemd's watchdog as long as everything that must move does move.

    A loop that only says "I am here" proves nothing: a camera thread hung in a read, or a pipeline that takes no
    frame, would be fed for ever. So each part shows a value that changes as it works (frames taken and attempts at
    opening, say, so that a camera that is being reopened counts as alive), and none may stand still for longer
    than its limit. The main loop moves by calling :meth:`feed`.
    """

    def __init__(self, notifier: Notifier, clock: Clock) -> None:
        self._notifier = notifier
        self._clock = clock
        self._sources: list[_Source] = []
        self._stuck: frozenset[str] = frozenset()
        # systemd's own advice is half of the interval; a third leaves room for one slow step.
        self._every_s = (notifier.watchdog_s or 0.0) / 3
        self._fed_at: float | None = None

    def watch(self, name: str, progress: Callable[[], Hashable], *, limit_s: float) -> None:
        """``progress()`` must return something new within every ``limit_s`` seconds."""
        self._sources.append(_Source(name, progress, limit_s, progress(), self._clock.monotonic()))

    @property
    def stuck(self) -> frozenset[str]:
        """Names of the parts that stood still for too long when :meth:`feed` last looked."""
        return self._stuck

    def feed(self) -> bool:
        """Look at every part; tell systemd, when it is due, that all is well. False while something is stuck."""
        now = self._clock.monotonic()
        for source in self._sources:
            if (value := source.progress()) != source.seen:
                source.seen, source.moved_at = value, now
        stuck = frozenset(s.name for s in self._sources if now - s.moved_at > s.limit_s)
        for name in sorted(stuck - self._stuck):
            log.error("watchdog: %s stands still; systemd will restart us", name, extra=_FAULT)
        for name in sorted(self._stuck - stuck):
            log.warning("watchdog: %s moves again", name, extra=_FAULT)
        self._stuck = stuck
        if not stuck and (self._fed_at is None or now - self._fed_at >= self._every_s):
            self._notifier.watchdog()
            self._fed_at = now
        return not stuck


def configure_logging(
    level: str, *, fields: Mapping[str, str] | None = None, environ: Mapping[str, str] = os.environ
) -> None:
    """Log to the journal where standard error leads there and systemd-python is installed; one line a record on
    standard error everywhere else.

    Every record of the journal carries ``fields``, and those of its own that ``extra`` gave it: what is in capitals
    there, such as FOOTLIGHT_FAULT, can be asked for by journalctl.
    """
    handler = _journal_handler(fields or {}) if _to_journal(environ) else None
    if handler is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _to_journal(environ: Mapping[str, str]) -> bool:
    """systemd names the device and inode of the stream that it connected; a redirected stderr is another."""
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
    handler.setFormatter(MaskingFormatter("%(message)s"))  # level and logger are fields of their own
    return handler
