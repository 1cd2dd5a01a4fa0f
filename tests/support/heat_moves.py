"""Lets the heat map of a cohort stay as it is when visits are changed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from edge.place_types import HEAT_MOST_S
from tests.support.days import Person
from tests.support.whereabouts import CELLS, stood


def keep_warm(before: Sequence[Person], people: list[Person], order: Sequence[int]) -> None:
    """Let others stand and look in the cells of the map for as long as those who were changed do no more. ``order``:
    the places of those who may."""
    both = [(old, new) for old, new in zip(before, people, strict=True) if old is not new]
    for zone, cells in CELLS.items():
        for cell, looking in itertools.product(cells, (False, True)):
            rest_s = sum(_seconds(old, cell)[looking] - _seconds(new, cell)[looking] for old, new in both)
            for index in order if abs(rest_s) >= 1e-9 else ():
                one = people[index]
                if cell in one.places.heat:
                    stood_s, looked_s = _seconds(one, cell)
                    if looking:
                        made = stood_s, min(max(looked_s + rest_s, 0.0), stood_s)
                    else:
                        most_s = min(HEAT_MOST_S, stood_s + _room_s(one, zone))
                        made = min(max(stood_s + rest_s, looked_s, 0.01), most_s), looked_s
                    places = replace(one.places, heat={**one.places.heat, cell: made})
                    people[index] = replace(one, places=places)
                    rest_s -= made[looking] - (stood_s, looked_s)[looking]


def _seconds(one: Person, cell: int) -> tuple[float, float]:
    """Return the seconds that count in a cell: of standing, and of looking meanwhile."""
    stood_s, looked_s = one.places.heat.get(cell, (0.0, 0.0))
    return min(stood_s, HEAT_MOST_S), looked_s


def _room_s(one: Person, zone: str) -> float:
    """Return for how much longer the visit can have stood in a zone, or outside of all: ""."""
    inside_s = one.places.stays.get(zone, 0.0) if zone else one.elsewhere_s
    return max(0.0, inside_s - stood(one, zone))
