"""Two people who have passed one another: who is who is settled once they are apart again.

While one hides the other, position and motion say little, and two tracks may go on with the wrong person. The clothes
that each wore before and wears afterwards tell it: the two tracks are exchanged if that fits much better. Clothes are
kept no longer than both are in sight: see docs/decisions/0105-two-tracks-are-exchanged-after-a-crossing.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from edge.vision.clothing import FORGOTTEN_S, Wardrobe
from edge.vision.person import Person

CLEAR = 15.0
"""Clothes must fit better by this distance of colours, of both people together, before two tracks are exchanged."""

LONGEST_S = 10.0
"""Of a longer meeting nothing is decided: two people stand or walk together, and light may have changed their
colours."""

Pair = tuple[Person, Person]


@dataclass(slots=True)
class _Meeting:
    """Two people close to each other, or just apart again. ``before``: what they wore, by track."""

    since_s: float
    before: dict[int, Wardrobe]
    after: dict[Person, Wardrobe] = field(default_factory=dict)


class Crossings:
    """Call ``settle`` after every frame."""

    def __init__(self) -> None:
        self._meetings: dict[Pair, _Meeting] = {}

    def settle(self, people: Sequence[Person], at_s: float) -> None:
        """Exchange the tracks of those whose clothes say, once they are apart, that each was taken for the other."""
        known = [person for person in people if person.confirmed]
        near = [pair for pair in combinations(known, 2) if _are_near(pair)]
        together = {person for pair in near for person in pair}
        before, self._meetings = self._meetings, {}
        for pair in near:
            meeting = before.pop(pair, None) or _Meeting(
                at_s, {one.track_id: one.wears.copy() for one in pair}
            )
            meeting.after.clear()
            if _are_in_sight(pair, meeting):
                self._meetings[pair] = meeting
        apart = [(pair, meeting) for pair, meeting in before.items() if set(pair) <= set(known)]
        for pair, meeting in apart:
            for person in pair:
                if person.sighting is not None and person not in together:
                    meeting.after.setdefault(person, Wardrobe()).see(person.sighting.clothes, at_s)
            if not _are_in_sight(pair, meeting) or at_s - meeting.since_s > LONGEST_S:
                continue
            if len(meeting.after) < 2 or not all(wears.is_known for wears in meeting.after.values()):
                self._meetings[pair] = meeting
            elif _are_exchanged(pair, meeting):
                pair[0].exchange(pair[1])


def _are_near(pair: Pair) -> bool:
    one, other = pair
    return one.is_near(other) or other.is_near(one)


def _are_in_sight(pair: Pair, meeting: _Meeting) -> bool:
    """Return whether both are still in sight, as the two who met."""
    return all(person.track_id in meeting.before and person.unseen_s <= FORGOTTEN_S for person in pair)


def _are_exchanged(pair: Pair, meeting: _Meeting) -> bool:
    one, other = pair
    kept = [meeting.before[person.track_id].distance(meeting.after[person]) for person in pair]
    exchanged = [
        meeting.before[one.track_id].distance(meeting.after[other]),
        meeting.before[other.track_id].distance(meeting.after[one]),
    ]
    known = [distance for distance in (*kept, *exchanged) if distance is not None]
    return len(known) == 4 and sum(known[2:]) + CLEAR < sum(known[:2])
