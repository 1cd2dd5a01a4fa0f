"""Matches requests to accounts: by a session, an access token, or the header of a proxy that logs people in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.requests import Request

from cloud.accounts.accounts import Accounts
from cloud.domain.users import Act, User
from cloud.web.access import cookie_name, is_api
from cloud.web.middleware import PEER

if TYPE_CHECKING:
    from cloud.accounts.company import CompanyLogin

_BEARER = "bearer "


class AccountAccess:
    """Matches a request to an account."""

    login = True

    def __init__(
        self,
        accounts: Accounts,
        *,
        company: CompanyLogin | None = None,
        proxy_header: str = "",
        proxy_addresses: Iterable[str] = (),
    ) -> None:
        """Create it from the accounts.

        ``company`` is the login of a company, None if there is none. A proxy at one of ``proxy_addresses``, which may
        be networks, gives the name of the user in ``proxy_header``.
        """
        self.accounts = accounts
        self.company = company
        self._proxy_header = proxy_header
        self._proxies = [ipaddress.ip_network(address) for address in proxy_addresses]

    def user(self, request: Request) -> User | None:
        """Return the user of a token, of the proxy, or of the session. A request with a token has no other user."""
        authorization = request.headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER):
            return (
                self.accounts.tokens.user_of(authorization[len(_BEARER) :].strip())
                if is_api(request)
                else None
            )
        if self._proxy_header and self._from_proxy(request):
            named = request.headers.getlist(self._proxy_header)
            # Two headers mean that the proxy lets those of a visitor through.
            return self.accounts.named_user(named[0].strip().lower()) if len(named) == 1 else None
        secret = request.cookies.get(cookie_name(request))
        return None if secret is None else self.accounts.session_user(secret)

    def record(self, who: str, act: Act, about: str, address: str) -> None:
        """Write a line of the audit log."""
        self.accounts.audit.record(who, act, about, address)

    def _from_proxy(self, request: Request) -> bool:
        """Tell whether the connection itself, whatever its headers say, is from the proxy."""
        try:
            peer = ipaddress.ip_address(request.scope.get(PEER, ""))
        except ValueError:
            return False
        return any(peer in network for network in self._proxies)
