"""One catalogue for every language: nothing is missing, nothing is left over, nothing in the sources bypasses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import chdir
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po
from jinja2 import nodes

import cloud.web
from cloud.web.languages import CATALOGUES, TITLES
from cloud.web.site_pages import page_templates
from tests.support.paths import ROOT

WEB = Path(cloud.web.__path__[0])
CODES = [code for code in TITLES if code != "en"]
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%|%.?")
TAG = re.compile(r"</?[a-z][^>]*>")
SAID = {"aria-label", "title", "placeholder", "alt", "summary"}
"""Attributes that a person reads or hears."""
KEYS = {"Enter", "Escape", "Backspace", "Delete", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Shift"}
TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|[()]|\w+')
"""A comment, a text, a bracket or a word of a script."""
SENTENCE = re.compile(r"[A-Z][a-z]+([ .,:]|$)|.*[a-z]{2} [a-z]{2}.*[.:]$")
"""What looks like a text for people in a script, where most strings are names of something."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The messages in the sources, collected as `make messages` does."""
    found = tmp_path_factory.mktemp("messages") / "messages.pot"
    with chdir(ROOT):
        where = ["--mapping", "pyproject.toml", "--output", str(found), "."]
        CommandLineInterface().run(["pybabel", "--quiet", "extract", *where])  # type: ignore[no-untyped-call]
    with found.open("rb") as file:
        return read_po(file)


@cache
def translated(code: str) -> Catalog:
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


def entries(catalogue: Catalog) -> dict[str, Entry]:
    return {"\n".join(forms(entry.id)): entry for entry in catalogue if entry.id}


def forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


@pytest.mark.parametrize("code", CODES)
def test_every_message_is_translated_and_nothing_is_left_over(code: str, sources: Catalog) -> None:
    wanted, have = entries(sources), entries(translated(code))
    assert sorted(wanted.keys() - have.keys()) == [], "run `make messages` and translate these"
    assert sorted(have.keys() - wanted.keys()) == [], "no source has these: run `make messages`"
    assert [name for name, entry in have.items() if entry.fuzzy or not all(forms(entry.string))] == []
    assert translated(code).obsolete == {}


@pytest.mark.parametrize("code", CODES)
def test_a_message_is_found_where_it_is_shown(code: str, sources: Catalog) -> None:
    """A script gets the messages whose place is a script."""
    wanted, have = entries(sources), entries(translated(code))
    for name, entry in wanted.items():
        assert {place for place, _ in have[name].locations} == {place for place, _ in entry.locations}, name


@pytest.mark.parametrize("code", CODES)
def test_placeholders_and_tags_are_those_of_the_message(code: str) -> None:
    for name, entry in entries(translated(code)).items():
        asked = forms(entry.id)
        for said in forms(entry.string):
            assert set(values(said)) == set(values(asked[-1])) | set(values(asked[0])), name
            assert sorted(TAG.findall(said)) == sorted(TAG.findall(asked[0])), name


def values(text: str) -> list[str]:
    found = PLACEHOLDER.finditer(text)
    odd = [match[0] for match in found if not match[1] and match[0] != "%%"]
    assert odd == [], f"{text!r}: a percent sign is written %%"
    return [match[0] for match in PLACEHOLDER.finditer(text)]


@pytest.mark.parametrize("code", CODES)
def test_a_translation_ends_as_its_message_does(code: str) -> None:
    """A sentence stays a sentence, and a fragment does not become one."""
    for name, entry in entries(translated(code)).items():
        for said in forms(entry.string):
            assert (said[-1] == ".") == (forms(entry.id)[0][-1] == "."), name


class _Visible(HTMLParser):
    """Collects what a person reads of HTML, except code."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag in ("pre", "code")
        self.found += [value or "" for name, value in attrs if name in SAID]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("pre", "code")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.found.append(data)


@pytest.mark.parametrize("path", sorted((WEB / "templates").glob("*.html")), ids=lambda path: path.name)
def test_a_template_says_nothing_without_the_catalogue(path: Path) -> None:
    tree = page_templates().env.parse(path.read_text(encoding="utf-8"))
    visible = _Visible()
    visible.feed("".join(_written(tree)))
    text = [found.replace("Footlight", "") for found in visible.found]
    assert [found.strip() for found in text if re.search(r"[^\W\d_]{2}", found)] == []
    assert [text for text in _given(tree) if re.match(r"[A-Z].*[a-z]|.*[a-z] [a-z]", text)] == []


def _written(tree: nodes.Node) -> Iterator[str]:
    """The text of a template, with a dot for every expression."""
    for output in tree.find_all(nodes.Output):
        for part in output.nodes:
            yield part.data if isinstance(part, nodes.TemplateData) else "·"


def _given(tree: nodes.Node, translates: bool = False) -> Iterator[str]:
    """The texts in expressions that are not given to the catalogue."""
    for child in tree.iter_child_nodes():
        to_catalogue = isinstance(child, nodes.Call) and getattr(child.node, "name", "") in (
            "_",
            "gettext",
            "ngettext",
        )
        if isinstance(child, nodes.Const) and isinstance(child.value, str) and not translates:
            yield child.value
        yield from _given(child, translates or to_catalogue)


@pytest.mark.parametrize(
    "path",
    sorted(path for path in (WEB / "static").rglob("*.js") if "uplot" not in path.parts),
    ids=lambda path: str(path.relative_to(WEB / "static")),
)
def test_a_script_says_nothing_without_the_catalogue(path: Path) -> None:
    calls: list[bool] = []
    before, bypassing = "", []
    for found in TOKEN.finditer(path.read_text(encoding="utf-8")):
        token = found[0]
        if token == "(":
            calls.append(before in ("_", "ngettext"))
        elif token == ")":
            calls.pop()
        elif token[0] in '"`' and not (calls and calls[-1]):
            text = re.sub(r"\$\{[^}]*\}", "", token[1:-1])
            if SENTENCE.match(text) and text not in KEYS and "Footlight" not in text:
                bypassing.append(text)
        before = token
    assert bypassing == []
