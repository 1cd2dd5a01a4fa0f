"""What withholding does to means: what devices tell of simulated shops, beside what all of their visitors did.

    python -m benchmarks.withheld --shops 10 --days 28 --seed 1

Each camera is compared with itself, so that a small shop, of which less is told, does not count as a difference. The
second table judges the interval of the interest: of how many days it holds the mean of all days of the camera.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import mean

import numpy as np
from rich.console import Console
from rich.table import Table

from cloud.domain.place_tally import place_tally
from cloud.domain.time_bins import Interest
from cloud.simulation.chain import KINDS, Camera, make_sites
from cloud.simulation.device import Device, DeviceDay, Release
from cloud.simulation.faults import Faults
from cloud.simulation.places import PLANS
from cloud.simulation.visitors import known_eyes, visitors
from common.vocabulary import LOOK_MOST_S
from common.wire import Cohort, WindowMessage

_FIRST, _UNTIL = date(2026, 3, 2), datetime(2027, 1, 1, tzinfo=UTC)
_CAMERA = Camera("shelf", "display", 0.5)
_TARGETS = PLANS["display"].targets

Told = tuple[float, int]
"""A sum of seconds, and of how many visits it is."""


@dataclass(slots=True)
class Found:
    """What one camera told on all days. ``told``: by name, the sums that cohorts tell. ``all``: the seconds of all
    visits that they are about. ``interest``: what each day tells, by target."""

    told: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    all: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    interest: dict[str, list[Interest]] = field(default_factory=lambda: defaultdict(list))

    def really_s(self, name: str) -> float:
        """Return the true mean."""
        return mean(self.all[name])

    def holds(self) -> Iterator[bool]:
        """Tell of each day and target whether the interval of the interest has the true mean."""
        for name, days in self.interest.items():
            for one in days:
                if one.interval is not None:
                    yield one.interval.low <= self.really_s(name) <= one.interval.high


def measure(shops: int, days: int, seed: int) -> list[Found]:
    """Simulate a camera at the shelf of each of so many shops."""
    dates = [_FIRST + timedelta(days=number) for number in range(days)]
    sites = make_sites(8 * shops, dates, seed)
    busy = [name for name, one in sites.characters.items() if one.kind is not KINDS["corner"]][:shops]
    release, found = Release("0.1.0", "1", known_eyes()[-1]), []
    for number, name in enumerate(busy):
        site, character = sites.chain.sites[name], sites.characters[name]
        rng = np.random.default_rng([seed, number])
        device = Device(_CAMERA, site, character, Faults(), window_s=900, until=_UNTIL, rng=rng)
        camera = Found()
        for day in dates:
            people = visitors(rng, character, site, day, _CAMERA.sees)
            _add(camera, device.day(day, people, release))
        found.append(camera)
    return found


def _add(camera: Found, day: DeviceDay) -> None:
    messages = [one.message for one in day.arrivals if isinstance(one.message, WindowMessage)]
    cohorts = [one.cohort for one in messages if one.cohort is not None]
    for cohort in cohorts:
        for name, sum_s, visits in _sums(cohort):
            if sum_s is not None and visits is not None:
                camera.told[name].append((sum_s, visits))
    for name, seconds in _really(day):
        camera.all[name].append(seconds)
    for name, target in place_tally(cohorts).targets.items():
        if target.interest is not None:
            camera.interest[f"interest {name}"].append(target.interest)


def _sums(cohort: Cohort) -> Iterator[tuple[str, float | None, int | None]]:
    """Yield each sum of times that a cohort may tell, and of how many visits it is."""
    yield "dwell", cohort.dwell_sum_s, cohort.visits
    yield "attention", cohort.attention_sum_s, cohort.visits
    for name, zone in cohort.zones.items():
        if zone.queue is None:
            yield f"stay {name}", zone.dwell_sum_s, zone.visits
        else:
            yield f"wait {name}", zone.queue.waiting_sum_s, zone.queue.waits
    for name, target in cohort.targets.items():
        yield f"interest {name}", target.attention_sum_s, target.passers
    for name, clip in cohort.clips.items():
        yield f"clip {name}", clip.shown.attention_sum_s, clip.shown.visits
        if clip.held is not None:
            yield f"clip {name} held out", clip.held.attention_sum_s, clip.held.visits


def _really(day: DeviceDay) -> Iterator[tuple[str, float]]:
    """Yield what each visit adds to each of these sums."""
    people = day.counted
    for one, shown, dwell_s, attention_s in zip(
        people.places, people.shown, people.dwell_s.tolist(), people.attention_s.tolist(), strict=True
    ):
        yield "dwell", dwell_s
        yield "attention", min(attention_s, LOOK_MOST_S)
        for name, seconds in one.stays.items():
            yield f"stay {name}", seconds
        for name, wait in one.waits.items():
            yield f"wait {name}", wait.seconds
        for name, zone in _TARGETS.items():
            if zone is None or zone in one.stays:
                yield f"interest {name}", min(one.looks.get(name, 0.0), LOOK_MOST_S)
        if shown is not None:
            yield f"clip {shown.clip}{' held out' * shown.held}", min(shown.looked_s, LOOK_MOST_S)


def difference(found: Sequence[Found], name: str) -> float | None:
    """Return by how much the mean of what is told differs from that of all: 0.01 is 1 % more; None if nothing is."""
    told = [(one, *each) for one in found for each in one.told[name]]
    expected_s = sum(visits * one.really_s(name) for one, _, visits in told)
    return sum(sum_s for _, sum_s, _ in told) / expected_s - 1 if expected_s else None


def share_told(found: Sequence[Found], name: str) -> float:
    """Return the share of the visits of a sum of which it is told."""
    visits = sum(len(one.all[name]) for one in found)
    return sum(count for one in found for _, count in one.told[name]) / visits if visits else 0.0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.withheld", description="What withholding does to means."
    )
    parser.add_argument("--shops", type=int, default=10)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print figures for programs")
    options = parser.parse_args(argv)
    found = measure(options.shops, options.days, options.seed)
    names = sorted({name for one in found for name in one.told})
    rows = {name: (share_told(found, name), difference(found, name)) for name in names}
    held = [holds for one in found for holds in one.holds()]
    console = Console()
    if options.json:
        console.print_json(json.dumps({"means": rows, "days": len(held), "held": mean(held)}))
        return 0
    table = Table("mean of", "of visits", "told against all")
    for name, (share, change) in rows.items():
        table.add_row(name, f"{share:.0%}", "-" if change is None else f"{change:+.1%}")
    console.print(table)
    console.print(f"interest: {mean(held):.1%} of {len(held)} days and targets hold the true mean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
