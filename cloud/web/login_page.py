"""Login and logout: with a password, or at the company."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.templating import Jinja2Templates

from cloud.accounts.accounts import LoginRefused
from cloud.domain.messages import gettext as _
from cloud.domain.users import User
from cloud.web.access import address_of, cookie_name, csrf_token, guarded, record, set_browser
from cloud.web.account_access import AccountAccess
from cloud.web.cookies import cookie_rule

_CLEARED = '"cache", "storage"'
"""What a browser forgets at the logout; not all cookies, which other programs of this machine may have set."""


def routes(access: AccountAccess, templates: Jinja2Templates) -> list[BaseRoute]:
    """Return the routes of this feature."""
    pages = _Login(access, templates)
    found: list[BaseRoute] = [
        guarded("/login", pages.login, needs="nothing"),
        guarded("/login", pages.log_in, needs="nothing", methods=["POST"]),
        guarded("/logout", pages.logout, needs="login", methods=["POST"]),
        guarded("/logout-everywhere", pages.logout_everywhere, needs="login", methods=["POST"]),
    ]
    if access.company is not None:
        found.append(guarded("/login/company", pages.company, needs="nothing"))
        found.append(guarded("/login/company/done", pages.company_done, needs="nothing"))
    return found


def safe_next(path: str) -> str:
    """Return ``path`` if it is one of this page, else the start page: a login must not lead to another web site."""
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if ours else "/"


class _Login:
    def __init__(self, access: AccountAccess, templates: Jinja2Templates) -> None:
        self._accounts = access.accounts
        self._company = access.company
        self._templates = templates

    def login(self, request: Request) -> Response:
        return self._form(request, next_path=safe_next(request.query_params.get("next", "/")))

    def log_in(self, request: Request) -> Response:
        form = request.state.form
        name, next_path = form.get("name", "").strip().lower()[:100], safe_next(form.get("next", "/"))
        try:
            secret = self._accounts.login(name, form.get("password", ""), *_where(request))
        except LoginRefused as refused:
            return self._form(request, next_path=next_path, name=name, refused=refused.args[0], code=403)
        return self._logged_in(request, secret, next_path)

    def logout(self, request: Request) -> Response:
        record(request, "logout", "")
        self._accounts.sessions.end(request.state.browser)
        return self._logged_out(request)

    def logout_everywhere(self, request: Request) -> Response:
        user: User = request.state.user
        record(request, "logout_everywhere", "")
        self._accounts.sessions.end_all(user.name)
        return self._logged_out(request)

    def company(self, request: Request) -> Response:
        assert self._company is not None
        csrf_token(request)  # gives the browser its cookie, by which the answer is matched
        try:
            return RedirectResponse(self._company.begin(request.state.browser, _done_url(request)), 303)
        except LoginRefused as failed:
            return self._form(request, refused=failed.args[0], code=502)

    def company_done(self, request: Request) -> Response:
        assert self._company is not None
        try:
            colleague = self._company.finish(request.state.browser, request.url.query)
            secret = self._accounts.company_login(colleague, *_where(request))
        except LoginRefused as failed:
            self._accounts.audit.record("", "login_failed", f"at the company: {failed}", _where(request)[0])
            return self._form(request, refused=failed.args[0], code=403)
        return self._logged_in(request, secret, "/")

    def _form(
        self, request: Request, *, next_path: str = "/", name: str = "", refused: str = "", code: int = 200
    ) -> Response:
        shown = {"next": next_path, "name": name, "refused": refused, "company": self._company is not None}
        response = self._templates.TemplateResponse(request, "login.html", shown, code)
        response.headers["cache-control"] = "no-store"
        return response

    def _logged_in(self, request: Request, secret: str, next_path: str) -> Response:
        """Give the browser a new value: whoever knew the old one has no session."""
        self._accounts.sessions.end(request.state.browser)  # one that this login replaces
        response = RedirectResponse(request.scope["root_path"] + next_path, 303)
        set_browser(response, request, secret, for_s=self._accounts.sessions.longest_s)
        request.state.keep_browser = False
        return response

    @staticmethod
    def _logged_out(request: Request) -> Response:
        response = RedirectResponse(request.url_for("login").path, 303)
        response.headers["clear-site-data"] = _CLEARED
        response.delete_cookie(cookie_name(request), **cookie_rule(request))
        return response


def _where(request: Request) -> tuple[str, str]:
    """Return the address of a request and the name that its browser gives itself."""
    return address_of(request), request.headers.get("user-agent", "")


def _done_url(request: Request) -> str:
    """Return the full address of the way back from the company; its host is one that the page answers to."""
    url = request.url_for("company_done")
    if not url.hostname:
        raise HTTPException(400, _("The request names no host."))
    return str(url)
