"""What the visitors of a simulated shop do at its places: a door at entrances; where there is a display, a shelf, a
till with a queue, two targets, and a screen with clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud.domain.chain import Role
from cloud.simulation.doors import at_door
from cloud.simulation.visitors import CROSSINGS, Floats, Visitors
from common.vocabulary import EXPRESSIONS
from edge.place_types import DoorCounts, PlaceCounts, Shown, VisitPlaces, Wait, ZoneCounts, counts_of
from edge.vision.clip_privacy import ClipPlan
from edge.vision.place_counts import of_show
from edge.vision.place_privacy import Plan

DOOR = "street"
STOP_S = 10.0
"""A longer stay is a stop."""
PLANS: Mapping[Role, Plan] = {
    "entrance": Plan(),
    "area": Plan(),
    "display": Plan(
        zones=("shelf", "till"),
        timed=frozenset({"shelf", "till"}),
        queues=frozenset({"till"}),
        targets={"sign": None, "tea": "shelf"},
        heat=(4, 2),
        display=ClipPlan(clips=("brand", "offer"), suited=frozenset({"offer"})),
        version="1",
    ),
}
_CELLS = {"shelf": (0, 1), "till": (7,), "": (2, 3, 5, 6)}
"""Where people stand in each zone, and outside of all."""
_TEA, _SIGN, _SERVED = 0.5, 0.3, 0.85
"""Shares: of visits at the shelf that look at the tea, of all that look at the sign, and of those in the queue who are
served."""

_SHOW_S = 10.0
_IN_SHOW, _SUITED, _HELD, _FIRST = 0.8, 0.6, 0.3, 0.6
"""Shares: of visits that see a show begin, of shows at which the offer suits, of these that are held out, and of visits
that are the first of their show."""
_LOOKS, EFFECT = 0.5, 0.2
"""The share of the attention that falls into a show without the offer, and how much more with it."""


def at_places(rng: np.random.Generator, purpose: Role, people: Visitors) -> Visitors:
    """Draw what each of these visitors does in front of a camera of this purpose."""
    count = len(people.end_s)
    if purpose == "entrance":
        return at_door(rng, people)
    if not PLANS[purpose].zones:
        return people
    places = np.empty(count, dtype=object)
    parts = rng.dirichlet((3, 3, 2), count) * (rng.random((count, 3)) < (0.6, 0.45, 1))
    parts /= parts.sum(axis=1, keepdims=True)
    dice, looks = rng.random((count, 4)), rng.beta(2, 4, (count, 2))
    for index, (part, chance, look) in enumerate(
        zip(parts.tolist(), dice.tolist(), looks.tolist(), strict=True)
    ):
        dwell_s = float(people.dwell_s[index])
        looked = float(people.attention_s[index]) / dwell_s
        places[index] = _walk(dwell_s, part, chance, look, looked)
    return replace(people, places=places, shown=_shows(rng.spawn(1)[0], people.attention_s))


def _shows(rng: np.random.Generator, attention_s: Floats) -> NDArray[np.object_]:
    """Draw which show each visit belongs to. Who looks, looks at the offer for longer by ``EFFECT``."""
    shown = np.full(len(attention_s), None, dtype=object)
    dice = rng.random((len(attention_s), 4)).tolist()
    for index, (seconds, chance) in enumerate(zip(attention_s.tolist(), dice, strict=True)):
        if chance[0] >= _IN_SHOW:
            continue
        suits, first = chance[1] < _SUITED, chance[3] < _FIRST
        held = suits and chance[2] < _HELD
        share = _LOOKS * (1 + EFFECT) if suits and not held else _LOOKS
        shown[index] = Shown(
            clip="offer" if suits else "brand",
            held=held,
            looked_s=share * min(seconds, _SHOW_S),
            first=first,
            seconds=_SHOW_S if first else 0.0,
        )
    return shown


def _walk(
    dwell_s: float, part: Sequence[float], chance: Sequence[float], look: Sequence[float], looked: float
) -> VisitPlaces:
    """Make one visit. ``part``: shares of the time at the shelf, at the till and elsewhere."""
    times = dict(zip(("shelf", "till", ""), (dwell_s * share for share in part), strict=True))
    stays = {name: seconds for name, seconds in times.items() if name and seconds}
    looks = {
        "tea": times["shelf"] * look[0] * (chance[0] < _TEA),
        "sign": times[""] * look[1] * (chance[1] < _SIGN),
    }
    steps = ["entry", *(stays if chance[2] < 0.8 else reversed(stays)), "exit"]
    return VisitPlaces(
        stays=stays,
        stops=frozenset(name for name, seconds in stays.items() if seconds > STOP_S),
        looks={name: seconds for name, seconds in looks.items() if seconds},
        waits={"till": Wait(stays["till"], served=chance[3] < _SERVED)} if "till" in stays else {},
        ways=frozenset(pairwise(steps)),
        heat={
            cell: (seconds / len(_CELLS[name]), looked * seconds / len(_CELLS[name]))
            for name, seconds in times.items()
            if seconds
            for cell in _CELLS[name]
        },
    )


def counted_places(
    purpose: Role, people: Visitors, faces: Sequence[str], chosen: slice, most: int | None = None
) -> PlaceCounts:
    """Add up what some of the visitors did. ``faces`` are their expressions; ``most`` people were in view at once."""
    if purpose == "entrance":
        return PlaceCounts(doors={DOOR: _door(people.crossing[chosen], people.leads[chosen])})
    plan = PLANS[purpose]
    each = zip(people.places[chosen], people.dwell_s[chosen].tolist(), faces[chosen], strict=True)
    counts = sum((counts_of(one, dwell_s, face, plan.timed) for one, dwell_s, face in each), PlaceCounts())
    counts = sum((of_show(one) for one in people.shown[chosen] if one is not None), counts)
    if most is None:
        return counts
    return replace(counts, zones={name: _most(zone, most) for name, zone in counts.zones.items()})


def _most(zone: ZoneCounts, most: int) -> ZoneCounts:
    return replace(zone, most=min(zone.stays.visits, most))


def _door(crossing: NDArray[np.int64], leads: NDArray[np.bool_]) -> DoorCounts:
    entries, exits, passers = (crossing == CROSSINGS.index(name) for name in ("entry", "exit", "passer"))
    return DoorCounts(int(entries.sum()), int(exits.sum()), int(passers.sum()), int((entries & leads).sum()))


def true_places(
    purpose: Role, counted: Sequence[tuple[Visitors, NDArray[np.bool_]]]
) -> dict[str, dict[str, Any]]:
    """Return what the marked visitors really did, by kind of place and then by name."""
    total = PlaceCounts()
    for people, chosen in counted:
        some = people.only(chosen)
        faces = [EXPRESSIONS[index] for index in some.labels["expression"].tolist()]
        total += counted_places(purpose, some, faces, slice(None))
    return {
        "doors": {name: asdict(door) for name, door in total.doors.items()},
        "zones": {
            name: {
                "visits": zone.stays.visits,
                "stops": zone.stops,
                "dwell_sum_s": round(zone.stays.sum_s, 1),
                "waits": zone.waits.visits,
                "served": zone.served,
                "waiting_sum_s": round(zone.waits.sum_s, 1),
            }
            for name, zone in total.zones.items()
        },
        "targets": {
            name: {"viewers": target.looks.visits, "attention_sum_s": round(target.looks.sum_s, 1)}
            for name, target in total.targets.items()
        },
        "clips": {
            f"{clip} {'held' if held else 'shown'}": {
                "visits": one.visits,
                "shows": one.shows,
                "shown_s": round(one.shown_s, 1),
                "viewers": one.looks.visits,
                "attention_sum_s": round(one.looks.sum_s, 1),
            }
            for (clip, held), one in total.clips.items()
        },
    }
