"""Chooses who may use the page: the users with accounts, or everybody on this machine if there are none."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from cloud.account_settings import CompanySettings
from cloud.accounts.accounts import Accounts
from cloud.accounts.file import exists_with_users
from cloud.config import Settings
from cloud.serve_settings import PageSettings, is_loopback
from cloud.web.access import Access, OpenAccess
from cloud.web.account_access import AccountAccess
from common.clock import Clock
from common.errors import UserError

if TYPE_CHECKING:
    from cloud.accounts.company import CompanyLogin

log = logging.getLogger(__name__)

FIRST_USER = "footlight-cloud users add NAME --role installer --all-sites --config FILE"


@contextmanager
def page_access(settings: Settings, clock: Clock) -> Iterator[Access]:
    """Open the accounts. Raises ``UserError`` if the page can be reached from elsewhere and has no user."""
    page, chosen, path = settings.serve.page, settings.accounts, settings.accounts_file()
    if chosen.company is None and chosen.proxy is None and not exists_with_users(path):
        reached_by = _reached_by(page)
        if reached_by:
            raise UserError(
                f"{reached_by} makes the page reachable from other machines, but it has no user yet; add the first with"
                f" '{FIRST_USER}'"
            )
        yield OpenAccess()
        return
    if not is_loopback(page.host) and page.tls is None and not page.proxies:
        log.warning(
            "page: passwords cross the network unencrypted; set serve.page.tls, or put a proxy in front"
        )
    idle, longest = timedelta(hours=chosen.idle_hours), timedelta(days=chosen.longest_days)
    accounts = Accounts(path, clock, idle=idle, longest=longest)
    try:
        yield AccountAccess(
            accounts,
            company=None if chosen.company is None else _company(chosen.company, clock),
            proxy_header=chosen.proxy.header if chosen.proxy else "",
            proxy_addresses=chosen.proxy.addresses if chosen.proxy else (),
        )
    finally:
        accounts.close()


def _reached_by(page: PageSettings) -> str:
    """Return the setting by which other machines reach the page, directly or through a proxy."""
    if not is_loopback(page.host):
        return f"serve.page.host: {page.host}"
    for name in ("names", "path", "proxies"):
        if value := getattr(page, name):
            return f"serve.page.{name}: {value}"
    return ""


def _company(chosen: CompanySettings, clock: Clock) -> CompanyLogin:
    from cloud.accounts.company import CompanyLogin  # imported here: few shops need the libraries

    return CompanyLogin(
        clock,
        issuer=chosen.issuer,
        client_id=chosen.client_id,
        client_secret=chosen.secret(),
        scope=chosen.scope,
        claim=chosen.claim,
        roles=chosen.roles,
        sites=chosen.sites,
    )
