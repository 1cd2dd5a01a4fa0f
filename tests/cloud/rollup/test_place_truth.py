"""Doors and places of a simulated chain, through InfluxDB and the rollup, beside what its visitors really did."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.domain.tally import Tally
from cloud.rollup.comparisons import comparison_points
from cloud.simulation.fleet import Truth
from cloud.stores.tallies import InfluxTallies
from cloud.stores.window_tallies import WindowTallies
from tests.cloud.rollup.both_stores import Both
from tests.cloud.simulation.fleets import LAST_DAY, NOON, fleet, truths, windows
from tests.support.influxdb import InfluxDB

pytestmark = [pytest.mark.influxdb, pytest.mark.slow]


def test_the_rollup_knows_what_happened_at_doors_and_in_places(influxdb: InfluxDB, tmp_path: Path) -> None:
    simulated = fleet(sites=4, days=2, now=NOON + timedelta(days=1))
    days = list(simulated.site_days())
    first = LAST_DAY - timedelta(days=1)
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        both.write(windows(days))
        both.roll_up(simulated.chain, first, LAST_DAY, NOON + timedelta(days=4))
        levels, embedded = InfluxTallies(both.influxql), WindowTallies(both.embedded, simulated.chain)
        found: dict[object, Tally] = {}
        for role in simulated.chain.roles:
            sites = list(simulated.chain.with_role(role))
            counted = levels.tallies(sites, first, LAST_DAY, role)
            assert counted == embedded.tallies(sites, first, LAST_DAY, role)
            found |= {(one.site, one.day, role): one for one in counted}
        compared = list(comparison_points(levels, simulated.chain, LAST_DAY))
    for metric in ("entries_per_open_hour", "capture_rate"):
        assert any(f",metric={metric}," in point for point in compared)
    pairs = [
        (truth, found[key])
        for truth in truths(days)
        if truth.visits and (key := (truth.site, truth.day, truth.role)) in found
    ]
    assert {truth.role for truth, _ in pairs} == {"entrance", "display"}
    for truth, tally in pairs:
        if truth.role == "entrance":
            _check_doors(truth, tally)
    _check_places([pair for pair in pairs if pair[0].role == "display"])


def _check_doors(truth: Truth, tally: Tally) -> None:
    (door,) = truth.places["doors"].values()
    assert tally.doors is not None
    assert {name: getattr(tally.doors, name) for name in door} == door
    assert tally.doors.capture_rate == door["entries"] / (door["entries"] + door["passers"])


def _check_places(pairs: list[tuple[Truth, Tally]]) -> None:
    """Cohorts withhold a part, and hold some visits of the staff, so means are compared."""
    told, true = defaultdict[str, float](float), defaultdict[str, float](float)
    tea = [tally.places.targets["tea"] for _, tally in pairs if "tea" in tally.places.targets]
    for truth, tally in pairs:
        for name, zone in tally.places.zones.items():
            told[f"{name} visits"] += zone.visits
            told[f"{name} dwell"] += zone.dwell_sum_s
            told[f"{name} of"] += zone.dwell_visits
            true[f"{name} visits"] += truth.places["zones"][name]["visits"]
            true[f"{name} dwell"] += truth.places["zones"][name]["dwell_sum_s"]
        for name, queue in tally.places.queues.items():
            told["waiting"] += queue.waiting_sum_s
            told["waiting of"] += queue.waiting_visits
            true["waiting"] += truth.places["zones"][name]["waiting_sum_s"]
            true["waits"] += truth.places["zones"][name]["waits"]
        for name in tally.places.targets:
            true[name] += truth.places["targets"][name]["attention_sum_s"]
    assert 0.3 * true["shelf visits"] < told["shelf visits"] < 1.1 * true["shelf visits"]
    assert told["shelf dwell"] / told["shelf of"] == pytest.approx(
        true["shelf dwell"] / true["shelf visits"], rel=0.1
    )
    assert told["waiting"] / told["waiting of"] == pytest.approx(true["waiting"] / true["waits"], rel=0.1)
    really = true["tea"] / true["shelf visits"]
    interest = sum(tea[1:], tea[0]).interest
    assert interest is not None
    assert interest.interval is not None
    assert interest.interval.low <= really <= interest.interval.high
    assert interest.mean_s == pytest.approx(really, rel=0.25)
