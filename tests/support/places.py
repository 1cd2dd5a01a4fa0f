"""Visits in a made-up shop with zones, a queue, targets and a grid, and what is published of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from common import wire
from common.vocabulary import EXPRESSIONS, NOT_SEEN, UNKNOWN
from edge.place_types import DoorCounts, PlaceCounts, TimeCounts, VisitPlaces, Wait, counts_of, look, time
from edge.types import Coverage, WindowAggregate
from edge.vision.place_privacy import Plan
from edge.vision.privacy import CohortRule

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PLAN = Plan(
    zones=("desk", "shelf", "wide"),
    timed=frozenset({"desk", "shelf"}),
    queues=frozenset({"desk"}),
    targets={"sign": None, "tea": "shelf"},
    heat=(3, 2),
    inside={"shelf": frozenset({0, 1}), "desk": frozenset({2})},
    version="first",
)
"""Two zones apart from each other, one of them a queue, and a wide one around both; targets seen from the shelf and
from everywhere; cells 0 and 1 lie in the shelf and 2 in the desk."""


@dataclass(frozen=True, slots=True)
class Someone:
    """One visit with all that is known of it."""

    dwell_s: float
    attention_s: float = 0.0
    expression: str = NOT_SEEN
    places: VisitPlaces = field(default_factory=VisitPlaces)

    @property
    def viewer(self) -> bool:
        return self.attention_s > 0


def counted(people: Sequence[Someone], plan: Plan = PLAN) -> PlaceCounts:
    """Add up what they did."""
    each = (counts_of(one.places, one.dwell_s, one.expression, plan.timed) for one in people)
    return sum(each, PlaceCounts())


def window(
    people: Sequence[Someone], minute: int = 0, *, closing: bool = True, places: PlaceCounts | None = None
) -> WindowAggregate:
    """The window in which these visits end."""
    dwell = sum((time(one.dwell_s) for one in people), start=TimeCounts())
    attention = sum((look(one.attention_s) for one in people), start=TimeCounts())
    return WindowAggregate(
        start=MORNING + timedelta(minutes=minute),
        end=MORNING + timedelta(minutes=minute + 1),
        visits=len(people),
        viewers=sum(one.viewer for one in people),
        occupancy_mean=0.5,
        occupancy_max=2,
        dwell_sum_s=dwell.sum_s,
        attention_sum_s=attention.sum_s,
        dwell_histogram=dwell.histogram,
        attention_histogram=attention.histogram,
        breakdown=Counter(_labels(one.expression) for one in people),
        coverage=Coverage(60.0, 600, 0),
        closing=closing,
        places=counted(people) if places is None else places,
    )


def _labels(expression: str) -> tuple[str, str, str]:
    return (NOT_SEEN,) * 3 if expression == NOT_SEEN else ("female", "25-34", expression)


def published(
    people: Sequence[Someone], k: int, *, places: PlaceCounts | None = None, plan: Plan = PLAN
) -> wire.Cohort:
    """What the device publishes of these visits as one cohort."""
    rule = CohortRule(k=k, profile="expression", plan=plan)
    cohort = rule.release(window(people, places=places)).cohort
    assert cohort is not None
    return cohort


def crowd(rng: np.random.Generator, visits: int) -> list[Someone]:
    """Draw visits of which some zones, targets and cells have nearly all the time, and a few have much of the rest."""
    shares = {name: float(rng.choice([0.2, 0.9, 1.0])) for name in ("desk", "shelf", "tea")}
    return [_someone(rng, shares, outlier=rng.random() < 1.5 / visits) for _ in range(visits)]


def _someone(rng: np.random.Generator, shares: Mapping[str, float], *, outlier: bool) -> Someone:
    def seconds(usual: float) -> float:
        return float(np.clip(rng.lognormal(np.log(usual * (20 if outlier else 1)), 0.4), 0.6, 400.0))

    desk_s = seconds(15) if rng.random() < shares["desk"] else 0.0
    shelf_s = seconds(12) if rng.random() < shares["shelf"] else 0.0
    between_s = seconds(4) if outlier or rng.random() < 0.3 or not desk_s + shelf_s else 0.0
    dwell_s = desk_s + shelf_s + between_s
    tea_s = shelf_s * (shares["tea"] if rng.random() < 0.8 and not outlier else 0.0)
    sign_s = (dwell_s - tea_s) * float(rng.choice([0.0, 0.2]))
    attention_s = (dwell_s - tea_s - sign_s) * float(rng.choice([0.0, 0.5]))
    stays = {name: s for name, s in (("desk", desk_s), ("shelf", shelf_s), ("wide", desk_s + shelf_s)) if s}
    steps = ["entry", *sorted(stays.keys() - {"wide"}, reverse=rng.random() < 0.5), "exit"]
    cells = {0: 0.6 * shelf_s, 1: 0.4 * shelf_s, 2: desk_s, 3: 0.9 * between_s}
    looked = (tea_s + sign_s + attention_s) / dwell_s
    return Someone(
        dwell_s,
        attention_s,
        str(rng.choice([*EXPRESSIONS[:2], UNKNOWN, NOT_SEEN], p=[0.5, 0.3, 0.05, 0.15])),
        VisitPlaces(
            stays=stays,
            stops=frozenset(name for name, s in stays.items() if s > 10),
            looks={name: s for name, s in (("sign", sign_s), ("tea", tea_s)) if s},
            waits={"desk": Wait(desk_s, served=bool(rng.random() < 0.8))}
            if desk_s and rng.random() < 0.9
            else {},
            ways=frozenset(pairwise(steps)),
            heat={cell: (s, s * looked) for cell, s in cells.items() if s},
        ),
    )


def with_doors(people: Sequence[Someone], doors: Mapping[str, tuple[int, int, int, int]]) -> PlaceCounts:
    """The counts of these people, and of doors: entries, exits, passers and groups."""
    return replace(counted(people), doors={name: DoorCounts(*numbers) for name, numbers in doors.items()})
