"""When to try again: pauses double, never beyond a limit, and chance spreads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.backoff import Backoff
from tests.support.clock import ManualClock

CHANCE = st.floats(0, 1, exclude_max=True)
SECONDS = st.floats(0.001, 1e6)


@given(first_s=SECONDS, longest_s=SECONDS, chances=st.lists(CHANCE, min_size=1, max_size=50))
def test_each_pause_is_twice_the_last_within_the_limit(
    first_s: float, longest_s: float, chances: list[float]
) -> None:
    given_chances = iter(chances)
    backoff = Backoff(
        first_s=first_s, longest_s=longest_s, clock=ManualClock(), jitter=lambda: next(given_chances)
    )
    for count in range(len(chances)):
        full_s = min(longest_s, first_s * 2.0 ** min(count, 30))
        assert full_s / 2 <= backoff.failed() <= full_s


@given(
    chances=st.lists(CHANCE, min_size=1, max_size=20),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_what_is_left_is_the_pause_without_the_time_that_passed(
    chances: list[float], shares: list[float]
) -> None:
    clock, given_chances = ManualClock(), iter(chances)
    backoff = Backoff(first_s=1, longest_s=60, clock=clock, jitter=lambda: next(given_chances))
    assert backoff.left_s == 0
    for _ in chances:
        pause_s, began_s = backoff.failed(), clock.elapsed_s
        for share in sorted(shares):
            clock.elapsed_s = began_s + share * pause_s
            assert backoff.left_s == pytest.approx(pause_s - share * pause_s, abs=1e-6)
        clock.elapsed_s = began_s + pause_s + 1
        assert backoff.left_s == 0


@given(st.integers(1, 40))
def test_success_begins_again_with_the_first_pause(failures: int) -> None:
    backoff = Backoff(first_s=1, longest_s=60, clock=ManualClock(), jitter=lambda: 1.0)
    for _ in range(failures):
        backoff.failed()
    backoff.succeeded()
    assert backoff.left_s == 0
    assert backoff.failed() == 1


def test_a_year_of_failures_is_no_overflow() -> None:
    backoff = Backoff(first_s=1, longest_s=60, clock=ManualClock(), jitter=lambda: 1.0)
    assert {backoff.failed() for _ in range(10_000)} == {1, 2, 4, 8, 16, 32, 60}


def test_nobody_waits_where_nothing_failed() -> None:
    assert Backoff(first_s=60, longest_s=60, clock=ManualClock()).left_s == 0
