"""``python -m benchmarks.re_entries``: how wrong the estimate of people who come in again is, on simulated days.

People arrive at a door as they do in a shop: few in the morning, many at noon and after work, some in groups. They
stay for a while, leave together, and a share of them comes back within the time that is asked about. The estimate sees
the totals of the windows only: entries, exits and groups of each minute. **Bias**: mean error a day. **±**: half of the
95 % interval that is told with it. **Held**: share of the days, and of the sums over four weeks, whose interval holds
the truth.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cloud.domain.re_entries import WITHIN_S, ReEntries, re_entries
from common.command_line import positive
from common.wire import Coverage, Door, Totals, WindowMessage

Json = dict[str, Any]

ENTRIES = (50, 150, 500)
SHARES = (0.0, 0.05, 0.15)
DAYS_OF_A_SUM = 28
OPENS = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTES = 14 * 60
Z_95 = 1.96

_HOURS = np.array([0.4, 0.6, 0.8, 1.2, 1.4, 1.1, 0.9, 1.0, 1.4, 1.2])
"""Arrivals by hour of a day of ten hours, relative to the mean."""
_STAY_S, _PARTY = (600.0, 0.8), (0.7, 0.25, 0.05)
"""Median and spread of the stay; shares of people alone, in twos and in threes."""


def day(
    rng: np.random.Generator, entries: int, share: float
) -> tuple[list[tuple[float, bool]], list[float], int]:
    """Return the crossings of a day as (second, inwards), the seconds at which parties enter, and how many people came
    in again in time."""
    parties = rng.poisson(entries / np.dot(_PARTY, (1, 2, 3)))
    hour = rng.choice(len(_HOURS), parties, p=_HOURS / _HOURS.sum())
    crossings: list[tuple[float, bool]] = []
    entered: list[float] = []
    back = 0
    for came_s in 3600 * (hour + rng.random(parties)):
        people = 1 + int(rng.choice(3, p=_PARTY))
        entered.append(came_s)
        left_s = came_s + _STAY_S[0] * math.exp(_STAY_S[1] * rng.normal())
        times = [(came_s, True), (left_s, False)]
        if rng.random() < share:
            back_s = left_s + rng.uniform(60.0, 0.95 * WITHIN_S)
            times += [(back_s, True), (back_s + _STAY_S[0] * math.exp(_STAY_S[1] * rng.normal()), False)]
            back += people
            entered.append(back_s)
        crossings += [
            (at_s + rng.uniform(0.0, 1.5), inwards) for at_s, inwards in times for _ in range(people)
        ]
    return crossings, entered, back


def windows(crossings: Sequence[tuple[float, bool]], parties: Sequence[float]) -> list[WindowMessage]:
    """Return the windows of the day, as a device would send them; ``parties`` are the seconds at which one enters."""
    counts = np.zeros((3, MINUTES), int)
    for row, seconds in enumerate(
        ([s for s, inwards in crossings if inwards], [s for s, inwards in crossings if not inwards], parties)
    ):
        minutes = np.array(seconds, float).astype(int) // 60
        np.add.at(counts[row], minutes[minutes < MINUTES], 1)
    return [
        WindowMessage.model_construct(
            device="door",
            camera="main",
            start=OPENS + timedelta(minutes=minute),
            duration_s=60,
            totals=Totals.model_construct(
                doors={
                    "street": Door.model_construct(
                        entries=e, exits=x, passers=0, groups=min(e, max(g, 1 if e else 0))
                    )
                }
            ),
            coverage=Coverage.model_construct(share=1.0),
        )
        for minute, (e, x, g) in enumerate(counts.T.tolist())
    ]


def measure(entries: int, share: float, days: int, seed: int) -> Json:
    """Simulate days and compare."""
    rng = np.random.default_rng([seed, entries, round(100 * share)])
    truth, found, variance = np.zeros(days), np.zeros(days), np.zeros(days)
    for which in range(days):
        crossings, parties, truth[which] = day(rng, entries, share)
        total = sum(re_entries(windows(crossings, parties)).values(), ReEntries())
        found[which], variance[which] = total.people, total.variance
    sums = [part.reshape(-1, DAYS_OF_A_SUM).sum(1) for part in (truth, found, variance)]
    return {
        "entries": entries,
        "share": share,
        "truth": round(float(truth.mean()), 1),
        "bias": round(float((found - truth).mean()), 1),
        "error": round(float(Z_95 * np.sqrt(variance).mean()), 1),
        "held_percent": _held(truth, found, variance),
        "error_of_sum_percent": round(
            float(100 * Z_95 * np.sqrt(sums[2]).mean() / (DAYS_OF_A_SUM * entries)), 1
        ),
        "held_of_sum_percent": _held(*sums),
    }


def _held(truth: np.ndarray, found: np.ndarray, variance: np.ndarray) -> float:
    return round(100 * float((abs(found - truth) <= Z_95 * np.sqrt(variance)).mean()), 1)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.re_entries",
        description="Measure the error of the estimate of people who come in again.",
    )
    parser.add_argument(
        "--sums", type=positive, default=10, help="simulated spans of four weeks (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    rows = [
        measure(entries, share, options.sums * DAYS_OF_A_SUM, options.seed)
        for entries in ENTRIES
        for share in SHARES
    ]
    if options.json:
        print(json.dumps({"within_s": WITHIN_S, "rows": rows}, indent=2))
        return 0
    shown = Table(title=f"back within {WITHIN_S:g} s", box=SIMPLE_HEAD, pad_edge=False)
    for heading in (
        "entries",
        "come back",
        "truth",
        "bias",
        "± a day",
        "held %",
        "± 4 weeks, % of entries",
        "held %",
    ):
        shown.add_column(heading, justify="right")
    for row in rows:
        shown.add_row(*(str(value) for value in row.values()))
    Console().print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
