"""The words and the formats of the pages of periods that are not in their templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from jinja2 import pass_context
from jinja2.runtime import Context

from cloud.domain.messages import Message, gettext
from cloud.domain.messages import gettext as _
from cloud.domain.messages import noop as N_  # noqa: N812 - as gettext tools look for it
from cloud.domain.time_bins import Span
from cloud.web.language_page import UNKNOWN, language_in
from common.vocabulary import DWELL_BINS_S

if TYPE_CHECKING:
    from cloud.analysis.change import Change
    from cloud.analysis.formula_figures import FormulaFigure

_SPACE = "\N{NO-BREAK SPACE}"
LONGEST_S: Final = DWELL_BINS_S[-1]
"""The last bin of waiting times begins here and is open."""

REFUSED: Final[Mapping[str, str]] = {
    "not_begun": N_("This period has no finished day yet. Choose an earlier one, or look at today."),
    "week": N_("This is not a week. Write it like 2026-W48."),
    "month": N_("This is not a month. Write it like 2026-11."),
    "day": N_("This is not a day. Write it like 2026-11-27."),
    "order": N_("The period ends before it begins. Exchange the two days."),
    "long": N_("The period is too long. Choose at most %(most)s days."),
    "role": N_("No camera of this shop has this role. Use one of these: %(roles)s."),
    "against": N_(
        "This cannot be compared with. Choose the period before, the same days last year, or another shop that"
        " you may see and that has cameras of the same role."
    ),
}
"""Why a request is refused, by reason."""

_WORDS: Final[Mapping[str, Message]] = {
    "entrance": _("Entrances"),
    "area": _("Areas"),
    "display": _("Displays"),
    "unassigned": _("All cameras"),
    "gender": _("Gender"),
    "age_band": _("Age"),
    "expression": _("What faces showed"),
    "visits": _("Visits"),
    "entries": _("Entries"),
    "capture_rate": _("Capture rate"),
    "viewers_share": _("Viewers"),
    "attraction_ratio": _("Attraction ratio"),
    "dwell_mean": _("Mean dwell time"),
    "coverage": _("Coverage"),
    "female": _("female"),
    "male": _("male"),
    "unknown": _("not sure"),
    "not_seen": _("face not seen"),
    "neutral": _("neutral"),
    "happy": _("happy"),
    "sad": _("sad"),
    "angry": _("angry"),
    "surprised": _("surprised"),
    "fearful": _("fearful"),
    "disgusted": _("disgusted"),
    "doors": _("doors"),
    "zones": _("zones"),
    "targets": _("targets"),
    "plan": _("floor plan"),
    "notices": _("notices"),
    "camera": _("camera"),
    "cameras": _("cameras"),
    "till": _("till"),
    "hours": _("opening hours"),
}
"""The words for roles, attributes, their labels, figures, and sections of settings."""


def refusal(reason: str, **values: object) -> Message:
    """Return why a request is refused."""
    return gettext(REFUSED[reason], **values)


@pass_context
def coverage(context: Context, share: float) -> str:
    """Format a coverage in percent, rounded down, so that 99.9 % never looks complete."""
    return language_in(context).percent(int(100 * share + 1e-9) / 100)


@pass_context
def signed(context: Context, share: float) -> str:
    """Format a change in percent with its sign."""
    rounded = round(100 * share)
    sign = "−" if rounded < 0 else "+" if rounded > 0 else "±"
    return sign + language_in(context).percent(abs(rounded) / 100)


@pass_context
def seconds(context: Context, value: float | None) -> str:
    """Format a time; None is a dash."""
    if value is None:
        return UNKNOWN
    return f"{language_in(context).number(value, 1 if value < 10 else 0)}{_SPACE}s"


@pass_context
def span(context: Context, value: Span | None) -> str:
    """Format a time that lies between two ends; the last bin of times is open."""
    if value is None:
        return UNKNOWN
    language = language_in(context)
    low, high = (round(end) for end in value)
    if high >= LONGEST_S:
        return language.says(_("%(low)s s or more", low=low))
    if low == high:
        return f"{language.number(low)}{_SPACE}s"
    return language.says(_("%(low)s to %(high)s s", low=low, high=high))


@pass_context
def figure(context: Context, value: float | None, unit: str) -> str:
    """Format a figure by its unit: ``%`` for a share, ``s`` for seconds, else a count. None is a dash."""
    if unit == "s":
        return str(seconds(context, value))
    if value is None:
        return UNKNOWN
    return language_in(context).percent(value) if unit == "%" else language_in(context).number(value)


@pass_context
def amount(context: Context, value: float | None, unit: str) -> str:
    """Format a figure with a formula: a share with one digit behind the point, other figures with two unless large."""
    if value is None:
        return UNKNOWN
    language = language_in(context)
    if unit == "%":
        return f"{language.number(100 * value, 1)}{_SPACE}%"
    return _with_unit(language.number(value, 0 if abs(value) >= 1000 else 2), unit)


@pass_context
def total(context: Context, value: float | None, unit: str) -> str:
    """Format a sum of the till."""
    return UNKNOWN if value is None else _with_unit(language_in(context).number(value), unit)


def _with_unit(number: str, unit: str) -> str:
    return f"{number}{_SPACE}{unit}" if unit else number


@pass_context
def day(context: Context, value: date) -> str:
    """Format a day, as in ``Mon 23 Nov``."""
    return language_in(context).day(value, "MMMEd")


def label(name: str) -> str:
    """Return the words for a role, an attribute, its label, a figure or a section; other names as they are."""
    return _WORDS.get(name, name)


def change(found: Change) -> Message | None:
    """Return what changed in one sentence; None if it is not known."""
    from cloud.analysis.words import sentence  # imported here: it loads numpy and scipy

    return sentence(found)


def metric_change(figure: FormulaFigure) -> Message | None:
    """Return what changed in a figure with a formula in one sentence; None if it is not known."""
    from cloud.analysis.words import formula_sentence

    return formula_sentence(figure.this.formula, figure.change) if figure.change else None


def figure_titles() -> dict[str, str]:
    """Return the titles of the metrics that are compared."""
    from cloud.analysis.words import FIGURES

    return {name: words.title for name, words in FIGURES.items()}


FILTERS: Final[Mapping[str, Callable[..., str | None]]] = {
    one.__name__: one
    for one in (coverage, signed, seconds, span, figure, amount, total, day, label, change, metric_change)
}
"""The filters of the templates."""
