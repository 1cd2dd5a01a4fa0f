"""How many connections a listener of the one box holds, in all and from one address, and for how long silent ones.

Broker and page share this. A connection *waits* until it has proved itself: by a login at the broker, by a whole
request at the page. When there is no room, the newcomer takes the place of the connection that has waited longest; real
clients speak at once, so a flood of silent connections pushes out its own. A newcomer is refused when nobody waits.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)

TELL_EVERY_S = 60.0
"""A listener that is full says so at most this often."""


class Slot:
    """The place of one connection. ``close`` ends the connection; it is called at most once."""

    def __init__(self, connections: Connections, neighbourhood: str, close: Callable[[], None]) -> None:
        self._connections = connections
        self.neighbourhood = neighbourhood
        self.waits = True
        self._close = close
        self._over = False
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, seconds: float) -> None:
        """Nothing has been proved yet, or nothing is asked at the moment: closed after so long, or to make room."""
        self.waits = True
        if not self._over:
            self._connections.to_the_end(self)
            self._deadline(seconds)

    def work(self, seconds: float | None) -> None:
        """It makes room for nobody; closed after ``seconds`` all the same (None: never)."""
        self.waits = False
        if not self._over:
            self._deadline(seconds)

    def leave(self) -> None:
        """The connection is over."""
        self._over = True
        self._deadline(None)
        self._connections.forget(self)

    def end(self) -> None:
        """Close the connection and give its place away."""
        self.leave()
        self._close()

    def _deadline(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else asyncio.get_running_loop().call_later(seconds, self.end)


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
        """A place for a new connection from ``address``, waiting; None when there is no room for it."""
        neighbourhood = _neighbourhood(address)
        neighbours = [slot for slot in self._slots if slot.neighbourhood == neighbourhood]
        if len(neighbours) >= self._most_per_address:
            room = self._make_room(neighbours, f"{len(neighbours)} from {address}")
        elif len(self._slots) >= self._most:
            room = self._make_room(self._slots, f"{len(self._slots)} in all")
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
            log.warning("%s: too many connections (%s); closing those that say nothing", self._name, how_many)
        waiting = next((slot for slot in among if slot.waits), None)
        if waiting is None:
            return False
        waiting.end()
        return True


class WrongPasswords:
    """Makes whoever guesses wait: each wrong password doubles the pause before the next attempt from that address.

    The pause comes before the check, so hanging up and trying again gains nothing. The right password waits as long,
    but is never refused.
    """

    FIRST_S = 0.5
    MOST_S = 4.0
    FORGET_S = 120.0
    MOST_ADDRESSES = 1000

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}

    def pause_s(self, address: str) -> float:
        """How long an attempt from ``address`` has to wait."""
        count = self._recent(_neighbourhood(address))
        return min(self.FIRST_S * 2.0 ** min(count - 1, 10), self.MOST_S) if count else 0.0

    def add(self, address: str) -> None:
        """One more from ``address``."""
        neighbourhood = _neighbourhood(address)
        count = self._recent(neighbourhood) + 1
        self._failures.pop(neighbourhood, None)
        self._failures[neighbourhood] = (count, asyncio.get_running_loop().time())
        if len(self._failures) > self.MOST_ADDRESSES:
            del self._failures[next(iter(self._failures))]

    def _recent(self, neighbourhood: str) -> int:
        count, last_s = self._failures.get(neighbourhood, (0, 0.0))
        return count if asyncio.get_running_loop().time() - last_s <= self.FORGET_S else 0


def _neighbourhood(address: str) -> str:
    """One host has one IPv4 address, but a whole /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
