"""A phone rings for who is logged in and may see the shop, and for nobody else."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import timedelta

import pytest

from cloud.accounts.accounts import Accounts
from tests.cloud.ingest.phones import Phone
from tests.cloud.web.logins import HERE, PASSWORD, add_person
from tests.support.clock import ManualClock


def with_phone(accounts: Accounts, name: str = "ana", site: str = "shop", phone: Phone | None = None) -> str:
    """A login with a phone that rings; return the secret of its session."""
    secret = accounts.login(name, PASSWORD, HERE, "phone")
    assert accounts.subscriptions.add(secret, site, (phone or Phone(name)).subscription())
    return secret


def rings(accounts: Accounts, site: str = "shop") -> list[str]:
    return sorted(one.endpoint.rpartition("/")[2].partition("?")[0] for one in accounts.pushed_to(site))


def test_a_phone_rings_for_its_shop_until_it_is_turned_off(accounts: Accounts) -> None:
    add_person(accounts, "ana", sites=["shop", "other"])
    phone = Phone("ana")
    secret = with_phone(accounts, phone=phone)
    assert (accounts.pushed_to("shop"), accounts.pushed_to("other")) == ([phone.subscription()], [])
    assert (accounts.subscriptions.has(secret, "shop"), accounts.subscriptions.has(secret, "other")) == (
        True,
        False,
    )
    accounts.subscriptions.remove(secret, "shop")
    assert rings(accounts) == []


ENDS: dict[str, Callable[[Accounts, ManualClock, str], object]] = {
    "logout": lambda accounts, clock, secret: accounts.sessions.end(secret),
    "logout everywhere": lambda accounts, clock, secret: accounts.sessions.end_all("ana"),
    "disabled": lambda accounts, clock, secret: accounts.disable("ana"),
    "removed": lambda accounts, clock, secret: accounts.users.remove("ana"),
    "new password": lambda accounts, clock, secret: accounts.reset_password("ana"),
    "unused for too long": lambda accounts, clock, secret: clock.advance(12 * 3600 + 1),
    "other shops": lambda accounts, clock, secret: accounts.users.change("ana", "viewer", ["other"]),
    "gone": lambda accounts, clock, secret: accounts.forget_push(Phone("ana").endpoint),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_phone_is_silent_once_its_user_is_out(accounts: Accounts, clock: ManualClock, end: str) -> None:
    add_person(accounts, "ana")
    add_person(accounts, "ben")
    secret = with_phone(accounts)
    ENDS[end](accounts, clock, secret)
    with_phone(accounts, "ben")
    assert rings(accounts) == ["ben"]


def test_without_a_session_nothing_is_turned_on(accounts: Accounts) -> None:
    assert not accounts.subscriptions.add("no secret", "shop", Phone().subscription())
    assert rings(accounts) == []


def test_a_browser_in_which_somebody_else_logs_in_rings_for_that_user_alone(accounts: Accounts) -> None:
    add_person(accounts, "ana", sites=["shop", "other"])
    add_person(accounts, "ben")
    with_phone(accounts)
    with_phone(accounts, site="other")
    other = accounts.login("ben", PASSWORD, HERE, "phone")
    accounts.subscriptions.add(other, "shop", Phone("ana").subscription())
    assert (len(accounts.pushed_to("shop")), rings(accounts, "other")) == (1, [])
    accounts.users.remove("ben")
    assert rings(accounts) == []


def test_the_key_of_the_server_is_made_once_in_a_file_that_only_its_owner_reads(accounts: Accounts) -> None:
    key = accounts.push_key()
    assert key == accounts.push_key()
    assert "PRIVATE KEY" in key
    again = Accounts(
        accounts.subscriptions._file.path, ManualClock(), idle=timedelta(hours=1), longest=timedelta(days=1)
    )
    assert again.push_key() == key
    assert stat.S_IMODE(again.subscriptions._file.path.stat().st_mode) == 0o600
    again.close()
