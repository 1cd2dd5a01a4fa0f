"""Who may use which route, whatever the routes are: without a login, by role, by site, and from whose page."""

from __future__ import annotations

import itertools
import re
from typing import get_args

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cloud.domain.users import ALL_SITES, PERMISSIONS, USER_ROLES, Permission, User, UserRole
from cloud.web.access import OpenAccess, check_routes, csrf_field, guarded
from tests.support.asgi import AsgiClient

NEEDS = get_args(Permission)


class Known:
    """An access by a header, in place of a login."""

    login = True

    def user(self, request: Request) -> User | None:
        name = request.headers.get("x-role")
        role: UserRole | None = next((role for role in USER_ROLES if role == name), None)
        return None if role is None else User(role, role, frozenset({"shop"}))


def done(request: Request) -> Response:
    return PlainTextResponse("done")


def form(request: Request) -> Response:
    return PlainTextResponse(str(csrf_field(request)))


def save(request: Request) -> Response:
    return JSONResponse(dict(request.state.form))


def client(access: OpenAccess | Known) -> AsgiClient:
    routes = [
        *(guarded(f"/{needs}", done, needs=needs, name=needs) for needs in NEEDS),
        guarded("/site/{site}", done, needs="numbers", name="site"),
        guarded("/api/{site}", done, needs="numbers", name="api"),
        guarded("/account", done, needs="login", name="account"),
        guarded("/login", done, needs="nothing", name="login"),
        guarded("/form", form, needs="configure"),
        guarded("/save", save, needs="configure", methods=["POST"], most_bytes=1_000),
    ]
    app = Starlette(routes=routes)
    app.state.access = access
    return AsgiClient(app)


@pytest.mark.parametrize("role", USER_ROLES)
def test_a_role_may_do_what_its_permissions_say_and_no_more(role: UserRole) -> None:
    asked = client(Known())
    answers = {needs: asked.get(f"/{needs}", headers={"x-role": role}).status_code for needs in NEEDS}
    assert answers == {needs: 200 if needs in PERMISSIONS[role] else 403 for needs in NEEDS}


def test_each_role_may_also_do_what_the_roles_before_it_may() -> None:
    for below, above in itertools.pairwise(USER_ROLES):
        assert PERMISSIONS[below] < PERMISSIONS[above]
    assert PERMISSIONS["viewer"] == {"numbers"}
    assert PERMISSIONS["hq"] == set(NEEDS)


def test_without_a_login_a_person_is_sent_to_it_and_a_program_gets_401() -> None:
    asked = client(Known())
    for path in [*NEEDS, "account", "site/shop"]:
        answer = asked.get(f"/{path}")
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login")
    assert (asked.get("/api/shop").status_code, asked.post("/save").status_code) == (401, 401)
    assert asked.get("/login").text == "done"


@pytest.mark.parametrize(
    ("role", "code"), [("viewer", 404), ("manager", 404), ("installer", 404), ("hq", 200)]
)
def test_another_site_looks_as_if_it_did_not_exist(role: str, code: int) -> None:
    asked = client(Known())
    for path in ("/site/other", "/api/other"):
        assert asked.get(path, headers={"x-role": role}).status_code == code
    assert asked.get("/site/shop", headers={"x-role": role}).status_code == 200


def test_a_user_may_have_every_site_or_none() -> None:
    assert User("a", "viewer", frozenset({ALL_SITES})).of(["x", "y"]) == ["x", "y"]
    assert User("b", "viewer").of(["x", "y"]) == []
    assert User("c", "manager", frozenset({"y"})).of(["x", "y"]) == ["y"]
    assert User("d", "hq").of(["x", "y"]) == ["x", "y"]


def test_a_form_is_taken_only_with_the_token_of_this_browser() -> None:
    asked = client(OpenAccess())
    assert asked.post("/save", data={"zone": "till"}).status_code == 403
    token = re.findall(r'value="(\w+)"', asked.get("/form").text)[0]
    assert asked.post("/save", data={"zone": "till", "csrf": token}).json() == {"zone": "till", "csrf": token}
    assert asked.post("/save", headers={"x-csrf-token": token}).status_code == 200
    elsewhere = {"origin": "https://evil.example", "x-csrf-token": token}
    assert asked.post("/save", headers=elsewhere).status_code == 403
    other_browser = client(OpenAccess())
    other_browser.get("/form")
    assert other_browser.post("/save", data={"csrf": token}).status_code == 403


def test_a_body_that_is_too_large_or_no_form_is_refused() -> None:
    asked = client(OpenAccess())
    token = re.findall(r'value="(\w+)"', asked.get("/form").text)[0]
    headers = {"x-csrf-token": token}
    assert asked.post("/save", headers=headers, data={"zone": "x" * 2_000}).status_code == 413
    broken = {**headers, "content-type": "application/x-www-form-urlencoded"}
    assert asked.post("/save", headers=broken, content=b"\xff=1").status_code == 400


def test_an_open_page_is_closed_to_what_a_proxy_forwards() -> None:
    asked = client(OpenAccess())
    assert asked.get("/configure").status_code == 200
    for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
        assert asked.get("/configure", headers={header: "203.0.113.9"}).status_code == 401


def test_a_route_that_does_not_state_who_may_use_it_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="/forgotten: this route does not state who may use it"):
        check_routes([Route("/forgotten", done)])
    with pytest.raises(ValueError, match="/odd: 'anything' is no permission"):
        guarded("/odd", done, needs="anything")  # type: ignore[arg-type]
