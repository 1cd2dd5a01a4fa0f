"""What tills of the small chain told, who checked a door, and what cohorts tell of staff, members and clips."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from cloud.domain.chain import Chain
from cloud.domain.count_check import Basis, CountCheck, Door, Part, Sums
from cloud.domain.till import Takings
from cloud.stores.check_file import CheckFile
from cloud.stores.till_file import TillFile
from common.wire import Clip, Watched
from tests.dashboards import shop_places

METRICS = {
    "staff-minutes": {
        "title": "Staff minutes per visitor",
        "formula": "60 * staff_hours / entries",
        "unit": "min",
        "better": "less",
    },
    "groups-per-passer": {"title": "Groups per passer", "formula": "groups / passers"},
}
ALERTS = [
    {"metric": "conversion_rate", "below": 0.9, "days": 3, "sites": ["mitte"]},
    {"metric": "entries", "above": 1, "days": 2},
    {"metric": "transactions", "above": 10000, "days": 1},
    {"metric": "turnover", "below": 0, "days": 3},
]


def takings(chain: Chain, first: date, last: date) -> Iterator[tuple[str, Takings]]:
    """Mitte by the hour, Nord by the day and on one day without its turnover; the other shops have no till."""
    random = Random(9)
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        zone = chain.sites["mitte"].zone
        for hour in range(9, 20):
            start = datetime.combine(day, time(hour), zone)
            yield "mitte", _sold(start, start + timedelta(hours=1), random.randrange(3), random)
        start, end = chain.sites["nord.2"].local_day(day)
        sold = _sold(start, end, random.randrange(2, 7), random)
        if day == first + timedelta(days=1):
            sold = Takings(sold.start, sold.end, sold.transactions)
        yield "nord.2", sold


def _sold(start: datetime, end: datetime, transactions: int, random: Random) -> Takings:
    return Takings(
        start,
        end,
        transactions,
        Decimal(transactions * random.randrange(500, 5000)) / 100,
        transactions + random.randrange(transactions + 1),
        Decimal(random.randrange(100, 300)) / 100,
    )


def fill_till(path: Path, chain: Chain, first: date, last: date, now: datetime) -> TillFile:
    file = TillFile(path)
    file.take(takings(chain, first, last), now)
    return file


def fill_checks(path: Path, chain: Chain, first: date) -> CheckFile:
    """Somebody counted at the only door of Mitte on the first day; the door of Nord was never checked."""
    file = CheckFile(path)
    door = Door("door", "front", shop_places.DOOR)
    began = chain.sites["mitte"].local_day(first)[0]
    started = began + timedelta(hours=10)
    file.observe("mitte", "door", Basis("0.1.0", "1", "c0ffee", moved=False), began)
    for site in ("mitte", "nord.2"):
        file.see(site, [door])
    file.start(CountCheck("0" * 32, "mitte", door, "daylight", "ana", started))
    ended = started + timedelta(minutes=30)
    file.end("0" * 32, ended)
    sums = [Sums(people=9, hits=8, counted=8), Sums(people=7, hits=6, counted=7, false=1)] * 3
    file.keep(
        "0" * 32,
        [Part(started + timedelta(minutes=5 * n), 300.0, one, Sums()) for n, one in enumerate(sums)],
    )
    return file


def beside(site: str, device: str, visits: int, k: int, random: Random) -> dict[str, Any]:
    """What a cohort of Mitte tells besides its visits, if it tells it; the other shops have nothing of it."""
    if site != "mitte":
        return {}
    staff = random.choice([None, 0, k, 2 * k])
    told: dict[str, Any] = {
        "staff_excluded": None if staff is None else round(staff / (staff + visits), 7),
        "members": random.choice([None, 0, k]),
    }
    if device == "till":
        suits = visits - visits // 2
        told["clips"] = {
            "sale": Clip(
                shown=_watched(suits - k, random, 3.0), held=_watched(k, random, 2.0), holdout_hours=0.3
            ),
            "welcome": Clip(shown=_watched(visits // 2, random, 2.0)),
        }
    return told


def _watched(visits: int, random: Random, mean_s: float) -> Watched:
    viewers = random.choice([None, visits])
    return Watched(
        visits=visits,
        shows=min(visits, 2),
        shown_s=20.0,
        viewers=viewers,
        attention_sum_s=None if viewers is None else round(viewers * mean_s * random.uniform(0.8, 1.2), 1),
    )
