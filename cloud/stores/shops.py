"""Where the pages of periods read: the chain and its tallies, from either store."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.domain.chain import Chain, Site
from cloud.domain.one_shop import assumed_chain
from cloud.stores.tallies import Tallies, Windows
from cloud.stores.window_tallies import DayMemory, Remembered, WindowTallies


class Shops(Protocol):
    """The sites and their tallies."""

    def named(self) -> tuple[str, ...]:
        """Return the sites that are known before they send data."""
        ...

    def site(self, name: str) -> Site | None:
        """Return what the chain file says of a site; None if there is no such file, or it does not name the site."""
        ...

    def use(self, chain: Chain) -> None:
        """Take this chain from now on: the chain file was changed."""
        ...

    def until(self, last: date) -> tuple[Chain, Tallies]:
        """Return the chain as it is for periods up to ``last``. Raises ``StoreUnavailable``, and ``UserError`` if the
        store has no windows yet."""
        ...


class ChainShops:
    """The sites of a chain file."""

    def __init__(self, chain: Chain, tallies: Tallies) -> None:
        self._chain, self._tallies = chain, tallies

    def named(self) -> tuple[str, ...]:
        return tuple(self._chain.sites)

    def site(self, name: str) -> Site | None:
        return self._chain.sites.get(name)

    def use(self, chain: Chain) -> None:
        self._chain = chain

    def until(self, last: date) -> tuple[Chain, Tallies]:
        return self._chain, self._tallies


class Source(Windows, Remembered, Protocol):
    """An embedded store."""

    def sites(self) -> list[str]: ...

    def starts(self, site: str, start: datetime, end: datetime) -> list[datetime]: ...


class OneBoxShops:
    """The sites of an embedded store. Without a chain file, opening hours are estimated, as for a report."""

    def __init__(self, store: Source, zone: ZoneInfo, chain: Chain | None = None) -> None:
        self._store, self._zone, self._chain = store, zone, chain
        self._memory = DayMemory(store)

    def named(self) -> tuple[str, ...]:
        return tuple(self._chain.sites) if self._chain else ()

    def site(self, name: str) -> Site | None:
        return self._chain.sites.get(name) if self._chain else None

    def use(self, chain: Chain) -> None:
        self._chain = chain

    def until(self, last: date) -> tuple[Chain, Tallies]:
        chain = self._chain or assumed_chain(self._store, self._zone, last)
        return chain, WindowTallies(self._store, chain, self._memory)
