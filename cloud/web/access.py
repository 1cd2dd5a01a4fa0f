"""Who may use which route. Every route states it; ``create_app`` refuses a route that does not.

A feature lists its routes like this::

    guarded("/site/{site}", page.site, needs="numbers")
    guarded("/site/{site}/zones", page.save, needs="configure", methods=["POST"])

Before a handler runs, the user is known (``request.state.user``), has the permission, and may see the site in the path.
A request that changes something was sent by one of our own pages: it carries the token of the browser as the form field
``csrf`` (in a template: ``{{ csrf_field(request) }}``) or as the header ``x-csrf-token``. The fields of its form are in
``request.state.form``, and its body in ``request.state.body``.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, Final, Literal, Protocol, get_args
from urllib.parse import parse_qsl, urlencode, urlsplit

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cloud.domain.messages import gettext as _
from cloud.domain.users import ALL_SITES, Act, Permission, User
from cloud.web.cookies import cookie_rule
from cloud.web.languages import keep_choice
from cloud.web.words import ROLES, UNREADABLE_FORM

log = logging.getLogger(__name__)

Needs = Permission | Literal["login", "nothing"]
"""What a route asks of a user: a permission, only a login, or nothing at all."""

Handler = Callable[[Request], Response | Awaitable[Response]]

MOST_BODY_BYTES: Final = 64 * 1024
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

LOCAL_USER: Final = User("local", "installer", frozenset({ALL_SITES}))
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Access(Protocol):
    """How a request is matched to a user."""

    login: bool
    """Whether there is a page at which a person can log in."""

    def user(self, request: Request) -> User | None:
        """Return the user who sent ``request``; None if nobody is logged in. May block."""
        ...

    def record(self, who: str, act: Act, about: str, address: str) -> None:
        """Write down what a user did. May block."""
        ...


class OpenAccess:
    """Everybody is the installer: for a page without accounts, which only this machine can reach."""

    login = False

    def user(self, request: Request) -> User | None:
        """Return the local user, but nobody for a request that a proxy forwards from another machine."""
        return None if is_forwarded(request) else LOCAL_USER

    def record(self, who: str, act: Act, about: str, address: str) -> None:
        """Write it to the log: without accounts there is no other."""
        log.info("page: %s: %s %s", who, act, about)


class GuardedRoute(Route):
    """A route that states who may use it. ``needs`` is read by the walk of all routes in the tests, too."""

    def __init__(
        self,
        path: str,
        handler: Handler,
        *,
        needs: Needs,
        methods: Collection[str] = ("GET",),
        name: str | None = None,
        most_bytes: int = MOST_BODY_BYTES,
    ) -> None:
        if needs not in get_args(Permission) and needs not in ("login", "nothing"):
            raise ValueError(f"{path}: {needs!r} is no permission; see cloud/domain/users.py")
        self.needs: Needs = needs

        async def endpoint(request: Request) -> Response:
            return await _admit(request, handler, needs)

        super().__init__(
            path,
            endpoint,
            methods=list(methods),
            name=name or getattr(handler, "__name__", None),
            max_body_size=most_bytes,
        )


def guarded(
    path: str,
    handler: Handler,
    *,
    needs: Needs,
    methods: Collection[str] = ("GET",),
    name: str | None = None,
    most_bytes: int = MOST_BODY_BYTES,
) -> Route:
    """Return a route for users who have what it ``needs``.

    ``handler`` may be async; otherwise it runs in a thread, where it may block. ``name`` is that of the handler unless
    given. A body of more than ``most_bytes`` is refused.
    """
    return GuardedRoute(path, handler, needs=needs, methods=methods, name=name, most_bytes=most_bytes)


def check_routes(routes: Iterable[BaseRoute]) -> None:
    """Raise ``ValueError`` for a route that does not state who may use it; static files are for everybody."""
    for route in routes:
        static = isinstance(route, Mount) and isinstance(route.app, StaticFiles)
        if not (static or isinstance(route, GuardedRoute)):
            path = getattr(route, "path", route)
            raise ValueError(f"{path}: this route does not state who may use it; make it with guarded(...)")


def csrf_token(request: Request) -> str:
    """Return the token that a form or script of this browser sends back; sets a cookie if it has none yet."""
    request.state.keep_browser = True
    return _csrf_of(request.state.browser)


def csrf_field(request: Request) -> Markup:
    """Return the token as a hidden field, for a form."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf_token(request))


def unknown_site(site: str) -> HTTPException:
    """Return the same answer for a site that does not exist and for one that the user may not see."""
    return HTTPException(404, _("No data has been received from a shop named %(site)s.", site=site))


def is_forwarded(request: Request) -> bool:
    """Tell whether a proxy forwards ``request`` from another machine."""
    return any(name in request.headers for name in _FORWARDED)


def asked_path(request: Request) -> str:
    """Return the path of ``request`` below that under which a proxy shows the page."""
    return request.url.path.removeprefix(request.scope["root_path"])


def is_api(request: Request) -> bool:
    """Tell whether the answer to ``request`` is read by a program."""
    path = asked_path(request)
    return path == "/metrics" or path.startswith("/api/")


def cookie_name(request: Request) -> str:
    """Return the name of our cookie; over TLS a browser takes it only from this host, and only with Secure."""
    if request.url.scheme != "https":
        return "footlight"
    return "__Secure-footlight" if request.scope["root_path"] else "__Host-footlight"


def address_of(request: Request) -> str:
    """Return the address that the request came from, as far as known proxies tell."""
    return request.client.host if request.client else ""


def record(request: Request, act: Act, about: str) -> None:
    """Write into the audit log what the user of ``request`` did, such as "configured" "zones of shop". May block."""
    access: Access = request.app.state.access
    access.record(request.state.user.name, act, about, address_of(request))


def set_browser(response: Response, request: Request, value: str, *, for_s: int | None = None) -> None:
    """Set our cookie for ``for_s`` seconds, or until the browser is closed.

    Its value names a browser at first, and a session after a login.
    """
    response.set_cookie(cookie_name(request), value, max_age=for_s, **cookie_rule(request))


async def _admit(request: Request, handler: Handler, needs: Needs) -> Response:
    access: Access = request.app.state.access
    state = request.state
    state.keep_browser = False
    state.browser = request.cookies.get(cookie_name(request)) or secrets.token_urlsafe(32)
    state.user = await run_in_threadpool(access.user, request)
    refused = _refusal(request, needs, login=access.login)
    if refused is not None:
        return refused
    if request.method not in SAFE_METHODS:
        state.body = await request.body()
        state.form = _form(request, state.body)
        _check_sender(request)
    if inspect.iscoroutinefunction(handler):
        response: Any = await handler(request)
    else:
        response = await run_in_threadpool(handler, request)
    if needs != "nothing":  # a person at the same machine must not see it by going back after the logout
        response.headers.setdefault("cache-control", "no-store")
    keep_choice(request, response)
    if state.keep_browser:
        set_browser(response, request, state.browser)
    return response  # type: ignore[no-any-return]


def _refusal(request: Request, needs: Needs, *, login: bool) -> Response | None:
    """Return the way to the login, or None for a user who may go on. Raises ``HTTPException`` otherwise."""
    user: User | None = request.state.user
    site = request.path_params.get("site")
    if needs == "nothing":
        return None
    if user is None:
        if login and not is_api(request) and request.method in SAFE_METHODS:
            return RedirectResponse(login_path(request), 303)
        raise HTTPException(401, _("Log in first."), {"www-authenticate": "Bearer"})
    if user.must_change_password and needs != "login":
        if is_api(request) or request.method not in SAFE_METHODS:
            raise HTTPException(403, _("Choose your own password first, on the account page."))
        return RedirectResponse(request.url_for("account").path, 303)
    if user.is_token and needs in ("login", "accounts"):
        raise HTTPException(403, _("This is not for access tokens."))
    if site is not None and not user.sees(site):
        raise unknown_site(site)
    if needs != "login" and not user.may(needs):
        raise HTTPException(403, _("This is not for the role %(role)s.", role=ROLES[user.role]))
    return None


def login_path(request: Request) -> str:
    """Return the path of the login page, which comes back to the page of ``request``."""
    asked = asked_path(request)
    if request.url.query:
        asked += f"?{request.url.query}"
    path = request.url_for("login").path
    return path if asked == "/" else f"{path}?{urlencode({'next': asked})}"


def _check_sender(request: Request) -> None:
    """Refuse a change that another web site makes a browser send; no site can make it send an access token."""
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        return
    origin = request.headers.get("origin")
    given = request.headers.get("x-csrf-token") or request.state.form.get("csrf", "")
    if origin is not None and not _is_own(origin, request):
        raise HTTPException(
            403,
            f"This form was sent by {origin}, but the page is at {request.url.hostname}. A proxy must pass on the host"
            " name: docs/accounts.md says how.",
        )
    if not hmac.compare_digest(given.encode(), _csrf_of(request.state.browser).encode()):
        raise HTTPException(
            403, _("This form is too old, or from another browser. Reload the page and try again.")
        )


def _is_own(origin: str, request: Request) -> bool:
    # Not the port: a proxy may pass on the host name without it, and cookies do not know ports either.
    try:
        return urlsplit(origin).hostname == request.url.hostname
    except ValueError:  # a bracket alone
        return False


def _csrf_of(browser: str) -> str:
    return hmac.new(browser.encode(), b"csrf", hashlib.sha256).hexdigest()


def _form(request: Request, body: bytes) -> ImmutableMultiDict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ImmutableMultiDict()
    try:
        return ImmutableMultiDict(
            parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=500)
        )
    except ValueError:
        raise HTTPException(400, UNREADABLE_FORM) from None
