"""What the display shows, one show after the other, and who was before it when a show began.

A show begins with a decision: the clip of the first rule that holds, or the next clip of the rotation. By chance, in a
share of the decisions, a rule's clip is held out, and the rotation goes on for the same time. So the people before a
clip and before its holdout differ in nothing but the clip: that is what its effect is measured by. Who comes in
cannot be told by show; for this, chance may hold a clip out for whole hours.

Each visit belongs to one show only, the first that began while it was there. So the shows divide the visits, and what
they did in this time is told with the cohort, as every other breakdown is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from edge.place_types import Shown
from edge.signage.rules import Person, Rule, chosen

YIELDS_S = 2.0
"""A clip of the rotation runs at least this long before it gives way to the clip of a rule."""


@dataclass(frozen=True, slots=True)
class Show:
    """One clip on the display. ``number`` counts the shows of this run. ``suited`` is the clip that was chosen, which
    is not the one on display if it is ``held`` out."""

    number: int
    clip: str
    suited: str
    held: bool
    began_s: float
    ends_s: float
    of_rule: bool


@dataclass(slots=True)
class _Watching:
    """One visit and its show, with its time of looking at the display when the show began and when it ended."""

    show: Show
    since_s: float
    until_s: float | None = None


class Programme:
    """Decides what the display shows.

    ``seconds``: the length of each clip. ``rotation``: the clips for when no rule holds, in turn. ``holdout``: the
    share of the decisions, above 0, in which the clip of a rule is held out. ``held_in``: whether chance holds a clip
    out for a whole hour, counted from 1970 in UTC. ``looks_s``: a shorter look counts not.
    Raises ``ValueError`` for a clip of a rule that is in the rotation, which runs in its place.
    """

    def __init__(
        self,
        *,
        seconds: Mapping[str, float],
        rules: Sequence[Rule],
        rotation: Sequence[str],
        holdout: float,
        chance: Random,
        held_in: Callable[[str, int], bool] = lambda _clip, _hour: False,
        looks_s: float = 0.3,
    ) -> None:
        if not 0 < holdout < 1 or any(rule.clip in rotation for rule in rules):
            raise ValueError("the holdout must be between 0 and 1, and no clip of a rule in the rotation")
        self._seconds, self._rules, self._rotation = seconds, rules, rotation
        self._holdout, self._chance, self._held_in, self._looks_s = holdout, chance, held_in, looks_s
        self._next = 0
        self._number = 0
        self._watching: dict[int, _Watching] = {}
        self._told: set[int] = set()
        self._confirmed: set[int] = set()
        self.show: Show | None = None

    def due(self, at_s: float) -> bool:
        """Return whether a decision may be taken now, so that it is worth finding out who is there."""
        show = self.show
        return show is None or at_s >= show.ends_s or (not show.of_rule and at_s >= show.began_s + YIELDS_S)

    def decide(
        self,
        present: Mapping[int, Person],
        looked_s: Callable[[int], float],
        at_s: float,
        hour: int,
        utc_hour: int = 0,
    ) -> Show:
        """Begin the next show if this one is over, or if it is of the rotation and a rule holds now; return the show on
        display. ``present``: who is before it, by track. ``looked_s``: how long a track has looked at it so far.
        ``hour``: of local time, for the rules; ``utc_hour``: counted from 1970, for the holdout."""
        show = self.show
        suited = chosen(self._rules, list(present.values()), hour)
        if show is not None and at_s < show.ends_s and (suited is None or not self.due(at_s)):
            return show
        if show is not None:
            self._end(show, looked_s, at_s)
        self.show = begun = self._begin(suited, at_s, utc_hour)
        for track_id in present:
            if track_id not in self._watching:
                self._watching[track_id] = _Watching(begun, looked_s(track_id))
        return begun

    def confirm(self, number: int) -> None:
        """Note that a player has this show on its screen; a show that no player confirms was seen by nobody."""
        if 0 < number <= self._number:
            self._confirmed.add(number)

    def finish(self, track_id: int, looked_s: float) -> Shown | None:
        """Return the show that the visit of this track belongs to, None if it saw none begin. ``looked_s``: how long it
        has looked at the display in all."""
        watching = self._watching.pop(track_id, None)
        if watching is None or watching.show.number not in self._confirmed:
            return None
        show = watching.show
        until_s = looked_s if watching.until_s is None else watching.until_s
        during_s = min(max(0.0, until_s - watching.since_s), show.ends_s - show.began_s)
        first = show.number not in self._told
        self._told.add(show.number)
        return Shown(
            clip=show.suited,
            held=show.held,
            seconds=show.ends_s - show.began_s if first else 0.0,
            looked_s=during_s if during_s >= self._looks_s - 1e-6 else 0.0,
            first=first,
        )

    def drop(self, alive: Collection[int]) -> None:
        """Delete every record whose track is not in ``alive``."""
        self._watching = {track_id: one for track_id, one in self._watching.items() if track_id in alive}
        numbers = {one.show.number for one in self._watching.values()}
        if self.show is not None:
            numbers.add(self.show.number)
        self._told &= numbers
        self._confirmed &= numbers

    def _begin(self, suited: str | None, at_s: float, utc_hour: int) -> Show:
        self._number += 1
        held = suited is not None and (
            self._held_in(suited, utc_hour) or self._chance.random() < self._holdout
        )
        clip = self._rotate() if suited is None or held else suited
        wanted = suited or clip
        return Show(
            number=self._number,
            clip=clip,
            suited=wanted,
            held=held,
            began_s=at_s,
            ends_s=at_s + self._seconds[wanted],
            of_rule=suited is not None,
        )

    def _rotate(self) -> str:
        clip = self._rotation[self._next % len(self._rotation)]
        self._next += 1
        return clip

    def _end(self, show: Show, looked_s: Callable[[int], float], at_s: float) -> None:
        """End a show, earlier than planned if a rule holds now, and stop the clocks of who was before it."""
        ended = replace(show, ends_s=min(show.ends_s, at_s))
        for track_id, watching in self._watching.items():
            if watching.show.number == show.number:
                watching.show, watching.until_s = ended, looked_s(track_id)
