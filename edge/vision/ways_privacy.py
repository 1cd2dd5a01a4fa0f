"""Decide whether the ways from place to place are told: all of them, or nothing.

Ways are tied together more than other tables. Who comes into a zone goes out of it, the first visits to a zone are the
visits in it, and who went from the entry to the exit was in no zone. So a withheld cell often follows from the others,
also where the rule for two-way tables (``joint``) would be content with what is withheld. Ways are told only if

- each cell is 0 or at least k, and all zones between which people go are told;
- no cell is nearly all visits in one of its zones, or of the cohort: the others would be a small group;
- the same holds for the visits in some zone, against those in each zone and those in both of two;
- what came by the entry, or went by the exit, is not nearly what a door counted in the totals;
- a zone was not entered, or left, a few times more often than it had visits: these came back to it.

``tests/edge/vision/test_ways_privacy.py`` tries all shops of two zones up to a size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from common import wire

Way = tuple[str, str]


def tell_ways(
    ways: Mapping[Way, int],
    zones: Sequence[str],
    told: Mapping[str, int],
    visits: int,
    k: int,
    known: Collection[int] = (),
) -> wire.Ways | None:
    """Return the table by place and next place without its zeros, or None. ``told``: the visits in zones, as far as
    they are published; ``visits`` of the cohort; ``known``: how many entered and left, by the doors' totals."""
    if len(zones) >= wire.MOST_WAYS or not all(zone in told for zone in zones):
        return None
    groups = set(_groups(ways, {zone: told[zone] for zone in zones}, visits))
    groups |= {abs(number - count) for number in known for count in _through_doors(ways)}
    if any(0 < count < k for count in groups):
        return None
    table: wire.Ways = {}
    for (place, following), count in sorted(ways.items()):
        if count:
            table.setdefault(place, {})[following] = count
    return table or None


def _through_doors(ways: Mapping[Way, int]) -> Iterator[int]:
    """Yield what a door may have counted too: each way from the entry and to the exit, and their sums."""
    for place, end in ((0, wire.ENTRY), (1, wire.EXIT)):
        counts = [count for way, count in ways.items() if way[place] == end]
        yield from (*counts, sum(counts))


def _groups(ways: Mapping[Way, int], inside: Mapping[str, int], visits: int) -> Iterator[int]:
    """Yield the sizes of the groups that follow from the ways and the visits ``inside`` each zone."""
    into, out = dict.fromkeys(inside, 0), dict.fromkeys(inside, 0)
    for (place, following), count in ways.items():
        yield count
        yield visits - count
        for name, way in ((place, out), (following, into)):
            if name in inside:
                yield inside[name] - count
                way[name] += count
    yield visits - sum(count for (place, _), count in ways.items() if place == wire.ENTRY)
    yield visits - sum(count for (_, following), count in ways.items() if following == wire.EXIT)
    in_some_zone = visits - ways.get((wire.ENTRY, wire.EXIT), 0)
    for name, count in inside.items():
        yield in_some_zone - count
        yield into[name] - count
        yield out[name] - count
    for one, other in combinations(inside.values(), 2):
        yield one + other - in_some_zone
