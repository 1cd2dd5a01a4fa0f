"""A store of each kind with the same windows, for the tests of the rollup."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cloud.domain.chain import Chain
from cloud.rollup.tallying import Rolled, rollup
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from cloud.stores.influxql import InfluxQL
from cloud.stores.tallies import InfluxTallies
from cloud.stores.windows import InfluxWindows
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire import Cohort, Coverage, Door, Totals, WindowMessage, bin_label
from tests.support import messages
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import window

SATURDAY, SUNDAY = date(2026, 3, 28), date(2026, 3, 29)
"""On the Sunday the clocks go forward in Berlin."""
LATER = datetime(2026, 4, 2, tzinfo=UTC)
BINS = [bin_label(edge) for edge in DWELL_BINS_S]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def chain(hours: Any = ("01:30-04:00", "09:00-20:00"), **more: Any) -> Chain:
    opening = {weekday: list(hours) for weekday in WEEKDAYS}
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": opening}
    return Chain.model_validate({"name": "c", "sites": {"shop": shop, **more}})


def some_cohort(since: datetime, profile: str, dice: random.Random) -> Cohort:
    """A cohort of which any cell may be withheld."""

    def cells(labels: Any) -> dict[str, int | None]:
        return {label: dice.choice([None, 0, 0, 1]) for label in labels}

    people = profile != "count"
    not_seen = dice.choice([None, 0, 8])
    beside: dict[str, int | None] = {} if not_seen is None else {NOT_SEEN: not_seen}

    def of_people(labels: Any) -> dict[str, int | None]:
        return {**cells((*labels, NO_VERDICT if not_seen is None else UNKNOWN)), **beside}

    dwell_s = dice.choice([None, dice.randrange(400, 4000) / 10])
    return Cohort(
        since=since,
        visits=30,
        occupancy_mean=dice.choice([None, 0.25]),
        occupancy_max=3,
        dwell_sum_s=dwell_s,
        attention_sum_s=None if dwell_s is None else dice.choice([None, dice.randrange(0, 400) / 10]),
        described=None if not_seen is None or not people else 30 - not_seen,
        dwell=cells(BINS),
        attention=cells(BINS),
        gender=of_people(GENDERS) if people else None,
        age_band=of_people(AGE_BANDS) if people else None,
        gender_age_band={
            **{gender: cells((*AGE_BANDS, UNKNOWN)) for gender in GENDERS},
            UNKNOWN: cells(AGE_BANDS),
            **({NO_VERDICT: cells([NO_VERDICT])} if not_seen is None else {NOT_SEEN: beside}),
        }
        if people and dice.random() < 0.7
        else None,
        expression=of_people(EXPRESSIONS) if profile == "expression" else None,
        **some_places(dice),
    )


def some_places(dice: random.Random) -> dict[str, Any]:
    """Places of which any part may be withheld."""
    stayed, waited = dice.choice([None, 0, 6]), dice.choice([None, 6])
    seen = {"passers": 6, "viewers": None, "attention_sum_s": None, "attention": dict.fromkeys(BINS)}
    looked = {
        **seen,
        "viewers": 6,
        "attention_sum_s": 9.5,
        "attention": dict.fromkeys(BINS, 0) | {"0": 6, "2": None},
    }
    cells = [dice.choice([None, 10 * dice.randrange(9, 99)]) for _ in range(6)]
    return {
        "zones": {"shelf": messages.zone(stayed), "till": messages.zone(waited, queue=True)},
        "targets": {"tea": dice.choice([seen, looked])},
        "heat": dice.choice([None, {"columns": 3, "rows": 2, "standing_s": cells, "looking_s": [None] * 6}]),
        "ways": dice.choice([None, {"entry": {"shelf": 9, "exit": 12}, "shelf": {"exit": 9}}]),
    }


def some_windows(dice: random.Random, *, every: int = 10) -> list[WindowMessage]:
    """Two cameras over two days, with holes, other versions, and all that a window can carry."""
    start = datetime(2026, 3, 27, 22, tzinfo=UTC)
    found = []
    for minute in range(0, 50 * 60, every):
        for camera, profile in (("in", "expression"), ("out", dice.choice(["count", "demographics"]))):
            if dice.random() < 0.5:
                continue
            at, visits = start + timedelta(minutes=minute), dice.randrange(6)
            found.append(
                window(
                    minute,
                    camera=camera,
                    start=at,
                    profile=profile,
                    k=1,
                    visits=visits,
                    totals=Totals(
                        visits=visits,
                        viewers=visits // 2,
                        doors={"front": Door(entries=visits, exits=1, passers=2, groups=visits // 2)}
                        if dice.random() < 0.3
                        else {},
                    ),
                    coverage=Coverage(share=dice.choice([0.0, 0.3333, 1.0])),
                    model="2" if minute > 2000 else "1",
                    cohort=some_cohort(at, profile, dice) if dice.random() < 0.1 else None,
                )
            )
    return found


class Both:
    """One store of each kind, with the same windows."""

    def __init__(self, server: InfluxDB, path: Path) -> None:
        self.embedded = EmbeddedStore(path, retention_days=400, clock=ManualClock(LATER))
        self.influx = InfluxStore(
            **server.address,
            org=server.org,
            timeout_s=5.0,
            clock=ManualClock(LATER),
        )
        self.influxql = InfluxQL(**server.address, timeout_s=5.0)
        self.windows = InfluxWindows(self.influxql)
        self.server = server

    def write(self, windows: list[WindowMessage]) -> None:
        self.embedded.write(windows)
        self.influx.write(windows)

    def roll_up(
        self,
        of: Chain,
        first: date = SATURDAY,
        last: date = SUNDAY,
        now: datetime = LATER,
        since: date | None = None,
    ) -> Rolled:
        levels = InfluxTallies(self.influxql)
        return rollup(of, self.windows, levels, self.influx, first=first, last=last, now=now, since=since)

    def points(self) -> list[Any]:
        """Everything the rollup wrote."""
        return [
            self.server.query("SELECT * FROM quarter", "quarter"),
            self.server.query("SELECT * FROM day", "day"),
            self.server.query("SELECT * FROM corrected", "day"),
            self.server.query("SELECT * FROM day_place", "day"),
        ]

    def close(self) -> None:
        self.embedded.close()
        self.influx.close()
        self.influxql.close()


TWO_DOORS = {"door/in": "entrance", "door/out": "display"}


def with_cameras(hours: Any = "09:00-20:00", **more: str) -> Chain:
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": hours, "cameras": {**TWO_DOORS, **more}}
    return Chain.model_validate({"name": "c", "sites": {"shop": shop}})
