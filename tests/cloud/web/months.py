"""A simulated month in both stores, and the page over each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cloud.domain.chain import Chain, Role
from cloud.domain.periods import Period, month_of, week_of
from cloud.simulation.fleet import Fleet, SiteDay, Truth
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.shops import ChainShops, OneBoxShops
from cloud.stores.tallies import InfluxTallies
from cloud.web.access import OpenAccess
from cloud.web.app import create_app
from cloud.web.period import Against, PeriodView, period_view
from common.clock import Clock
from tests.cloud.rollup.both_stores import Both
from tests.cloud.simulation.fleets import LAST_DAY, truths, windows
from tests.support.asgi import AsgiClient
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB

NOW = datetime(2026, 3, 31, 8, tzinfo=UTC)
DAYS = 44
"""Long enough for a week with the four weeks before it, and for most of a month with the one before."""
WEEK, MONTH = week_of(date(2026, 3, 24)), month_of(LAST_DAY).until(LAST_DAY)
SITES = ("berlin-01", "hamburg-01", "muenchen-01")
"""The first two have a door; the last one has a display, too."""


class Morning(ManualClock):
    """The morning after the last day."""

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.monotonic())


@dataclass
class Months:
    """The stores with the month, and what really happened in it."""

    both: Both
    chain: Chain
    days: Sequence[SiteDay]
    clock: Clock

    def __post_init__(self) -> None:
        self.embedded = OneBoxShops(self.both.embedded, ZoneInfo("UTC"), self.chain)
        self.influx = ChainShops(self.chain, InfluxTallies(self.both.influxql))

    def truths(self, site: str, role: Role, period: Period) -> list[Truth]:
        return [
            one
            for one in truths(self.days)
            if (one.site, one.role) == (site, role) and period.first <= one.day <= period.last
        ]

    def views(
        self, site: str, role: Role, period: Period, against: Against = "before", other: str = ""
    ) -> tuple[PeriodView, PeriodView]:
        """The same page from each store."""
        beside = {"before": period.before, "year": period.year_before, "site": period}[against]
        sides = (self.chain.sites[site], period), (self.chain.sites[other or site], beside)
        one, two = (
            period_view(source, source, sides, role, against)
            for _, source in (shops.until(period.last) for shops in (self.embedded, self.influx))
        )
        return one, two

    def clients(self) -> tuple[AsgiClient, AsgiClient]:
        """The page over each store."""
        reader = InfluxReader(self.both.influxql, self.both.influx)
        one, two = (
            create_app(of, self.clock, "UTC", access=OpenAccess(), shops=shops)
            for of, shops in ((self.both.embedded, self.embedded), (reader, self.influx))
        )
        return AsgiClient(one), AsgiClient(two)


@contextmanager
def simulated_months(server: InfluxDB, folder: Path) -> Iterator[Months]:
    """Simulate, store and roll up."""
    fleet = Fleet(sites=len(SITES), days=DAYS, last_day=LAST_DAY, until=NOW, window_s=900, seed=1)
    days = list(fleet.site_days())
    with closing(Both(server, folder / "store.sqlite")) as both:
        for each in days:
            both.write(windows([each]))
        both.roll_up(fleet.chain, fleet.days[0], LAST_DAY, NOW)
        yield Months(both, fleet.chain, days, Morning())
