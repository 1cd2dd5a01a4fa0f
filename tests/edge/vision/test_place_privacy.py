"""What a cohort tells of places, and readers who try to get a few visits, or the time of one, out of it.

The readers know each visit and the published numbers. They do not use the rule: they add up what each visit
contributes to a difference of published numbers, or try all small shops that are published alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from common import wire
from common.vocabulary import LOOK_MOST_S
from edge.place_types import VisitPlaces, Wait
from edge.vision.disclosure import Overlaps
from edge.vision.pool import Pool
from edge.vision.privacy import CohortRule
from tests.support.place_reader import known_cells
from tests.support.places import PLAN, Someone, counted, crowd, published, window, with_doors

ROUNDING_S = 0.06


def crowds(seed: int, count: int) -> Iterator[list[Someone]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield crowd(rng, int(rng.integers(8, 60)))


# --- what is told is right ----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3, 5])
def test_every_number_that_is_told_of_places_is_right(k: int) -> None:
    for people in crowds(seed=k, count=40):
        _check_truth(people, published(people, k), k)


def _check_truth(people: Sequence[Someone], cohort: wire.Cohort, k: int) -> None:
    truth = counted(people)
    cohort.check(k, "expression")
    for name, zone in cohort.zones.items():
        true = truth.zones.get(name)
        told = (zone.visits, zone.stops)
        assert all(
            count in (None, right)
            for count, right in zip(told, (true.stays.visits, true.stops) if true else (0, 0), strict=True)
        )
        assert zone.dwell_sum_s in (None, pytest.approx(true.stays.sum_s if true else 0.0, abs=ROUNDING_S))
    for name, target in cohort.targets.items():
        assert target.viewers in (None, sum(name in one.places.looks for one in people))
        assert target.passers in (None, len(people) if name == "sign" else cohort.zones["shelf"].visits)
    for way, count in _cells(cohort.ways or {}):
        if count is not None:
            assert count == truth.ways[way]
    if k == 1:
        assert cohort.zones["shelf"].visits == sum("shelf" in one.places.stays for one in people)
        assert None not in [zone.stops for zone in cohort.zones.values()]
        assert cohort.zones["shelf"].dwell_sum_s is not None
        assert cohort.heat is not None
        assert None not in cohort.heat.standing_s


def _cells(ways: wire.Ways) -> Iterator[tuple[tuple[str, str], int | None]]:
    for place, following in ways.items():
        for after, count in following.items():
            yield (place, after), count


def test_much_is_told_of_a_shop_with_sixty_visits() -> None:
    """So that the tests of what is withheld are not about nulls alone."""
    cohort = published([_visitor(index) for index in range(60)], 5)
    shelf, desk = cohort.zones["shelf"], cohort.zones["desk"].queue
    assert (shelf.visits, shelf.stops, shelf.dwell_sum_s) == (45, 30, 472.5)
    assert (shelf.dwell["5"], shelf.dwell["10"]) == (15, 30)
    assert desk is not None
    assert (desk.waits, desk.served, desk.waiting_sum_s) == (30, 20, 375.0)
    assert (desk.waiting["10"], desk.length_mean) == (30, 6.25)
    tea = cohort.targets["tea"]
    assert (tea.passers, tea.viewers, tea.attention_sum_s) == (45, 15, 52.5)
    assert tea.expression is not None
    assert (tea.expression["happy"], tea.expression["sad"]) == (15, 0)
    assert cohort.ways is not None
    assert cohort.ways["entry"] == {"shelf": 45, "exit": 15}
    assert cohort.heat is not None
    assert cohort.heat.standing_s == (470, None, None, 450, None, None)


def _visitor(index: int) -> Someone:
    """Three of four at the shelf, where every third looks at the tea; every second at the desk, two of three served."""
    shelf_s = (12.0, 10.5, 9.0)[index % 3] if index % 4 else 0.0
    desk_s = 12.5 if index % 2 else 0.0
    tea_s = 3.5 if shelf_s and index % 3 == 0 else 0.0
    stays = {name: s for name, s in (("shelf", shelf_s), ("desk", desk_s)) if s}
    steps = ["entry", *stays, "exit"]
    places = VisitPlaces(
        stays=stays,
        stops=frozenset(name for name, s in stays.items() if s > 10),
        looks={"tea": tea_s} if tea_s else {},
        waits={"desk": Wait(desk_s, index % 3 > 0)} if desk_s else {},
        ways=frozenset(pairwise(steps)),
        heat={0: (shelf_s, tea_s), 2: (desk_s, 0.0), 3: (7.5, 0.0)},
    )
    return Someone(shelf_s + desk_s + 7.5, 0.0, "happy" if tea_s else "neutral", places)


# --- counts of visits that overlap -----------------------------------------------------------------------------

Venn = dict[str, Callable[[tuple[int, ...], int, int], int]]
"""What a reader knows of two groups with ``one`` and ``other`` visits: a number that is not negative if so."""
RELATIONS: Venn = {
    "apart": lambda counts, visits, entries: 0,
    "the first lies in the second": lambda counts, visits, entries: counts[1] - counts[0],
    "the second lies in the first": lambda counts, visits, entries: counts[0] - counts[1],
    "everybody was in one of them": lambda counts, visits, entries: counts[0] + counts[1] - visits,
    "who entered was in the first": lambda counts, visits, entries: counts[0] - entries,
    "who was in the first entered": lambda counts, visits, entries: entries - counts[0],
}


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("k", [3, 4])
def test_no_count_of_few_visits_follows_from_overlapping_zones(k: int, relation: str) -> None:
    """All shops up to a size, and a reader who knows how two zones lie, how many entered, and the rule."""
    beside = RELATIONS[relation]
    alike: dict[tuple[int, int, tuple[int | None, ...]], list[tuple[int, ...]]] = {}
    for visits, entries in itertools.product(range(k, 4 * k), range(4 * k)):
        if entries > visits:
            continue
        for counts in itertools.product(range(visits + 1), repeat=2):
            if beside(counts, visits, entries) >= 0:
                overlaps = Overlaps(visits, [entries], k)
                told = tuple(overlaps.tell_zone(count) for count in counts)
                alike.setdefault((visits, entries, told), []).append(counts)
    for (visits, entries, told), shops in alike.items():
        for few in (
            {shop[0] for shop in shops},
            {shop[1] for shop in shops},
            {visits - shop[0] for shop in shops},
            {visits - shop[1] for shop in shops},
            {beside(shop, visits, entries) for shop in shops},
        ):
            assert len(few) > 1 or not 0 < min(few) < k, (told, visits, entries)


@pytest.mark.parametrize("k", [3, 5])
def test_published_counts_are_equal_or_k_apart(k: int) -> None:
    rng = np.random.default_rng(k)
    for people in crowds(seed=k, count=60):
        entries, exits, passers = rng.integers(0, 20, 3).tolist()
        doors = {"front": (entries, exits, passers, 0)}
        told = _told_counts(published(people, k, places=with_doors(people, doors)))
        known = {0, len(people), sum(one.viewer for one in people), entries, exits, passers}
        assert not any(0 < abs(one - other) < k for one, other in itertools.product(told, told | known))


def _told_counts(cohort: wire.Cohort) -> set[int]:
    zones = cohort.zones.values()
    counts = [
        *(count for zone in zones for count in (zone.visits, zone.stops)),
        *(count for zone in zones if zone.queue for count in (zone.queue.waits, zone.queue.served)),
        *(one.viewers for one in cohort.targets.values()),
    ]
    return {count for count in counts if count is not None}


def test_places_that_changed_while_visits_wait_are_withheld() -> None:
    """Or whoever may set zones could let one of them count a single visit."""
    people = [_visitor(index) for index in range(60)]
    before = CohortRule(k=5, profile="expression", plan=PLAN)
    before.release(window(people, closing=False))
    other = replace(PLAN, version="second")
    after = CohortRule(k=5, profile="expression", plan=other, pool=before.pool)
    changed = after.release(window(people, 1)).cohort
    same = after.release(window(people, 2)).cohort
    assert changed is not None
    assert same is not None
    assert (changed.heat, changed.ways) == (None, None)
    tables = [changed.model_dump(include={"zones", "targets"}), same.model_dump(include={"zones", "targets"})]
    assert [set(_numbers(table)) == {None} for table in tables] == [True, False]


def test_places_that_change_while_nobody_waits_are_told() -> None:
    rule = CohortRule(k=5, profile="expression", plan=PLAN, pool=Pool(places_of="before"))
    cohort = rule.release(window([_visitor(index) for index in range(60)])).cohort
    assert cohort is not None
    assert cohort.zones["shelf"].visits == 45


def _numbers(table: object) -> Iterator[object]:
    if isinstance(table, dict):
        for value in table.values():
            yield from _numbers(value)
    else:
        yield table


# --- times ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_no_time_of_one_visit_follows_from_sums_and_their_differences(seed: int, k: int) -> None:
    """Of whatever a reader adds up and subtracts: nobody or k visits are in it, and who knows the second longest time
    cannot tell the longest one to a quarter."""
    for people in crowds(seed, count=120):
        _check_sums(published(people, k), people, k)


def _check_sums(cohort: wire.Cohort, people: Sequence[Someone], k: int) -> None:
    for name, parts in _sums(cohort, people):
        told = sorted((part for part in parts if part > 1e-9), reverse=True)
        assert len(told) == 0 or len(told) >= k, name
        if told:
            assert sum(told[2:]) >= 0.25 * told[0] - 1e-9, name


def _sums(cohort: wire.Cohort, people: Sequence[Someone]) -> Iterator[tuple[str, list[float]]]:
    """Yield sums that follow from the published ones by adding and subtracting, as the parts of all visits."""
    whole = [one.dwell_s for one in people]
    zones, looks = _zone_times(cohort, people), _look_times(cohort, people)
    yield from zones.items()
    yield from looks.items()
    if cohort.dwell_sum_s is not None:
        for size in range(1, len(zones) + 1):
            for names in itertools.combinations(sorted(zones), size):
                yield f"all but {names}", _without(whole, *(zones[name] for name in names))
        yield f"not looking at {list(looks)}", _without(whole, *looks.values()) if looks else []
    if "tea" in looks and "shelf" in zones:
        yield "at the shelf, not looking at the tea", _without(zones["shelf"], looks["tea"])
    areas = zones | ({"everywhere": whole} if cohort.dwell_sum_s is not None else {})
    yield from _standing(cohort, people, areas)
    if cohort.attention_sum_s is not None and len(looks) == len(cohort.targets):
        yield from _looking(cohort, people)


def _zone_times(cohort: wire.Cohort, people: Sequence[Someone]) -> dict[str, list[float]]:
    zones = {
        name: [one.places.stays.get(name, 0.0) for one in people]
        for name, zone in cohort.zones.items()
        if zone.dwell_sum_s is not None
    }
    for name, zone in cohort.zones.items():
        if zone.queue is not None and zone.queue.waiting_sum_s is not None:
            waits = (one.places.waits.get(name) for one in people)
            zones[name] = [0.0 if wait is None else wait.seconds for wait in waits]
    return zones


def _look_times(cohort: wire.Cohort, people: Sequence[Someone]) -> dict[str, list[float]]:
    return {
        name: [min(LOOK_MOST_S, one.places.looks.get(name, 0.0)) for one in people]
        for name, target in cohort.targets.items()
        if target.attention_sum_s is not None
    }


def _standing(
    cohort: wire.Cohort, people: Sequence[Someone], areas: Mapping[str, Sequence[float]]
) -> Iterator[tuple[str, list[float]]]:
    heat = cohort.heat
    assert heat is not None
    told = [cell for cell, seconds in enumerate(heat.standing_s) if seconds is not None]
    for cells in (set(told), set(told[::2])):
        for name, area in areas.items():
            if mine := cells & PLAN.inside.get(name, cells):
                yield f"{name} without cells {mine}", _without(area, *(_stood(people, cell) for cell in mine))
    for cell in told:
        yield f"cell {cell}", _stood(people, cell)
        if heat.looking_s[cell] is not None:
            yield f"looks in cell {cell}", _looked(people, cell)
            yield f"no looks in cell {cell}", _without(_stood(people, cell), _looked(people, cell))


def _looking(cohort: wire.Cohort, people: Sequence[Someone]) -> Iterator[tuple[str, list[float]]]:
    assert cohort.heat is not None
    looking = [
        sum(min(LOOK_MOST_S, seconds) for seconds in (one.attention_s, *one.places.looks.values()))
        for one in people
    ]
    cells = [cell for cell, seconds in enumerate(cohort.heat.looking_s) if seconds is not None]
    if cells:
        yield (
            f"looks elsewhere than in {cells}",
            _without(looking, *(_looked(people, cell) for cell in cells)),
        )


def _without(whole: Sequence[float], *parts: Sequence[float]) -> list[float]:
    return [all_s - sum(part_s) for all_s, *part_s in zip(whole, *parts, strict=True)]


def _stood(people: Sequence[Someone], cell: int) -> list[float]:
    return [min(30.0, one.places.heat.get(cell, (0.0, 0.0))[0]) for one in people]


def _looked(people: Sequence[Someone], cell: int) -> list[float]:
    return [_of_all(one) * one.places.heat.get(cell, (0.0, 0.0))[1] for one in people]


def _of_all(one: Someone) -> float:
    """Return the share of its looking that the map counts of a visit."""
    return min(1.0, LOOK_MOST_S / max(1e-9, sum(looking_s for _, looking_s in one.places.heat.values())))


@pytest.mark.parametrize("seed", range(2))
def test_no_small_cell_of_times_follows_from_all_histograms_and_sums(seed: int) -> None:
    found = [known_cells(published(people, 5), people) for people in crowds(seed, count=12)]
    assert sum(small for small, _ in found) > 20
    assert [known for _, known in found if known] == []
