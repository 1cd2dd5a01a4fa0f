"""Notices that the broker was restarted: one that was killed has forgotten the last wills of bridges that are away.

It restores their sessions with the messages in them, drops these when the session ends, and tells nobody.
"""

from __future__ import annotations

from common.wire import LONGEST_SESSION_S

UPTIME_TOPIC = "$SYS/broker/uptime"
"""Where mosquitto says every ten seconds for how long it runs. On other brokers nobody says anything there."""


class Restarts:
    """Compares the start of the broker with our own connections; all times are monotonic seconds."""

    def __init__(self) -> None:
        self._before_s: float | None = None
        self._connected_s: float | None = None
        self._is_known = False

    def connected(self, now_s: float, *, asked: bool = False) -> None:
        """Note that a connection begins. One on which the broker has not said its uptime does not count as one, unless
        devices are ``asked`` to send again anyway: then its uptime no longer matters."""
        if self._is_known:
            self._before_s = self._connected_s
        self._connected_s, self._is_known = now_s, asked

    def has_restarted(self, payload: bytes, now_s: float) -> bool:
        """Take what the broker says of its uptime; tell, once for each connection, whether it has started since the
        connection before. Without one, any start within the longest session counts: a session may have been there."""
        seconds, _, unit = payload.partition(b" ")
        if self._is_known or unit != b"seconds" or not seconds.isdigit():
            return False
        self._is_known = True
        started_s = now_s - int(seconds)
        return started_s > (now_s - LONGEST_SESSION_S if self._before_s is None else self._before_s)
