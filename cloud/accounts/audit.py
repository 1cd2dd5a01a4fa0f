"""The log of who did what, when, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloud.accounts.file import AccountFile
from cloud.domain.users import Act
from common.clock import Clock

MOST = 100_000
"""Lines that are kept, in about 10 MB; the oldest are dropped."""
KEPT_FOR = timedelta(days=400)
"""They are about people at work: no longer than is of use."""
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. ``who`` is a user, ``token:NAME`` or ``command line``; ``address`` is empty for the last."""

    at: datetime
    who: str
    act: Act
    about: str
    address: str


class Audit:
    """The log in the accounts' file."""

    def __init__(self, file: AccountFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def record(self, who: str, act: Act, about: str = "", address: str = "") -> None:
        """Add a line."""
        at = self._clock.now().timestamp()
        about, who = about[:_LONGEST], who[:_LONGEST]
        self._file.change(
            "INSERT INTO audit (at, who, act, about, address) VALUES (?, ?, ?, ?, ?)",
            at,
            who,
            act,
            about,
            address,
        )
        old = "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ? OR at < ?"
        self._file.change(old, MOST, at - KEPT_FOR.total_seconds())

    def newest(self, most: int) -> list[Entry]:
        """Return up to ``most`` lines, the newest first."""
        rows = self._file.rows(
            "SELECT at, who, act, about, address FROM audit ORDER BY id DESC LIMIT ?", most
        )
        return [Entry(datetime.fromtimestamp(row[0], UTC), *row[1:]) for row in rows]
