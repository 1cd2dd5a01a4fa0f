"""Small changes of the visits of a cohort: other days that may be published alike.

Each move returns the people with a few of them changed, or None where it does not go. A moved visit stays one that can
have happened: nobody looks or waits for longer than they were there, or stands in a zone that they were not in. Times
are moved so that their sum stays: what one visit gets is taken from others within their bins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edge.place_types import Shown
from tests.support.days import Person
from tests.support.heat_moves import keep_warm
from tests.support.label_moves import LabelMover
from tests.support.whereabouts import (
    KINDS,
    bin_of,
    counted_s,
    least_elsewhere,
    limits,
    side_of,
    sum_of,
    toggled,
    value_of,
    with_stay,
    with_stay_of,
    with_value,
    within,
    without,
)


@dataclass(frozen=True, slots=True)
class Mover(LabelMover):
    """Moves times, places and shows, too."""

    def mixed(self) -> list[int]:
        """The free visits; each kind of them, by the zones that they were in, has the same chance to be first."""
        order, zones = self.shuffled(), [frozenset(one.places.stays) for one in self.people]
        ranks = {kind: self.rng.random() for kind in zones}
        return sorted(order, key=lambda n: ranks[zones[n]])

    # --- times

    def retime(self, kind: str, old: int, new: int) -> list[Person] | None:
        """Move the time of one visit from one bin to another, by as little as it takes."""
        for index in self.shuffled():
            one = self.people[index]
            value = value_of(one, kind)
            if value is not None and bin_of(value) == old:
                least, most = within(new, *limits(one, kind, loose=True))
                if least < most:
                    made = min(max(value, least), most)
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
            least, most = within(place, *limits(people[index], kind, loose=True))
            if least >= most:
                return None
            people[index] = with_value(people[index], kind, min(max(value, least), most))
        return self._settled(people)

    def _settled(self, people: list[Person]) -> list[Person] | None:
        """Give what the sums of times have lost to other visits, or take it from them, within their bins."""
        for kind in KINDS:
            if kind in self.sums:
                both = [(old, new) for old, new in zip(self.people, people, strict=True) if old is not new]
                rest_s = sum_of([old for old, _ in both], kind) - sum_of([new for _, new in both], kind)
                for loose in (False, True) if kind.startswith("stay") else (False,):
                    rest_s = self._shared(people, kind, rest_s, loose=loose)
                if abs(rest_s) > 0.01:
                    return None
        keep_warm(self.people, people, self.shuffled())
        return people

    def _shared(self, people: list[Person], kind: str, rest_s: float, *, loose: bool) -> float:
        """Share these seconds among visits, and return those that are left. ``loose``: what a visit did meanwhile may
        take less time, too."""
        for index in self.shuffled() if abs(rest_s) >= 1e-9 else ():
            value = value_of(people[index], kind)
            if value is None or counted_s(kind, value) < value:
                continue
            least, most = within(bin_of(value), *limits(people[index], kind, loose=loose))
            made = min(max(value + rest_s, min(value, least)), max(value, most))
            people[index] = with_value(people[index], kind, made)
            rest_s -= made - value
            if abs(rest_s) < 1e-9:
                break
        return rest_s

    # --- places, clips, members

    def toggle(self, what: str, *, more: bool | None = None) -> list[Person] | None:
        """Let one visit do what it did not do, or not do what it did: the counts change by one. ``more``: whether they
        grow, None for either."""
        for index in self.mixed():
            if more is not None and (value_of(self.people[index], what) is None) != more:
                continue
            made = toggled(self.people[index], what)
            if made is not None:
                return self._settled(self.changed((index, made)))
        return None

    def deal_shows(self, table: Mapping[str, tuple[int, int]]) -> list[Person] | None:
        """Divide visits among the shows anew: so many belong to each side in ``table``, and so many of these looked.
        Visits of other sides stay as they are, and so does what is told of the shows themselves."""
        people, fixed = self.people, set(range(len(self.people))) - set(self.free)
        mine = [n for n in self.shuffled() if side_of(people[n]) in table]
        shows = {side: [people[n].shown for n in mine if side_of(people[n]) == side] for side in table}
        lookers = [n for n in mine if "sign" in people[n].places.looks]
        changed = {n: replace(people[n], shown=None) for n in mine}
        idle = dict[str, int]()
        for side, (visits, looked) in table.items():
            known = [people[n] for n in fixed if side_of(people[n]) == side]
            looking = looked - sum(value_of(one, f"clip {side}") is not None for one in known)
            idle[side] = visits - len(known) - looking
            if not 0 <= looking <= len(lookers) or idle[side] < 0:
                return None
            for n in [lookers.pop() for _ in range(looking)]:
                looked_s = min(10.0, 0.8 * people[n].places.looks["sign"])
                changed[n] = replace(people[n], shown=_show(side, shows[side], looked_s))
        # Who did not look at the display is taken before who looked at another time.
        waiting = lookers + [n for n in mine if "sign" not in people[n].places.looks]
        for side, count in idle.items():
            for n in [waiting.pop() for _ in range(count if side else 0)]:
                changed[n] = replace(people[n], shown=_show(side, shows[side], 0.0))
        return self._settled(self.changed(*changed.items()))

    def pass_on(self, zone: str, *, longer: bool) -> list[Person] | None:
        """Let another visit have been in a zone, with all that the first one did there; ``longer``: in addition to what
        it did before."""
        for giver in self.mixed():
            one = self.people[giver]
            if zone not in one.places.stays:
                continue
            for taker in self.mixed():
                other = self.people[taker]
                room_s = other.elsewhere_s - least_elsewhere(other)
                stay_s = one.places.stays[zone]
                if zone in other.places.stays or (room_s < stay_s and not longer):
                    continue
                giving, taking = without(one, zone), with_stay_of(other, zone, one)
                if longer:
                    giving = replace(giving, dwell_s=max(0.6, one.dwell_s - stay_s))
                    taking = replace(taking, dwell_s=other.dwell_s + stay_s)
                return self._settled(self.changed((giver, giving), (taker, taking)))
        return None

    def rezone(self, old: str, new: str) -> list[Person] | None:
        """Let one visit have been in another zone instead, for as long."""
        for index in self.mixed():
            one = self.people[index]
            if old in one.places.stays and new not in one.places.stays:
                moved = with_stay(without(one, old), new, one.places.stays[old])
                return self._settled(self.changed((index, moved)))
        return None


def _show(side: str, shows: list[Shown | None], looked_s: float) -> Shown:
    """Take one of the ``shows`` of a side; if there is none left, make one that nothing is told of."""
    clip, _, held = side.partition(" ")
    shown = shows.pop() if shows else None
    made = shown or Shown(clip, held == "True", looked_s=0.0, first=False, seconds=0.0)
    return replace(made, looked_s=looked_s)
