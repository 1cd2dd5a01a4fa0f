"""The first user of a page: its password is shown by the playbook, once, and is good for choosing another."""

from __future__ import annotations

import re

import httpx

OWN = "three horses on a staple roof"


def first_login(page: str, output: str) -> str:
    """Log in at ``page`` with what the playbook has shown in ``output``, and choose a password; return the first."""
    (password,) = re.findall(r"installer: the first password is ([a-z0-9-]+)", output)
    with httpx.Client(base_url=page) as browser:
        assert log_in(browser, password).status_code == 303
        assert browser.get("/").headers["location"] == "/account"
        form = {"csrf": csrf(browser, "/account"), "current": password, "new": OWN, "again": OWN}
        assert browser.post("/account/password", data=form).status_code == 303
        shown = browser.get("/", follow_redirects=True)
        assert (shown.status_code, shown.url.path in {"/account", "/login"}) == (200, False)
    with httpx.Client(base_url=page) as browser:
        assert log_in(browser, password).status_code != 303
        assert log_in(browser, OWN).status_code == 303
    return str(password)


def log_in(browser: httpx.Client, password: str) -> httpx.Response:
    """Send the form of the login page."""
    return browser.post(
        "/login", data={"csrf": csrf(browser, "/login"), "name": "installer", "password": password}
    )


def csrf(browser: httpx.Client, path: str) -> str:
    """The token that a form of the page must send back."""
    found: str = re.findall(r'name="csrf" value="(\w+)"', browser.get(path).text)[0]
    return found
