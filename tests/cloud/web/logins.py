"""A page with accounts, and people who log in to it over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.accounts.passwords import Passwords
from cloud.domain.users import UserRole
from cloud.stores.shops import OneBoxShops
from cloud.web.account_access import AccountAccess
from cloud.web.app import create_app
from common.clock import Clock
from tests.support.asgi import AsgiClient

PASSWORD = "kettle-orbit-walnut-57"
HERE = "192.0.2.1"
_HASH = Passwords().hash(PASSWORD)


def opened_accounts(folder: Path, clock: Clock) -> Accounts:
    return Accounts(folder / "accounts.sqlite", clock, idle=timedelta(hours=12), longest=timedelta(days=7))


def add_person(
    accounts: Accounts, name: str, role: UserRole = "viewer", sites: Iterable[str] = ("shop",)
) -> str:
    """A user who has chosen :data:`PASSWORD`."""
    accounts.users.add(name, role, list(sites), _HASH)
    accounts.users.set_password(name, _HASH, initial=False)
    return name


def page_with(accounts: Accounts, reader: Any, clock: Clock, **shown: Any) -> Starlette:
    shown.setdefault("access", AccountAccess(accounts))
    shown.setdefault("shops", OneBoxShops(reader, ZoneInfo("Europe/Berlin")))
    return create_app(reader, clock, "Europe/Berlin", **shown)


class Browser(AsgiClient):
    """Fills in forms as a browser without JavaScript does."""

    def __init__(self, app: Starlette, **where: Any) -> None:
        super().__init__(app, client=where.pop("client", HERE), **where)

    def token(self, page: str = "/login") -> str:
        found = re.search(r'name="csrf" value="(\w+)"', self.get(page).text)
        assert found, f"{page} has a form"
        return found[1]

    def submit(self, path: str, page: str = "/login", **fields: str) -> httpx.Response:
        """Open ``page`` and send one of its forms."""
        return self.post(path, data={"csrf": self.token(page), **fields})

    def log_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        return self.submit("/login", name=name, password=password, **fields)


def logged_in(app: Starlette, name: str) -> Browser:
    browser = Browser(app)
    assert browser.log_in(name).status_code == 303
    return browser
