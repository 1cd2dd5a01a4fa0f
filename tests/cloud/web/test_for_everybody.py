"""Every page in every language: axe finds nothing, nothing sticks out at the side, the keyboard reaches everything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from playwright.sync_api import Browser, Page

from cloud.web import languages
from cloud.web.languages import CATALOGUES, TITLES, language
from tests.cloud.web.every_page import NAMES, STATES, EveryPage, every_page

pytestmark = [pytest.mark.chromium, pytest.mark.slow, pytest.mark.timeout(400)]

WIDTHS = (360, 768, 1280, 3840)
SCHEMES = {"en": "light", "de": "dark", "es": "light", "fr": "dark"}
SPOKEN = """() => {
    const found = [], skip = "script, noscript, style, pre, code, template, [lang='en'], [lang]:not(html)";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());) {
        if (node.data.trim() && !node.parentElement.closest(skip)) found.push(node.data.trim());
    }
    for (const name of ["aria-label", "title", "placeholder", "alt"]) {
        document.querySelectorAll(`[${name}]`).forEach((element) => found.push(element.getAttribute(name)));
    }
    return [...found, document.title].join(" ");
}"""
"""Everything that a person reads or hears, but what is marked as another language."""
UNITS = {"s", "min", "h", "UTC", "ms"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveryPage]:
    with every_page(tmp_path_factory.mktemp("page")) as opened:
        yield opened


def unfold(page: Page) -> None:
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")


def violations(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


@pytest.mark.parametrize("code", TITLES)
def test_axe_finds_nothing_and_no_width_scrolls_sideways(
    chromium: Browser, served: EveryPage, code: str
) -> None:
    with served.visitor(chromium, code, color_scheme=SCHEMES[code]) as context:
        for state, path in STATES.items():
            page = served.open(context, path)
            assert page.locator("html").get_attribute("lang") == language(code).tag
            unfold(page)
            assert violations(page) == [], state
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (state, width)
            page.close()


def test_the_login_is_for_everybody_too(chromium: Browser, served: EveryPage) -> None:
    for code in TITLES:
        page = chromium.new_page(locale=language(code).tag, viewport={"width": 360, "height": 700})
        page.goto(f"{served.address}/login")
        assert page.locator("html").get_attribute("lang") == language(code).tag
        page.locator("[name=name]").fill("vera")
        page.locator("[name=password]").fill("wrong")
        page.locator("main button").click()
        page.locator("[role=alert]").wait_for()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.close()


def test_the_keyboard_reaches_the_content_first_and_everything_in_its_order(
    chromium: Browser, served: EveryPage
) -> None:
    focus = "() => document.activeElement.outerHTML"
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    with served.visitor(chromium, "en", viewport={"width": 1280, "height": 900}) as context:
        page = served.open(context, "/site/shop")
        page.keyboard.press("Tab")
        assert "Skip to the content" in page.evaluate(focus)
        assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        order = []
        while (reached := page.evaluate(focus)) not in order:
            order.append(reached)
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement !== document.body"):
                assert page.evaluate(outline) != "none", page.evaluate(focus)
        reachable = page.locator("main summary:visible, main a:visible, main [tabindex='0']:visible").count()
        assert sum("<summary" in one or "<a" in one or 'tabindex="0"' in one for one in order) >= reachable


@pytest.fixture
def every_message_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A catalogue in place of the German one, in which every message stands between brackets."""
    with (CATALOGUES / "de.po").open("rb") as file:
        marked = read_po(file, locale="de")
    for entry in marked:
        if entry.id:
            entry.string = (
                f"⟦{entry.id}⟧" if isinstance(entry.id, str) else tuple(f"⟦{one}⟧" for one in entry.id)
            )
    with (tmp_path / "de.po").open("wb") as file:
        write_po(file, marked)
    monkeypatch.setattr(languages, "CATALOGUES", tmp_path)
    language.cache_clear()
    yield
    language.cache_clear()


def unmarked(text: str) -> str:
    """The text without what stands between brackets, which may hold others."""
    while (less := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = less
    return text


def test_every_word_on_every_page_is_from_the_catalogue(
    chromium: Browser, tmp_path: Path, every_message_is_marked: None
) -> None:
    days = Locale("de")
    known = set(NAMES) | UNITS | set(TITLES.values())
    for names in (days.months, days.days):
        known |= {word for width in names.values() for form in width.values() for word in _words(form)}
    # A server of its own: another one may still have answers in the real German.
    with (
        every_page(tmp_path) as served,
        served.visitor(chromium, "de", viewport={"width": 1280, "height": 900}) as context,
    ):
        for state, path in STATES.items():
            page = served.open(context, path)
            unfold(page)
            words = set(re.findall(r"[^\W\d_]{2,}", unmarked(page.evaluate(SPOKEN))))
            assert words - known == set(), state
            page.close()


def _words(form: object) -> list[str]:
    names = form.values() if isinstance(form, Mapping) else []
    return [word for name in names for word in re.findall(r"[^\W\d_]+", str(name))]


def test_the_marks_are_those_of_a_catalogue() -> None:
    assert unmarked("⟦a ⟦b⟧ c⟧ free ⟦d⟧").split() == ["free"]
    assert Catalog(locale="de").plural_expr == "(n != 1)"
