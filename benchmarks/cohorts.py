"""``python -m benchmarks.cohorts``: how much is withheld and how late it comes, depending on the release hours.

The device's own rule over days of shops that are open from 9 to 19, with visits spread evenly over the day.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from edge.vision.privacy import CohortRule
from tests.support.reader import K, crowd

OPENS, CLOSES = 9, 19
HOURS: tuple[tuple[int, ...], ...] = ((), (12,), (12, 15), (12, 15, 18), tuple(range(10, 19)))


def measure(visits: int, hours: Sequence[int], days: int) -> tuple[float, float, float]:
    """Measure the shares of visits whose gender and whose age band are withheld, and the mean delay in hours."""
    rng = np.random.default_rng(7)
    rule, told, delays, counted = CohortRule(k=K, profile="demographics"), Counter[str](), [], 0
    for _ in range(days):
        waiting: list[float] = []
        for minute in range(60 * (CLOSES - OPENS)):
            came = int(rng.poisson(visits / (60 * (CLOSES - OPENS))))
            until = OPENS + (minute + 1) / 60
            window = crowd(rng, came).window(minute, closing=until == CLOSES, due=until in hours)
            waiting += [until] * came
            counted += came
            cohort = rule.release(window).cohort
            if cohort is not None:
                delays += [until - at for at in waiting]
                waiting = []
                for name in ("gender", "age_band"):
                    told[name] += sum(count or 0 for count in cohort.lists()[name].values())
    return 1 - told["gender"] / counted, 1 - told["age_band"] / counted, float(np.mean(delays))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cohorts",
        description="Measure how much is withheld, and how late it comes.",
    )
    parser.add_argument(
        "--visits", type=int, default=1200, help="visits of each shop, over all days (%(default)s)"
    )
    options = parser.parse_args(argv)
    shown = Table(title="gender withheld, age withheld, mean delay", box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("visits a day")
    for hours in HOURS:
        shown.add_column(
            " ".join(map(str, hours)) if len(hours) < 4 else "hourly", justify="right", no_wrap=True
        )
    for visits in (20, 60, 200, 1000):
        rows = [measure(visits, hours, max(4, options.visits // visits)) for hours in HOURS]
        shown.add_row(str(visits), *(f"{gender:.0%} {age:.0%} {late:.1f} h" for gender, age, late in rows))
    Console(width=140).print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
