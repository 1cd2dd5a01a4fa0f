"""Limits on the connections of a listener of the one box: in total, from one address, and in idle time.

Broker and page share this. A connection is *waiting* until it has done something useful: a login at the broker, a
complete request at the page. At the limit, a new connection replaces the one that has been waiting longest. Real
clients send at once, so a flood of silent connections only replaces itself. If no connection is waiting, the new one is
refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from cloud.domain.network import neighbourhood_of

log = logging.getLogger(__name__)

TELL_EVERY_S = 60.0
"""A full listener logs this at most this often."""


class Slot:
    """The slot of one connection. ``close`` ends the connection; it is called at most once."""

    def __init__(self, connections: Connections, neighbourhood: str, close: Callable[[], None]) -> None:
        self._connections = connections
        self.neighbourhood = neighbourhood
        self.waits = True
        self._close = close
        self._over = False
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, seconds: float) -> None:
        """Mark the connection as waiting: it is closed after ``seconds``, or earlier to make room."""
        self.waits = True
        if not self._over:
            self._connections.to_the_end(self)
            self._deadline(seconds)

    def work(self, seconds: float | None, goes_on: Callable[[], bool] | None = None) -> None:
        """Mark the connection as working: it is not closed to make room, only after ``seconds`` (None: never).

        Where ``goes_on`` then says so, it has the same time again.
        """
        self.waits = False

        def late() -> None:
            if seconds is not None and goes_on is not None and goes_on():
                self._deadline(seconds, late)
            else:
                self.end()

        if not self._over:
            self._deadline(seconds, late)

    def leave(self) -> None:
        """Free the slot after the connection has ended."""
        self._over = True
        self._deadline(None)
        self._connections.forget(self)

    def end(self) -> None:
        """Close the connection and free its slot."""
        self.leave()
        self._close()

    def _deadline(self, seconds: float | None, late: Callable[[], None] | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if seconds is None else loop.call_later(seconds, late or self.end)


class Connections:
    """All connections of one listener, called ``name`` in the log."""

    def __init__(self, name: str, *, most: int, most_per_address: int) -> None:
        self._name = name
        self._most = most
        self._most_per_address = most_per_address
        self._slots: dict[Slot, None] = {}
        """In the order in which they began to wait."""
        self._told_s = -TELL_EVERY_S

    def __len__(self) -> int:
        return len(self._slots)

    def admit(self, address: str, close: Callable[[], None], *, wait_s: float) -> Slot | None:
        """Return a waiting slot for a new connection from ``address``; None if there is no room."""
        neighbourhood = neighbourhood_of(address)
        neighbours = [slot for slot in self._slots if slot.neighbourhood == neighbourhood]
        if len(neighbours) >= self._most_per_address:
            room = self._make_room(neighbours, f"{len(neighbours)} from {address}")
        elif len(self._slots) >= self._most:
            room = self._make_room(self._slots, f"{len(self._slots)} in total")
        else:
            room = True
        if not room:
            return None
        slot = Slot(self, neighbourhood, close)
        slot.wait(wait_s)
        return slot

    def end_all(self) -> None:
        for slot in list(self._slots):
            slot.end()

    def to_the_end(self, slot: Slot) -> None:
        self._slots.pop(slot, None)
        self._slots[slot] = None

    def forget(self, slot: Slot) -> None:
        self._slots.pop(slot, None)

    def _make_room(self, among: Iterable[Slot], how_many: str) -> bool:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._told_s >= TELL_EVERY_S:
            self._told_s = now_s
            log.warning("%s: too many connections (%s); closing idle ones", self._name, how_many)
        waiting = next((slot for slot in among if slot.waits), None)
        if waiting is None:
            return False
        waiting.end()
        return True


class WrongPasswords:
    """Slows down password guessing: each wrong password doubles the delay of the next attempt from that address.

    The delay comes before the check, so that reconnecting does not help. The right password is delayed as well, but
    never refused.
    """

    FIRST_S = 0.5
    MOST_S = 4.0
    FORGET_S = 120.0
    MOST_ADDRESSES = 1000

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}

    def pause_s(self, address: str) -> float:
        """Return how long an attempt from ``address`` has to wait."""
        count = self._recent(neighbourhood_of(address))
        return min(self.FIRST_S * 2.0 ** min(count - 1, 10), self.MOST_S) if count else 0.0

    def add(self, address: str) -> None:
        """Count a wrong password from ``address``."""
        neighbourhood = neighbourhood_of(address)
        count = self._recent(neighbourhood) + 1
        self._failures.pop(neighbourhood, None)
        self._failures[neighbourhood] = (count, asyncio.get_running_loop().time())
        if len(self._failures) > self.MOST_ADDRESSES:
            del self._failures[next(iter(self._failures))]

    def _recent(self, neighbourhood: str) -> int:
        count, last_s = self._failures.get(neighbourhood, (0, 0.0))
        return count if asyncio.get_running_loop().time() - last_s <= self.FORGET_S else 0
