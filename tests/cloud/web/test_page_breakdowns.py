"""The page says why a breakdown is not there, and what was withheld or not seen."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from cloud.stores.embedded import EmbeddedStore
from common.vocabulary import AGE_BANDS, UNKNOWN
from common.wire import Cohort
from tests.cloud.web.browser import a_morning, live, rows, visit
from tests.support.messages import MORNING, cohort, window, with_noise

pytestmark = pytest.mark.chromium


def test_what_is_all_withheld_says_why(store: EmbeddedStore, address: str, chromium: Browser) -> None:
    """Ten visits, five of them women and men each: not that there are no five alike."""
    hidden = dict.fromkeys(("female", "male", "unknown"))
    ages = dict.fromkeys((*AGE_BANDS, UNKNOWN))
    of_ten = cohort().model_copy(
        update={
            "visits": 10,
            "described": 10,
            "gender": {**hidden, "not_seen": 0},
            "age_band": {**ages, "not_seen": 0},
            "gender_age_band": None,
        }
    )
    store.write([window(0, k=1, cohort=of_ten)])
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator("#ages")).to_contain_text(
            "All 10 visits are hidden to protect privacy: some groups are still too small."
        )


def test_withheld_cells_are_explained(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        live(page)
        assert ["25-34", "16", "withheld", "0"] in rows(page, "ages")
        expect(page.locator("#dwell .notes")).to_contain_text("Based on 16 visits")
        expect(page.locator("#ages .notes")).to_contain_text("Small sample")
        expect(page.locator("#ages")).to_have_class(re.compile("small"))


def test_ages_stand_alone_where_their_genders_are_withheld(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    bare = cohort().model_dump() | {"gender_age_band": None, "age_band": {"25-34": 5, "35-44": None}}
    store.write([window(0, k=1, cohort=Cohort.model_validate(bare))])
    with visit(chromium, address) as page:
        live(page)
        notes = page.locator("#ages .notes")
        expect(notes).to_contain_text("3 of 8 visits withheld to protect privacy")
        expect(notes).to_contain_text("Ages by gender are withheld. Gender: female 8, male 0, not sure 0.")
        assert ["35-44", "withheld"] in rows(page, "ages")


@pytest.mark.parametrize(
    ("profile", "panel", "sentence"),
    [
        ("count", "ages", "Age and gender: switched off in this shop"),
        ("demographics", "expressions", "Expressions: switched off in this shop"),
        ("expression", "expressions", "Nothing yet: 4 visits waiting."),
    ],
)
def test_a_breakdown_that_is_not_there_says_why(
    chromium: Browser, store: EmbeddedStore, address: str, profile: str, panel: str, sentence: str
) -> None:
    store.write([window(0, profile=profile, pending=4)])
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator(f"#{panel} .empty")).to_contain_text(sentence)
        expect(page.locator(f"#{panel} .chart")).to_be_hidden()


def test_expressions_are_shown_where_the_profile_allows(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    faces = cohort().model_dump() | {"expression": {"neutral": 5, "happy": None, "sad": 0, "not_seen": 0}}
    store.write([window(0, k=1, profile="expression", cohort=Cohort.model_validate(faces))])
    with visit(chromium, address) as page:
        live(page)
        assert rows(page, "expressions")[:3] == [["neutral", "5"], ["happy", "withheld"], ["sad", "0"]]


@pytest.mark.parametrize(
    ("changes", "says", "not_sure"),
    [
        ({"described": 22}, "18 visits: the face was never seen well enough.", True),
        ({"described": None}, "20 visits: not sure, or the face was never seen well enough.", False),
    ],
    ids=["told", "together"],
)
def test_who_was_not_seen_is_told_beside_the_chart(
    chromium: Browser, store: EmbeddedStore, address: str, changes: dict[str, Any], says: str, not_sure: bool
) -> None:
    told = changes["described"] is not None
    rest = {"unknown": 2, "not_seen": 18} if told else {"no_verdict": 20}
    people = {
        "visits": 40,
        "gender": {"female": 11, "male": 9, **rest},
        "age_band": {"25-34": 20, **rest},
        "gender_age_band": None,
    }
    store.write(
        [window(0, k=1, visits=40, cohort=Cohort.model_validate(cohort().model_dump() | people | changes))]
    )
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator("#ages .notes")).to_contain_text(says)
        labels = [label for label, _ in rows(page, "ages")]
        assert ("not sure" in labels) == not_sure
        assert not {"not_seen", "no_verdict"} & {*labels}
        assert ("Gender: female 11, male 9." in page.locator("#ages .notes").inner_text()) != not_sure


def test_a_shop_that_sees_only_backs_says_so(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    backs = {"described": 0, "gender": {"not_seen": 8}, "age_band": {"not_seen": 8}, "gender_age_band": None}
    store.write([window(0, visits=8, cohort=Cohort.model_validate(cohort().model_dump() | backs))])
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator("#ages .empty")).to_contain_text("no face was seen well enough to tell")


def test_verdicts_with_noise_stand_in_a_block_of_their_own(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    cells = {"gender": {"female": 33, "male": -9, "unknown": 7, "not_seen": 9}, "expression": {"happy": 40}}
    told = with_noise(40, cells=cells)
    store.write([window(0), window(20, profile="expression", cohort=told)])
    with visit(chromium, address) as page:
        live(page)
        for panel in ("ages", "expressions"):
            expect(page.locator(f"#{panel} .empty")).to_have_text("Told with noise only, below.")
        block = page.locator("#noise")
        expect(block).to_contain_text(
            "Of one day, most may be noise: the pages of weeks and months tell more."
        )
        expect(block).to_contain_text("Budget of each visit, each day: 1.00 (1 day).")
        shown = [row[0] for row in rows(page, "noise")[:4]]
        assert shown == ["female", "male", "not sure", "face not seen"]
        shares = [int(row[1].rstrip("%")) for row in rows(page, "noise")[:4]]
        assert sum(shares) == 100
        assert shares[1] == 0  # -9 as it was told


def test_verdicts_with_noise_of_yesterday_are_told_with_their_ranges(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    """Also those that came only this morning, of a device that was off at night; and they are not those of today."""
    evening = MORNING - timedelta(hours=12)
    in_time = with_noise(100, cells={"gender": {"female": 80, "male": 27, "unknown": -7}}, since=evening)
    late = with_noise(100, cells={"gender": {"female": 60, "male": 40}}, since=evening)
    store.write([window(-700, seq=0, visits=100, cohort=in_time), window(0, cohort=late)])
    with visit(chromium, address) as page:
        live(page)
        told = page.locator("#yesterday")
        assert rows(page, "yesterday")[:3] == [
            ["female", "69%", "62% to 78%"],
            ["male", "32%", "26% to 41%"],
            ["not sure", "0%", "0% to 4%"],
        ]
        expect(told).to_contain_text("Of one day, most may be noise")
        expect(told).not_to_contain_text("withheld")
        expect(page.locator("#noise")).to_be_hidden()


def test_a_day_without_noise_has_no_such_block(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator("#noise")).to_be_hidden()
