"""Both stores agree on the days of shops in many time zones, around each moment at which a clock is set."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from cloud.domain.chain import Chain
from cloud.stores.tallies import InfluxTallies, days
from cloud.stores.window_tallies import WindowTallies
from common.wire import WindowMessage
from tests.cloud.rollup.both_stores import LATER, Both
from tests.support.influxdb import InfluxDB
from tests.support.messages import window
from tests.support.zones import ZONES, days_when_it_is_set

pytestmark = [pytest.mark.influxdb, pytest.mark.slow]

NAMES = {zone: zone.lower().replace("/", "-").replace("_", "-") for zone in ZONES}
CHAIN = Chain.model_validate(
    {
        "name": "c",
        "sites": {
            name: {"title": zone, "timezone": zone, "opening": ["00:00-24:00"]}
            for zone, name in NAMES.items()
        },
    }
)
QUARTER = timedelta(minutes=15)
SINCE = LATER.date() - timedelta(days=390)


def around(zone: str) -> list[date]:
    """The days of the last year on which the clock was set; if it never is, another one."""
    kept = [day for day in days_when_it_is_set(zone) if SINCE <= day < LATER.date() - timedelta(days=2)]
    return kept or [SINCE]


def made(zone: str) -> list[WindowMessage]:
    """A window of each quarter of an hour of these days, and of the days beside them."""
    site = CHAIN.sites[NAMES[zone]]
    found = {}
    for day in around(zone):
        start, end = site.local_day(day - timedelta(days=1))[0], site.local_day(day + timedelta(days=1))[1]
        for n in range((end - start) // QUARTER):
            at = start + n * QUARTER
            found[at] = window(n, start=at, duration_s=900, seq=n, site=site.name)
    return list(found.values())


def test_both_stores_know_the_days_of_every_zone(influxdb: InfluxDB, tmp_path: Path) -> None:
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        for zone in ZONES:
            both.write(made(zone))
        levels, embedded = InfluxTallies(both.influxql), WindowTallies(both.embedded, CHAIN)
        for zone, name in NAMES.items():
            site = CHAIN.sites[name]
            for day in around(zone):
                first, last = day - timedelta(days=1), day + timedelta(days=1)
                assert both.windows.days(site, first, last) == days(first, last), (zone, day)
                only = Chain.model_validate({"name": "c", "sites": {name: site.model_dump(mode="json")}})
                both.roll_up(only, first, last)
                counted = levels.tallies([name], first, last, "unassigned")
                assert counted == embedded.tallies([name], first, last, "unassigned"), (zone, day)
                lengths = [
                    (end - start).total_seconds() for start, end in map(site.local_day, days(first, last))
                ]
                assert [(one.day, one.open_s, one.coverage) for one in counted] == [
                    (of, length, 1.0) for of, length in zip(days(first, last), lengths, strict=True)
                ], (zone, day)
