"""When staff are told: as soon as a rule has held for its time, once, and again when it is over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.places.notices import CLEAR_S, GAP_S, REPEAT_S, STEADY_S, Notice, Notices, Rule
from edge.places.places import Live

LONG = Rule("long", "queue_over", zone="line", limit=3, seconds=10.0)
DESK = Rule("desk", "nobody_at_desk", zone="line", desk="desk", seconds=30.0)
FULL = Rule("full", "inside_over", limit=80)
EMPTY = Rule("empty", "zone_empty", zone="shelf", seconds=600.0, hours=(9, 20))


def live(line: int = 0, desk: int = 0, shelf: int = 1, inside: int = 0, waiting: int = 0) -> Live:
    return Live({"line": line, "desk": desk, "shelf": shelf}, {("line", 30.0): waiting}, inside)


def told(
    rule: Rule, moments: Sequence[tuple[float, Live]], until_s: float, hour: int = 12, step_s: float = 0.5
) -> list[tuple[float, Notice]]:
    """What is told and when, if each state lasts until the next one."""
    notices, result, at_s = Notices([rule]), [], 0.0
    while at_s < until_s:
        now = [state for since_s, state in moments if since_s <= at_s][-1]
        result += [(at_s, notice) for notice in notices.update(now, at_s, hour)]
        at_s += step_s
    return result


def test_a_queue_is_long_after_its_time_and_over_soon_after_it_is_short() -> None:
    events = told(LONG, [(0, live(line=2)), (5, live(line=4)), (40, live(line=3))], 60)
    assert [(at_s, one.active, one.count, one.limit) for at_s, one in events] == [
        (15.0, True, 4, 3),
        (40.0 + CLEAR_S - 0.5, False, 3, 3),
    ]


@pytest.mark.parametrize("step_s", [0.05, 0.2, 0.5])
def test_it_does_not_matter_how_often_somebody_looks(step_s: float) -> None:
    moments = [(0.0, live(line=2)), (5.0, live(line=4)), (40.0, live(line=3))]
    times = [at_s for at_s, _ in told(LONG, moments, 60, step_s=step_s)]
    assert times == pytest.approx([15.0, 40.0 + CLEAR_S], abs=0.6)


def test_a_short_interruption_changes_nothing() -> None:
    flickers = [
        (0.0, live(line=4)),
        (5.0, live(line=3)),
        (6.0, live(line=4)),
        (20.0, live(line=2)),
        (21.0, live(line=4)),
    ]
    assert [one.active for _, one in told(LONG, flickers, 60)] == [True]


def test_an_interruption_is_no_time_in_which_it_has_held() -> None:
    """A queue of four for a second in every three is not one of four for ten seconds, after ten."""
    flickers = [
        (at_s + late_s, live(line=line)) for at_s in range(0, 60, 3) for late_s, line in ((0, 4), (1, 3))
    ]
    assert [at_s for at_s, one in told(LONG, flickers, 60, step_s=0.1) if one.active] == pytest.approx(
        [33], abs=1.5
    )


def test_nobody_at_the_desk_while_somebody_waits() -> None:
    moments = [
        (0, live(waiting=0)),
        (10, live(waiting=1, desk=1)),
        (20, live(waiting=2)),
        (40, live(waiting=2, desk=1)),
    ]
    events = told(DESK, moments, 60)
    assert [(at_s, one.active, one.count) for at_s, one in events] == [
        (20 + STEADY_S, True, 2),
        (40 + CLEAR_S - 0.5, False, 2),
    ]


def test_a_desk_that_looks_empty_for_a_moment_is_not_empty() -> None:
    """Who serves is missed for a moment, is there again for longer than that, and then really leaves."""
    moments = [
        (0.0, live(waiting=1, desk=1)),
        (10.0, live(waiting=1)),
        (10.5, live(waiting=1, desk=1)),
        (12.5, live(waiting=1)),
    ]
    assert [at_s for at_s, one in told(DESK, moments, 30) if one.active] == [12.5 + STEADY_S]


def test_too_many_inside() -> None:
    events = told(FULL, [(0, live(inside=80)), (10, live(inside=81)), (30, live(inside=80))], 60)
    assert [(at_s, one.active, one.count, one.limit) for at_s, one in events] == [
        (10, True, 81, 80),
        (30, False, 80, 80),  # crossings have settled already
    ]


def test_an_empty_zone_matters_in_opening_hours_only() -> None:
    empty = [(0.0, live(shelf=0))]
    assert [(at_s, one.active) for at_s, one in told(EMPTY, empty, 700)] == [(600.0, True)]
    for hour in (8, 20):
        assert told(EMPTY, empty, 700, hour=hour) == []
    notices = Notices([EMPTY])
    events = [
        notices.update(live(shelf=0), second / 2, 19 if second < 1400 else 20) for second in range(1500)
    ]
    assert [one.active for some in events for one in some] == [True, False]


def test_a_notice_is_not_repeated_within_a_minute() -> None:
    moments = [(10.0 * n, live(inside=81 if n % 2 else 0)) for n in range(40)]
    begins = [at_s for at_s, one in told(FULL, moments, 400) if one.active]
    assert len(begins) >= 3
    assert all(after - before >= REPEAT_S for before, after in pairwise(begins))


def test_time_without_a_camera_is_not_time_in_a_queue() -> None:
    notices = Notices([LONG])
    assert notices.update(live(line=4), 0.0, 12) == []
    assert notices.update(live(line=4), 100.0, 12) == []
    assert [one.active for one in notices.update(live(line=4), 104.0, 12)] == []
    assert notices.update(live(line=4), 107.0, 12) == []
    assert [one.active for one in notices.update(live(line=4), 110.0, 12)] == [True]
    assert notices.update(live(line=4), 200.0, 12) == [], "still active"


def holding(rule: Rule, holds: bool) -> Live:
    """The shop while the rule holds, or does not."""
    if rule is LONG:
        return live(line=4 if holds else 3)
    if rule is DESK:
        return live(waiting=1, desk=0 if holds else 1)
    return live(inside=81 if holds else 80) if rule is FULL else live(shelf=0 if holds else 1)


SOON = replace(EMPTY, seconds=60.0)


@pytest.mark.parametrize("rule", [LONG, DESK, FULL, SOON], ids=lambda rule: rule.rule)
@given(st.lists(st.tuples(st.floats(0.1, GAP_S), st.booleans()), min_size=1, max_size=80))
@settings(deadline=None, max_examples=60)
def test_begins_and_ends_alternate_and_each_was_earned(rule: Rule, steps: list[tuple[float, bool]]) -> None:
    """Of every rule: it begins once it has held for its time, not counting short interruptions, ends once it has not
    held for its time to clear, and begins at most once in ``REPEAT_S``."""
    notices, at_s, active, held_s, lasted_s = Notices([rule]), 0.0, False, -math.inf, 0.0
    begins: list[float] = []
    for seconds, holds in steps:
        if holds:
            lasted_s += seconds if held_s == at_s else 0.0
            held_s = at_s + seconds
        elif at_s + seconds - held_s >= rule.clears_s:
            lasted_s = 0.0
        at_s += seconds
        for one in notices.update(holding(rule, holds), at_s, 12):
            assert one.active is not active
            active = one.active
            assert active is holds
            if active:
                assert lasted_s >= rule.holds_s - 1e-6
                begins.append(at_s)
            else:
                assert at_s - held_s >= rule.clears_s
    assert all(after - before >= REPEAT_S for before, after in pairwise(begins))


@pytest.mark.parametrize("rule", [LONG, DESK, FULL, SOON], ids=lambda rule: rule.rule)
def test_every_rule_begins_after_its_time_and_ends_soon_after_it_is_over(rule: Rule) -> None:
    notices = Notices([rule])
    told = [
        (number / 2, one.active)
        for number in range(400)
        for one in notices.update(holding(rule, 20 <= number < 200), number / 2, 12)
    ]
    assert told == [(10 + rule.holds_s, True), (100 + max(0.0, rule.clears_s - 0.5), False)]
