"""The login at a company, with a real provider on a loopback port, and with one that lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from joserfc.jwk import RSAKey
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.accounts.company import CompanyLogin
from cloud.domain.users import User
from cloud.stores.embedded import EmbeddedStore
from cloud.web.account_access import AccountAccess
from tests.cloud.web.logins import Browser, page_with
from tests.support.clock import ManualClock
from tests.support.messages import window
from tests.support.oidc_provider import CLIENT, SECRET, Provider, running

DONE = "http://127.0.0.1/login/company/done"


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider(DONE)
    with running(provider):
        yield provider


@pytest.fixture
def app(accounts: Accounts, store: EmbeddedStore, clock: ManualClock, provider: Provider) -> Starlette:
    store.write([window(0), window(0, site="other")])
    company = CompanyLogin(
        clock,
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        scope="openid profile",
        claim="groups",
        roles={"shop-staff": "viewer", "shop-lead": "manager", "head-office": "hq"},
        sites={"shop-staff": ["shop"], "shop-lead": ["shop", "other"]},
    )
    return page_with(accounts, store, clock, access=AccountAccess(accounts, company=company))


def at_the_company(browser: Browser) -> str:
    """Begin a login and log in at the provider; return the path to which the provider sends the browser back."""
    begun = browser.get("/login/company")
    assert begun.status_code == 303, begun.text
    back = httpx.get(begun.headers["location"]).headers["location"]
    assert back.startswith(DONE)
    return back.removeprefix("http://127.0.0.1")


def test_the_company_says_who_it_is_and_what_they_may(
    app: Starlette, provider: Provider, accounts: Accounts
) -> None:
    browser = Browser(app)
    assert "Log in at your company" in browser.get("/login").text
    answer = browser.get(at_the_company(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/api/shop/today").status_code == 200
    assert browser.get("/api/other/today").status_code == 404
    assert browser.get("/site/shop/position").status_code == 403
    assert "Anna Schmidt" in browser.get("/account").text
    assert accounts.named_user("company:42") == User(
        "company:42", "viewer", frozenset({"shop"}), title="Anna Schmidt"
    )


def test_the_request_is_bound_to_the_browser_and_carries_no_secret(
    app: Starlette, provider: Provider
) -> None:
    browser = Browser(app)
    at_the_company(browser)
    asked = provider.asked[0]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert asked["scope"] == "openid profile"
    assert SECRET not in str(asked)
    assert browser.cookies["footlight"] not in str(asked)


@pytest.mark.parametrize(
    ("groups", "user"),
    [
        ("head-office", User("company:42", "hq", frozenset({"*"}), title="Anna Schmidt")),
        (
            ["shop-staff", "shop-lead"],
            User("company:42", "manager", frozenset({"shop", "other"}), title="Anna Schmidt"),
        ),
        (
            ["unrelated", "shop-staff", 7],
            User("company:42", "viewer", frozenset({"shop"}), title="Anna Schmidt"),
        ),
    ],
)
def test_claims_become_role_and_shops(
    app: Starlette, provider: Provider, accounts: Accounts, groups: object, user: User
) -> None:
    provider.claims["groups"] = groups
    browser = Browser(app)
    assert browser.get(at_the_company(browser)).status_code == 303
    assert accounts.named_user("company:42") == user


def test_a_change_at_the_company_counts_at_the_next_login(
    app: Starlette, provider: Provider, accounts: Accounts
) -> None:
    for groups, role in ((["head-office"], "hq"), (["shop-staff"], "viewer")):
        provider.claims["groups"] = groups
        browser = Browser(app)
        browser.get(at_the_company(browser))
        account = accounts.named_user("company:42")
        assert account is not None
        assert account.role == role


@pytest.mark.parametrize("groups", [[], ["unrelated"], None, {"shop-staff": True}, 7])
def test_without_a_role_nobody_gets_in(app: Starlette, provider: Provider, groups: object) -> None:
    provider.claims["groups"] = groups
    browser = Browser(app)
    answer = browser.get(at_the_company(browser))
    assert (answer.status_code, "does not give you a role" in answer.text) == (403, True)
    assert browser.get("/api/shop/today").status_code == 401


def lie(**changed: object) -> Callable[[Provider], None]:
    return lambda provider: provider.changed.update(changed)


def sign(algorithm: str) -> Callable[[Provider], None]:
    return lambda provider: setattr(provider, "algorithm", algorithm)


def foreign_key(provider: Provider) -> None:
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "1"})


@pytest.mark.parametrize(
    "attack",
    [
        lie(iss="http://evil.example"),
        lie(aud="another-client"),
        lie(nonce="of an older login"),
        lie(nonce=None),
        lie(exp=1_000_000_000),
        lie(exp=None),
        lie(sub=None),
        lie(sub=42),
        lie(sub="4\n2"),
        lie(sub="4" * 256),
        sign("none"),
        sign("HS256"),
        foreign_key,
    ],
    ids=[
        "issuer",
        "audience",
        "nonce",
        "no nonce",
        "old",
        "no end",
        "nobody",
        "number",
        "line",
        "long",
        "none",
        "HS256",
        "key",
    ],
)
def test_an_answer_that_cannot_be_trusted_opens_nothing(
    app: Starlette, provider: Provider, accounts: Accounts, attack: Callable[[Provider], None]
) -> None:
    attack(provider)
    browser = Browser(app)
    answer = browser.get(at_the_company(browser))
    assert (answer.status_code, "cannot be trusted" in answer.text) == (403, True)
    assert browser.get("/api/shop/today").status_code == 401
    assert accounts.users.all() == []


def test_an_answer_counts_once_and_only_in_the_browser_that_began(app: Starlette) -> None:
    browser, other = Browser(app), Browser(app)
    back = at_the_company(browser)
    other.get("/login")
    assert "another browser" in other.get(back).text
    assert Browser(app).get(back).status_code == 403
    assert browser.get(back).status_code == 303
    assert Browser(app).get(back).status_code == 403
    assert browser.get(back).status_code == 403


def test_an_answer_with_another_state_opens_nothing(app: Starlette) -> None:
    """An attacker who makes a browser follow a link with the attacker's own code."""
    browser, attacker = Browser(app), Browser(app)
    at_the_company(browser)
    assert browser.get(at_the_company(attacker)).status_code == 403
    assert browser.get("/api/shop/today").status_code == 401


def test_a_login_that_takes_too_long_begins_again(app: Starlette, clock: ManualClock) -> None:
    browser = Browser(app)
    back = at_the_company(browser)
    clock.advance(601)
    assert "took too long" in browser.get(back).text


def test_a_refusal_of_the_company_is_told(
    app: Starlette, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.refuses = "access_denied"
    browser = Browser(app)
    answer = browser.get(at_the_company(browser))
    assert (answer.status_code, "company&#39;s login refused" in answer.text) == (403, True)
    assert "access_denied" in caplog.text


def test_a_provider_that_calls_itself_otherwise_is_not_used(app: Starlette, provider: Provider) -> None:
    provider.metadata["issuer"] = "https://evil.example"
    answer = Browser(app).get("/login/company")
    assert (answer.status_code, "not the expected one" in answer.text) == (502, True)


@pytest.mark.parametrize("offered", [["HS256"], ["none"], ["HS256", "none"]])
def test_a_provider_without_a_signature_of_its_own_is_not_used(
    app: Starlette, provider: Provider, offered: list[str]
) -> None:
    provider.metadata["id_token_signing_alg_values_supported"] = offered
    assert Browser(app).get("/login/company").status_code == 502


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ({"authorization_endpoint": None}, 502),
        ({"id_token_signing_alg_values_supported": 7}, 502),
        ({"token_endpoint": None}, 403),
        ({"token_endpoint": "nowhere"}, 403),
        ({"jwks_uri": None}, 403),
        ({"jwks": {"keys": "none"}}, 403),
        ({"jwks": ["none"]}, 403),
    ],
)
def test_a_provider_that_answers_in_another_form_is_told(
    app: Starlette, provider: Provider, odd: dict[str, object], code: int
) -> None:
    provider.metadata.update(odd)
    browser = Browser(app)
    answer = browser.get("/login/company")
    if code == 403:
        answer = browser.get(at_the_company(browser))
    assert answer.status_code == code
    assert browser.get("/api/shop/today").status_code == 401


def test_a_provider_that_is_away_is_told_and_passwords_still_work(
    accounts: Accounts, store: EmbeddedStore, clock: ManualClock
) -> None:
    gone = Provider(DONE)
    with running(gone) as issuer:
        pass
    company = CompanyLogin(
        clock, issuer=issuer, client_id=CLIENT, client_secret=None, scope="openid", claim="groups",
        roles={"a": "hq"}, sites={},
    )  # fmt: skip
    browser = Browser(page_with(accounts, store, clock, access=AccountAccess(accounts, company=company)))
    answer = browser.get("/login/company")
    assert (answer.status_code, "cannot be reached" in answer.text) == (502, True)
    assert 'name="password"' in answer.text


def test_the_audit_log_says_so(app: Starlette, accounts: Accounts, provider: Provider) -> None:
    browser = Browser(app)
    browser.get(at_the_company(browser))
    provider.claims["groups"] = []
    browser.get(at_the_company(browser))
    lines = [(entry.who, entry.act) for entry in accounts.audit.newest(2)]
    assert lines == [("", "login_failed"), ("company:42", "login")]
