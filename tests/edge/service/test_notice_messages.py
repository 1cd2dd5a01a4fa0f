"""Notices as they leave the device."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.wire import NoticeMessage
from edge.places.notices import STEADY_S, Notices, Rule
from edge.places.places import Live
from edge.service.notice_messages import NoticeMessages
from tests.support.clock import START, ManualClock

LONG = Rule("long", "queue_over", zone="line", limit=4, seconds=10.0)
DESK = Rule("desk", "nobody_at_desk", zone="line", desk="desk", seconds=10.0)
EMPTY = Rule("empty", "zone_empty", zone="line", seconds=100.0)


def build(clock: ManualClock, *rules: Rule, k: int = 5) -> NoticeMessages:
    return NoticeMessages(Notices(rules), site="shop", device="door", k=k, window_s=60, clock=clock)


def play(
    messages: NoticeMessages, clock: ManualClock, people: int, seconds: float
) -> list[tuple[float, NoticeMessage]]:
    """What is told, and after how many seconds since the start, while so many people are in the line."""
    told = []
    for _ in range(int(seconds * 2)):
        live = Live({"line": people, "desk": 0}, {("line", 10.0): people}, 0)
        told += [(clock.elapsed_s, one) for one in messages.update(live, clock.monotonic(), 12)]
        clock.advance(0.5)
    return told


def test_a_long_queue_is_told_with_its_count_and_its_end() -> None:
    clock = ManualClock()
    messages = build(clock, LONG)
    ((at_s, begin),) = play(messages, clock, 6, 30)
    assert (at_s, begin.at, begin.active, begin.count, begin.limit) == (
        10,
        clock.now().replace(second=10),
        True,
        6,
        4,
    )
    ((_, end),) = play(messages, clock, 4, 30)
    assert (end.name, end.active, end.count) == ("long", False, None)


def test_of_a_few_people_who_wait_only_the_beginning_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = ManualClock()
    messages = build(clock, DESK)
    ((_, begin),) = play(messages, clock, 3, 30)
    assert (begin.active, begin.count, begin.has_end) == (True, None, False)
    assert play(messages, clock, 0, 30) == []
    assert [record.getMessage() for record in caplog.records] == ["notice desk (nobody_at_desk) begins"]


def test_when_a_zone_became_empty_is_known_to_a_window_only() -> None:
    clock = ManualClock()
    messages = build(clock, EMPTY)
    assert play(messages, clock, 1, 7) == []
    ((at_s, begin),) = play(messages, clock, 0, 200)
    assert (at_s, begin.at, begin.count) == (120, START.replace(minute=2), 0)


def test_an_empty_zone_that_somebody_enters_before_the_window_ends_is_not_told() -> None:
    clock = ManualClock()
    messages = build(clock, EMPTY)
    assert play(messages, clock, 0, 105) == []
    assert play(messages, clock, 1, 100) == []


def test_a_run_begins_with_the_end_of_what_an_earlier_one_may_have_left_open() -> None:
    clock = ManualClock()
    assert [(one.name, one.active) for one in build(clock, LONG, DESK, EMPTY).at_start()] == [("long", False)]
    assert [one.name for one in build(clock, LONG, DESK, EMPTY, k=1).at_start()] == [
        "long",
        "desk",
        "empty",
    ]


def test_when_nobody_looks_any_more_what_was_told_ends_and_begins_anew() -> None:
    clock = ManualClock()
    messages = build(clock, LONG, DESK, EMPTY)
    assert [message.name for _, message in play(messages, clock, 6, 60)] == ["desk", "long"]
    assert [(one.name, one.active) for one in messages.stop()] == [("long", False)]
    assert messages.stop() == []
    assert [message.name for _, message in play(messages, clock, 6, 60)] == ["desk", "long"]


def test_an_empty_zone_that_is_not_told_yet_is_forgotten_when_nobody_looks_any_more() -> None:
    clock = ManualClock()
    messages = build(clock, EMPTY)
    assert play(messages, clock, 0, 110) == []
    assert messages.stop() == []
    assert play(messages, clock, 1, 60) == []


def told_of_one(rules: list[Rule], came_s: float, left_s: float) -> list[NoticeMessage]:
    """Return what is told of one person in the line, where nobody is at the desk, within ten minutes."""
    clock = ManualClock()
    messages, told = build(clock, *rules), []
    for _ in range(1200):
        here = came_s <= clock.elapsed_s < left_s
        waits = here and clock.elapsed_s - came_s >= 30.0
        live = Live({"line": int(here), "desk": 0}, {("line", 30.0): int(waits)}, 0)
        told += messages.update(live, clock.monotonic(), 12)
        clock.advance(0.5)
    return told


times = st.floats(60.0, 400.0)


@given(times, times)
@settings(max_examples=25, deadline=None)
def test_when_one_person_left_cannot_be_told_from_what_began_with_the_person(
    one_s: float, other_s: float
) -> None:
    """The reader knows the rule, and that there was one person who came at 10 s."""
    rules = [Rule("alone", "nobody_at_desk", zone="line", desk="desk", seconds=30.0)]
    told = told_of_one(rules, 10.0, one_s)
    assert [(message.name, message.at) for message in told] == [
        ("alone", START + timedelta(seconds=40 + STEADY_S))
    ]
    assert told == told_of_one(rules, 10.0, other_s)


@given(times, st.floats(0.0, 59.0))
@settings(max_examples=25, deadline=None)
def test_when_the_last_person_left_is_known_to_a_window_at_best(left_s: float, more_s: float) -> None:
    rule = Rule("empty", "zone_empty", zone="line", seconds=100.0)
    told, later = told_of_one([rule], 10.0, left_s), told_of_one([rule], 10.0, left_s + more_s)
    assert all((message.at - START).total_seconds() % 60 == 0 for message in [*told, *later])
    windows = [int((at_s + 100.0) // 60) for at_s in (left_s, left_s + more_s)]
    if windows[0] == windows[1] and (left_s + 100) % 60 > 1 and (left_s + more_s + 100) % 60 < 59:
        assert told == later
