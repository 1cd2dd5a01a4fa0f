"""Tallies with what the till told of the same days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from cloud.domain.chain import Chain, Role, Site
from cloud.domain.clips import ToldClips
from cloud.domain.day_tallies import tally
from cloud.domain.floor_tally import FloorTally
from cloud.domain.tally import Tally
from cloud.domain.till import Kept, TillTally, till_tally
from cloud.stores.shops import Shops
from cloud.stores.tallies import Tallies
from cloud.stores.till_file import TillFile


@dataclass(frozen=True, slots=True)
class TillTallies:
    """``Tallies`` of cameras, with the till of their site. A day of which only the till told something has one, too."""

    cameras: Tallies
    till: TillFile
    chain: Chain

    def tallies(self, sites: Sequence[str], first: date, last: date, role: Role) -> list[Tally]:
        found = {(one.site, one.day): one for one in self.cameras.tallies(sites, first, last, role)}
        for name in sites:
            site = self.chain.sites[name]
            for day, told in days_told(self.till, site, first, last).items():
                one = found.get((name, day)) or tally((), site, day, role)
                found[name, day] = replace(one, till=told)
        return [found[key] for key in sorted(found)]

    def quarters(self, site: str, first: date, last: date, role: Role) -> dict[datetime, Tally]:
        return self.cameras.quarters(site, first, last, role)

    def floor(self, site: str, first: date, last: date, role: Role) -> FloorTally:
        return self.cameras.floor(site, first, last, role)

    def clips(self, site: str, start: datetime, end: datetime) -> list[ToldClips]:
        return self.cameras.clips(site, start, end)

    def sales(self, site: str, start: datetime, end: datetime) -> list[Kept]:
        return self.till.between(site, start, end)


@dataclass(frozen=True, slots=True)
class TillShops:
    """The ``Shops`` of a page, with their tills."""

    shops: Shops
    till: TillFile

    def named(self) -> tuple[str, ...]:
        return self.shops.named()

    def site(self, name: str) -> Site | None:
        return self.shops.site(name)

    def use(self, chain: Chain) -> None:
        self.shops.use(chain)

    def until(self, last: date) -> tuple[Chain, Tallies]:
        chain, tallies = self.shops.until(last)
        return chain, TillTallies(tallies, self.till, chain)


@contextmanager
def open_till(path: Path) -> Iterator[TillFile]:
    """Yield the file with the takings, which need not exist yet."""
    with closing(TillFile(path)) as till:
        yield till


def days_told(till: TillFile, site: Site, first: date, last: date) -> dict[date, TillTally]:
    """Return what the till told of each local day from ``first`` to ``last``; an interval is of the day it begins in.

    Raises ``StoreUnavailable``.
    """
    groups: dict[date, list[Kept]] = {}
    for kept in till.between(site.name, site.local_day(first)[0], site.local_day(last)[1]):
        groups.setdefault(kept.takings.start.astimezone(site.zone).date(), []).append(kept)
    return {day: told for day, group in groups.items() if (told := till_tally(group))}
