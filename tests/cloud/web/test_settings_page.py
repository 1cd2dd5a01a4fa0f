"""The settings of a shop on the page: checked as on the command line, kept in the chain file, and undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from cloud.accounts.accounts import Accounts
from cloud.chain_file.changes import chain_changes
from cloud.domain.chain import Chain
from cloud.domain.opening import WEEKDAYS
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from tests.cloud.web.logins import Browser, add_person, logged_in, opened_accounts, page_with
from tests.support.clock import ManualClock
from tests.support.messages import window
from tests.support.paths import ROOT

TEXT = """\
# Our shops.
name: chain
sites:
  shop:
    title: Markt 1    # the old town
    timezone: Europe/Berlin
    opening: 09:00-20:00
    cameras: {door/front: entrance}
    # Further shops follow here.
  other: {title: Hafen 7, timezone: Europe/Berlin, opening: 09:00-20:00}
"""
PATH = "/site/shop/settings"


@dataclass
class Shop:
    """The page over one store and one chain file."""

    file: Path
    shops: OneBoxShops
    accounts: Accounts
    browser: Browser

    def fields(self, **changes: Any) -> dict[str, Any]:
        """What the form sends if only ``changes`` were typed."""
        return {**filled(self.browser.get(PATH).text), **changes}

    def save(self, **changes: Any) -> httpx.Response:
        return self.browser.submit(PATH, PATH, **self.fields(**changes))

    @property
    def site(self) -> Any:
        return Chain.load(self.file).sites["shop"]


def filled(page: str) -> dict[str, Any]:
    """The fields of the form as a browser would send them."""
    found: dict[str, Any] = {}
    form = page.partition('<form method="post"')[2].partition("</form>")[0]
    for tag in re.findall(r"<input[^>]*>|<select.*?</select>", form, re.DOTALL):
        name = re.search(r'name="([\w-]+)"', tag)
        value = (
            re.search(r'value="([^"]*)"(?: selected)', tag)
            if tag.startswith("<select")
            else re.search(r'value="([^"]*)"', tag)
        )
        if name and name[1] != "csrf":
            found.setdefault(name[1], []).append(value[1] if value else "")
    return {
        name: values if name in ("day", "hours", "camera", "purpose") else values[0]
        for name, values in found.items()
    }


@pytest.fixture
def shop(tmp_path: Path, store: EmbeddedStore, clock: ManualClock) -> Iterator[Shop]:
    file = tmp_path / "chain.yaml"
    file.write_text(TEXT)
    yield from opened(tmp_path, store, clock, file)


@pytest.fixture
def bare(tmp_path: Path, store: EmbeddedStore, clock: ManualClock) -> Iterator[Shop]:
    """One box without a chain file."""
    yield from opened(tmp_path, store, clock, tmp_path / "chain.yaml")


def opened(folder: Path, store: EmbeddedStore, clock: ManualClock, file: Path) -> Iterator[Shop]:
    store.write([window(minute) for minute in range(60)])
    store.write([window(0, site="other")])
    accounts = opened_accounts(folder, clock)
    add_person(accounts, "ines", "installer")
    shops = OneBoxShops(store, ZoneInfo("Europe/Berlin"), Chain.load(file) if file.exists() else None)
    with chain_changes(file, folder / "history.sqlite", clock) as changes:
        app = page_with(accounts, store, clock, chain_changes=changes, shops=shops)
        yield Shop(file, shops, accounts, logged_in(app, "ines"))
    accounts.close()


def test_hours_and_holidays_are_saved_and_every_comment_stays(shop: Shop) -> None:
    answer = shop.save(sat="9:00 – 12:00, 13:00-15:00", sun="Closed", day=["2026-12-25"], hours=["closed"])
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    assert shop.site.opening.sat == ((540, 720), (780, 900))
    assert shop.site.opening.sun == ()
    assert shop.site.hours_of(date(2026, 12, 25)) == ()
    text = shop.file.read_text()
    for comment in ("# Our shops.", "# the old town", "# Further shops follow here."):
        assert comment in text
    assert text.endswith(TEXT[TEXT.index("    # Further") :])
    assert shop.shops.site("shop") == shop.site, "the page goes on with the new chain at once"


def test_what_was_not_changed_is_written_as_before(shop: Shop) -> None:
    assert shop.save().status_code == 303
    assert shop.file.read_text() == TEXT
    assert shop.save(title="Markt 2").status_code == 303
    assert shop.file.read_text() == TEXT.replace("Markt 1  ", '"Markt 2"')


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mon": "9 to 8"}, "sites.shop.opening.mon: must be hours such as"),
        ({"mon": ""}, "sites.shop.opening.mon: must be hours such as"),
        ({"mon": "09:00-12:00, 11:00-13:00"}, "opening hours overlap"),
        ({"timezone": "Mars"}, "sites.shop.timezone: is not a time zone"),
        ({"title": " "}, "sites.shop.title"),
        ({"day": ["someday"], "hours": ["closed"]}, "is not a date"),
        ({"day": ["2026-02-30"], "hours": ["closed"]}, "special_days"),
        ({"day": [""], "hours": ["closed"]}, "has no date"),
        ({"day": ["2026-12-25"] * 2, "hours": ["closed"] * 2}, "is given twice"),
        ({"camera": ["door"], "purpose": ["area"]}, "is not a camera"),
        ({"camera": ["a/b", "a/b"], "purpose": ["area", "area"]}, "is given twice"),
        ({"camera": ["a/b"], "purpose": ["cellar"]}, "sites.shop.cameras"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_and_nothing_is_saved(shop: Shop, changes: dict[str, Any], told: str) -> None:
    answer = shop.save(**{**changes, "tue": "10:10-11:11"})
    assert answer.status_code == 400
    assert told in answer.text
    assert "10:10-11:11" in answer.text, "what was typed stays in the form"
    assert shop.file.read_text() == TEXT


@pytest.mark.parametrize("left", ["seen", "since", "mon", "title"])
def test_a_form_that_is_none_of_ours_is_refused(shop: Shop, left: str) -> None:
    fields = shop.fields()
    del fields[left]
    assert shop.browser.submit(PATH, PATH, **fields).status_code == 400


def test_a_change_of_somebody_else_is_not_overwritten(shop: Shop) -> None:
    fields = shop.fields(title="Mine")
    by_hand = TEXT.replace("Hafen 7", "Hafen 8")
    shop.file.write_text(by_hand)
    answer = shop.browser.submit(PATH, PATH, **fields)
    assert answer.status_code == 409
    assert "Somebody else has changed the chain file." in answer.text
    assert shop.file.read_text() == by_hand


def test_each_change_is_told_and_can_be_undone(shop: Shop) -> None:
    shop.save(title="Markt 2")
    shop.save(mon="closed", camera=["door/front"], purpose=["area"])
    page = shop.browser.get(PATH).text
    history = re.findall(r"<li><b>(.*?)</b>\s*<p class=\"says\">(.*?) ·", page)
    assert history == [
        ("Opening hours, Cameras", "ines"),
        ("Title", "ines"),
        ("The oldest version", "by hand, in the chain file"),
    ]
    first = re.findall(r'name="number" value="(\d+)"', page)[-1]
    assert shop.browser.submit(f"{PATH}/restore", PATH, number=first).status_code == 303
    assert (
        shop.site
        == Chain.model_validate(
            {"name": "c", "sites": {"shop": {**at_first(), "cameras": {"door/front": "entrance"}}}}
        ).sites["shop"]
    )
    audited = [(entry.who, entry.act, entry.about) for entry in shop.accounts.audit.newest(3)]
    assert audited[0] == ("ines", "configured", "title, opening, cameras of shop in the chain file")


def at_first() -> dict[str, Any]:
    return {"title": "Markt 1", "timezone": "Europe/Berlin", "opening": "09:00-20:00"}


@pytest.mark.parametrize(("number", "code"), [("99", 409), ("x", 400), ("", 400)])
def test_a_version_that_does_not_exist_is_refused(shop: Shop, number: str, code: int) -> None:
    assert shop.browser.submit(f"{PATH}/restore", PATH, number=number).status_code == code
    assert shop.file.read_text() == TEXT


def test_what_was_changed_by_hand_is_a_version_too(shop: Shop) -> None:
    shop.save(title="Markt 2")
    shop.file.write_text(shop.file.read_text().replace("20:00", "21:00"))
    shop.save(title="Markt 3")
    told = re.findall(r"<li><b>(.*?)</b>\s*<p class=\"says\">(.*?) ·", shop.browser.get(PATH).text)
    assert told[:2] == [("Title", "ines"), ("Opening hours", "by hand, in the chain file")]


def test_days_long_past_stay_in_the_file(shop: Shop) -> None:
    shop.file.write_text(TEXT.replace("    cameras", "    special_days: {2020-12-25: closed}\n    cameras"))
    assert "2020-12-25" not in shop.browser.get(PATH).text
    shop.save(day=["2026-12-25"], hours=["10:00-12:00"])
    assert sorted(map(str, shop.site.special_days)) == ["2020-12-25", "2026-12-25"]
    shop.save(day=["2026-12-25"], hours=[""])
    assert sorted(map(str, shop.site.special_days)) == ["2020-12-25"]


def test_one_box_gets_its_first_chain_file(bare: Shop) -> None:
    page = bare.browser.get(PATH).text
    assert "There is no chain file yet" in page
    assert "are estimated" in page
    assert (
        bare.save(title="Mine", sun="closed", **dict.fromkeys(WEEKDAYS[:6], "09:00-20:00")).status_code == 303
    )
    made = Chain.load(bare.file)
    assert {name: site.title for name, site in made.sites.items()} == {"shop": "Mine", "other": "other"}
    assert bare.shops.site("shop") == made.sites["shop"]
    assert "There is no chain file yet" not in bare.browser.get(PATH).text


def test_a_shop_that_the_file_does_not_name_is_added(shop: Shop) -> None:
    only = TEXT.replace("  shop:", "  third:")
    shop.file.write_text(only)
    assert "is not in the chain file" in shop.browser.get(PATH).text
    assert shop.save(**dict.fromkeys(WEEKDAYS, "09:00-10:00")).status_code == 303
    assert set(Chain.load(shop.file).sites) == {"third", "other", "shop"}
    assert shop.file.read_text().startswith(only)


def test_a_file_that_cannot_be_written_is_told_in_one_sentence(shop: Shop, tmp_path: Path) -> None:
    fields = shop.fields(title="Mine")
    # Nobody, not even root, can write below /proc.
    with chain_changes(Path("/proc/chain.yaml"), tmp_path / "h.sqlite", ManualClock()) as changes:
        app = page_with(
            shop.accounts, shop.shops._store, ManualClock(), chain_changes=changes, shops=shop.shops
        )
        answer = logged_in(app, "ines").submit(PATH, PATH, **{**fields, "seen": ""})
    assert answer.status_code == 409
    assert len(re.findall("The page cannot write the chain file /proc/chain.yaml", answer.text)) >= 1


def test_a_damaged_history_is_set_aside_and_one_that_cannot_be_kept_changes_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "damaged.sqlite").write_bytes(b"no database" * 200)
    for history, code in ((tmp_path / "damaged.sqlite", 303), (Path("/proc/h.sqlite"), 503)):
        with chain_changes(shop.file, history, ManualClock()) as changes:
            app = page_with(
                shop.accounts, shop.shops._store, ManualClock(), chain_changes=changes, shops=shop.shops
            )
            before = shop.file.read_text()
            browser = logged_in(app, "ines")
            page = browser.get(PATH)
            assert ("The history of changes cannot be read" in page.text) == (code == 503)
            fields = {**filled(page.text), "title": f"After {code}"}
            assert browser.submit(PATH, PATH, **fields).status_code == code
            assert (shop.file.read_text() == before) == (code == 503)


def test_a_file_that_somebody_has_broken_is_told(shop: Shop) -> None:
    fields = shop.fields()
    shop.file.write_text("name: [")
    page = shop.browser.get(PATH)
    assert page.status_code == 200
    assert "must be corrected by hand" in page.text
    assert shop.browser.submit(PATH, "/account", **fields).status_code == 400
    assert shop.file.read_text() == "name: ["


def test_a_file_whose_shops_share_their_lines_is_left_alone(shop: Shop) -> None:
    shared = (
        "name: c\nsites:\n  other: &same {title: A, timezone: UTC, opening: 09:00-10:00}\n  shop: *same\n"
    )
    shop.file.write_text(shared)
    answer = shop.save(title="Mine")
    assert (answer.status_code, "change it by hand" in answer.text) == (400, True)
    assert shop.file.read_text() == shared


def test_the_example_keeps_every_comment_whatever_is_changed(shop: Shop) -> None:
    text = (ROOT / "cloud" / "chain.example.yaml").read_text().replace("berlin-mitte", "shop")
    shop.file.write_text(text)
    shop.save(
        title="12:30",
        timezone="UTC",
        day=["2026-12-25", "2026-12-31"],
        hours=["closed", "09:00-12:00, 13:00-14:00"],
        sat="closed",
        sun="10:00-12:00, 13:00-15:00",
        camera=["a/b"],
        purpose=["display"],
    )
    assert comments(shop.file.read_text()) == comments(text)
    assert shop.site.title == "12:30"
    assert shop.file.read_text().endswith(text[text.index("  lisboa-baixa") :])


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]
