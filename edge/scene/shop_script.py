"""What people do in the shop of ``edge.scene.shop``, planned at random from a seed.

They come in and go out through a door, turn back at it or pass by in the hall; look at one of two products at a shelf;
wait in a queue and are served at a desk. ``edge.scene.shop_plan`` has the places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from edge.scene.floor_plan import Target, drop_on_floor, heading_to
from edge.scene.portraits import Portrait
from edge.scene.queue_plan import Customer, Turn, plan_queue
from edge.scene.route import MARGIN, Spot, length_of
from edge.scene.script import STEP_S, Script, free
from edge.scene.shop_plan import (
    DESK_X,
    DOOR_XS,
    DOOR_Z,
    FRONT_X,
    LANE_Z,
    PLACES,
    QUEUE_Z,
    SHELF_PLAN,
    SHELF_XS,
    SHELF_Z,
    SPACING,
)
from edge.scene.viewpoint import Viewpoint
from edge.scene.walk import FACE_M, Walk

_DOOR_X = -3.4, -0.9
"""Between these people cross the door line."""
_ENTRIES_APART_S = 3.0
"""Who does not belong together does not enter within this time."""
_HIDDEN_S = 0.8
"""Nobody is hidden by another person for longer than this at a time."""
_SECOND_S = 18.0
"""So long, at least, somebody is the second in the queue: longer than anybody stands anywhere else."""


class ShopScript(Script):
    """The acts of the shop. ``door`` is the second camera."""

    def __init__(self, seed: int, width: float, seconds: float, stream: int, door: Viewpoint) -> None:
        super().__init__(seed, width, seconds, stream)
        self._door = door

    def walks(self) -> tuple[Walk, ...]:
        """Return all walks by the time at which they start."""
        favourite, other = (SHELF_PLAN.targets[which] for which in self._rng.permutation(2))
        stands = self._rng.permutation(SHELF_XS)
        lookers = [
            partial(self._looks_at, target, float(x), looks_s)
            for (target, looks_s), x in zip(
                [*[(favourite, (8.0, 11.0))] * 3, *[(other, (6.5, 8.0))] * 2], stands, strict=True
            )
        ]
        return self.play(
            [
                self._queue,
                self._three_enter_together,
                self._two_enter_together,
                *lookers,
                *[self._passes_the_shelf] * 3,
                *[self._comes_in] * 2,
                *[self._goes_out] * 2,
                *[self._turns_back_inside] * 2,
                self._turns_before_the_door,
                *[self._passes_by] * 4,
            ]
        )

    def _fit(self, paths: Sequence[np.ndarray], more: Sequence[np.ndarray]) -> bool:
        new = [at_s for path in more for at_s in _crossings(path)]
        old = [at_s for path in paths for at_s in _crossings(path)]
        if any(abs(one - other) < _ENTRIES_APART_S for one in new for other in old):
            return False
        together = [*paths, *more]
        return free(together, _HIDDEN_S) and free([self._door.path(path) for path in together], _HIDDEN_S)

    def _drop(self, portrait: Portrait) -> float:
        return drop_on_floor(portrait)

    def _hall(self, z: float) -> Spot:
        """Return a spot just hidden behind the wall beside the door."""
        return Spot(self._hall_edge(self._side(), z), z)

    def _hall_edge(self, side: float, z: float) -> float:
        """Return ``x`` in metres just hidden behind the wall beside the door, from both cameras."""
        edge = DOOR_XS[0 if side < 0 else 1]
        hidden = [
            x + (edge - x) * (z - far) / (DOOR_Z - far)
            for x, far in ((0.0, 0.0), (self._door.x, self._door.z))
        ]
        return side * max(side * x for x in hidden) + side * MARGIN * FACE_M

    def _before_the_door(self) -> Spot:
        return self._hall(DOOR_Z + self._between(1.6, 2.4))

    def _through(self, x: float, *, inwards: bool) -> list[Spot]:
        """Return the way through the door at ``x``."""
        spots = [Spot(x, DOOR_Z + 0.8), Spot(x, DOOR_Z - 0.5)]
        return spots if inwards else spots[::-1]

    def _in(self) -> list[Spot]:
        return [self._before_the_door(), *self._through(self._between(*_DOOR_X), inwards=True)]

    def _out(self) -> list[Spot]:
        return [*self._through(self._between(*_DOOR_X), inwards=False), self._before_the_door()]

    def _left(self) -> Spot:
        """Return a spot out of sight on the left."""
        z = self._between(5.9, 7.2)
        return Spot(self._edge(-1.0, z), z)

    def _right(self) -> Spot:
        """Return a spot out of sight on the right, in front of the queue."""
        z = self._between(4.6, 5.1)
        return Spot(self._edge(1.0, z), z)

    # the door

    def _comes_in(self) -> list[Walk]:
        return [self._walk(self._start(16.0), [*self._in(), self._left()], glances=self._glance())]

    def _goes_out(self) -> list[Walk]:
        return [self._walk(self._start(16.0), [self._left(), *self._out()])]

    def _turns_back_inside(self) -> list[Walk]:
        """Come over the sill, look round, and go back."""
        x = self._between(*_DOOR_X)
        turns = Spot(x, DOOR_Z - self._between(0.9, 1.2), self._between(0.4, 0.8), 0.0)
        spots = [self._before_the_door(), Spot(x, DOOR_Z + 0.8), turns, Spot(x, DOOR_Z + 0.8)]
        return [self._walk(self._start(14.0), [*spots, self._before_the_door()])]

    def _turns_before_the_door(self) -> list[Walk]:
        """Come up to the sill, look in, and go away."""
        turns = Spot(self._between(*_DOOR_X), DOOR_Z + self._between(1.2, 1.5), self._between(1.0, 2.0), 0.0)
        return [
            self._walk(
                self._start(12.0), [self._before_the_door(), turns, self._before_the_door()], sway=0.02
            )
        ]

    def _passes_by(self) -> list[Walk]:
        """Walk through the hall past the door."""
        side, z = self._side(), DOOR_Z + self._between(1.8, 2.7)
        spots = [Spot(self._hall_edge(edge, z), z) for edge in (-side, side)]
        return [self._walk(self._start(8.0), spots, pace=self._between(0.8, 1.2))]

    def _three_enter_together(self) -> list[Walk]:
        return self._group(3)

    def _two_enter_together(self) -> list[Walk]:
        return self._group(2)

    def _group(self, count: int) -> list[Walk]:
        """Enter abreast, 0.7 to 0.9 m apart, and leave to the left."""
        start, side = self._before_the_door(), self._side()
        apart, pace, starts_s = self._between(0.7, 0.8), self._between(0.9, 1.2), self._start(16.0)
        room = (count - 1) * apart
        first = self._between(_DOOR_X[0], _DOOR_X[1] - room) + (room if side < 0 else 0.0)
        z = self._between(6.2, 6.8)
        walks = []
        for place in range(count):
            aside, behind = side * place * apart, place % 2 * 0.3
            spots = [
                Spot(start.x + aside + np.sign(start.x + 1.8) * room, start.z + behind),
                Spot(first + aside, DOOR_Z + 0.8 + behind),
                Spot(first + aside, z + 0.8 + behind),
                Spot(self._edge(-1.0, z) - room + aside, z + behind),
            ]
            walks.append(self._walk(starts_s, spots, pace=pace))
        return walks

    # the shelf

    def _to_the_shelf(self) -> list[Spot]:
        """Come from the door or from the left."""
        if self._rng.random() < 0.6:
            return [*self._in(), Spot(self._between(-1.9, -1.4), 6.4)]
        z = self._between(4.7, 5.1)
        return [Spot(self._edge(-1.0, z), z)]

    def _from_the_shelf(self) -> list[Spot]:
        """Leave through the door or to the right."""
        if self._rng.random() < 0.5:
            return [Spot(self._between(-1.9, -1.4), 6.4), *self._out()]
        return [self._right()]

    def _looks_at(self, target: Target, x: float, looks_s: tuple[float, float]) -> list[Walk]:
        """Stop at ``x``, look at one product for that long, and perhaps at neither for a moment."""
        z = self._between(*SHELF_Z)
        looks = Spot(x, z, self._between(*looks_s), heading_to(target.place, x, z))
        pause = [Spot(x, z, self._between(1.0, 2.0), 0.0)] if self._rng.random() < 0.4 else []
        spots = [*self._to_the_shelf(), looks, *pause, *self._from_the_shelf()]
        return [replace(self._walk(self._start(30.0), spots, sway=0.03), act=f"looks {target.name}")]

    def _passes_the_shelf(self) -> list[Walk]:
        spots = [
            *self._to_the_shelf(),
            Spot(self._between(-1.3, -0.9), self._between(4.6, 5.0)),
            self._right(),
        ]
        return [self._walk(self._start(18.0), spots)]

    # the desk

    def _queue(self) -> list[Walk]:
        """Wait in the queue, be served, and leave; one gives up."""
        customers, turns = self._turns()
        return [self._customer(*one) for one in zip(customers, turns, strict=True)]

    def _turns(self) -> tuple[list[Customer], list[Turn]]:
        """Throw six customers of whom one, with others before and behind, gives up."""
        while True:
            joins = self._between(14.0, 26.0) + np.cumsum([0.0, *self._rng.uniform(2.5, 7.5, 5)])
            leaves = int(self._rng.integers(2, 5))
            customers = [
                Customer(float(at_s), None, self._between(5.0, 9.0))
                if place == leaves
                else Customer(float(at_s), self._between(8.5, 11.5))
                for place, at_s in enumerate(joins)
            ]
            turns = plan_queue(customers)
            gone_s = turns[leaves].leaves_s
            before = any(turn.leaves_s > gone_s for turn in turns[:leaves])
            behind = any(customer.joins_s < gone_s for customer in customers[leaves + 1 :])
            longest = max(place for turn in turns for place, _ in turn.places)
            second_s = sum(turn.seconds_at(1) for turn in turns)
            if before and behind and longest < PLACES and second_s > _SECOND_S:
                return customers, turns

    def _customer(self, customer: Customer, turn: Turn) -> Walk:
        """Walk to the last place of the queue, move up, and go to the desk or away."""
        pace, z, facing = (
            self._between(1.0, 1.2),
            QUEUE_Z + self._between(-0.05, 0.05),
            self._between(40.0, 65.0),
        )
        spots = [*self._in(), Spot(-1.6, 7.2), Spot(-1.3, z)]
        xs = [FRONT_X - SPACING * place for place, _ in turn.places]
        arrives_s = customer.joins_s
        starts_s = arrives_s - length_of([*spots, Spot(xs[0], z)]) / pace
        moves = [*(at_s for _, at_s in turn.places[1:]), turn.leaves_s]
        for x, moves_s in zip(xs, moves, strict=True):
            arrives_s += (x - spots[-1].x) / pace if spots[-1].stays_s else 0.0
            stays_s = max(STEP_S, moves_s - arrives_s)
            spots.append(Spot(x, z, stays_s, facing))
            arrives_s += stays_s
        if customer.served_s is None:
            spots += self._gives_up(spots[-1])
        else:
            walks_s = (DESK_X - spots[-1].x) / pace
            spots += [Spot(DESK_X, z, customer.served_s - walks_s, facing), *self._from_the_desk()]
        walk = self._walk(starts_s, spots, pace=pace, sway=0.02)
        return replace(walk, act="waits" if customer.served_s is not None else "gives up")

    def _from_the_desk(self) -> list[Spot]:
        if self._rng.random() < 0.5:
            return [Spot(2.2, 7.2), Spot(1.6, LANE_Z), Spot(-0.6, LANE_Z), *self._out()]
        return [Spot(DESK_X, 5.2), self._right()]

    def _gives_up(self, place: Spot) -> list[Spot]:
        if self._rng.random() < 0.5:
            return [Spot(place.x - 0.2, LANE_Z), Spot(-0.8, LANE_Z), *self._out()]
        return [Spot(place.x + 0.2, 5.2), self._right()]


def _crossings(path: np.ndarray) -> list[float]:
    """Return the seconds at which a path (n, 4) crosses the door line inwards."""
    outside = path[:, 3] > DOOR_Z
    return [float(step) * STEP_S for step in np.flatnonzero(outside[:-1] & (path[1:, 3] <= DOOR_Z))]
