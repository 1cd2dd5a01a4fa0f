"""Small changes of the visits of a cohort: other days that may be published alike.

Each move returns the people with a few of them changed, or None where it does not go. A moved visit stays one that can
have happened: nobody looks or waits for longer than they were there, or stands in a zone that they were not in. Times
are moved so that their sum stays: what one visit gets is taken from others within their bins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from common.vocabulary import NOT_SEEN
from edge.place_types import Shown, Wait
from tests.support.crowds import EDGES, UPPER, VIEWER_S
from tests.support.days import SIDES, Person

People = Sequence[Person]
_EDGE_S = 0.05
"""Times keep away from the edges of bins by this much."""
_CELLS = {"shelf": (0, 1), "desk": (2,), "": (3,)}
"""The cells of the grid in each zone, and outside."""


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves visits of ``people``; those at the places ``free`` alone. ``sums``: the kinds of times whose sum
    must stay."""

    people: People
    free: Sequence[int]
    sums: Collection[str]
    rng: np.random.Generator

    def shuffled(self, chosen: Sequence[int] | None = None) -> list[int]:
        order = list(self.free if chosen is None else chosen)
        self.rng.shuffle(order)
        return order

    def changed(self, *changes: tuple[int, Person]) -> list[Person]:
        people = list(self.people)
        for index, one in changes:
            people[index] = one
        return people

    # --- what faces show

    def relabel(self, attribute: int, old: str, new: str) -> list[Person] | None:
        """Give one visit another label; one that looked at no target, where there is one."""
        found = [n for n in self.shuffled() if self.people[n].labels[attribute] == old]
        if not found:
            return None
        index = min(found, key=lambda n: len(self.people[n].places.looks))
        return self.changed((index, labelled(self.people[index], attribute, new)))

    def exchange(self, attribute: int, one: int, other: int) -> list[Person]:
        """Exchange one label of two visits."""
        first, second = self.people[one], self.people[other]
        return self.changed(
            (one, labelled(first, attribute, second.labels[attribute])),
            (other, labelled(second, attribute, first.labels[attribute])),
        )

    def permute(self, attribute: int) -> list[Person]:
        """Deal the labels of all described visits anew."""
        seen = [n for n in self.free if self.people[n].labels[0] != NOT_SEEN]
        labels = [self.people[n].labels[attribute] for n in self.shuffled(seen)]
        return self.changed(
            *((n, labelled(self.people[n], attribute, label)) for n, label in zip(seen, labels, strict=True))
        )

    def unsee(self, labels: Sequence[str]) -> list[Person] | None:
        """Make a visit that was not seen of one with these ``labels``. If nobody has all three of them, three visits
        exchange theirs before."""
        mover = self
        for attribute, label in enumerate(labels):
            owners = [n for n in mover.shuffled() if mover.people[n].labels[attribute] == label]
            if not owners:
                return None
            if not attribute:
                index = owners[0]
            elif mover.people[index].labels[attribute] != label:
                mover = replace(mover, people=mover.exchange(attribute, index, owners[0]))
        return mover.changed((index, _with_labels(mover.people[index], (NOT_SEEN,) * 3)))

    def see(self, labels: Sequence[str]) -> list[Person] | None:
        """Give these labels to a visit that was not seen."""
        unseen = [n for n in self.shuffled() if self.people[n].labels[0] == NOT_SEEN]
        if not unseen:
            return None
        index = min(unseen, key=lambda n: len(self.people[n].places.looks))
        return self.changed((index, _with_labels(self.people[index], labels)))

    # --- times

    def retime(self, kind: str, old: int, new: int) -> list[Person] | None:
        """Move the time of one visit from one bin to another."""
        for index in self.shuffled():
            one = self.people[index]
            value = value_of(one, kind)
            if value is not None and bin_of(value) == old:
                least, most = _within(new, *limits(one, kind, loose=True))
                if least < most:
                    made = float(self.rng.uniform(least, min(most, least + 600)))
                    return self._settled(self.changed((index, with_value(one, kind, made))))
        return None

    def refill(self, kind: str, table: Sequence[int]) -> list[Person] | None:
        """Move times between bins until each bin holds as many as in ``table``."""
        people, left = list(self.people), list[tuple[float, int]]()
        now = Counter(bin_of(value) for one in people if (value := value_of(one, kind)) is not None)
        for index in self.shuffled():
            value = value_of(people[index], kind)
            if value is not None and now[bin_of(value)] > table[bin_of(value)]:
                now[bin_of(value)] -= 1
                left.append((value, index))
        wanted = [n for n, count in enumerate(table) for _ in range(count - now[n])]
        for (value, index), place in zip(sorted(left), wanted, strict=False):
            least, most = _within(place, *limits(people[index], kind, loose=True))
            if least >= most:
                return None
            people[index] = with_value(people[index], kind, min(max(value, least), most))
        return self._settled(people)

    def _settled(self, people: list[Person]) -> list[Person] | None:
        """Give what the sums of times have lost to other visits, or take it from them, within their bins."""
        for kind in KINDS:
            if kind in self.sums:
                rest_s = _sum(self.people, kind) - _sum(people, kind)
                for index in self.shuffled():
                    if abs(rest_s) < 1e-9:
                        break
                    value = value_of(people[index], kind)
                    if value is None:
                        continue
                    least, most = _within(bin_of(value), *limits(people[index], kind))
                    made = min(max(value + rest_s, min(value, least)), max(value, most))
                    people[index] = with_value(people[index], kind, made)
                    rest_s -= made - value
                if abs(rest_s) > 0.01:
                    return None
        return people

    # --- places, clips, members

    def toggle(self, what: str) -> list[Person] | None:
        """Let one visit do what it did not do, or not do what it did: the counts change by one."""
        for index in self.shuffled():
            made = toggled(self.people[index], what)
            if made is not None:
                return self._settled(self.changed((index, made)))
        return None

    def reshow(self, old: str, new: str) -> list[Person] | None:
        """Let a visit belong to another show, or to none: ""."""
        for index in self.shuffled():
            one = self.people[index]
            if side_of(one) == old:
                clip, _, held = new.partition(" ")
                shown = one.shown or Shown(clip, held == "True", looked_s=0.0, first=False, seconds=0.0)
                shown = replace(shown, clip=clip, held=held == "True")
                return self._settled(self.changed((index, replace(one, shown=shown if new else None))))
        return None

    def pass_on(self, zone: str, *, longer: bool) -> list[Person] | None:
        """Let another visit have been in a zone, with all that the first one did there; ``longer``: in addition to what
        it did before."""
        for giver in self.shuffled():
            one = self.people[giver]
            if zone not in one.places.stays:
                continue
            for taker in self.shuffled():
                other = self.people[taker]
                room_s = other.elsewhere_s - _least_elsewhere(other)
                stay_s = one.places.stays[zone]
                if zone in other.places.stays or (room_s < stay_s and not longer):
                    continue
                giving, taking = _without(one, zone), _with(other, zone, one)
                if longer:
                    giving = replace(giving, dwell_s=max(0.6, one.dwell_s - stay_s))
                    taking = replace(taking, dwell_s=other.dwell_s + stay_s)
                return self._settled(self.changed((giver, giving), (taker, taking)))
        return None


def side_of(one: Person) -> str:
    """The clip that the visit belongs to, and whether it was held out; "" for none."""
    return "" if one.shown is None else f"{one.shown.clip} {one.shown.held}"


def labelled(one: Person, attribute: int, label: str) -> Person:
    labels = list(one.labels)
    labels[attribute] = label
    return _with_labels(one, (labels[0], labels[1], labels[2]))


def _with_labels(one: Person, labels: Sequence[str]) -> Person:
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


def _sum(people: People, kind: str) -> float:
    return sum(value_of(one, kind) or 0.0 for one in people)


def _within(place: int, least: float, most: float) -> tuple[float, float]:
    """Narrow limits to those of a bin."""
    return max(least, EDGES[place] + _EDGE_S), min(most, UPPER[place] - _EDGE_S)


def limits(one: Person, kind: str, *, loose: bool = False) -> tuple[float, float]:
    """Between which seconds this time of the visit can be, if all others are as they are; ``loose``: if the others may
    become shorter or longer with it."""
    what, _, name = kind.partition(" ")
    places, least_s = one.places, _least_elsewhere(one)
    if what == "dwell":
        return 0.6 if loose else max(one.dwell_s - one.elsewhere_s + least_s, one.attention_s, 0.6), 1e5
    if what == "attention":
        return VIEWER_S, one.dwell_s
    if what == "clip":
        return 0.1, min(10.0, places.looks.get("sign", 0.0))
    if what == "stay":
        stopped_s = 10.0 + _EDGE_S if name in places.stops else 0.3
        if loose:
            return stopped_s, 1e5
        looked_s = places.looks.get("tea", 0.0) if name == "shelf" else 0.0
        waited_s = places.waits["desk"].seconds if name == "desk" and "desk" in places.waits else 0.0
        return max(_stood(one, name), looked_s, waited_s, stopped_s), places.stays[name] + one.elsewhere_s - least_s
    if what == "wait":
        return 0.1, places.stays["desk"]
    shown_s = one.shown.looked_s if one.shown is not None and name == "sign" else 0.0
    return max(0.05, shown_s), places.stays.get("shelf", 0.0) if name == "tea" else one.elsewhere_s


def _stood(one: Person, zone: str) -> float:
    return sum(one.places.heat[cell][0] for cell in _CELLS[zone] if cell in one.places.heat)


def _least_elsewhere(one: Person) -> float:
    return max(_stood(one, ""), one.places.looks.get("sign", 0.0))


def with_value(one: Person, kind: str, seconds: float) -> Person:
    """The same visit with this time. Beyond the limits, other times of the visit change with it."""
    what, _, name = kind.partition(" ")
    places = one.places
    if what == "dwell":
        return replace(one, dwell_s=seconds) if seconds >= limits(one, kind)[0] else _scaled(one, seconds / one.dwell_s)
    if what == "attention":
        return replace(one, attention_s=seconds)
    if what == "clip":
        assert one.shown is not None
        return replace(one, shown=replace(one.shown, looked_s=seconds))
    if what == "stay":
        return _with_stay(one, name, seconds)
    if what == "wait":
        return replace(one, places=replace(places, waits={"desk": replace(places.waits["desk"], seconds=seconds)}))
    return replace(one, places=replace(places, looks={**places.looks, name: seconds}))


def _with_stay(one: Person, zone: str, seconds: float) -> Person:
    """The same visit with this stay. There is less of everything that it did there if the stay is shorter."""
    places, share = one.places, seconds / one.places.stays[zone]
    least_s, most_s = limits(one, f"stay {zone}")
    if seconds < least_s:
        places = replace(
            places,
            heat={c: (s * share, look_s * share) if c in _CELLS[zone] else (s, look_s) for c, (s, look_s) in places.heat.items()},
            looks={n: s * (share if n == "tea" and zone == "shelf" else 1) for n, s in places.looks.items()},
            waits={n: replace(one, seconds=one.seconds * (share if zone == "desk" else 1)) for n, one in places.waits.items()},
        )
    longer_s = max(0.0, seconds - most_s)
    return _with_stays(replace(one, places=places, dwell_s=one.dwell_s + longer_s), {**places.stays, zone: seconds})


def _scaled(one: Person, share: float) -> Person:
    """The same visit, faster. A stop stays one."""
    places, shown = one.places, one.shown
    places = replace(
        places,
        stays={n: s * share for n, s in places.stays.items()},
        stops=frozenset(n for n in places.stops if places.stays[n] * share > 10.0),
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
    "look TARGET" or "clip CLIP HELD" (looked meanwhile)."""
    kind, _, name = what.partition(" ")
    places = one.places
    if kind == "member":
        return replace(one, member=not one.member)
    if kind == "order":
        return None if not {"desk", "shelf"} <= places.stays.keys() else _walked(one, reverse=("desk", "shelf") in places.ways)
    if kind == "served":
        waits = places.waits.get("desk")
        return waits and replace(one, places=replace(places, waits={"desk": replace(waits, served=not waits.served)}))
    if kind == "stop":
        if places.stays.get(name, 0.0) <= 10.0:
            return None
        return replace(one, places=replace(places, stops=places.stops ^ {name}))
    if kind == "wait":
        if "desk" in places.waits:
            return replace(one, places=replace(places, waits={}))
        stay_s = places.stays.get("desk", 0.0)
        return None if stay_s < 0.5 else replace(one, places=replace(places, waits={"desk": Wait(0.9 * stay_s, True)}))
    if kind == "look":
        return _look(one, name)
    if kind == "clip":
        return _watch(one, name)
    return _stay(one, name)


def _look(one: Person, target: str) -> Person | None:
    looks = dict(one.places.looks)
    if target in looks:
        if target == "sign" and one.shown is not None and one.shown.looked_s:
            return None
        del looks[target]
    else:
        most_s = one.places.stays.get("shelf", 0.0) if target == "tea" else one.elsewhere_s
        if most_s < 0.3:
            return None
        looks[target] = 0.4 * most_s
    return replace(one, places=replace(one.places, looks=looks))


def _watch(one: Person, side: str) -> Person | None:
    if one.shown is None or side_of(one) != side:
        return None
    looking = one if "sign" in one.places.looks else _look(one, "sign")
    if looking is None:
        return None
    looked_s = 0.0 if one.shown.looked_s else min(10.0, 0.8 * looking.places.looks["sign"])
    return replace(looking, shown=replace(one.shown, looked_s=looked_s))


def _stay(one: Person, zone: str) -> Person | None:
    if zone in one.places.stays:
        return _without(one, zone)
    room_s = one.elsewhere_s - _least_elsewhere(one)
    return None if room_s < 0.3 else _walked(_with_stays(one, {**one.places.stays, zone: 0.6 * room_s}))


def _without(one: Person, zone: str) -> Person:
    places = one.places
    places = replace(
        places,
        heat={cell: s for cell, s in places.heat.items() if cell not in _CELLS[zone]},
        looks={name: s for name, s in places.looks.items() if name != "tea" or zone != "shelf"},
        waits={} if zone == "desk" else places.waits,
        stops=places.stops - {zone},
    )
    return _walked(_with_stays(replace(one, places=places), {n: s for n, s in places.stays.items() if n != zone}))


def _with(one: Person, zone: str, like: Person) -> Person:
    """The same visit, which also did in a zone what another one did there."""
    places, done = one.places, like.places
    places = replace(
        places,
        heat=dict(places.heat) | {cell: s for cell, s in done.heat.items() if cell in _CELLS[zone]},
        looks=dict(places.looks) | {n: s for n, s in done.looks.items() if n == "tea" and zone == "shelf"},
        waits=done.waits if zone == "desk" else places.waits,
        stops=places.stops | (done.stops & {zone}),
    )
    return _walked(_with_stays(replace(one, places=places), {**places.stays, zone: done.stays[zone]}))


def _walked(one: Person, *, reverse: bool = False) -> Person:
    zones = sorted(name for name in one.places.stays if name != "wide")
    steps = ["entry", *(reversed(zones) if reverse else zones), "exit"]
    return replace(one, places=replace(one.places, ways=frozenset(pairwise(steps))))
