"""When the page asks for a login, and when it refuses to start without users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloud.config import Settings
from cloud.web.access import OpenAccess
from cloud.web.account_access import AccountAccess
from cloud.web.page_access import page_access
from common.errors import UserError
from tests.cloud.web.logins import add_person
from tests.support.clock import ManualClock


def settings(folder: Path, page: dict[str, Any], accounts: dict[str, Any] | None = None) -> Settings:
    return Settings.model_validate(
        {"store": {"path": folder / "store.sqlite"}, "serve": {"page": page}, "accounts": accounts or {}}
    )


def test_without_users_the_page_is_open_to_this_machine_and_nothing_is_written(
    tmp_path: Path, clock: ManualClock
) -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        with page_access(settings(tmp_path, {"host": host}), clock) as access:
            assert isinstance(access, OpenAccess)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ({"host": "0.0.0.0"}, "serve.page.host: 0.0.0.0"),
        ({"host": "::"}, "serve.page.host: ::"),
        ({"host": "192.168.1.4"}, "serve.page.host: 192.168.1.4"),
        ({"names": ["shop.example.com"]}, "serve.page.names:"),
        ({"path": "/footlight"}, "serve.page.path: /footlight"),
        ({"proxies": ["127.0.0.1"]}, "serve.page.proxies:"),
    ],
)
def test_without_users_a_page_that_others_can_reach_does_not_start(
    tmp_path: Path, clock: ManualClock, page: dict[str, Any], says: str
) -> None:
    with (
        pytest.raises(UserError, match="footlight-cloud users add NAME") as refused,
        page_access(settings(tmp_path, page), clock),
    ):
        pass
    assert str(refused.value).startswith(says)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_with_a_user_everybody_logs_in(tmp_path: Path, clock: ManualClock, host: str) -> None:
    chosen = settings(tmp_path, {"host": host})
    with page_access(
        settings(tmp_path, {}, {"proxy": {"header": "X-User", "addresses": ["127.0.0.1"]}}), clock
    ) as first:
        assert isinstance(first, AccountAccess)
        add_person(first.accounts, "anna")
    with page_access(chosen, clock) as access:
        assert isinstance(access, AccountAccess)
        assert access.accounts.users.known("anna").role == "viewer"
    assert chosen.accounts_file({}) == tmp_path / "store.accounts.sqlite"


def test_a_login_without_encryption_is_told(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    company = {"issuer": "https://id.example.com", "client_id": "x", "roles": {"staff": "hq"}}
    for page, told in (({"host": "0.0.0.0"}, 1), ({"host": "0.0.0.0", "proxies": ["10.0.0.1"]}, 0), ({}, 0)):
        caplog.clear()
        with page_access(settings(tmp_path, page, {"company": company}), clock) as access:
            assert isinstance(access, AccountAccess)
            assert access.company is not None
        assert len([record for record in caplog.records if "unencrypted" in record.message]) == told
