"""Random days of made-up shops: single visits with all that they did, and what the device publishes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise, permutations

import numpy as np

from common import wire
from common.vocabulary import ATTRIBUTES, LOOK_MOST_S, NOT_SEEN
from edge.place_types import (
    DoorCounts,
    PlaceCounts,
    Shown,
    VisitPlaces,
    Wait,
    counts_of,
    time_bin,
)
from edge.types import Coverage, Verdict, Visit, WindowAggregate
from edge.vision.aggregate import Aggregator
from edge.vision.clip_privacy import ClipPlan
from edge.vision.place_counts import of_moment, of_show
from edge.vision.privacy import CohortRule, Release
from tests.support.crowds import BINS, SEEN, SHARES, VIEWER_S
from tests.support.place_sums import Layout, Row
from tests.support.places import PLAN as PLACES

OPENS, NOON, CLOSES = 9, 12, 19
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SIDES = (("brand", False), ("scarf", False), ("scarf", True))
PLAN = replace(
    PLACES,
    leaves_out_staff=True,
    counts_members=True,
    display=ClipPlan(clips=("brand", "scarf"), suited=frozenset({"scarf"}), target="sign"),
    version="day",
)
"""Everything that can be published at once: a queue, two zones, targets, heat, ways, staff, members and clips."""
_LAYOUT = Layout(
    PLAN.zones,
    sorted(PLAN.targets),
    list(permutations(("entry", "exit", "desk", "shelf"), 2)),
    range(4),
    SIDES,
)


@dataclass(frozen=True, slots=True)
class Shop:
    """What is usual in a shop, and all that a reader knows of it before: so many ``visits`` a day on average, and the
    share of those who are never described."""

    visits: float
    not_seen: float
    k: int = 5


@dataclass(frozen=True, eq=False)
class Person:
    """One visit. ``labels`` are gender, age band and expression; three times ``NOT_SEEN`` if never described."""

    minute: int
    labels: tuple[str, str, str]
    dwell_s: float
    attention_s: float
    places: VisitPlaces
    shown: Shown | None
    member: bool

    @property
    def elsewhere_s(self) -> float:
        """Seconds outside the zones whose times may be told."""
        return self.dwell_s - sum(self.places.stays.get(name, 0.0) for name in PLAN.timed)

    @cached_property
    def counts(self) -> PlaceCounts:
        counts = counts_of(self.places, self.dwell_s, self.labels[2], PLAN.timed)
        return counts if self.shown is None else counts + of_show(self.shown)

    @cached_property
    def row(self) -> Row:
        return _LAYOUT.row(self.counts)

    def visit(self) -> Visit:
        ended = MIDNIGHT + timedelta(minutes=self.minute, seconds=30)
        described = self.labels[0] != NOT_SEEN
        return Visit(
            started_at=ended - timedelta(seconds=self.dwell_s),
            ended_at=ended,
            dwell_s=self.dwell_s,
            attention_s=self.attention_s,
            viewer=self.attention_s > 0,
            described=described,
            attributes={
                name: Verdict(label, 0.9) for name, label in zip(ATTRIBUTES, self.labels, strict=True)
            }
            if described
            else {},
            places=self.places,
            member=self.member,
            shown=self.shown,
        )


@dataclass(frozen=True, slots=True)
class Beside:
    """What was counted in a cohort beside its visits: doors and the most people in a zone, and tracks of staff."""

    places: PlaceCounts = field(default_factory=PlaceCounts)
    staff: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One cohort of a day: what is published, and of whom."""

    cohort: wire.Cohort
    people: Sequence[Person]
    beside: Beside


@dataclass(frozen=True, slots=True)
class Day:
    """What is published of each minute, and the cohorts among it."""

    releases: Sequence[Release]
    cohorts: Sequence[Told]


def draw_day(rng: np.random.Generator, shop: Shop) -> Day:
    """Draw a day and send it through aggregation and privacy rule, minute by minute."""
    minutes = np.sort(rng.integers(60 * OPENS, 60 * CLOSES, rng.poisson(shop.visits))).tolist()
    habit = Habit.draw(rng)
    people = [draw_person(rng, minute, shop, habit) for minute in minutes]
    noted = {minute: _beside(rng, shop) for minute in sorted(set(minutes))}
    return publish_day(people, noted, shop.k)


def publish_day(
    people: Sequence[Person], noted: Mapping[int, Beside], k: int, rule: CohortRule | None = None
) -> Day:
    """Publish a day of these people with the product's own parts; ``rule`` is that of a device without noise unless
    given."""
    aggregator = Aggregator(
        window_s=60,
        max_gap_s=60.0,
        doors=["front"],
        timed=PLAN.timed,
        closing_hour=CLOSES,
        release_hours=[NOON],
        timezone=UTC,
    )
    rule = rule or CohortRule(k=k, profile="expression", plan=PLAN)
    releases, cohorts, waiting, beside = list[Release](), list[Told](), list[Person](), Beside()
    ended = {minute: [one for one in people if one.minute == minute] for minute in noted}
    for minute in range(60 * OPENS, 60 * CLOSES + 1):
        windows = aggregator.observe(MIDNIGHT + timedelta(minutes=minute), 60.0 * minute, 0, 0)
        for release in map(rule.release, windows):
            releases.append(release)
            if release.cohort is not None:
                cohorts.append(Told(release.cohort, waiting, beside))
                waiting, beside = [], Beside()
        for one in ended.get(minute, []):
            aggregator.add(one.visit())
        waiting = [*waiting, *ended.get(minute, [])]
        if (more := noted.get(minute)) is not None:
            crowds = {name: zone.most for name, zone in more.places.zones.items()}
            aggregator.note(more.places.doors, crowds)
            for _ in range(more.staff):
                aggregator.leave_out()
            beside = Beside(beside.places + more.places, beside.staff + more.staff)
    return Day(releases, cohorts)


def gather(people: Sequence[Person], beside: Beside, like: wire.Cohort) -> WindowAggregate:
    """Return other people as one window, which ends when the cohort ``like`` was released."""
    dwell, attention = [one.dwell_s for one in people], [one.attention_s for one in people]
    return WindowAggregate(
        start=like.since,
        end=like.since + timedelta(minutes=1),
        visits=len(people),
        viewers=sum(one.attention_s > 0 for one in people),
        occupancy_mean=0.0,
        occupancy_max=like.occupancy_max,
        dwell_sum_s=sum(dwell),
        attention_sum_s=sum(min(seconds, LOOK_MOST_S) for seconds in attention),
        dwell_histogram=_histogram(dwell),
        attention_histogram=_histogram(attention),
        breakdown=Counter(one.labels for one in people),
        coverage=Coverage(0.0, 0, 0),
        closing=True,
        places=_LAYOUT.total([one.row for one in people]) + beside.places,
        staff=beside.staff,
        members=sum(one.member for one in people),
    )


def publish(window: WindowAggregate, k: int) -> wire.Cohort:
    """Publish a window as one cohort."""
    cohort = CohortRule(k=k, profile="expression", plan=PLAN).release(window).cohort
    assert cohort is not None
    return cohort


def _histogram(times: Sequence[float]) -> tuple[int, ...]:
    found = Counter(map(time_bin, times))
    return tuple(found[index] for index in BINS)


@dataclass(frozen=True, slots=True)
class Habit:
    """What differs between days and is not known before: shares of visits that are in a zone, look, and are members."""

    desk: float
    shelf: float
    looks: float
    viewers: float
    members: float
    median_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Habit:
        desk, shelf, looks, viewers = rng.uniform(0.02, 0.98, 4).tolist()
        return cls(desk, shelf, looks, viewers, float(rng.uniform(0, 0.3)), float(rng.uniform(4, 25)))


def draw_person(rng: np.random.Generator, minute: int, shop: Shop, habit: Habit) -> Person:
    labels = [str(rng.choice(names, p=SHARES[name])) for name, names in SEEN.items()]
    if rng.random() < shop.not_seen:
        labels = [NOT_SEEN] * 3
    times = np.clip(rng.lognormal(np.log(habit.median_s), 0.8, 3), 0.6, 300.0).tolist()
    inside = {
        "desk": times[0] * (rng.random() < habit.desk),
        "shelf": times[1] * (rng.random() < habit.shelf),
    }
    stays = {name: s for name, s in inside.items() if s}
    between_s = times[2] * (0.3 if stays else 1.0)
    dwell_s = sum(stays.values()) + between_s
    attention_s = dwell_s * float(rng.beta(2, 4)) * (rng.random() < habit.viewers)
    # Standing is a part of the stay, because people walk, too.
    heat = {0: 0.4 * inside["shelf"], 1: 0.3 * inside["shelf"], 2: 0.7 * inside["desk"], 3: 0.5 * between_s}
    looked = attention_s / dwell_s
    looks = {
        "tea": inside["shelf"] * float(rng.beta(2, 4)) * (rng.random() < habit.looks),
        "sign": between_s * float(rng.beta(2, 4)) * (rng.random() < habit.looks),
    }
    steps = ["entry", *(stays if rng.random() < 0.5 else reversed(stays)), "exit"]
    waits = (
        {"desk": Wait(0.9 * stays["desk"], bool(rng.random() < 0.8))}
        if "desk" in stays and rng.random() < 0.9
        else {}
    )
    return Person(
        minute,
        (labels[0], labels[1], labels[2]),
        dwell_s,
        attention_s if attention_s >= VIEWER_S else 0.0,
        VisitPlaces(
            stays=stays | ({"wide": sum(stays.values())} if stays else {}),
            stops=frozenset(name for name, s in stays.items() if s > 10 and rng.random() < 0.9),
            looks={name: s for name, s in looks.items() if s},
            waits=waits,
            ways=frozenset(pairwise(steps)),
            heat={cell: (s, s * looked) for cell, s in heat.items() if s},
        ),
        _draw_show(rng, looks["sign"]),
        bool(rng.random() < habit.members),
    )


def _draw_show(rng: np.random.Generator, sign_s: float) -> Shown | None:
    if rng.random() < 0.4:
        return None
    clip, held = SIDES[int(rng.choice(3, p=(0.5, 0.3, 0.2)))]
    first = bool(rng.random() < 0.7)
    return Shown(clip, held, min(sign_s, 10.0), first, 10.0 if first else 0.0)


def _beside(rng: np.random.Generator, shop: Shop) -> Beside:
    entries, exits, passers = rng.integers(0, 3, 3).tolist()
    doors = {"front": DoorCounts(entries, exits, passers, min(1, entries))}
    crowds = {name: int(rng.integers(1, 3)) for name in PLAN.zones}
    return Beside(of_moment(doors, crowds), staff=int(rng.random() < 0.1))


def counts(cohort: wire.Cohort) -> dict[str, int | None]:
    """Return all counts of visits that a cohort tells or withholds, by a name with dots. Seconds, and the most people
    at once, are none."""
    tree = cohort.model_dump(
        include={
            "described", "members", "dwell", "attention", "gender", "age_band", "gender_age_band", "expression",
            "zones", "targets", "clips", "ways",
        }
    )  # fmt: skip
    return dict(_leaves("", tree))


def _leaves(name: str, tree: object) -> Iterator[tuple[str, int | None]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(f"{name}.{key}" if name else key, value)
    elif name.rpartition(".")[2] not in _NO_COUNTS and not isinstance(tree, float):
        yield name, tree  # type: ignore[misc]


_NO_COUNTS = {
    "dwell_sum_s", "attention_sum_s", "waiting_sum_s", "occupancy_mean", "occupancy_max", "length_mean", "length_max",
    "shown_s", "shows", "expression", "queue", "held", "ways", "gender_age_band",
}  # fmt: skip
