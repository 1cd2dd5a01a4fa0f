"""Failed logins: how long whoever guesses must wait, and that the real user is not locked out."""

from __future__ import annotations

import pytest

from cloud.accounts.attempts import (
    FIRST_WAIT_S,
    FORGOTTEN_AFTER_S,
    FREE_OF_ACCOUNT,
    FREE_OF_ADDRESS,
    LONGEST_WAIT_S,
    MOST,
    Attempts,
)
from tests.support.clock import ManualClock

HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def attempts(clock: ManualClock) -> Attempts:
    return Attempts(clock)


def guess(attempts: Attempts, clock: ManualClock, name: str, address: str, for_s: float) -> int:
    """Guess as often as it is allowed; return how often that was."""
    end_s, tried = clock.monotonic() + for_s, 0
    while clock.monotonic() < end_s:
        wait_s = attempts.wait_s(name, address)
        if wait_s > 0:
            clock.advance(wait_s)
            continue
        attempts.failed(name, address)
        tried += 1
    return tried


def test_an_account_waits_after_some_failures_and_longer_each_time(
    attempts: Attempts, clock: ManualClock
) -> None:
    for _ in range(FREE_OF_ACCOUNT - 1):
        assert not attempts.failed("anna", HERE)
    assert attempts.wait_s("anna", HERE) == 0
    assert attempts.failed("anna", HERE)
    assert attempts.wait_s("anna", HERE) == FIRST_WAIT_S
    assert attempts.wait_s("anna", THERE) == FIRST_WAIT_S
    clock.advance(FIRST_WAIT_S)
    assert attempts.wait_s("anna", HERE) == 0
    attempts.failed("anna", HERE)
    assert attempts.wait_s("anna", HERE) == 2 * FIRST_WAIT_S


def test_one_account_is_guessed_about_a_hundred_times_a_day(attempts: Attempts, clock: ManualClock) -> None:
    tried = guess(attempts, clock, "anna", HERE, 24 * 3600)
    assert 24 * 3600 / LONGEST_WAIT_S <= tried <= 24 * 3600 / LONGEST_WAIT_S + 15


def test_an_address_waits_whatever_names_it_tries(attempts: Attempts) -> None:
    for number in range(FREE_OF_ADDRESS):
        attempts.failed(f"name{number}", HERE)
    assert attempts.wait_s("another", HERE) == FIRST_WAIT_S
    assert attempts.wait_s("another", THERE) == 0


def test_one_customer_has_one_address_in_ipv6(attempts: Attempts) -> None:
    for number in range(FREE_OF_ADDRESS):
        attempts.failed(f"name{number}", f"2001:db8:0:1::{number:x}")
    assert attempts.wait_s("another", "2001:db8:0:1:ffff::1") > 0
    assert attempts.wait_s("another", "2001:db8:0:2::1") == 0


def test_ipv4_addresses_that_a_proxy_writes_as_ipv6_are_told_apart(attempts: Attempts) -> None:
    for number in range(FREE_OF_ADDRESS):
        attempts.failed(f"name{number}", f"::ffff:{HERE}")
    assert attempts.wait_s("another", HERE) > 0
    assert attempts.wait_s("another", f"::ffff:{THERE}") == 0


def test_an_attacker_elsewhere_cannot_lock_the_user_out(attempts: Attempts) -> None:
    attempts.succeeded("anna", HERE)
    for _ in range(FREE_OF_ACCOUNT):
        attempts.failed("anna", THERE)
    assert attempts.wait_s("anna", THERE) > 0
    assert attempts.wait_s("anna", HERE) == 0


def test_the_usual_address_is_limited_too(attempts: Attempts) -> None:
    attempts.succeeded("anna", HERE)
    for _ in range(FREE_OF_ACCOUNT):
        attempts.failed("anna", HERE)
    assert attempts.wait_s("anna", HERE) > 0


def test_a_success_resets_the_account_but_not_the_address(attempts: Attempts) -> None:
    for _ in range(FREE_OF_ADDRESS - 1):
        attempts.failed("anna", HERE)
    attempts.succeeded("mine", HERE)
    attempts.failed("ben", HERE)
    assert attempts.wait_s("mine", HERE) > 0


def test_failures_are_forgotten_after_a_day(attempts: Attempts, clock: ManualClock) -> None:
    for _ in range(FREE_OF_ACCOUNT):
        attempts.failed("anna", HERE)
    clock.advance(FORGOTTEN_AFTER_S + 1)
    assert not attempts.failed("anna", HERE)


def test_invented_names_take_limited_memory(attempts: Attempts) -> None:
    for number in range(MOST + 500):
        attempts.failed(f"name{number}", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        attempts.succeeded(f"name{number}", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts._failures) <= MOST
    assert len(attempts._usual) <= MOST
