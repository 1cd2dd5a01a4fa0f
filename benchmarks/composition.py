"""``python -m benchmarks.composition``: what all that a day publishes, together, tells a reader who knows the rule.

Random days of shops with everything that can be published go through the device's own aggregation and privacy rule.
Then readers attack each day as a whole (``tests.support.other_days``), and weigh what they believe of one person
(``tests.support.posterior``): without knowing any visit, with their own visit, and with that of nine accomplices, too.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from common import wire
from common.vocabulary import ATTRIBUTES, NOT_SEEN, UNKNOWN
from tests.support.days import Shop, Told, draw_day
from tests.support.other_days import Reader, remember_times
from tests.support.posterior import beliefs, bound

RATES = (12, 25, 50, 100, 200)
NOT_SEEN_SHARES = (0.0, 0.05, 0.3, 0.6)
READERS: dict[str, int] = {"own visit and nine accomplices": 10, "own visit": 1, "nothing but the rule": 0}
"""Who reads, and how many visits of a cohort they know. Days that the first finds serve the others, too."""
FEW = [name for name, many in READERS.items() if many <= 1]
"""Readers who know the rule and at most their own visit."""
SURE = (0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(slots=True)
class Result:
    """What some days told, by reader. ``worst``: for each attribute the highest belief in a verdict on one person, what
    it was before, and visits of the cohort; ``sure``: lists in which it was above each of ``SURE``; ``exceeded``: lists
    in which it was above the bound that is stated."""

    days: int = 0
    cohorts: int = 0
    cells: Counter[str] = field(default_factory=Counter)
    by_system: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)
    beliefs: Counter[str] = field(default_factory=Counter)
    sure: Counter[str] = field(default_factory=Counter)
    certain: Counter[str] = field(default_factory=Counter)
    unweighed: int = 0
    exceeded: list[str] = field(default_factory=list)
    worst: dict[str, tuple[float, float, int]] = field(default_factory=dict)

    def found(self, readers: Collection[str]) -> list[str]:
        """Return the names of the cells that these readers know."""
        return [name for name in self.names if name.split(": ")[0].partition(", ")[2] in readers]

    def add(self, other: Result) -> None:
        self.days += other.days
        self.cohorts += other.cohorts
        self.unweighed += other.unweighed
        self.names += other.names
        self.exceeded += other.exceeded
        for name in ("cells", "by_system", "known", "beliefs", "sure", "certain"):
            getattr(self, name).update(getattr(other, name))
        for key, one in other.worst.items():
            self.worst[key] = max(one, self.worst.get(key, one))


def measure_day(number: int, *, seed: int, k: int, rates: Sequence[float], cells: bool = True) -> Result:
    """Draw one day and attack it. ``cells`` False: only the beliefs, which is faster."""
    rng = np.random.default_rng((seed, number))
    shop = Shop(float(rates[number % len(rates)]), float(rng.choice(NOT_SEEN_SHARES)), k)
    result = Result(days=1)
    for told in draw_day(rng, shop).cohorts:
        result.cohorts += 1
        order = rng.permutation(len(told.people)).tolist()
        reader = Reader(told, k, rng) if cells else None
        for name, many in READERS.items():
            known = order[:many]
            if reader is not None:
                seen = reader.read(known)
                result.cells[name] += len(seen.cells)
                result.by_system[name] += len(seen.left) - len(seen.known)
                result.known[name] += len(seen.known)
                result.names += [f"day {number}, {name}: {cell}" for cell in sorted(seen.known)]
            result.add(_believed(name, told, shop, [told.people[n].labels for n in known], number))
    return result


def _believed(
    reader: str, told: Told, shop: Shop, known: Sequence[tuple[str, str, str]], number: int
) -> Result:
    result = Result()
    if len(known) >= len(told.people):
        return result  # there is nobody left of whom anything could be learnt
    for place, attribute in enumerate(ATTRIBUTES):
        mine = Counter(labels[place] for labels in known)
        others = [one.labels[place] for one in told.people]
        if not sum(
            (Counter(others) - mine - Counter({UNKNOWN: len(others), NOT_SEEN: len(others)})).values()
        ):
            continue  # nor anybody with a verdict
        belief = beliefs(told.cohort, attribute, shop.k, shop.not_seen, mine)
        if belief is None:
            result.unweighed += 1
            continue
        key = f"{reader}, {attribute}"
        result.beliefs[key] += 1
        result.certain[key] += belief.after > 1 - 1e-9
        result.sure.update(f"{key}, {least}" for least in SURE if belief.after > least)
        result.worst[key] = belief.after, belief.before, len(told.people)
        cells: wire.Cells = getattr(told.cohort, attribute)
        if belief.after > bound(cells, attribute, shop.k, mine) + 1e-9:
            result.exceeded.append(f"day {number}, {key}: {belief.after:.3f} {belief.label} of {cells}")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.composition",
        description="Attack all that a day publishes as one system, over random days.",
    )
    parser.add_argument("--days", type=int, default=10_000, help="how many (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first day (%(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop after so many (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--k", type=int, default=5, help="smallest cohort and cell (%(default)s)")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="visits a day (%(default)s)")
    parser.add_argument("--beliefs-only", action="store_true", help="leave out the cells, which is faster")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(argv)
    one_day = partial(
        measure_day, seed=options.seed, k=options.k, rates=options.rates, cells=not options.beliefs_only
    )
    total, console = Result(), Console(stderr=True)
    until_s = time.monotonic() + 60 * options.minutes
    with ProcessPoolExecutor(options.processes, initializer=remember_times) as pool:
        days = pool.map(one_day, range(options.first, options.first + options.days))
        for result in track(days, "Days", total=options.days, console=console):
            total.add(result)
            for name in result.found(FEW):
                console.print(f"known: {name}", highlight=False)
            if time.monotonic() > until_s:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    if options.json:
        sys.stdout.write(json.dumps(_plain(total), indent=1) + "\n")
    else:
        _print(total, Console(width=140))
    return int(bool(total.exceeded) or bool(total.found(FEW)))


def _plain(total: Result) -> dict[str, Any]:
    return {one.name: getattr(total, one.name) for one in fields(total)}


def _print(total: Result, console: Console) -> None:
    table = Table(title=f"{total.days} days, {total.cohorts} cohorts: small withheld cells", box=SIMPLE_HEAD)
    for column in (
        "the reader knows",
        "cells",
        "open by another day",
        "open by the system of times",
        "known",
    ):
        table.add_column(column, justify="left" if column == "the reader knows" else "right")
    for name in reversed(READERS):
        cells, known, by_system = total.cells[name], total.known[name], total.by_system[name]
        table.add_row(name, *map(str, (cells, cells - known - by_system, by_system, known)))
    console.print(table)
    table = Table(
        title="the likeliest verdict on one person: lists in which a reader is that sure", box=SIMPLE_HEAD
    )
    for column in (
        "the reader knows",
        "attribute",
        "lists",
        *(f"> {least:.0%}" for least in SURE),
        "certain",
        "most",
        "before",
        "odds",
    ):
        table.add_column(column, justify="right")
    for name in reversed(READERS):
        for attribute in ATTRIBUTES:
            key = f"{name}, {attribute}"
            if key in total.worst:
                after, before, _ = total.worst[key]
                odds = math.inf if after >= 1 else after / (1 - after) / (before / (1 - before))
                shares = (f"{total.sure[f'{key}, {least}']}" for least in SURE)
                table.add_row(
                    name,
                    attribute,
                    str(total.beliefs[key]),
                    *shares,
                    str(total.certain[key]),
                    f"{after:.3f}",
                    f"{before:.3f}",
                    f"x {odds:.1f}",
                )
    console.print(table)
    console.print(f"{total.unweighed} lists had too many possible worlds to be weighed")
    console.print(f"{len(total.exceeded)} beliefs above the stated bound")
    for name in (*total.names[:20], *total.exceeded[:20]):
        console.print(name)


if __name__ == "__main__":
    sys.exit(main())
