"""Match people with the sightings of a frame: near their expected position, after an absence, and over a jump."""

from __future__ import annotations

import math
from collections.abc import Callable

from edge.types import Sighting
from edge.vision.assignment import assign
from edge.vision.person import Person

FAR_REACH = (1.2, 10.0, 6.0)
"""The jump allowed if there is no other candidate: at least, per second, at most; in face sizes."""

FAR_DOUBT = 0.3
"""A jump to a score lower than usual by this much is not accepted."""

UNMATCHED_COST = 2.0
"""Cost of leaving a track without a sighting; no pair may cost more."""


def match(
    people: list[Person],
    sightings: list[Sighting],
    at_s: float,
    *,
    may_have_stopped: bool = False,
    elsewhere: Callable[[Person, Sighting], bool] = lambda person, sighting: False,
    price: float = math.inf,
) -> tuple[list[Person], list[Sighting]]:
    """Match people near their expected position, at the least total cost; return the rest. ``elsewhere`` says of whom a
    sighting most likely is not, because it is where a thing is known; such a match costs ``price`` more."""
    if not people or not sightings:
        return people, sightings

    def cost(person: Person, sighting: Sighting, reach: float) -> float:
        alone = person.cost(sighting, reach, may_have_stopped=may_have_stopped)
        # Most pairs are impossible; only the others are worth the search for a thing.
        return alone + price if alone <= UNMATCHED_COST and elsewhere(person, sighting) else alone

    costs = [
        [cost(person, sighting, reach) for sighting in sightings]
        for person, reach in ((person, person.reach()) for person in people)
    ]
    pairs = assign(costs, UNMATCHED_COST)
    for row, column in pairs:
        people[row].see(sightings[column], at_s)
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    return (
        [person for row, person in enumerate(people) if row not in rows],
        [sighting for column, sighting in enumerate(sightings) if column not in columns],
    )


def candidates(sighting: Sighting, lost: list[Person]) -> list[Person]:
    """Return the lost people that may be this sighting, the most likely first. A hidden person may have stopped."""
    costs = [(person.cost(sighting, person.reach(), may_have_stopped=True), person) for person in lost]
    return [person for cost, person in sorted(costs, key=lambda pair: pair[0]) if cost < UNMATCHED_COST]


def match_far(people: list[Person], sightings: list[Sighting], at_s: float) -> list[Sighting]:
    """Match over a jump, if a person and a sighting are each other's only candidate; return the rest.

    At a low frame rate a head moves by more than its size between two frames. If one person disappears and one appears
    between two frames, it is much more often a jump than a coincidence, as long as there is no third candidate and the
    score is about the same.
    """
    least, a_second, most = FAR_REACH
    reaches = [min(least + a_second * person.unseen_s, most) for person in people]
    possible = [
        [
            i
            for i, person in enumerate(people)
            if person.doubt(sighting) < FAR_DOUBT
            and person.cost(sighting, reaches[i], may_have_stopped=True) < math.inf
        ]
        for sighting in sightings
    ]
    wanted = [i for each in possible for i in each]
    rest = []
    for sighting, mine in zip(sightings, possible, strict=True):
        if len(mine) == 1 and wanted.count(mine[0]) == 1:
            people[mine[0]].see(sighting, at_s)
        else:
            rest.append(sighting)
    return rest
