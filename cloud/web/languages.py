"""The languages of the page: which one a reader gets, its sentences, numbers and dates.

The catalogues are gettext's, in ``catalogue/``; English needs none. One catalogue serves templates, Python and scripts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache, cached_property
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from starlette.requests import Request
from starlette.responses import Response

from cloud.domain.messages import Message, Percent
from cloud.web.cookies import cookie_rule

CATALOGUES: Final = Path(__file__).parent / "catalogue"
COOKIE: Final = "footlight-language"
TITLES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}
"""Each language in its own words, by code. A reader who wants none of them gets the first."""

YEAR_S: Final = 365 * 24 * 3600

_LOCALES: Final[Mapping[str, str]] = {"en": "en-GB"}
"""The locale of a language that needs a country: without it, English dates would be American."""
_SCRIPTS: Final = "cloud/web/static/"


class Language:
    """One language. Its methods return text for a person."""

    def __init__(self, code: str, catalogue: Catalog) -> None:
        self.code = code
        self.title = TITLES[code]
        self.tag = _LOCALES.get(code, code)
        """For ``<html lang>``, and so for ``Intl`` in a browser."""
        self._locale = Locale.parse(self.tag, sep="-")
        self._catalogue = catalogue
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        self._translations = GNUTranslations(compiled)

    def gettext(self, text: str) -> str:
        """Return the translation of ``text`` without its values, or ``text`` itself if there is none."""
        return self._translations.gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the translation that fits ``count``, without its values."""
        return self._translations.ngettext(one, many, count)

    def says(self, what: object) -> str:
        """Say a message in this language, and write a number as it does; other text stays as it is."""
        if isinstance(what, Message) and what.one:
            text = self.ngettext(what.one, what.many, what.n) if what.many else self.gettext(what.one)
            return text % {name: self.says(value) for name, value in what.values.items()}
        if isinstance(what, Percent):
            return self.percent(float(what))  # as a number: str(what) is already in percent
        if isinstance(what, int | float) and not isinstance(what, bool):
            return self.number(what)
        return str(what)

    def number(self, value: float, digits: int = 0) -> str:
        """Write a number with so many ``digits`` behind the point."""
        return format_decimal(value, f"#,##0.{'0' * digits}" if digits else "#,##0", self._locale)

    def percent(self, share: float) -> str:
        """Write a share in whole percent; 1.0 is all."""
        return format_percent(share, locale=self._locale)

    def day(self, value: date, skeleton: str = "yMMMd") -> str:
        """Write a day, such as 23 Nov 2026, or the parts that another ``skeleton`` names: ``MMMd``, ``full``.

        Of a moment it is the day in its own time zone.
        """
        if skeleton == "full":
            return format_date(value, "full", locale=self._locale)
        return format_skeleton(skeleton, value, locale=self._locale)

    def moment(self, value: datetime) -> str:
        """Write day and time in the time zone of ``value``."""
        return format_datetime(value, "medium", tzinfo=value.tzinfo, locale=self._locale)

    @property
    def weekdays(self) -> list[str]:
        """Return the short names of the days, Monday first."""
        names = self._locale.days["stand-alone"]["abbreviated"]
        return [names[day] for day in range(7)]

    @cached_property
    def script(self) -> bytes:
        """The messages of all scripts and the rule of the plural, as JavaScript for ``static/language.js``."""
        words = {_id(entry): entry.string for entry in self._catalogue if in_scripts(entry)}
        told = json.dumps(words, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        rule = self._catalogue.plural_expr
        return f"const WORDS = {told};\nconst PLURAL = (n) => Number({rule});\n".encode()

    @cached_property
    def script_name(self) -> str:
        """The name of ``script``. It changes with the content, so that a browser may keep it forever."""
        return f"{self.code}-{hashlib.sha256(self.script).hexdigest()[:16]}.js"


@cache
def language(code: str) -> Language:
    """Return the language of a code in :data:`TITLES`; its catalogue is read once."""
    path = CATALOGUES / f"{code}.po"
    if not path.exists():  # English: the messages are its sentences
        return Language(code, Catalog(locale=code))
    with path.open("rb") as file:
        return Language(code, read_po(file, locale=code))


def language_of(request: Request) -> Language:
    """Return the language of a request: as the user set it, else as this browser chose it, else as it asks for it."""
    user = getattr(request.state, "user", None)
    chosen = (
        user.language if user else "",
        request.query_params.get("lang", ""),
        request.cookies.get(COOKIE, ""),
    )
    asked = _accepted(request.headers.get("accept-language", ""))
    return language(next((code for code in (*chosen, *asked) if code in TITLES), next(iter(TITLES))))


def keep_choice(request: Request, response: Response) -> None:
    """Let the browser remember the language that ``?lang=`` chose."""
    chosen = request.query_params.get("lang")
    if chosen is not None and chosen in TITLES:
        response.set_cookie(COOKIE, chosen, max_age=YEAR_S, **cookie_rule(request))


def in_scripts(entry: Entry) -> bool:
    """Tell whether a script shows this message."""
    return bool(entry.id) and any(place.startswith(_SCRIPTS) for place, _ in entry.locations)


def _id(entry: Entry) -> str:
    return str(entry.id if isinstance(entry.id, str) else entry.id[0])


def _accepted(header: str) -> list[str]:
    """Return the codes in ``Accept-Language``, the best first; regions are left out."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.partition(";")
        try:
            worth = float(weight.strip().removeprefix("q=") or 1.0)
        except ValueError:
            continue
        weighed.append((worth, tag.strip().lower().partition("-")[0]))
    return [code for worth, code in sorted(weighed, key=lambda one: -one[0]) if worth > 0]
