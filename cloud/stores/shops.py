"""The shops of one installation: who they are, and where their figures are read, in either store."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.domain.chain import Chain
from cloud.domain.one_shop import Starts, assumed_chain
from cloud.stores.store import Reader
from cloud.stores.tallies import InfluxTallies, Tallies
from cloud.stores.window_tallies import DayMemory, Remembered, WindowTallies
from common.clock import Clock
from common.errors import UserError


class Shops(Protocol):
    """What pages, exports and the API read. May be used from any thread."""

    @property
    def reader(self) -> Reader:
        """Devices, notices and windows."""
        ...

    def chain(self) -> Chain | None:
        """Return the shops; None if none is known yet. Raises ``StoreUnavailable``."""
        ...

    def tallies(self, chain: Chain) -> Tallies:
        """Return where the tallies of ``chain`` are read."""
        ...


@dataclass(frozen=True, slots=True)
class ChainShops:
    """The shops of a chain file, with InfluxDB."""

    reader: Reader
    of: Chain
    source: InfluxTallies

    def chain(self) -> Chain | None:
        return self.of

    def tallies(self, chain: Chain) -> Tallies:
        return self.source


class BoxReader(Reader, Starts, Remembered, Protocol):
    """What the embedded store offers."""


@dataclass(slots=True)
class BoxShops:
    """The shops of one box. Without a chain file, their opening hours are estimated once a day."""

    reader: BoxReader
    zone: ZoneInfo
    clock: Clock
    of: Chain | None = None
    _assumed: tuple[Hashable, Chain] | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _memory: DayMemory = field(init=False)

    def __post_init__(self) -> None:
        self._memory = DayMemory(self.reader)

    def chain(self) -> Chain | None:
        if self.of is not None:
            return self.of
        yesterday = self.clock.now().astimezone(self.zone).date() - timedelta(days=1)
        key = yesterday, tuple(self.reader.sites())
        with self._lock:
            if self._assumed is None or self._assumed[0] != key:
                try:
                    self._assumed = key, assumed_chain(self.reader, self.zone, yesterday)
                except UserError:  # no window yet
                    return None
            return self._assumed[1]

    def tallies(self, chain: Chain) -> Tallies:
        return WindowTallies(self.reader, chain, self._memory)
