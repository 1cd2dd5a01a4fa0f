"""The times and places of one visit: what they are, between which limits they can be, and the visit with others.

A changed visit stays one that can have happened: nobody looks or waits for longer than they were there, or stands in a
zone that they were not in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf

from common.vocabulary import LOOK_MOST_S
from edge.place_types import Wait
from tests.support.crowds import EDGES, UPPER, VIEWER_S
from tests.support.days import SIDES, Person

EDGE_S = 0.05
"""Times keep away from the edges of bins by this much."""
STOP_S = 10.0
"""A longer stay is a stop, if it was one stay."""
CELLS = {"shelf": (0, 1), "desk": (2,), "": (3,)}
"""The cells of the grid in each zone, and outside."""


def side_of(one: Person) -> str:
    """The clip that the visit belongs to, and whether it was held out; "" for none."""
    return "" if one.shown is None else f"{one.shown.clip} {one.shown.held}"


def labelled(one: Person, attribute: int, label: str) -> Person:
    labels = list(one.labels)
    labels[attribute] = label
    return with_labels(one, (labels[0], labels[1], labels[2]))


def with_labels(one: Person, labels: Sequence[str]) -> Person:
    return replace(one, labels=(labels[0], labels[1], labels[2]))


def bin_of(seconds: float) -> int:
    return bisect_right(EDGES, seconds) - 1


KINDS = (
    "stay desk", "stay shelf", "wait", "look tea", "look sign", *(f"clip {clip} {held}" for clip, held in SIDES),
    "attention", "dwell",
)  # fmt: skip
"""The kinds of times of a visit. Those that limit others come first."""


def value_of(one: Person, kind: str) -> float | None:
    """Seconds of one kind; None if the visit has none."""
    what, _, name = kind.partition(" ")
    if what == "dwell":
        return one.dwell_s
    if what == "attention":
        return one.attention_s or None
    if what == "clip":
        return one.shown.looked_s or None if one.shown is not None and side_of(one) == name else None
    if what == "stay":
        return one.places.stays.get(name)
    if what == "wait":
        return one.places.waits["desk"].seconds if "desk" in one.places.waits else None
    return one.places.looks.get(name)


def sum_of(people: Sequence[Person], kind: str) -> float:
    return sum(counted_s(kind, value_of(one, kind) or 0.0) for one in people)


def counted_s(kind: str, seconds: float) -> float:
    """Return how much of a time is in the sum of its kind."""
    return min(seconds, most_s(kind))


def most_s(kind: str) -> float:
    """Return the most seconds of one visit that are in the sum of this kind."""
    return LOOK_MOST_S if kind.partition(" ")[0] in ("attention", "look", "clip") else inf


def within(place: int, least: float, most: float) -> tuple[float, float]:
    """Narrow limits to those of a bin."""
    return max(least, EDGES[place] + EDGE_S), min(most, UPPER[place] - EDGE_S)


def limits(one: Person, kind: str, *, loose: bool = False) -> tuple[float, float]:
    """Between which seconds this time of the visit can be, if all others are as they are; ``loose``: if the others may
    become shorter or longer with it."""
    what, _, name = kind.partition(" ")
    stays, looks = one.places.stays, one.places.looks
    if what == "stay":
        return _limits_of_stay(one, name, loose=loose)
    if what == "dwell":
        most_s, least_s = 1e5, max(one.dwell_s - one.elsewhere_s + least_elsewhere(one), one.attention_s)
        return 0.6 if loose else max(0.6, least_s), most_s
    if what == "look":
        shown_s = one.shown.looked_s if one.shown is not None and name == "sign" else 0.0
        return max(0.05, shown_s), stays.get("shelf", 0.0) if name == "tea" else one.elsewhere_s
    limits_of = {
        "attention": (VIEWER_S, one.dwell_s),
        "clip": (0.1, min(10.0, looks.get("sign", 0.0))),
        "wait": (0.1, stays.get("desk", 0.0)),
    }
    return limits_of[what]


def _limits_of_stay(one: Person, zone: str, *, loose: bool) -> tuple[float, float]:
    places = one.places
    stopped_s = STOP_S + EDGE_S if zone in places.stops else 0.3
    if loose:
        return stopped_s, 1e5
    looked_s = places.looks.get("tea", 0.0) if zone == "shelf" else 0.0
    waited_s = places.waits["desk"].seconds if zone == "desk" and "desk" in places.waits else 0.0
    room_s = one.elsewhere_s - least_elsewhere(one)
    return max(stood(one, zone), looked_s, waited_s, stopped_s), places.stays[zone] + room_s


def stood(one: Person, zone: str) -> float:
    return sum(one.places.heat[cell][0] for cell in CELLS[zone] if cell in one.places.heat)


def least_elsewhere(one: Person) -> float:
    return max(stood(one, ""), one.places.looks.get("sign", 0.0))


def with_value(one: Person, kind: str, seconds: float) -> Person:
    """The same visit with this time. Beyond the limits, other times of the visit change with it."""
    what, _, name = kind.partition(" ")
    places = one.places
    if what == "dwell":
        return (
            replace(one, dwell_s=seconds)
            if seconds >= limits(one, kind)[0]
            else _scaled(one, seconds / one.dwell_s)
        )
    if what == "attention":
        return replace(one, attention_s=seconds)
    if what == "clip":
        assert one.shown is not None
        return replace(one, shown=replace(one.shown, looked_s=seconds))
    if what == "stay":
        return _with_stay(one, name, seconds)
    if what == "wait":
        return replace(
            one, places=replace(places, waits={"desk": replace(places.waits["desk"], seconds=seconds)})
        )
    return replace(one, places=replace(places, looks={**places.looks, name: seconds}))


def _with_stay(one: Person, zone: str, seconds: float) -> Person:
    """The same visit with this stay. There is less of everything that it did there if the stay is shorter."""
    places, share = one.places, seconds / one.places.stays[zone]
    least_s, most_s = limits(one, f"stay {zone}")
    if seconds < least_s:
        fewer = {
            cell: (s * share, look_s * share)
            for cell, (s, look_s) in places.heat.items()
            if cell in CELLS[zone]
        }
        places = replace(
            places,
            heat={**places.heat, **fewer},
            looks={n: s * (share if n == "tea" and zone == "shelf" else 1) for n, s in places.looks.items()},
            waits={
                n: replace(wait, seconds=wait.seconds * (share if zone == "desk" else 1))
                for n, wait in places.waits.items()
            },
        )
    longer_s = max(0.0, seconds - most_s)
    return _with_stays(
        replace(one, places=places, dwell_s=one.dwell_s + longer_s), {**places.stays, zone: seconds}
    )


def _scaled(one: Person, share: float) -> Person:
    """The same visit, faster. A stop stays one."""
    places, shown = one.places, one.shown
    places = replace(
        places,
        stays={n: s * share for n, s in places.stays.items()},
        stops=frozenset(n for n in places.stops if places.stays[n] * share > STOP_S),
        looks={n: s * share for n, s in places.looks.items()},
        waits={n: replace(wait, seconds=wait.seconds * share) for n, wait in places.waits.items()},
        heat={cell: (s * share, look_s * share) for cell, (s, look_s) in places.heat.items()},
    )
    return replace(
        one,
        places=places,
        dwell_s=one.dwell_s * share,
        attention_s=max(VIEWER_S, one.attention_s * share) if one.attention_s else 0.0,
        shown=None if shown is None else replace(shown, looked_s=shown.looked_s * share),
    )


def _with_stays(one: Person, stays: dict[str, float]) -> Person:
    inside = {name: s for name, s in stays.items() if name != "wide"}
    return replace(
        one, places=replace(one.places, stays=inside | ({"wide": sum(inside.values())} if inside else {}))
    )


def toggled(one: Person, what: str) -> Person | None:
    """The same visit, which did or did not do ``what``: "member", "served", "order", "stop ZONE", "stay ZONE", "wait",
    or "look TARGET". None if it cannot."""
    kind, _, name = what.partition(" ")
    return _TOGGLED[kind](one, name)


def _member(one: Person, _: str) -> Person:
    return replace(one, member=not one.member)


def _order(one: Person, _: str) -> Person | None:
    in_both = {"desk", "shelf"} <= one.places.stays.keys()
    return _walked(one, reverse=("desk", "shelf") in one.places.ways) if in_both else None


def _served(one: Person, _: str) -> Person | None:
    wait = one.places.waits.get("desk")
    return None if wait is None else _with_waits(one, {"desk": replace(wait, served=not wait.served)})


def _stop(one: Person, zone: str) -> Person | None:
    long = one.places.stays.get(zone, 0.0) > STOP_S
    return replace(one, places=replace(one.places, stops=one.places.stops ^ {zone})) if long else None


def _wait(one: Person, _: str) -> Person | None:
    stay_s = one.places.stays.get("desk", 0.0)
    if stay_s < 0.5:
        return None
    return _with_waits(one, {} if "desk" in one.places.waits else {"desk": Wait(0.9 * stay_s, served=True)})


def _with_waits(one: Person, waits: Mapping[str, Wait]) -> Person:
    return replace(one, places=replace(one.places, waits=waits))


def _look(one: Person, target: str) -> Person | None:
    looks = dict(one.places.looks)
    if target in looks:
        if target == "sign" and one.shown is not None:
            one = replace(one, shown=replace(one.shown, looked_s=0.0))
        del looks[target]
    else:
        most_s = one.places.stays.get("shelf", 0.0) if target == "tea" else one.elsewhere_s
        if most_s < 0.3:
            return None
        looks[target] = 0.4 * most_s
    return replace(one, places=replace(one.places, looks=looks))


def _stay(one: Person, zone: str) -> Person | None:
    if zone in one.places.stays:
        return without(one, zone)
    room_s = one.elsewhere_s - least_elsewhere(one)
    return None if room_s < 0.3 else with_stay(one, zone, 0.6 * room_s)


def with_stay(one: Person, zone: str, seconds: float) -> Person:
    """The same visit, which was also in a zone that it was not in, and did nothing there."""
    return _walked(_with_stays(one, {**one.places.stays, zone: seconds}))


def without(one: Person, zone: str) -> Person:
    places = one.places
    places = replace(
        places,
        heat={cell: s for cell, s in places.heat.items() if cell not in CELLS[zone]},
        looks={name: s for name, s in places.looks.items() if name != "tea" or zone != "shelf"},
        waits={} if zone == "desk" else places.waits,
        stops=places.stops - {zone},
    )
    return _walked(
        _with_stays(replace(one, places=places), {n: s for n, s in places.stays.items() if n != zone})
    )


def with_stay_of(one: Person, zone: str, like: Person) -> Person:
    """The same visit, which also did in a zone what another one did there."""
    places, done = one.places, like.places
    places = replace(
        places,
        heat=dict(places.heat) | {cell: s for cell, s in done.heat.items() if cell in CELLS[zone]},
        looks=dict(places.looks) | {n: s for n, s in done.looks.items() if n == "tea" and zone == "shelf"},
        waits=done.waits if zone == "desk" else places.waits,
        stops=places.stops | (done.stops & {zone}),
    )
    return _walked(_with_stays(replace(one, places=places), {**places.stays, zone: done.stays[zone]}))


def _walked(one: Person, *, reverse: bool = False) -> Person:
    zones = sorted(name for name in one.places.stays if name != "wide")
    steps = ["entry", *(reversed(zones) if reverse else zones), "exit"]
    return replace(one, places=replace(one.places, ways=frozenset(pairwise(steps))))


_TOGGLED: Mapping[str, Callable[[Person, str], Person | None]] = {
    "member": _member, "order": _order, "served": _served, "stop": _stop, "wait": _wait, "look": _look,
    "stay": _stay,
}  # fmt: skip
