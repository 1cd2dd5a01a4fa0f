"""``python -m benchmarks.cohorts``: how much is withheld and how late it comes, depending on the release hours.

The device's own rule over days of shops that are open from 9 to 19, with visits spread evenly over the day. A second
table shows what is withheld of shops of which a share of the visits is not seen.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from common.vocabulary import ATTRIBUTES
from edge.vision.privacy import CohortRule
from tests.support.crowds import K, crowd

OPENS, CLOSES = 9, 19
HOURS: tuple[tuple[int, ...], ...] = ((), (12,), (12, 15), (12, 15, 18), tuple(range(10, 19)))
USUAL = (12,)
NOT_SEEN = (0.0, 0.05, 0.3, 0.6)
LABELS = {name: ATTRIBUTES[name] for name in ("gender", "age_band")}


@dataclass(frozen=True, slots=True)
class Withheld:
    """Shares that the privacy rule withholds: of the visits with a verdict on gender, those whose gender is not told;
    the same for the age band; and of all visits, those of which is not told how many were described. ``late_h``: mean
    delay in hours."""

    gender: float
    age_band: float
    described: float
    late_h: float


def measure(visits: int, hours: Sequence[int], days: int, not_seen: float = 0.0) -> Withheld:
    """Measure a shop with so many visits a day, of which the share ``not_seen`` is never described."""
    rng = np.random.default_rng(7)
    rule, told, true, delays = CohortRule(k=K, profile="demographics"), Counter[str](), Counter[str](), []
    for _ in range(days):
        waiting: list[float] = []
        for minute in range(60 * (CLOSES - OPENS)):
            came = int(rng.poisson(visits / (60 * (CLOSES - OPENS))))
            until = OPENS + (minute + 1) / 60
            window = crowd(rng, came, not_seen).window(minute, closing=until == CLOSES, due=until in hours)
            waiting += [until] * came
            true["described"] += came
            for labels, count in window.breakdown.items():
                for name, label in zip(ATTRIBUTES, labels, strict=True):
                    true[name] += count if label in ATTRIBUTES[name] else 0
            cohort = rule.release(window).cohort
            if cohort is not None:
                delays += [until - at for at in waiting]
                waiting = []
                for name, labels_of in LABELS.items():
                    told[name] += sum(cohort.lists()[name][label] or 0 for label in labels_of)
                told["described"] += 0 if cohort.described is None else cohort.visits
    gender, age_band, described = (1 - told[name] / true[name] for name in (*LABELS, "described"))
    return Withheld(gender, age_band, described, float(np.mean(delays)))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cohorts",
        description="Measure how much is withheld, and how late it comes.",
    )
    parser.add_argument(
        "--visits", type=int, default=1200, help="visits of each shop, over all days (%(default)s)"
    )
    options = parser.parse_args(argv)
    by_hours = _table("gender withheld, age withheld, mean delay")
    for hours in HOURS:
        by_hours.add_column(
            " ".join(map(str, hours)) if len(hours) < 4 else "hourly", justify="right", no_wrap=True
        )
    by_share = _table("gender withheld, age withheld, described withheld, by share of visits not seen")
    for share in NOT_SEEN:
        by_share.add_column(f"{share:.0%}", justify="right", no_wrap=True)
    for visits in (20, 60, 200, 1000):
        days = max(4, options.visits // visits)
        rows = [measure(visits, hours, days) for hours in HOURS]
        by_hours.add_row(
            str(visits), *(f"{one.gender:.0%} {one.age_band:.0%} {one.late_h:.1f} h" for one in rows)
        )
        rows = [measure(visits, USUAL, days, share) for share in NOT_SEEN]
        by_share.add_row(
            str(visits), *(f"{one.gender:.0%} {one.age_band:.0%} {one.described:.0%}" for one in rows)
        )
    console = Console(width=140)
    console.print(by_hours)
    console.print(by_share)
    return 0


def _table(title: str) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("visits a day")
    return table


if __name__ == "__main__":
    sys.exit(main())
