"""An hour that the clock shows twice in autumn is there twice, with the visits of each."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cloud.api.figures import every_hour
from cloud.domain.chain import Chain
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.window_tallies import WindowTallies
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, window

CHANGE = date(2026, 10, 25)
TWO = datetime(2026, 10, 25, 0, tzinfo=UTC)
"""Two o'clock in Berlin, for the first time."""


def test_the_hour_that_the_clock_shows_twice(tmp_path: Path) -> None:
    chain = Chain.model_validate(
        {
            "name": "c",
            "sites": {"shop": {"title": "S", "timezone": "Europe/Berlin", "opening": "00:00-24:00"}},
        }
    )
    site = chain.sites["shop"]
    with closing(EmbeddedStore(tmp_path / "store.db", retention_days=9999, clock=ManualClock())) as store:
        first = round((TWO - MORNING) / timedelta(minutes=1))
        store.write([window(first + 10, visits=3), window(first + 70, visits=4)])
        hours = every_hour(WindowTallies(store, chain), site, CHANGE, CHANGE, "unassigned")
    shown = [one for one in hours if one.start.hour == 2]
    assert [(one.start.utcoffset(), one.visits) for one in shown] == [
        (timedelta(hours=2), 3),
        (timedelta(hours=1), 4),
    ]
    assert len(hours) == 25
