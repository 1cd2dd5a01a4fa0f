"""The page of a display: somebody drafts, somebody else approves, and everybody sees what was shown and its effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import Changes
from cloud.stores.embedded import EmbeddedStore
from common.wire import Clip, Cohort, WindowMessage
from tests.cloud.devices.test_offers import TEXT, Broker
from tests.cloud.web.logins import add_person, logged_in, page_with
from tests.support.clock import ManualClock
from tests.support.messages import cohort, window


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def app(
    tmp_path: Path, accounts: Accounts, store: EmbeddedStore, clock: ManualClock, broker: Broker
) -> Iterator[Starlette]:
    for name, role in (("anna", "manager"), ("ben", "manager"), ("vera", "viewer")):
        add_person(accounts, name, role)  # type: ignore[arg-type]
    store.write([window(0)])
    with closing(ChangeFile(tmp_path / "changes.sqlite")) as file:
        yield page_with(accounts, store, clock, changes=Changes(file, broker, clock))


PAGE = "/site/shop/offers"


def draft(app: Starlette, name: str = "anna", text: str = TEXT) -> int:
    browser = logged_in(app, name)
    return browser.submit(PAGE, PAGE, device="door", programme=text).status_code


def decide(app: Starlette, name: str, act: str, number: str = "1") -> int:
    browser = logged_in(app, name)
    token = browser.token("/account")
    return browser.post(f"{PAGE}/decide", data={"csrf": token, "act": act, "number": number}).status_code


def test_a_draft_is_sent_when_somebody_else_approves(
    app: Starlette, accounts: Accounts, broker: Broker
) -> None:
    assert draft(app) == 303
    assert decide(app, "anna", "approve") == 409
    assert broker.sent == []
    assert decide(app, "vera", "approve") == 403
    assert decide(app, "ben", "approve") == 303
    assert len(broker.sent) == 1
    acts = [(line.who, line.act) for line in accounts.audit.newest(20) if "display" in line.about]
    assert acts == [("ben", "approved"), ("anna", "configured")]
    assert "approved" in logged_in(app, "vera").get(PAGE).text


def test_a_mistake_is_said_and_the_text_stays(app: Starlette) -> None:
    browser = logged_in(app, "anna")
    wrong = TEXT.replace("product", "price").replace("people: [2, 10]", "gender: male")
    answer = browser.submit(PAGE, PAGE, device="door", programme=wrong)
    assert answer.status_code == 400
    assert "never allowed" in answer.text
    assert "gender: male" in answer.text


@pytest.mark.parametrize(("act", "number"), [("approve", "x"), ("approve", "9" * 30), ("send", "1")])
def test_a_form_that_is_not_ours_is_refused(app: Starlette, act: str, number: str) -> None:
    assert decide(app, "anna", act, number) == 400


def test_a_draft_for_no_device_of_the_shop_is_refused(app: Starlette) -> None:
    answer = logged_in(app, "anna").submit(PAGE, PAGE, device="elsewhere", programme=TEXT)
    assert answer.status_code == 400


def clips(shown_s: float, held_s: float) -> Cohort:
    sides: list[dict[str, Any]] = [
        {"visits": visits, "shows": 20, "shown_s": 200.0, "viewers": viewers, "attention_sum_s": seconds}
        for visits, viewers, seconds in ((60, 40, shown_s), (20, 10, held_s))
    ]
    clip = Clip.model_validate({"shown": sides[0], "held": sides[1]})
    told = cohort().model_dump() | {
        "visits": 100,
        "described": None,
        "gender": None,
        "age_band": None,
        "gender_age_band": None,
        "clips": {"running": clip},
    }
    return Cohort.model_validate(told)


def told(minute: int, shown_s: float, held_s: float) -> WindowMessage:
    return window(minute, visits=100, cohort=clips(shown_s, held_s))


def test_what_was_shown_and_its_effect_are_on_the_page(app: Starlette, store: EmbeddedStore) -> None:
    text = logged_in(app, "vera").get(PAGE).text
    assert "Nothing was told of clips yet" in text
    store.write([told(minute, 120.0 + minute % 3, 25.0 + minute % 2) for minute in range(30)])
    text = logged_in(app, "vera").get(PAGE).text
    assert "running" in text
    assert "<b>worked</b>" in text
    assert "1,800" in text  # visits
    assert '<form method="post" action="/site/shop/offers"' not in text
