"""Failed logins: whoever fails often must wait, by account and by address, longer each time."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Final

from cloud.domain.network import neighbourhood_of
from common.clock import Clock

FREE_OF_ACCOUNT: Final = 5
FREE_OF_ADDRESS: Final = 20
"""Several people of a shop log in from one address."""
FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 15 * 60.0
"""So at most about 100 passwords a day can be tried for an account, from all strange addresses together."""
FORGOTTEN_AFTER_S: Final = 24 * 3600.0
MOST: Final = 10_000
"""Accounts and addresses that are remembered, in a few MiB; the one that failed longest ago is dropped first."""


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_s: float
    wait_until_s: float


class Attempts:
    """Remembers failures in memory only. Unknown names count as well, so that an answer does not reveal who exists.

    An address from which the account has logged in counts for itself: an attacker elsewhere cannot lock the user out.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._failures: dict[tuple[str, str], _Failures] = {}
        self._usual: dict[tuple[str, str], None] = {}

    def wait_s(self, name: str, address: str) -> float:
        """Return for how many seconds a login as ``name`` from ``address`` is refused; 0 if it is not."""
        now_s = self._clock.monotonic()
        with self._lock:
            found = [self._failures.get(key) for key in self._keys(name, address)]
        return max([0.0, *(failures.wait_until_s - now_s for failures in found if failures)])

    def failed(self, name: str, address: str) -> bool:
        """Count a failure; return whether the next attempt has to wait."""
        now_s = self._clock.monotonic()
        waits = False
        with self._lock:
            for key, free in zip(self._keys(name, address), (FREE_OF_ACCOUNT, FREE_OF_ADDRESS), strict=True):
                before = self._failures.pop(
                    key, None
                )  # moves it to the end: the dictionary is in order of time
                old = before is None or now_s - before.last_s > FORGOTTEN_AFTER_S
                count = 1 if old or before is None else before.count + 1
                wait_s = (
                    0.0 if count < free else min(FIRST_WAIT_S * 2.0 ** min(count - free, 10), LONGEST_WAIT_S)
                )
                self._failures[key] = _Failures(count, now_s, now_s + wait_s)
                waits = waits or wait_s > 0
            while len(self._failures) > MOST:
                del self._failures[next(iter(self._failures))]
        return waits

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of an account; those of an address stay, or its own account would reset them."""
        with self._lock:
            self._failures.pop(self._keys(name, address)[0], None)
            self._usual.pop((name, neighbourhood_of(address)), None)
            self._usual[name, neighbourhood_of(address)] = None
            if len(self._usual) > MOST:
                del self._usual[next(iter(self._usual))]

    def _keys(self, name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
        network = neighbourhood_of(address)
        usual = (name, network) in self._usual
        return (f"account from {network}" if usual else "account", name), ("address", network)
