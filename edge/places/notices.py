"""Notices for staff: when a queue is long, nobody is at the desk, too many people are inside, or a zone is empty.

A rule holds or not at every moment. A notice begins once it has held for the time of the rule, and ends once it has not
held for ``CLEAR_S``. Shorter interruptions end nothing, because somebody who is missed for a moment must not end a
notice; but they are no time in which it has held. A notice has a count and a limit, never a time of a person.
``edge.places.notice_privacy`` decides what of it leaves the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from common.wire import NoticeRule
from edge.places.places import Live

CLEAR_S = 3.0
"""A rule that does not hold for this time is over: longer than somebody is looked for who is lost, and then confirmed
anew. How many are inside changes only by crossings that have settled, so there it is over at once."""

STEADY_S = 3.0
"""Nobody is at a desk once this was so for this time, for the same reason."""

REPEAT_S = 60.0
"""A notice begins at most once in this time."""

GAP_S = 5.0
"""After a longer time without a look, all waiting starts anew: nobody knows what happened in between."""

_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class Rule:
    """When to tell staff.

    - ``queue_over``: more than ``limit`` people in ``zone`` for ``seconds``.
    - ``nobody_at_desk``: nobody in ``desk`` while somebody has been in ``zone`` for ``seconds``.
    - ``inside_over``: more than ``limit`` people inside, by the doors.
    - ``zone_empty``: nobody in ``zone`` for ``seconds`` between the two full hours ``hours``.
    """

    name: str
    rule: NoticeRule
    zone: str = ""
    desk: str = ""
    limit: int | None = None
    seconds: float = 0.0
    hours: tuple[int, int] = (0, 24)

    @property
    def wait(self) -> tuple[str, float] | None:
        """The wait about which the places must answer."""
        return (self.zone, self.seconds) if self.rule == "nobody_at_desk" else None

    @property
    def holds_s(self) -> float:
        """For how long it must hold."""
        return {"nobody_at_desk": STEADY_S, "inside_over": 0.0}.get(self.rule, self.seconds)

    @property
    def clears_s(self) -> float:
        """For how long it must not hold."""
        return 0.0 if self.rule == "inside_over" else CLEAR_S

    def look(self, live: Live, hour: int) -> tuple[int, bool]:
        """Return the people that it is about, and whether it holds now."""
        if self.rule == "queue_over":
            people = live.zones[self.zone]
            return people, people > (self.limit or 0)
        if self.rule == "nobody_at_desk":
            people = live.waiting[self.zone, self.seconds]
            return people, people > 0 and live.zones[self.desk] + live.staff.get(self.desk, 0) == 0
        if self.rule == "inside_over":
            return live.inside, live.inside > (self.limit or 0)
        people = live.zones[self.zone]
        return people, people == 0 and self.hours[0] <= hour < self.hours[1]

    def is_denied(self, live: Live) -> bool:
        """Return whether it surely does not hold: somebody who is missed for a moment makes a desk look empty, but
        somebody who is seen there is there."""
        return self.rule == "nobody_at_desk" and live.zones[self.desk] > 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that begins (``active``) or ends: how many people it is about, and the limit of its rule."""

    name: str
    rule: NoticeRule
    active: bool
    count: int
    limit: int | None


@dataclass(slots=True)
class _State:
    active: bool = False
    lasted_s: float | None = None
    """For how long it has held; None if it does not."""
    held_s: float = -math.inf
    """When it held last."""
    began_s: float = -math.inf


class Notices:
    """All rules of a device. Call ``update`` after every frame."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._states = [(rule, _State()) for rule in rules]
        self._last_s = -math.inf

    @property
    def rules(self) -> list[Rule]:
        """All rules, in order."""
        return [rule for rule, _ in self._states]

    def update(self, live: Live, at_s: float, hour: int) -> list[Notice]:
        """Return the notices that begin or end now; ``hour`` is the hour of the day here, 0 to 23."""
        notices = []
        last_s, self._last_s = self._last_s, at_s
        for rule, state in self._states:
            count, holds = rule.look(live, hour)
            if at_s - last_s > GAP_S:
                state.lasted_s = None
                state.held_s = at_s if state.active else -math.inf
            if not state.active and rule.is_denied(live):
                state.lasted_s = None
            if self._changes(rule, state, at_s, last_s, holds=holds):
                notices.append(Notice(rule.name, rule.rule, state.active, count, rule.limit))
        return notices

    def stop(self) -> list[Notice]:
        """End all notices, because nobody looks any more; return those that were active."""
        ended = [rule for rule, state in self._states if state.active]
        self._states = [(rule, _State()) for rule in self.rules]
        return [Notice(rule.name, rule.rule, active=False, count=0, limit=rule.limit) for rule in ended]

    def _changes(self, rule: Rule, state: _State, at_s: float, last_s: float, *, holds: bool) -> bool:
        if holds:
            if state.lasted_s is None:
                state.lasted_s = 0.0
            elif state.held_s == last_s:
                state.lasted_s += at_s - last_s
            state.held_s = at_s
        elif at_s - state.held_s >= rule.clears_s:
            state.lasted_s = None
            if state.active:
                state.active = False
                return True
        due = holds and state.lasted_s is not None and state.lasted_s >= rule.holds_s - _ROUNDING_S
        if due and not state.active and at_s - state.began_s >= REPEAT_S:
            state.active, state.began_s = True, at_s
            return True
        return False
