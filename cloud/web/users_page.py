"""The users that a person may manage, all access tokens, and the log of who did what."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.templating import Jinja2Templates

from cloud.accounts.tokens import Token
from cloud.accounts.users import Account
from cloud.domain.messages import gettext as _
from cloud.domain.users import Act, User, UserRole, may_give, roles_to_give
from cloud.web.access import guarded, record
from cloud.web.account_access import AccountAccess
from cloud.web.account_page import chosen_role, chosen_sites
from cloud.web.words import ACTS
from common.errors import UserError

_LINES = 500


def routes(access: AccountAccess, templates: Jinja2Templates) -> list[BaseRoute]:
    """Return the routes of this feature."""
    pages = _Users(access, templates)
    return [
        guarded("/users", pages.users, needs="accounts"),
        guarded("/users", pages.add, needs="accounts", methods=["POST"]),
        guarded("/users/change", pages.change, needs="accounts", methods=["POST"]),
        guarded("/users/password", pages.reset_password, needs="accounts", methods=["POST"]),
        guarded("/users/disable", pages.disable, needs="accounts", methods=["POST"]),
        guarded("/users/enable", pages.enable, needs="accounts", methods=["POST"]),
        guarded("/users/remove", pages.remove, needs="accounts", methods=["POST"]),
        guarded("/users/tokens/revoke", pages.revoke_any_token, needs="accounts", methods=["POST"]),
        guarded("/audit", pages.audit, needs="audit"),
    ]


class _Users:
    """Nobody can manage a user who has more rights, or change the own role: that is for somebody else."""

    def __init__(self, access: AccountAccess, templates: Jinja2Templates) -> None:
        self._accounts = access.accounts
        self._templates = templates

    def users(self, request: Request) -> Response:
        return self._show(request)

    def add(self, request: Request) -> Response:
        name, (role, sites) = request.state.form.get("name", "").strip().lower(), _rights(request)
        try:
            password = self._accounts.add_user(name, role, sites)
        except UserError as error:
            return self._show(request, wrong=error.args[0], code=400)
        record(request, "user_added", f"{name}: {role}")
        return self._show(request, name=name, password=password)

    def change(self, request: Request) -> Response:
        account, (role, sites) = self._chosen(request), _rights(request)
        try:
            self._accounts.users.change(account.name, role, sites)
        except UserError as error:
            return self._show(request, wrong=error.args[0], code=400)
        return self._done(request, "user_changed", f"{account.name}: {role}")

    def reset_password(self, request: Request) -> Response:
        account = self._chosen(request)
        try:
            password = self._accounts.reset_password(account.name)
        except UserError as error:
            return self._show(request, wrong=error.args[0], code=400)
        record(request, "password_changed", account.name)
        return self._show(request, name=account.name, password=password)

    def disable(self, request: Request) -> Response:
        account = self._chosen(request)
        self._accounts.disable(account.name)
        return self._done(request, "user_disabled", account.name)

    def enable(self, request: Request) -> Response:
        account = self._chosen(request)
        self._accounts.users.set_disabled(account.name, disabled=False)
        return self._done(request, "user_enabled", account.name)

    def remove(self, request: Request) -> Response:
        account = self._chosen(request)
        self._accounts.users.remove(account.name)
        return self._done(request, "user_removed", account.name)

    def revoke_any_token(self, request: Request) -> Response:
        name = request.state.form.get("name", "")
        if name not in [token.name for token in self._tokens(request.state.user)]:
            return self._show(request, wrong=_("There is no access token of this name."), code=400)
        self._accounts.tokens.revoke(name)
        return self._done(request, "token_revoked", name)

    def audit(self, request: Request) -> Response:
        user: User = request.state.user
        entries = self._accounts.audit.newest(_LINES)
        if not user.sees_all:
            names = {user.name, *(account.name for account in self._managed(user))}
            entries = [entry for entry in entries if entry.who in names]
        return self._templates.TemplateResponse(request, "audit.html", {"entries": entries, "acts": ACTS})

    def _managed(self, user: User) -> list[Account]:
        return [
            account for account in self._accounts.users.all() if may_give(user, account.role, account.sites)
        ]

    def _tokens(self, user: User) -> list[Token]:
        return [token for token in self._accounts.tokens.all() if may_give(user, token.role, token.sites)]

    def _chosen(self, request: Request) -> Account:
        user, name = request.state.user, request.state.form.get("name", "")
        if name == user.name:
            raise HTTPException(400, _("Ask somebody else to change your own account."))
        for account in self._managed(user):
            if account.name == name:
                return account
        raise HTTPException(404, _("There is no user %(name)s that you can manage.", name=name))

    def _done(self, request: Request, act: Act, about: str) -> Response:
        record(request, act, about)
        return RedirectResponse(request.url_for("users").path, 303)

    def _show(
        self, request: Request, *, wrong: str = "", name: str = "", password: str = "", code: int = 200
    ) -> Response:
        user: User = request.state.user
        shown = {
            "accounts": self._managed(user),
            "tokens": self._tokens(user),
            "roles": roles_to_give(user),
            "wrong": wrong,
            "new_name": name,
            "password": password,
        }
        return self._templates.TemplateResponse(request, "users.html", shown, code)


def _rights(request: Request) -> tuple[UserRole, frozenset[str]]:
    """Return role and sites of a form. Raises ``HTTPException`` for more than the user may give."""
    form, user = request.state.form, request.state.user
    role, sites = chosen_role(form.get("role", "")), chosen_sites(form.get("sites", ""))
    if not may_give(user, role, sites):
        raise HTTPException(403, _("You cannot give more rights or other shops than you have."))
    return role, sites
