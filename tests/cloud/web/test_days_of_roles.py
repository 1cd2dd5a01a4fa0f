"""Each role walks through its day on a simulated month, in a real browser on a phone: its figures are those of the
store, and what is for others is neither shown nor reachable. Each page is looked at on a desk and by night, too."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cloud.domain.chain import Chain
from cloud.domain.periods import Period, month_of, week_of
from tests.cloud.web.browser import rows
from tests.cloud.web.role_days import ELSEWHERE, HERE, TODAY, Month, Person, simulated_month

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

YESTERDAY = date(2026, 3, 30)
LAST_WEEK, THIS_MONTH = week_of(date(2026, 3, 24)), month_of(YESTERDAY).until(YESTERDAY)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    folder = tmp_path_factory.mktemp("month")
    with simulated_month(folder, tmp_path_factory.mktemp("shots")) as served:
        yield served


def shows_the_store(person: Person, site: str, period: Period) -> None:
    """The page of a period shows what the store has of it: the sums, and each day."""
    stored = person.month.tallies(site, period.first, period.last)
    assert person.number("visits") == sum(day.visits for day in stored) > 0
    assert person.number("entries") == sum(day.doors.entries if day.doors else 0 for day in stored)
    shown = [[text.replace(",", "") for text in line[1:4]] for line in rows(person.page, "days")]
    assert [line for line in shown if line[0].isdigit()] == [
        [str(day.visits), str(day.viewers), str(day.doors.entries if day.doors else 0)]
        for day in stored
        if day.covered_s
    ]


def test_a_viewer_reads_today_week_month_and_compares(chromium: Browser, month: Month) -> None:
    with month.person(chromium, "viewer") as viewer:
        page = viewer.page
        expect(page.locator("h1")).to_have_text("Berlin 1, mall")
        expect(page.locator("#live .dot.good")).to_be_visible()
        assert viewer.number("visits") == month.counted_on(TODAY, HERE)
        expect(page.locator("#notices")).to_contain_text("Now:")
        assert page.locator("#notices button").count() == 0, "only who may take care of a notice has a button"
        viewer.sees_no_way_to_what_is_for_others("viewer")
        viewer.looks("today")
        page.get_by_role("link", name="Week", exact=True).click()
        viewer.goes_to(f"/site/{HERE}/week?of=2026-W13")
        shows_the_store(viewer, HERE, LAST_WEEK)
        viewer.sees_no_way_to_what_is_for_others("viewer")
        viewer.looks("week")
        page.get_by_role("link", name="Month", exact=True).click()
        shows_the_store(viewer, HERE, THIS_MONTH)
        viewer.sees_no_way_to_what_is_for_others("viewer")
        viewer.looks("month")
        page.get_by_role("link", name="Compare", exact=True).click()
        page.get_by_label("From").fill("2026-03-16")
        page.get_by_label("to", exact=True).fill("2026-03-29")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("#changes")).to_be_visible()
        shows_the_store(viewer, HERE, Period(date(2026, 3, 16), date(2026, 3, 29)))
        assert "Hamburg" not in page.content()
        viewer.sees_no_way_to_what_is_for_others("viewer")
        viewer.looks("compare")
        viewer.reaches_nothing_of_others("viewer")


def test_a_manager_takes_care_of_a_notice_and_takes_figures_away(
    chromium: Browser, month: Month, tmp_path: Path
) -> None:
    with month.person(chromium, "manager") as manager:
        page = manager.page
        expect(page.locator("#notices")).to_contain_text("Now:")
        manager.looks("notice")
        page.get_by_role("button", name="I take care of it").click()
        expect(page.locator("#notices")).to_contain_text("manager takes care of it")
        (taken,) = month.store.acknowledgements(HERE)
        assert (taken.who, taken.name) == ("manager", "long-queue")
        manager.sees_no_way_to_what_is_for_others("manager")
        page.get_by_role("link", name="Month", exact=True).click()
        with page.expect_download() as waiting:
            page.get_by_role("link", name="days (CSV)").click()
        saved = tmp_path / "days.csv"
        waiting.value.save_as(saved)
        with saved.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
        stored = {day.day.isoformat(): day for day in month.tallies(HERE, THIS_MONTH.first, THIS_MONTH.last)}
        assert len(lines) == len(THIS_MONTH.days)
        for line in lines:
            if line["visits"]:
                assert int(line["visits"]) == stored[line["date"]].visits
        assert sum(int(line["visits"] or 0) for line in lines) == manager.number("visits")
        manager.sees_no_way_to_what_is_for_others("manager")
        manager.looks("month")
        manager.reaches_nothing_of_others("manager")
    acts = [(entry.who, entry.act) for entry in month.accounts.audit.newest(50)]
    assert ("manager", "acknowledged") in acts
    assert ("manager", "exported") in acts


def test_an_installer_draws_a_zone_changes_hours_and_adds_a_user(chromium: Browser, month: Month) -> None:
    with month.person(chromium, "installer") as installer:
        page = installer.page
        page.get_by_role("link", name="Check a camera's position").click()
        expect(page.locator("#editor")).to_be_visible()
        page.get_by_role("button", name="Draw a zone").click()
        drawing = page.locator('#editor [data-part="drawing"]')
        drawing.scroll_into_view_if_needed()
        box = drawing.bounding_box()
        assert box is not None
        for x, y in ((0.4, 0.5), (0.7, 0.5), (0.7, 0.9), (0.4, 0.9)):
            page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.keyboard.press("Enter")
        installer.looks("zone")
        page.get_by_role("link", name="Berlin 1, mall").click()

        page.get_by_role("link", name="Settings of this shop").click()
        installer.looks("settings")
        page.get_by_label("Mon").fill("10:00-13:00, 14:00-18:00")
        page.get_by_label("Date").first.fill("2026-03-27")
        page.locator("[name=hours]").first.fill("closed")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#history li").first).to_contain_text("Opening hours, Special days")
        expect(page.locator("#history li").first).to_contain_text("installer")
        site = Chain.load(month.file).sites[HERE]
        assert site.opening.mon == ((600, 780), (840, 1080))
        assert site.hours_of(date(2026, 3, 27)) == ()
        installer.looks("settings-saved")

        installer.goes_to(f"/site/{HERE}/week?of=2026-W13")
        shows_the_store(installer, HERE, LAST_WEEK)
        assert [line[1] for line in rows(page, "days")][4] == "closed", "a holiday is no day without visits"
        installer.goes_to(f"/site/{HERE}/settings")
        page.get_by_role("button", name="Back to this version").last.click()
        expect(page.locator("#history li")).to_have_count(3)
        assert Chain.load(month.file).sites[HERE].special_days == {}

        page.get_by_role("link", name="Users").click()
        page.locator("#add [name=name]").fill("newcomer")
        page.locator("#add [name=sites]").fill(HERE)
        page.locator("#add").get_by_role("button").click()
        expect(page.locator("#secret")).to_contain_text("newcomer")
        options = page.locator("#add [name=role] option").evaluate_all("all => all.map(one => one.value)")
        assert options == ["viewer", "manager", "installer"], "nobody gives more than they have"
        installer.looks("users")
        page.get_by_role("link", name="Who did what").click()
        expect(page.locator("main")).to_contain_text("newcomer: viewer")
        expect(page.locator("main")).to_contain_text(f"opening, special_days of {HERE} in the chain file")
        installer.looks("log")
        installer.sees_no_way_to_what_is_for_others("installer")
        installer.reaches_nothing_of_others("installer")


def test_headquarters_sees_every_shop_and_compares_two(chromium: Browser, month: Month) -> None:
    with month.person(chromium, "hq") as hq:
        page = hq.page
        shops = ["Berlin 1, mall", "Hamburg 1, high street", "Muenchen 1, mall"]
        assert page.locator(".sites a").all_inner_texts() == shops
        hq.looks("shops")
        page.get_by_role("link", name="Berlin 1, mall").click()
        page.get_by_role("link", name="Compare", exact=True).click()
        page.get_by_label("From").fill("2026-03-02")
        page.get_by_label("to", exact=True).fill("2026-03-29")
        page.get_by_role("combobox", name="Beside").select_option("Hamburg 1, high street")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("#visits .says")).to_contain_text("at Hamburg 1, high street")
        period = Period(date(2026, 3, 2), date(2026, 3, 29))
        shows_the_store(hq, HERE, period)
        other = sum(day.visits for day in month.tallies(ELSEWHERE, period.first, period.last))
        assert f"{other:,}" in page.locator("#visits .says").inner_text()
        hq.looks("compare")
        for path in (f"/site/{ELSEWHERE}", f"/site/{ELSEWHERE}/settings", "/users", "/audit"):
            answer = page.request.get(month.address + path)
            assert answer.status == 200, path
        assert hq.refused("hq") == []
