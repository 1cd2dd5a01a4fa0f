"""What a login, a password change and the end of an account mean."""

from __future__ import annotations

import os
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.accounts.accounts import Accounts, LoginRefused
from cloud.accounts.company import Colleague
from cloud.accounts.file import AccountFile, exists_with_users
from cloud.accounts.users import INITIAL_FOR
from cloud.domain.users import ALL_SITES, User
from cloud.stores.store import StoreUnavailable
from common.errors import UserError
from tests.support.clock import ManualClock

HERE = "192.0.2.1"
GOOD = "kettle-orbit-walnut-57"
SHOP = frozenset({"shop"})


def ready(accounts: Accounts, name: str = "anna") -> str:
    """A viewer who has chosen a password."""
    first = accounts.add_user(name, "viewer", SHOP)
    accounts.change_password(name, first, GOOD, HERE)
    return name


def login(accounts: Accounts, name: str = "anna", password: str = GOOD, address: str = HERE) -> str:
    return accounts.login(name, password, address, "Firefox")


def test_the_first_password_opens_only_its_change_and_is_used_up_by_it(accounts: Accounts) -> None:
    first = accounts.add_user("anna", "viewer", SHOP)
    user = accounts.session_user(login(accounts, password=first))
    assert user == User("anna", "viewer", SHOP, must_change_password=True)
    with pytest.raises(UserError, match="is the old one"):
        accounts.change_password("anna", first, first, HERE)
    accounts.change_password("anna", first, GOOD, HERE)
    assert accounts.session_user(login(accounts)) == User("anna", "viewer", SHOP)
    with pytest.raises(LoginRefused):
        login(accounts, password=first)


def test_a_first_password_that_nobody_used_expires(accounts: Accounts, clock: ManualClock) -> None:
    first = accounts.add_user("anna", "viewer", SHOP)
    clock.advance(INITIAL_FOR.total_seconds() + 1)
    with pytest.raises(LoginRefused, match="expired"):
        login(accounts, password=first)
    assert login(accounts, password=accounts.reset_password("anna"))


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(accounts: Accounts) -> None:
    ready(accounts)
    answers = set()
    for name, password in (("anna", "wrong"), ("nobody", GOOD), ("admin", "admin"), ("root", ""), ("", "")):
        with pytest.raises(LoginRefused) as refused:
            login(accounts, name, password)
        answers.add(str(refused.value))
    assert answers == {"This name and this password do not belong together."}


def test_a_new_file_has_no_user(accounts: Accounts) -> None:
    assert accounts.users.all() == []


def test_after_some_failures_even_the_right_password_waits(accounts: Accounts, clock: ManualClock) -> None:
    ready(accounts)
    elsewhere = "198.51.100.7"
    for _ in range(5):
        with pytest.raises(LoginRefused, match="do not belong"):
            login(accounts, password="wrong", address=elsewhere)
    with pytest.raises(LoginRefused, match="Try again in 1 min"):
        login(accounts, address=elsewhere)
    clock.advance(30)
    assert login(accounts, address=elsewhere)
    assert [entry.act for entry in accounts.audit.newest(3)] == ["login", "login_locked", "login_failed"]


def test_guesses_of_the_current_password_are_limited_too(accounts: Accounts) -> None:
    ready(accounts)
    for _ in range(5):
        with pytest.raises(UserError, match="current password is wrong"):
            accounts.change_password("anna", "wrong", "another good one 88", HERE)
    with pytest.raises(LoginRefused, match="Too many"):
        accounts.change_password("anna", GOOD, "another good one 88", HERE)


def test_a_weak_new_password_changes_nothing(accounts: Accounts) -> None:
    ready(accounts)
    session = login(accounts)
    with pytest.raises(UserError, match="easy to guess"):
        accounts.change_password("anna", GOOD, "passwordpassword", HERE)
    assert accounts.session_user(session) is not None
    assert login(accounts)


def test_a_session_has_a_secret_of_256_random_bits_that_the_file_does_not_hold(
    accounts: Accounts, tmp_path: Path
) -> None:
    ready(accounts)
    secrets = {login(accounts) for _ in range(20)}
    assert len(secrets) == 20
    assert {len(secret) for secret in secrets} == {43}
    kept = (tmp_path / "accounts.sqlite").read_bytes()
    assert not any(secret.encode() in kept for secret in secrets)
    assert GOOD.encode() not in kept


def test_a_session_ends_when_it_is_not_used(accounts: Accounts, clock: ManualClock) -> None:
    ready(accounts)
    session = login(accounts)
    for _ in range(3):
        clock.advance(11 * 3600)
        assert accounts.session_user(session) is not None
    clock.advance(12 * 3600 + 1)
    assert accounts.session_user(session) is None
    assert accounts.sessions.of("anna") == []


def test_a_session_ends_after_its_longest_time_however_it_is_used(
    accounts: Accounts, clock: ManualClock
) -> None:
    ready(accounts)
    session = login(accounts)
    hours = 0
    while accounts.session_user(session) is not None:
        clock.advance(3600)
        hours += 1
    assert hours == 7 * 24 + 1


@pytest.mark.parametrize("how", ["disable", "remove", "reset", "change", "everywhere"])
def test_sessions_end_with_the_account_the_password_and_on_demand(accounts: Accounts, how: str) -> None:
    ready(accounts)
    ready(accounts, "ben")
    sessions, other = [login(accounts), login(accounts)], login(accounts, "ben")
    match how:
        case "disable":
            accounts.disable("anna")
        case "remove":
            accounts.users.remove("anna")
        case "reset":
            accounts.reset_password("anna")
        case "change":
            accounts.change_password("anna", GOOD, "another good one 88", HERE)
        case _:
            accounts.sessions.end_all("anna")
    assert [accounts.session_user(session) for session in sessions] == [None, None]
    assert accounts.session_user(other) is not None


def test_a_disabled_user_cannot_log_in_until_enabled(accounts: Accounts) -> None:
    ready(accounts)
    accounts.disable("anna")
    with pytest.raises(LoginRefused, match="do not belong"):
        login(accounts)
    accounts.users.set_disabled("anna", disabled=False)
    assert login(accounts)


def test_a_user_keeps_a_limited_number_of_sessions(accounts: Accounts, clock: ManualClock) -> None:
    ready(accounts)
    first = accounts.sessions.start("anna", HERE, "")
    for _ in range(60):
        clock.advance(1)
        accounts.sessions.start("anna", HERE, "")
    assert len(accounts.sessions.of("anna")) == 50
    assert accounts.session_user(first) is None


def test_what_a_session_is_called_opens_nothing(accounts: Accounts) -> None:
    ready(accounts)
    ready(accounts, "ben")
    session = login(accounts)
    name = accounts.sessions.of("anna")[0].id
    assert accounts.session_user(name) is None
    assert not accounts.sessions.end_one("ben", name)
    assert accounts.sessions.end_one("anna", name)
    assert accounts.session_user(session) is None


@pytest.mark.parametrize("name", ["", "Anna", "a b", "company:x", "../x", "x" * 65, "a\nb", "-a"])
def test_a_name_that_could_be_mistaken_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(UserError, match="cannot be the name"):
        accounts.add_user(name, "viewer", SHOP)


def test_a_user_needs_a_shop_unless_it_is_hq(accounts: Accounts) -> None:
    with pytest.raises(UserError, match="would see no shop"):
        accounts.add_user("anna", "viewer", [])
    with pytest.raises(UserError, match="is not the name of a shop"):
        accounts.add_user("anna", "viewer", ["my shop"])
    accounts.add_user("hq", "hq", [])
    accounts.add_user("all", "viewer", [ALL_SITES])


def test_somebody_of_the_company_gets_role_and_sites_anew_at_each_login(accounts: Accounts) -> None:
    session = accounts.company_login(Colleague("42", "Anna", "installer", SHOP), HERE, "")
    accounts.company_login(Colleague("42", "Anna S.", "viewer", frozenset({"other"})), HERE, "")
    assert accounts.session_user(session) == User(
        "company:42", "viewer", frozenset({"other"}), title="Anna S."
    )
    with pytest.raises(UserError, match="change the password there"):
        accounts.reset_password("company:42")
    accounts.disable("company:42")
    with pytest.raises(LoginRefused, match="disabled here"):
        accounts.company_login(Colleague("42", "Anna", "hq", SHOP), HERE, "")


def test_the_file_is_for_its_owner_alone(accounts: Accounts, tmp_path: Path) -> None:
    assert (tmp_path / "accounts.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_none_of_ours_is_a_clear_error(tmp_path: Path) -> None:
    odd = tmp_path / "odd.sqlite"
    odd.write_text("no database" * 100)
    with pytest.raises(UserError, match="replace it by its backup"):
        AccountFile(odd)
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(UserError, match="another version of Footlight"):
        AccountFile(newer)
    with pytest.raises(UserError, match="is a folder"):
        AccountFile(tmp_path)


def test_looking_for_users_creates_no_file(tmp_path: Path, accounts: Accounts) -> None:
    assert not exists_with_users(tmp_path / "missing.sqlite")
    assert not (tmp_path / "missing.sqlite").exists()
    assert not exists_with_users(tmp_path / "accounts.sqlite")
    ready(accounts)
    assert exists_with_users(tmp_path / "accounts.sqlite")


def test_a_file_that_breaks_while_it_is_open_lets_nobody_in(accounts: Accounts, tmp_path: Path) -> None:
    ready(accounts)
    session = login(accounts)
    with (tmp_path / "accounts.sqlite").open("r+b") as file:
        file.truncate(4096)
    with pytest.raises(StoreUnavailable):
        accounts.session_user(session)


def test_the_audit_log_keeps_the_newest_lines(
    accounts: Accounts, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.accounts.audit.MOST", 10)
    for number in range(25):
        accounts.audit.record("anna", "exported", f"week {number}", HERE)
    assert [entry.about for entry in accounts.audit.newest(99)] == [f"week {n}" for n in range(24, 14, -1)]
    clock.advance(401 * 24 * 3600)
    accounts.audit.record("anna", "exported", "a year later", HERE)
    assert [entry.about for entry in accounts.audit.newest(99)] == ["a year later"]


def test_an_access_token_has_role_sites_and_an_end(accounts: Accounts, clock: ManualClock) -> None:
    secret = accounts.tokens.add("sheet", "viewer", ["shop"], timedelta(days=30))
    assert accounts.tokens.user_of(secret) == User("token:sheet", "viewer", SHOP, is_token=True)
    assert accounts.tokens.user_of(secret[:-1]) is None
    assert accounts.tokens.user_of("") is None
    clock.advance(30 * 24 * 3600 + 1)
    assert accounts.tokens.user_of(secret) is None


def test_an_access_token_is_kept_as_a_hash_and_can_be_revoked(accounts: Accounts, tmp_path: Path) -> None:
    secret = accounts.tokens.add("sheet", "viewer", ["shop"], timedelta(days=30))
    assert secret.encode() not in (tmp_path / "accounts.sqlite").read_bytes()
    assert accounts.tokens.all()[0].used_at is None
    accounts.tokens.user_of(secret)
    assert accounts.tokens.all()[0].used_at is not None
    with pytest.raises(UserError, match="already"):
        accounts.tokens.add("sheet", "viewer", ["shop"], timedelta(days=30))
    accounts.tokens.revoke("sheet")
    assert accounts.tokens.user_of(secret) is None
    with pytest.raises(UserError, match="no such token"):
        accounts.tokens.revoke("sheet")


def test_an_access_token_never_may_more_than_its_owner(accounts: Accounts) -> None:
    ready(accounts)
    secret = accounts.tokens.add("sheet", "hq", [ALL_SITES], timedelta(days=30), "anna")
    assert accounts.tokens.user_of(secret) == User("token:sheet", "viewer", SHOP, is_token=True)
    accounts.disable("anna")
    assert accounts.tokens.user_of(secret) is None
    accounts.users.remove("anna")
    assert accounts.tokens.all() == []


@pytest.mark.parametrize("days", [0, -1, 367])
def test_an_access_token_lasts_at_most_a_year(accounts: Accounts, days: int) -> None:
    with pytest.raises(UserError, match="at most 366 days"):
        accounts.tokens.add("sheet", "viewer", ["shop"], timedelta(days=days))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_root_gives_a_new_file_to_the_service_that_owns_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, 12_345, 12_346)
    AccountFile(folder / "accounts.sqlite").close()
    made = (folder / "accounts.sqlite").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (12_345, 12_346, 0o600)
    assert [path.name for path in folder.iterdir()] == ["accounts.sqlite"]
