"""What people do at the door of a simulated shop: they come and go in parties, and some parties come in again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cloud.domain.re_entries import WITHIN_S
from cloud.simulation.beside import Beside
from cloud.simulation.visitors import CROSSINGS, Visitors, joined

ENTRY, EXIT = CROSSINGS.index("entry"), CROSSINGS.index("exit")
_CROSSING = {"entry": 0.42, "exit": 0.36, "passer": 0.2, "": 0.02}
_PARTY = (0.7, 0.25, 0.05)
"""Shares of people who are alone, in twos and in threes."""
_TOGETHER_S = 1.5
"""Those of a party cross the line within this time."""
RETURNS = 0.15
"""The share of the parties that leave and come in again soon."""
_BACK_S = (60.0, 0.95 * WITHIN_S)
"""After which time they come back."""


def at_door(rng: np.random.Generator, people: Visitors) -> Visitors:
    """Draw what each of these people does at the door, and add those who come in again.

    Staff does not use this door. Who comes in again shows no code a second time.
    """
    count = len(people.end_s)
    crossing = rng.choice(len(CROSSINGS), count, p=[_CROSSING[name] for name in CROSSINGS])
    crossing[people.beside.staff > 0] = CROSSINGS.index("")
    end_s, leads = people.end_s.copy(), np.zeros(count, dtype=bool)
    party = np.full(count, -1)
    for way in (ENTRY, EXIT):
        who = np.flatnonzero(crossing == way)
        first = _first_of_party(rng, len(who))
        leads[who], party[who] = first == np.arange(len(who)), who[first]
        end_s[who] = end_s[party[who]] + rng.uniform(0, _TOGETHER_S, len(who)) * ~leads[who]
    people = replace(people, end_s=end_s, crossing=crossing, leads=leads)
    return _with_those_who_return(rng, people, party)


def _first_of_party(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Divide so many people into parties; return for each the place of the first of the party."""
    sizes = rng.choice(len(_PARTY), count, p=_PARTY) + 1
    return np.repeat(np.cumsum(sizes) - sizes, sizes)[:count]


def _with_those_who_return(rng: np.random.Generator, people: Visitors, party: NDArray[np.int64]) -> Visitors:
    count = len(people.end_s)
    returns, after_s = rng.random(count) < RETURNS, rng.uniform(*_BACK_S, count)
    left = np.flatnonzero((people.crossing == EXIT) & returns[party])
    back = people.only(left)
    back = replace(
        back,
        end_s=back.end_s + after_s[party[left]],
        crossing=np.full(len(left), ENTRY),
        beside=replace(Beside.of(back.beside.staff), again=np.ones(len(left), dtype=bool)),
    )
    everybody = joined(people, back)
    return everybody.only(np.argsort(everybody.end_s, kind="stable"))


def true_re_entries(counted: Iterable[Visitors]) -> dict[str, int]:
    """Return how many people entered at these cameras, and how many of them came in again."""
    found = Counter({"entries": 0, "re_entries": 0})
    for people in counted:
        found["entries"] += int((people.crossing == ENTRY).sum())
        found["re_entries"] += int(people.beside.again.sum())
    return dict(found)
