"""A user's own account: password, sessions and access tokens."""

from __future__ import annotations

from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.templating import Jinja2Templates

from cloud.accounts.accounts import LoginRefused
from cloud.accounts.passwords import LONGEST, SHORTEST
from cloud.domain.messages import gettext as _
from cloud.domain.users import USER_ROLES, User, UserRole, may_give, roles_to_give
from cloud.web.access import address_of, guarded, record, set_browser
from cloud.web.account_access import AccountAccess
from cloud.web.languages import TITLES
from common.errors import UserError

DAYS = (30, 90, 365)
"""How long a new token may last."""


def routes(access: AccountAccess, templates: Jinja2Templates) -> list[BaseRoute]:
    """Return the routes of this feature."""
    pages = _Account(access, templates)
    return [
        guarded("/account", pages.account, needs="login"),
        guarded("/account/password", pages.password, needs="login", methods=["POST"]),
        guarded("/account/language", pages.language, needs="login", methods=["POST"]),
        guarded("/account/sessions/end", pages.end_session, needs="login", methods=["POST"]),
        guarded("/account/tokens", pages.add_token, needs="numbers", methods=["POST"]),
        guarded("/account/tokens/revoke", pages.revoke_token, needs="login", methods=["POST"]),
    ]


def chosen_role(form_value: str) -> UserRole:
    """Return the role that a form names. Raises ``HTTPException`` (400)."""
    for role in USER_ROLES:
        if role == form_value:
            return role
    raise HTTPException(400, _("There is no role %(role)s.", role=repr(form_value)))


def chosen_sites(form_value: str) -> frozenset[str]:
    """Return the sites that a form names, separated by spaces or commas."""
    return frozenset(form_value.replace(",", " ").split())


class _Account:
    def __init__(self, access: AccountAccess, templates: Jinja2Templates) -> None:
        self._accounts = access.accounts
        self._templates = templates

    def account(self, request: Request) -> Response:
        return self._show(request)

    def password(self, request: Request) -> Response:
        user, form = request.state.user, request.state.form
        try:
            if form.get("new", "") != form.get("again", ""):
                raise UserError(_("The two new passwords differ."))
            self._accounts.change_password(
                user.name, form.get("current", ""), form.get("new", ""), address_of(request)
            )
        except (UserError, LoginRefused) as error:
            return self._show(request, wrong=error.args[0], code=400)
        record(request, "password_changed", "")
        # All sessions have ended; this one goes on under a new secret.
        secret = self._accounts.sessions.start(
            user.name, address_of(request), request.headers.get("user-agent", "")
        )
        response = RedirectResponse(request.url_for("account").path, 303)
        set_browser(response, request, secret, for_s=self._accounts.sessions.longest_s)
        return response

    def language(self, request: Request) -> Response:
        chosen = request.state.form.get("language", "")
        if chosen and chosen not in TITLES:
            raise HTTPException(400, _("There is no language %(code)s.", code=repr(chosen)))
        self._accounts.users.set_language(request.state.user.name, chosen)
        return RedirectResponse(request.url_for("account").path, 303)

    def end_session(self, request: Request) -> Response:
        user: User = request.state.user
        if not self._accounts.sessions.end_one(user.name, request.state.form.get("id", "")):
            return self._show(request, wrong=_("This session has already ended."), code=400)
        record(request, "logout", "another session")
        return RedirectResponse(request.url_for("account").path, 303)

    def add_token(self, request: Request) -> Response:
        user, form = request.state.user, request.state.form
        if user.is_token:
            raise HTTPException(403, _("This is not for access tokens."))
        role = chosen_role(form.get("role", ""))
        sites = chosen_sites(form.get("sites", "")) or user.sites
        try:
            days = int(form.get("days", ""))
        except ValueError:
            days = 0
        try:
            if not may_give(user, role, sites):
                raise UserError(_("A token cannot have more rights than you have."))
            secret = self._accounts.tokens.add(
                form.get("name", "").strip(), role, sites, timedelta(days=days), user.name
            )
        except (UserError, OverflowError) as error:
            return self._show(request, wrong=error.args[0], code=400)
        record(request, "token_added", form.get("name", "").strip())
        return self._show(request, secret=secret)

    def revoke_token(self, request: Request) -> Response:
        user, name = request.state.user, request.state.form.get("name", "")
        try:
            self._accounts.tokens.revoke(name, user.name)
        except UserError:
            return self._show(request, wrong=_("You have no access token of this name."), code=400)
        record(request, "token_revoked", name)
        return RedirectResponse(request.url_for("account").path, 303)

    def _show(self, request: Request, *, wrong: str = "", secret: str = "", code: int = 200) -> Response:
        user: User = request.state.user
        account = self._accounts.users.known(user.name)
        shown = {
            "account": account,
            "sessions": self._accounts.sessions.of(user.name),
            "this_session": self._accounts.sessions.id_of(request.state.browser),
            "tokens": self._accounts.tokens.all(user.name),
            "roles": roles_to_give(user),
            "days": DAYS,
            "shortest": SHORTEST,
            "longest": LONGEST,
            "wrong": wrong,
            "secret": secret,
        }
        return self._templates.TemplateResponse(request, "account.html", shown, code)
