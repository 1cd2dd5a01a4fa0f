"""The messages of the scripts as a file, and how templates say things in the language of the reader."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cloud.domain.messages import Message
from cloud.web.access import guarded
from cloud.web.languages import TITLES, YEAR_S, Language, language

UNKNOWN: Final = "–"
"""Stands for a number that is not known."""


def routes() -> list[BaseRoute]:
    """Return the routes of this feature."""
    return [guarded("/words/{name}", words, needs="nothing")]


def words(request: Request) -> Response:
    """Answer with the messages of one language."""
    name = request.path_params["name"]
    code = name.partition("-")[0]
    if code not in TITLES or language(code).script_name != name:
        raise HTTPException(404)
    headers = {"cache-control": f"public, max-age={YEAR_S}, immutable"}
    return Response(language(code).script, media_type="text/javascript", headers=headers)


def speak(environment: Environment) -> None:
    """Let templates translate: ``_``, ``ngettext``, ``{% trans %}``, the filters, and every :class:`Message` they show.

    A template is rendered with ``language``, the :class:`Language` of the reader.
    """
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.finalize = _said
    environment.filters.update(number=_number, percent=_percent, date=_date, moment=_moment, said=_said)


def language_in(context: Context) -> Language:
    """Return the language of the reader of a template."""
    found: Language = context["language"]
    return found


@pass_context
def _gettext(context: Context, text: str) -> str:
    return language_in(context).gettext(text)


@pass_context
def _ngettext(context: Context, one: str, many: str, count: int) -> str:
    return language_in(context).ngettext(one, many, count)


@pass_context
def _said(context: Context, value: Any) -> Any:
    return language_in(context).says(value) if isinstance(value, Message) else value


@pass_context
def _number(context: Context, value: float | None, digits: int = 0) -> str:
    return UNKNOWN if value is None else language_in(context).number(value, digits)


@pass_context
def _percent(context: Context, share: float | None) -> str:
    return UNKNOWN if share is None else language_in(context).percent(share)


@pass_context
def _date(context: Context, value: date) -> str:
    return language_in(context).day(value)


@pass_context
def _moment(context: Context, value: datetime) -> str:
    return language_in(context).moment(value)
