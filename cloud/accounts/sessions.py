"""Sessions of people who are logged in. The browser has a random value; the file has only its hash."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cloud.accounts.file import AccountFile, hash_of
from cloud.stores.store import StoreUnavailable
from common.clock import Clock

MOST_OF_USER: Final = 50
"""The oldest session of a user ends when another begins."""
_NOTED_EVERY_S: Final = 600.0
"""A session that is in use is written down this often, to spare an SD card."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its user sees it. ``id`` names it and opens nothing."""

    id: str
    user: str
    started_at: datetime
    seen_at: datetime
    address: str
    browser: str


class Sessions:
    """The sessions in the accounts' file."""

    def __init__(self, file: AccountFile, clock: Clock, *, idle: timedelta, longest: timedelta) -> None:
        self._file = file
        self._clock = clock
        self._idle_s, self.longest_s = int(idle.total_seconds()), int(longest.total_seconds())

    def start(self, user: str, address: str, browser: str) -> str:
        """Begin a session and return the secret value of its cookie (256 random bits)."""
        secret = secrets.token_urlsafe(32)
        now_s = self._now_s()
        self._file.change("DELETE FROM sessions WHERE seen_at < ? OR started_at < ?", *self.oldest())
        self._file.change(
            "INSERT INTO sessions (hash, user, started_at, seen_at, address, browser) VALUES (?, ?, ?, ?, ?, ?)",
            *(hash_of(secret), user, now_s, now_s, address, browser[:200]),
        )
        self._file.change(
            "DELETE FROM sessions WHERE user = ? AND hash NOT IN"
            " (SELECT hash FROM sessions WHERE user = ? ORDER BY started_at DESC LIMIT ?)",
            *(user, user, MOST_OF_USER),
        )
        return secret

    def user_of(self, secret: str) -> str | None:
        """Return the name of the user whose session has this secret; None if there is none or it has ended."""
        now_s = self._now_s()
        rows = self._file.rows(
            "SELECT user, seen_at FROM sessions WHERE hash = ? AND seen_at >= ? AND started_at >= ?",
            *(hash_of(secret), *self.oldest()),
        )
        if not rows:
            return None
        user, seen_at = rows[0]
        if now_s - seen_at >= _NOTED_EVERY_S:
            with suppress(StoreUnavailable):  # on a full disk, people can still read
                self._file.change("UPDATE sessions SET seen_at = ? WHERE hash = ?", now_s, hash_of(secret))
        return str(user)

    def of(self, user: str) -> list[Session]:
        """Return the sessions of a user, the one that was used last first."""
        rows = self._file.rows(
            "SELECT hash, user, started_at, seen_at, address, browser FROM sessions"
            " WHERE user = ? AND seen_at >= ? AND started_at >= ? ORDER BY seen_at DESC",
            *(user, *self.oldest()),
        )
        return [
            Session(hash_[:16], user, _at(started), _at(seen), address, browser)
            for hash_, user, started, seen, address, browser in rows
        ]

    def end(self, secret: str) -> None:
        """End the session with this secret."""
        self._file.change("DELETE FROM sessions WHERE hash = ?", hash_of(secret))

    def end_one(self, user: str, session_id: str) -> bool:
        """End the session of ``user`` with this id; return whether there was one."""
        sql = "DELETE FROM sessions WHERE user = ? AND substr(hash, 1, 16) = ?"
        return self._file.change(sql, user, session_id) > 0

    def end_all(self, user: str) -> None:
        """End every session of a user."""
        self._file.change("DELETE FROM sessions WHERE user = ?", user)

    def id_of(self, secret: str) -> str:
        """Return the id of the session with this secret."""
        return hash_of(secret)[:16]

    def oldest(self) -> tuple[float, float]:
        """Return since when a session that goes on was used and, at the earliest, began; in seconds since 1970."""
        now_s = self._now_s()
        return now_s - self._idle_s, now_s - self.longest_s

    def _now_s(self) -> float:
        return self._clock.now().timestamp()


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
