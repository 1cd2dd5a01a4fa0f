"""A zone that is all that two others cover together: its count must not tell theirs."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

from edge.vision.disclosure import Overlaps

Shop = tuple[int, int, int]
"""Visits in the first zone only, in the second only, and in both."""


def _counts(shop: Shop) -> tuple[int, int, int]:
    one, other, both = shop
    return one + both, other + both, one + other + both


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
@pytest.mark.parametrize(("k", "most"), [(3, 14), (4, 16), (5, 17)])
def test_a_zone_that_covers_two_others_tells_no_small_count(
    k: int, most: int, order: tuple[int, ...]
) -> None:
    """All shops up to a size, and a reader who knows how the zones lie, and one visit or none. (With k = 3, who knows
    that he was in one of two withheld cells of 1 or 2 visits can know the other one.)"""
    alike = defaultdict[tuple[object, ...], list[Shop]](list)
    for visits in range(k, most + 1):
        for viewers in (0, visits // 2):
            upto = range(visits + 1)
            for shop in itertools.product(upto, upto, upto):
                if sum(shop) <= visits:
                    overlaps, counts = Overlaps(visits, [viewers], k), _counts(shop)
                    zones = {zone: overlaps.tell_zone(counts[zone]) for zone in order}
                    alike[visits, viewers, *(zones[zone] for zone in range(3))].append(shop)
    for told, shops in alike.items():
        for own in (None, 0, 1, 2)[: 1 if k == 3 else 4]:
            possible = [_counts(shop) for shop in shops if own is None or shop[own]]
            for zone in range(3):
                values = {counts[zone] for counts in possible}
                if told[2 + zone] is None and possible:
                    assert len(values) > 1 or not 0 < min(values) < k, (told, own, shops)
