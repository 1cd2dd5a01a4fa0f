"""What a cohort tells of clips, and a reader who tries all small shops that are published alike."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from common import wire
from edge.place_types import ClipCounts, Shown, TimeCounts, time
from edge.types import Verdict, Visit, WindowAggregate
from edge.vision.aggregate import Aggregator
from edge.vision.clip_privacy import ClipPlan, Side, tell_counts
from edge.vision.place_privacy import Plan
from edge.vision.privacy import CohortRule
from edge.vision.waiting import Waiting

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DISPLAY = ClipPlan(clips=("brand", "scarf"), suited=frozenset({"scarf"}))
PLAN = Plan(display=DISPLAY, version="1")
SHOWN, HELD, BRAND = ("scarf", False), ("scarf", True), ("brand", False)


def visit(side: Side | None, looked_s: float = 0.0, gender: str = "female") -> Visit:
    shown = None if side is None else Shown(*side, looked_s=looked_s, first=True, seconds=10.0)
    labels = {"gender": gender, "age_band": "25-34", "expression": "neutral"}
    return Visit(
        NOON,
        NOON,
        dwell_s=20.0,
        attention_s=looked_s,
        viewer=looked_s > 0,
        described=True,
        attributes={name: Verdict(label, 0.9) for name, label in labels.items()},
        shown=shown,
    )


def window(visits: list[Visit]) -> WindowAggregate:
    aggregator = Aggregator(window_s=60)
    aggregator.observe(NOON, 0.0, 1, 0)
    for one in visits:
        aggregator.add(one)
    (last,) = aggregator.close()
    return last


def published(visits: list[Visit], k: int = 5, plan: Plan = PLAN) -> wire.Cohort:
    cohort = CohortRule(k=k, profile="demographics", plan=plan).release(window(visits)).cohort
    assert cohort is not None
    cohort.check(k, "demographics")
    return cohort


def sides(cohort: wire.Cohort) -> dict[Side, wire.Watched]:
    found = {(name, False): clip.shown for name, clip in cohort.clips.items()}
    return found | {(name, True): clip.held for name, clip in cohort.clips.items() if clip.held is not None}


def audience(side: Side | None, viewers: int, others: int) -> list[Visit]:
    looks = [visit(side, 1.0 + number % 5) for number in range(viewers)]
    return looks + [visit(side) for _ in range(others)]


def test_large_audiences_are_told() -> None:
    people = audience(SHOWN, 40, 20) + audience(HELD, 20, 10) + audience(BRAND, 10, 30)
    told = sides(published(people))
    assert {side: (one.visits, one.shows, one.shown_s, one.viewers) for side, one in told.items()} == {
        SHOWN: (60, 60, 600.0, 40),
        HELD: (30, 30, 300.0, 20),
        BRAND: (40, 40, 400.0, 10),
    }
    assert told[SHOWN].attention_sum_s == pytest.approx(120.0)


def test_everything_that_is_told_is_right() -> None:
    chance = np.random.default_rng(1)
    for _ in range(60):
        counts = {side: chance.integers(0, 25, 2).tolist() for side in (SHOWN, HELD, BRAND, None)}
        people = [
            one for side, (looked, not_looked) in counts.items() for one in audience(side, looked, not_looked)
        ]
        if len(people) < 5:
            continue
        for side, one in sides(published(people)).items():
            viewers, others = counts[side]
            assert one.visits in (None, viewers + others)
            assert one.shows in (None, viewers + others)
            assert one.viewers in (None, viewers)
            total_s = sum(1.0 + number % 5 for number in range(viewers))
            assert one.attention_sum_s in (None, pytest.approx(total_s, abs=0.06))


def shops(visits: int) -> Iterator[tuple[dict[Side, tuple[int, int]], int, int]]:
    """All shops with so many visits: viewers and others of a clip and of its holdout, the visits that belong to no
    show, and how many of the others looked at another time."""
    for a, b, c, d in itertools.product(range(visits + 1), repeat=4):
        if (nowhere := visits - a - b - c - d) >= 0:
            for later in range(b + d + nowhere + 1):
                yield {SHOWN: (a, b), HELD: (c, d)}, nowhere, later


def test_a_reader_who_tries_all_shops_finds_no_small_audience() -> None:
    """Each small count of visits, viewers and others has another possible value among the shops published alike."""
    k, plan = 3, replace(DISPLAY, clips=("scarf",))
    looks = [sum((time(2.0) for _ in range(count)), TimeCounts()) for count in range(10)]
    alike: dict[object, list[list[int]]] = defaultdict(list)
    for table, nowhere, later in itertools.chain.from_iterable(shops(visits) for visits in range(k, 10)):
        counts = {side: ClipCounts(sum(row), looks=looks[row[0]]) for side, row in table.items()}
        visits = sum(map(sum, table.values())) + nowhere
        viewers = sum(row[0] for row in table.values()) + later
        told = tell_counts(plan, counts, visits=visits, viewers=[viewers], lists=[], k=k)
        key = visits, viewers, tuple(told.visits.items()), tuple(told.viewers.items())
        parts = [*(value for row in table.values() for value in (*row, sum(row))), nowhere]
        # The totals tell fewer viewers than k anyway: then it is no secret that they looked at another time.
        alike[key].append([*parts, later if viewers >= k else 0])
    assert len(alike) > 100
    for found in alike.values():
        for values in zip(*found, strict=True):
            if any(0 < value < k for value in values):
                assert len(set(values)) > 1, found[:3]


def test_a_clip_for_women_is_told_only_where_their_number_is() -> None:
    plan = replace(PLAN, display=replace(DISPLAY, about=frozenset({"female"})))
    people = audience(SHOWN, 20, 20) + audience(HELD, 20, 20) + [visit(None, gender="male")] * 10
    told = published(people, plan=plan)
    assert sides(told)[SHOWN].visits == 40
    few = [visit(None, gender="male") for _ in range(40)] + [visit(SHOWN), visit(SHOWN), visit(HELD)]
    cohort = published(few, plan=plan)
    assert cohort.gender is not None
    assert cohort.gender["female"] is None
    assert all(one.visits is None for one in sides(cohort).values())


def test_one_who_looks_for_long_is_in_no_sum() -> None:
    people = [visit(SHOWN, 10.0), *[visit(SHOWN, 0.4) for _ in range(5)], *audience(HELD, 10, 10)]
    told = sides(published(people))[SHOWN]
    assert told.attention_sum_s is None


def test_another_programme_meanwhile_withholds_the_clips() -> None:
    rule = CohortRule(k=5, profile="demographics", plan=PLAN)
    rule.release(replace(window(audience(SHOWN, 20, 20)), closing=False))
    later = CohortRule(k=5, profile="demographics", plan=replace(PLAN, version="2"), pool=rule.pool)
    cohort = later.release(replace(window(audience(SHOWN, 20, 20)), start=NOON + timedelta(minutes=1))).cohort
    assert cohort is not None
    assert all(one.visits is None for one in sides(cohort).values())


def test_clips_wait_over_a_restart() -> None:
    waiting = Waiting(CohortRule(k=5, profile="demographics").pool, window(audience(HELD, 3, 4)))
    again = Waiting.load(waiting.dump())
    assert again.window is not None
    counts: Mapping[Side, ClipCounts] = again.window.places.clips
    assert counts == {HELD: ClipCounts(7, 7, 70.0, counts[HELD].looks)}
    assert counts[HELD].looks.visits == 3
