"""The accounts from the command line of the machine: what is printed, once, and what is recorded."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.accounts.accounts import Accounts
from common.clock import SystemClock

Capture = pytest.CaptureFixture[str]
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, capsys: Capture) -> Run:
    config = tmp_path / "cloud.yaml"
    config.write_text(f"store: {{path: {tmp_path}/store.sqlite}}\n")

    def command(*arguments: str, code: int = 0) -> str:
        assert main([*arguments, "--config", str(config)]) == code
        out, err = capsys.readouterr()
        return err if code else out

    return command


def login(folder: Path, name: str, password: str) -> bool:
    accounts = Accounts(
        folder / "store.accounts.sqlite", SystemClock(), idle=timedelta(hours=1), longest=timedelta(days=1)
    )
    try:
        return accounts.session_user(accounts.login(name, password, "", "")) is not None
    finally:
        accounts.close()


def test_the_first_user_gets_a_password_that_works(run: Run, tmp_path: Path) -> None:
    said = run("users", "add", "ivo", "--role", "installer", "--all-sites")
    password = re.findall(r"ivo: the first password is (\S+)\n", said)[0]
    assert login(tmp_path, "ivo", password)
    assert run("users", "list") == "ivo\tinstaller\tall shops\tfirst password\n"


def test_only_the_first_user_is_added_when_asked_so(run: Run) -> None:
    first = ("users", "add", "ivo", "--role", "installer", "--all-sites", "--first")
    assert "first password" in run(*first)
    assert run(*first) == ""
    assert run("users", "add", "eva", "--role", "installer", "--all-sites", "--first") == ""
    assert run("users", "list").count("\n") == 1


def test_users_are_changed_and_every_change_is_recorded(run: Run, tmp_path: Path) -> None:
    said = run("users", "add", "anna", "--role", "viewer", "--site", "shop", "--site", "other")
    old = re.findall(r"is (\S+)\n", said)[0]
    new = re.findall(r"is (\S+)\n", run("users", "password", "anna"))[0]
    assert old != new
    run("users", "disable", "anna")
    assert run("users", "list") == "anna\tviewer\tother, shop\tdisabled\n"
    run("users", "enable", "anna")
    assert login(tmp_path, "anna", new)
    run("users", "remove", "anna")
    assert run("users", "list") == ""
    done = [line.split("\t")[2] for line in run("audit").splitlines()]
    assert done == [
        "user_added", "password_changed", "user_disabled", "user_enabled", "login", "user_removed",
    ]  # fmt: skip
    assert run("audit", "--most", "1").split("\t")[1:4] == ["command line", "user_removed", "anna"]
    assert new not in run("audit")


def test_tokens_are_added_listed_and_revoked(run: Run) -> None:
    secret = run("tokens", "add", "sheet", "--role", "viewer", "--site", "shop", "--days", "7").strip()
    assert secret.startswith("flt_")
    listed = run("tokens", "list")
    assert re.fullmatch(r"sheet\tviewer\tshop\tuntil \d{4}-\d\d-\d\d\tcommand line\n", listed)
    run("tokens", "revoke", "sheet")
    assert run("tokens", "list") == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("users", "password", "nobody"), "nobody: there is no such user"),
        (("users", "remove", "nobody"), "nobody: there is no such user"),
        (("users", "add", "Anna B", "--role", "viewer", "--site", "shop"), "'Anna B' cannot be the name"),
        (
            ("users", "add", "anna", "--role", "viewer", "--site", "my shop"),
            "'my shop' is not the name of a shop",
        ),
        (("tokens", "revoke", "nothing"), "nothing: there is no such token"),
        (("tokens", "add", "x", "--role", "hq", "--all-sites", "--days", "999"), "at most 366 days"),
    ],
)
def test_a_mistake_is_one_line(run: Run, arguments: tuple[str, ...], says: str) -> None:
    said = run(*arguments, code=2)
    assert says in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "add", "anna", "--role", "viewer"),
        ("users", "add", "anna", "--site", "shop"),
        ("users", "add", "anna", "--role", "root", "--site", "shop"),
        ("users",),
        ("tokens", "add", "x", "--role", "viewer", "--site", "a", "--days", "0"),
    ],
)
def test_rights_are_never_guessed(run: Run, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
