"""Who stands where in a queue, and until when: planned before anybody walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOVE_UP_S = 0.5
"""Each person in a queue moves up this much later than the one before."""
NEXT_S = 0.8
"""The desk is free for the next this long after somebody has left it."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who joins a queue at ``joins_s``. ``served_s``: seconds at the desk; None for somebody who gives up
    ``patience_s`` after joining."""

    joins_s: float
    served_s: float | None
    patience_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """The time of one customer: ``places`` are (place in the queue, moves there at), 0 is the front, times in seconds;
    from ``leaves_s`` on the customer goes to the desk, or away."""

    places: tuple[tuple[int, float], ...]
    leaves_s: float

    def seconds_at(self, place: int) -> float:
        """Return for how long the customer is at that place."""
        ends = [*(at_s for _, at_s in self.places[1:]), self.leaves_s]
        return sum(end_s - at_s for (one, at_s), end_s in zip(self.places, ends, strict=True) if one == place)


def plan_queue(customers: Sequence[Customer]) -> list[Turn]:
    """Return the turn of each of the ``customers``, who are in the order of joining."""
    turns: list[Turn] = []
    desk_free_s = 0.0
    for customer in customers:
        gone = sorted(turn.leaves_s for turn in turns if turn.leaves_s > customer.joins_s)
        ahead = {turn.leaves_s: rank for rank, turn in enumerate(turns)}
        place = len(gone)
        places = [(place, customer.joins_s)]
        for leaves_s in gone:
            # those between the gap and this customer move first
            between = sum(1 for turn in turns[ahead[leaves_s] + 1 :] if turn.leaves_s > leaves_s)
            place -= 1
            places.append((place, leaves_s + MOVE_UP_S * (between + 1)))
        if customer.served_s is None:
            leaves_s = customer.joins_s + customer.patience_s
            places = [one for one in places if one[1] < leaves_s]
        else:
            leaves_s = max(places[-1][1] + 1.0, desk_free_s)
            desk_free_s = leaves_s + customer.served_s + NEXT_S
        turns.append(Turn(tuple(places), leaves_s))
    return turns
