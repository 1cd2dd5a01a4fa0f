"""Ways from place to place, and expressions towards a target: readers who try all small tables published alike."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest

from common import wire
from edge.place_types import VisitPlaces
from edge.vision.ways_privacy import tell_ways
from tests.support.places import Someone, published

Way = tuple[str, ...]

PATHS = ("", "a", "b", "ab", "ba", "aba", "bab")
"""The zones of a visit one after the other; it comes by the entry and leaves by the exit."""


@pytest.mark.parametrize(("k", "most"), [(3, 11), (4, 12)])
def test_no_small_number_of_ways_follows_from_the_table(k: int, most: int) -> None:
    """All shops with two zones up to a size. The reader knows all visits, and those in each zone whose visits are told.
    What these numbers alone tell is no matter of the ways."""
    before: dict[object, list[Counter[Way]]] = {}
    alike: dict[tuple[object, object], list[Counter[Way]]] = {}
    for paths in _shops(len(PATHS), most):
        visits = sum(paths)
        if visits < k:
            continue
        ways, inside = _ways(paths), _inside(paths)
        told = {name: n for name, n in inside.items() if not 0 < n < k and not 0 < visits - n < k}
        table = tell_ways({(one, other): n for (one, other), n in ways.items()}, ["a", "b"], told, visits, k)
        known: object = (visits, *told.items())
        numbers = ways + Counter(
            {("not", *way): inside[way[0]] - n for way, n in ways.items() if way[0] in inside}
        )
        before.setdefault(known, []).append(numbers)
        alike.setdefault((known, repr(table)), []).append(numbers)
    assert sum("'a': {" in str(table) for _, table in alike) > 100
    for (known, _), tables in alike.items():
        for number in set().union(*tables):
            values = {numbers[number] for numbers in tables}
            known_anyway = len({numbers[number] for numbers in before[known]}) == 1
            assert len(values) > 1 or known_anyway or not 0 < min(values) < k, (number, tables[0])


def _shops(kinds: int, most: int) -> Iterator[tuple[int, ...]]:
    """Yield how many visits take each path, up to ``most`` visits in all."""
    if not kinds:
        yield ()
        return
    for count in range(most + 1):
        for others in _shops(kinds - 1, most - count):
            yield (count, *others)


def _ways(paths: Sequence[int]) -> Counter[Way]:
    ways = Counter[Way]()
    for path, count in zip(PATHS, paths, strict=True):
        for way in set(pairwise(["entry", *path, "exit"])):
            ways[way] += count
    return +ways


def _inside(paths: Sequence[int]) -> dict[str, int]:
    return {
        zone: sum(count for path, count in zip(PATHS, paths, strict=True) if zone in path) for zone in "ab"
    }


def test_ways_are_withheld_if_a_zone_is() -> None:
    """Or they would limit it: the visits in no zone follow from the ways."""
    ways = {
        ("entry", "a"): 20,
        ("a", "exit"): 20,
        ("entry", "exit"): 10,
        ("entry", "b"): 10,
        ("b", "exit"): 10,
    }
    told = {"a": 20, "b": 10}
    assert tell_ways(ways, ["a", "b"], told, 40, 5) is not None
    assert tell_ways(ways, ["a", "b"], {"a": 20}, 40, 5) is None


def test_a_way_that_nearly_all_visits_of_a_zone_took_withholds_the_ways() -> None:
    """Those who came again make the row larger than the zone, so the table alone does not show it."""
    ways = {("entry", "a"): 20, ("a", "a"): 18, ("a", "exit"): 20}
    assert tell_ways(ways, ["a"], {"a": 20}, 20, 5) is None
    assert tell_ways(ways | {("a", "a"): 15}, ["a"], {"a": 20}, 20, 5) == {
        "entry": {"a": 20},
        "a": {"a": 15, "exit": 20},
    }


def test_ways_from_the_entry_are_not_nearly_what_a_door_counted() -> None:
    """Entries are in the totals: the difference would be those who came by the door and went another way."""
    ways = {("entry", "a"): 20, ("a", "exit"): 20}
    assert tell_ways(ways, ["a"], {"a": 20}, 40, 5, [20, 30]) is not None
    assert tell_ways(ways, ["a"], {"a": 20}, 40, 5, [22, 30]) is None


LABELS = ("happy", "neutral")


@pytest.mark.parametrize("k", [3])
def test_no_small_expression_towards_a_target_follows_from_that_of_all(k: int) -> None:
    """All cohorts up to a size, by expression, and all their viewers of a target: a reader knows both lists."""
    alike: dict[tuple[int, str, int | None, str], list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
    for everybody in itertools.product(range(7), repeat=2):
        if not k <= sum(everybody) <= 10:
            continue
        for viewers in itertools.product(*(range(count + 1) for count in everybody)):
            cohort = _watched(everybody, viewers)
            target = cohort.targets["sign"]
            key = (cohort.visits, repr(cohort.expression), target.viewers, repr(target.expression))
            alike.setdefault(key, []).append((everybody, viewers))
    assert any(key[3] != "None" for key in alike)
    for shops in alike.values():
        for index in range(2):
            for values in (
                {viewers[index] for _, viewers in shops},
                {everybody[index] - viewers[index] for everybody, viewers in shops},
                {everybody[index] for everybody, _ in shops},
            ):
                assert len(values) > 1 or not 0 < min(values) < k, shops


def _watched(everybody: tuple[int, ...], viewers: tuple[int, ...]) -> wire.Cohort:
    people = [
        Someone(
            5.0,
            expression=label,
            places=VisitPlaces(looks={"sign": 2.0} if index < looked else {}),
        )
        for label, count, looked in zip(LABELS, everybody, viewers, strict=True)
        for index in range(count)
    ]
    return published(people, 3)
