"""``python -m benchmarks.noise``: what differential privacy would cost in accuracy, beside what the privacy rule costs.

Days of made-up shops, divided into cohorts as the device does it. The lists of gender, age band and expression of each
cohort are told by the rule, or with noise and without the rule, as a device with a budget does it. The second is
epsilon-differentially private (Dwork et al. 2006) for a visit whose three verdicts change: each list then changes in
two cells by one, so each gets discrete Laplace noise (Ghosh et al. 2009) of scale ``2 * 3 / epsilon``. The number of
visits is exact, and not covered.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cloud.domain.noise import projected
from common.vocabulary import ATTRIBUTES, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire import noise_scale
from edge.vision.privacy import MAX_COHORT, MIN_COHORT
from tests.support.crowds import SEEN, SHARES, K, crowd

VISITS = (20, 60, 200, 1000)
BUDGETS = (0.5, 1.0, 2.0, 4.0)
MORNING = 0.3
"""The share of visits by noon in a shop that is open from 9 to 19."""

Counts = NDArray[np.float64]
"""Visits by label: the verdicts of an attribute, then ``UNKNOWN`` and ``NOT_SEEN``."""
LABELS = {name: (*labels, NOT_SEEN) for name, labels in SEEN.items()}


@dataclass(frozen=True, slots=True)
class Error:
    """Mean differences of the shares of verdicts, in percentage points. ``chance``: between the visits of these days
    and what is usual in the shop. ``rule``: between these visits and what the rule tells of them if what it withholds,
    the share ``withheld`` of the verdicts, is divided evenly. ``noise``: the same for what noise tells, by budget.
    ``early``: the same if each cohort is made whole and not negative by itself, and not the sum of all of them."""

    chance: float
    withheld: float
    rule: float
    noise: Mapping[float, float]
    early: Mapping[float, float]


def laplace(rng: np.random.Generator, scale: float, size: int) -> Counts:
    """Draw whole numbers with probability proportional to ``exp(-abs(x) / scale)``, faster than the device does it.
    Good for figures, not for secrets: its random numbers can be guessed."""
    stop = 1 - np.exp(-1 / scale)
    noise: Counts = np.subtract(*rng.geometric(stop, (2, size)), dtype=float)
    return noise


def scale_of(budget: float) -> float:
    """Return the scale of the noise in each cell. ``budget`` is that of one visit, which is in one cohort alone."""
    return float(noise_scale(budget, len(ATTRIBUTES)))


def sizes(rng: np.random.Generator, visits: float) -> Iterator[int]:
    """Yield how many visits are in each cohort of a day: at noon, at closing time, and whenever enough wait."""
    waiting = 0
    for share, least in ((MORNING, MIN_COHORT * K), (1 - MORNING, K)):
        waiting += int(rng.poisson(share * visits))
        while waiting >= MAX_COHORT:
            yield MAX_COHORT
            waiting -= MAX_COHORT
        if waiting >= least:
            yield waiting
            waiting = 0


def measure(visits: float, days: int, times: int, not_seen: float = 0.0, seed: int = 1) -> dict[str, Error]:
    """Measure the shares of so many ``days``, so many ``times``, by attribute. ``visits`` are those of a day, of which
    the share ``not_seen`` is never described."""
    rng = np.random.default_rng((seed, int(visits), days))
    seen = [_Told.of_days(rng, visits, days, not_seen) for _ in range(times)]
    return {name: _error(name, [one[name] for one in seen]) for name in ATTRIBUTES}


@dataclass(slots=True)
class _Told:
    """One attribute over some days. ``withheld``: the verdicts that the rule does not tell."""

    true: Counts
    rule: Counts
    noise: dict[float, Counts]
    early: dict[float, Counts]
    visits: int = 0
    withheld: int = 0

    @classmethod
    def of_days(cls, rng: np.random.Generator, visits: float, days: int, not_seen: float) -> dict[str, _Told]:
        found = {name: cls.nothing(len(labels)) for name, labels in LABELS.items()}
        for _ in range(days):
            for size in sizes(rng, visits):
                people = crowd(rng, size, not_seen)
                lists = people.published().lists()
                for place, (name, labels) in enumerate(LABELS.items()):
                    counts = dict.fromkeys(labels, 0)
                    for triple, count in people.breakdown.items():
                        counts[triple[place]] += count
                    found[name].add(rng, counts, lists[name])
        return found

    @classmethod
    def nothing(cls, labels: int) -> _Told:
        noise, early = ({budget: np.zeros(labels) for budget in BUDGETS} for _ in range(2))
        return cls(np.zeros(labels), np.zeros(labels), noise, early)

    def add(
        self, rng: np.random.Generator, counts: Mapping[str, int], cells: Mapping[str, int | None]
    ) -> None:
        """Add one cohort."""
        true = np.array(list(counts.values()), float)
        self.true += true
        self.visits += int(true.sum())
        self.rule += _read(cells, list(counts), int(true.sum()))
        self.withheld += sum(
            count for label, count in counts.items() if cells.get(label, 0) is None and label != UNKNOWN
        )
        for budget in BUDGETS:
            noisy = true + laplace(rng, scale_of(budget), len(true))
            self.noise[budget] += noisy
            self.early[budget] += projected(noisy.tolist(), true.sum())


def _read(cells: Mapping[str, int | None], labels: Sequence[str], visits: int) -> Counts:
    """Read a list as well as it can be: what it withholds is told as a sum, and is divided evenly."""
    unknown = cells.get(NO_VERDICT, cells.get(UNKNOWN))
    told = [unknown if label == UNKNOWN else cells.get(label, 0) for label in labels]
    known = np.array([np.nan if count is None else count for count in told])
    hidden = np.isnan(known)
    known[hidden] = (visits - np.nansum(known)) / max(1, hidden.sum())
    return known


def _error(name: str, told: Sequence[_Told]) -> Error:
    told = [one for one in told if _verdicts(one.true).sum()]
    usual = _shares(np.array([*SHARES[name], 0.0]))
    true = [_shares(one.true) for one in told]

    def differ(others: Iterable[Counts]) -> float:
        return 100 * float(
            np.mean([np.abs(_shares(other) - own) for other, own in zip(others, true, strict=True)])
        )

    return Error(
        chance=100 * float(np.mean([np.abs(one - usual) for one in true])),
        withheld=sum(one.withheld for one in told) / float(sum(_verdicts(one.true).sum() for one in told)),
        rule=differ(one.rule for one in told),
        noise={
            budget: differ(np.array(projected(one.noise[budget].tolist(), one.visits)) for one in told)
            for budget in BUDGETS
        },
        early={budget: differ(one.early[budget] for one in told) for budget in BUDGETS},
    )


def _verdicts(counts: Counts) -> Counts:
    return counts[:-2]


def _shares(counts: Counts) -> Counts:
    """Return the shares of the verdicts; equal ones if none is told."""
    verdicts = _verdicts(counts)
    return verdicts / verdicts.sum() if verdicts.sum() else np.full(len(verdicts), 1 / len(verdicts))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.noise", description="What differential privacy would cost in accuracy."
    )
    parser.add_argument("--days", type=int, nargs="+", default=(1, 7), help="of which shares are taken")
    parser.add_argument("--times", type=int, default=40, help="how often each is measured (%(default)s)")
    parser.add_argument("--not-seen", type=float, default=0.0, help="share of visits not seen (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print figures for programs")
    options = parser.parse_args(argv)
    found = {
        (days, visits): measure(visits, days, options.times, options.not_seen, options.seed)
        for days, visits in track(list(product(options.days, VISITS)), "Shops", console=Console(stderr=True))
    }
    if options.json:
        rows = [
            {"days": days, "visits": visits, "attribute": name, **asdict(error)}
            for (days, visits), errors in found.items()
            for name, error in errors.items()
        ]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        for name in ATTRIBUTES:
            Console(width=140).print(_table(name, {key: errors[name] for key, errors in found.items()}))
    return 0


def _table(name: str, errors: Mapping[tuple[int, float], Error]) -> Table:
    table = Table(title=f"{name}: error of a share, in percentage points", box=SIMPLE_HEAD)
    budgets = [f"budget {budget:g}" for budget in BUDGETS]
    for column in ("days", "visits a day", "chance", "withheld", "rule", *budgets, "early, same budgets"):
        table.add_column(column, justify="right")
    for (days, visits), one in errors.items():
        early = " ".join(f"{value:.1f}" for value in one.early.values())
        noise = (f"{value:.1f}" for value in one.noise.values())
        table.add_row(
            str(days),
            f"{visits:g}",
            f"{one.chance:.1f}",
            f"{one.withheld:.0%}",
            f"{one.rule:.1f}",
            *noise,
            early,
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
