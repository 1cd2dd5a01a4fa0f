"""Acknowledge a notice: somebody takes care of it, so nobody else is called for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from cloud.domain.notices import Acknowledgement, is_current, taken_care_of
from cloud.ingest.background import in_background
from cloud.stores.store import NoticeBook, OpenNotices, StoreUnavailable
from common.errors import UserError
from common.wire import NoticeMessage

EVERY_S = 5.0
"""How often acknowledgements are read. A notice begins at most once a minute, so none is missed for its repeats."""

LONGEST_NAME = 64


def acknowledge(
    book: NoticeBook, *, site: str, device: str, name: str, who: str, at: datetime
) -> Acknowledgement:
    """Store that ``who`` takes care of the notice ``name`` from ``at`` on. Who was first stays: a notice that is
    acknowledged already is answered with that acknowledgement.

    Raises ``UserError`` if this notice is not open or ``who`` is no name, and ``StoreUnavailable``.
    """
    who = who.strip()
    if not 0 < len(who) <= LONGEST_NAME or not who.isprintable():
        raise UserError(
            f"who: {who[:LONGEST_NAME]!r} is no name; use 1 to {LONGEST_NAME} printable characters"
        )
    current = [notice for notice in book.notices(site) if is_current(notice, at)]
    notice = next((one for one in current if (one.device, one.name) == (device, name)), None)
    if notice is None:
        known = ", ".join(f"{one.device} {one.name}" for one in current) or "none"
        raise UserError(f"there is no open notice {name!r} of {site}/{device}; open ones of {site}: {known}")
    if (given := taken_care_of(notice, book.acknowledgements(site))) is not None:
        return given
    acknowledgement = Acknowledgement(site, device, name, notice.at, who, at)
    book.record_acknowledgement(acknowledgement)
    return acknowledgement


class Acknowledged:
    """Says at once whether somebody takes care of a notice. A thread reads the acknowledgements every ``every_s``, so
    that nobody waits for the store; while that is away, the last ones are valid."""

    def __init__(self, book: OpenNotices, *, every_s: float = EVERY_S) -> None:
        self._book, self._every_s = book, every_s
        self._known: Sequence[Acknowledgement] = ()

    def __contains__(self, notice: object) -> bool:
        return isinstance(notice, NoticeMessage) and taken_care_of(notice, self._known) is not None

    def reading(self) -> AbstractContextManager[None]:
        """Read them while the block runs."""
        return in_background("acknowledgements", self._run)

    def _run(self, stopped: threading.Event) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):  # the intake says so when it writes
                self._known = self._book.acknowledgements()
            if stopped.wait(self._every_s):
                return
