"""A small simulated fleet and its messages, for the tests of the simulation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from cloud.simulation.fleet import Fleet, SiteDay, Truth
from common.wire import Message, WindowMessage

LAST_DAY = date(2026, 3, 30)
"""The clocks went forward the day before."""
NOON = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)


def fleet(*, seed: int = 1, sites: int = 12, days: int = 4, now: datetime = NOON) -> Fleet:
    return Fleet(sites=sites, days=days, last_day=LAST_DAY, until=now, window_s=300, seed=seed)


def messages(site_days: Sequence[SiteDay]) -> list[Message]:
    return [arrival.message for each in site_days for arrival in each.arrivals]


def truths(site_days: Sequence[SiteDay]) -> list[Truth]:
    return [truth for each in site_days for truth in each.truths]


def windows(site_days: Sequence[SiteDay]) -> list[WindowMessage]:
    return [message for message in messages(site_days) if isinstance(message, WindowMessage)]


MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
