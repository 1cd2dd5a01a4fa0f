"""Passwords: kept as argon2id, taken exactly as typed, refused where others would guess them."""

from __future__ import annotations

import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from cloud.accounts.passwords import LONGEST, SHORTEST, Passwords, TooBusy, check_new, generated
from common.errors import UserError

GOOD = "kettle-orbit-walnut-57"


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    passwords = Passwords()
    kept = passwords.hash(GOOD)
    assert re.match(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$", kept)
    assert kept != passwords.hash(GOOD)
    assert passwords.fits(GOOD, kept)


@pytest.mark.parametrize(
    "other", [GOOD.upper(), GOOD + " ", " " + GOOD, GOOD[:-1], GOOD + "x", "", "x" * 10_000]
)
def test_a_password_is_compared_exactly_as_it_was_typed(other: str) -> None:
    passwords = Passwords()
    assert not passwords.fits(other, passwords.hash(GOOD))


def test_every_character_of_a_long_password_counts() -> None:
    passwords = Passwords()
    long = ("äöü 木 " * 30)[:LONGEST]
    kept = passwords.hash(long)
    assert passwords.fits(long, kept)
    assert not passwords.fits(long[:-1] + "x", kept)


def test_without_a_hash_or_with_a_broken_one_nothing_fits() -> None:
    passwords = Passwords()
    assert not passwords.fits(GOOD, None)
    assert not passwords.fits(GOOD, "$argon2id$broken")


@pytest.mark.parametrize(
    "bad",
    [
        "short-7x",
        "x" * (LONGEST + 1),
        "passwordpassword",
        "qwertyuiopasdfgh",
        "123456789012",
        "iloveyou1234",
        "footlightfootlight",
        "anna.schmidt2026",
        "aaaaaaaaaaaaaaaa",
    ],
)
def test_a_password_that_others_would_guess_is_refused(bad: str) -> None:
    with pytest.raises(UserError):
        check_new(bad, ["anna.schmidt"])


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        "correct zebra on the tram",
        "ÄÖÜäöüß木漏れ日の下で",
        "!!8%§kG-_/(+~#",
        "blumentopf wecker nordwind",
    ],
)
def test_any_characters_make_a_password(good: str) -> None:
    check_new(good, ["anna.schmidt"])


def test_a_generated_password_follows_the_rules_and_never_comes_twice() -> None:
    made = {generated() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", password)
        assert len(password) >= SHORTEST
        check_new(password)


def test_a_flood_of_logins_waits_for_no_more_memory_than_one() -> None:
    """Four wait for the one that is being checked; the others are refused at once."""
    passwords = Passwords()
    kept = passwords.hash(GOOD)
    go, refused = Event(), []

    def check(_: int) -> bool:
        try:
            return passwords.fits(GOOD, kept)
        except TooBusy:
            refused.append(True)
            if len(refused) == 6:
                go.set()
            return False

    with passwords._one, ThreadPoolExecutor(10) as pool:
        running = [pool.submit(check, number) for number in range(10)]
        assert go.wait(20)
        passwords._one.release()
        found = [each.result(20) for each in running]
        passwords._one.acquire()
    assert (sum(found), len(refused)) == (4, 6)


def test_none_of_the_most_used_passwords_is_accepted() -> None:
    """Most are too short; the others, and two of them joined to be long enough, are guessed at once."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    most_used = FREQUENCY_LISTS["passwords"][:3000]
    assert len(most_used) == 3000
    long_enough = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST]
    joined = [first + second for first, second in itertools.pairwise(most_used[:301])]
    for password in [*most_used, *long_enough, *(word for word in joined if len(word) < 17)]:
        with pytest.raises(UserError):
            check_new(password)
