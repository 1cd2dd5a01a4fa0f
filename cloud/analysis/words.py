"""Puts figures into plain words, for readers who never learned statistics: the same in reports and on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloud.analysis.change import Change
from cloud.domain.chain import Role
from cloud.domain.formula import Formula
from cloud.domain.messages import Message, Percent, gettext
from cloud.domain.messages import gettext as _
from cloud.domain.messages import noop as N_  # noqa: N812 - as gettext tools look for it


@dataclass(frozen=True, slots=True)
class Words:
    """The title of one figure, a short explanation, and the words for "higher" and "lower"."""

    title: str
    explained: str
    more: str
    less: str
    is_more: str
    """The sentence for a higher figure; ``by`` is the change, ``low`` and ``high`` the interval, without signs."""
    is_less: str
    is_same: str
    """The sentence for a change that may be chance."""


FIGURES: Mapping[str, Words] = {
    "visits_per_open_hour": Words(
        _("Visits per hour"),
        "while open and watched",
        "more",
        "fewer",
        N_("%(by)s more visits per hour."),
        N_("%(by)s fewer visits per hour."),
        N_("Visits per hour: no clear difference."),
    ),
    "viewers_share": Words(
        _("Looked at the camera"),
        "at least once",
        "more",
        "fewer",
        N_("The share of visits that looked at the camera is %(by)s higher."),
        N_("The share of visits that looked at the camera is %(by)s lower."),
        N_("Share of visits that looked at the camera: no clear difference."),
    ),
    "dwell_mean": Words(
        _("Time in view"),
        "average",
        "longer",
        "shorter",
        N_("People stay %(by)s longer in view."),
        N_("People stay %(by)s shorter in view."),
        N_("Time in view: no clear difference."),
    ),
    "attraction_ratio": Words(
        _("Attention"),
        "part of the time in view facing the camera",
        "more",
        "less",
        N_("People look at the camera for a share of their time that is %(by)s higher."),
        N_("People look at the camera for a share of their time that is %(by)s lower."),
        N_("Attention: no clear difference."),
    ),
    "entries_per_open_hour": Words(
        _("Entries per hour"),
        "through the doors, while watched",
        "more",
        "fewer",
        N_("%(by)s more entries per hour."),
        N_("%(by)s fewer entries per hour."),
        N_("Entries per hour: no clear difference."),
    ),
    "capture_rate": Words(
        _("Capture rate"),
        "entries among all who entered or passed",
        "more",
        "less",
        N_("Of those who come by, a share that is %(by)s higher enters."),
        N_("Of those who come by, a share that is %(by)s lower enters."),
        N_("Capture rate: no clear difference."),
    ),
    "share:gender=female": Words(
        _("Women"),
        "share of visits, known mistakes corrected",
        "more",
        "fewer",
        N_("The share of women is %(by)s higher."),
        N_("The share of women is %(by)s lower."),
        N_("Share of women: no clear difference."),
    ),
}
"""By metric."""

ROLES: Mapping[Role, str] = {
    "entrance": "at the entrance",
    "area": "in the shop",
    "display": "at the display",
    "unassigned": "at the camera",
}
"""Where the cameras of each role look."""

NO_DIFFERENCE = "no clear difference"


_MORE, _LESS = N_("%(figure)s: %(by)s higher."), N_("%(figure)s: %(by)s lower.")
_JUDGED: Mapping[tuple[str, bool], str] = {
    ("more", True): N_("%(figure)s: %(by)s higher, which is better."),
    ("more", False): N_("%(figure)s: %(by)s higher, which is worse."),
    ("less", True): N_("%(figure)s: %(by)s lower, which is better."),
    ("less", False): N_("%(figure)s: %(by)s lower, which is worse."),
}
"""By verdict, and whether that is what the shop wants."""


def words_of(metric: str, title: str) -> Words:
    """Return the words for a metric; those with a formula have only their ``title``."""
    return FIGURES.get(metric) or Words(title, "", "more", "less", _MORE, _LESS, "")


def formula_sentence(formula: Formula, change: Change) -> Message | None:
    """Return what changed in a figure with a formula in one sentence; None if it is not known."""
    if change.verdict is None or change.ratio is None:
        return None
    if change.verdict == "none":
        return gettext(N_("%(figure)s: no clear difference."), figure=formula.title)
    said = _MORE if change.verdict == "more" else _LESS
    if formula.better is not None:
        said = _JUDGED[change.verdict, change.verdict == formula.better]
    return gettext(said, figure=formula.title, by=Percent(abs(change.ratio - 1)))


def verdict(change: Change) -> str:
    """Return ``more``, ``fewer``, ``no clear difference``, or ``not known``."""
    if change.verdict is None:
        return "not known"
    words = words_of(change.metric, "")
    return {"more": words.more, "less": words.less, "none": NO_DIFFERENCE}[change.verdict]


def sentence(change: Change) -> Message | None:
    """Return what changed in one sentence; None if it is not known."""
    if change.verdict is None or change.ratio is None:
        return None
    words = FIGURES[change.metric]
    said = {"more": words.is_more, "less": words.is_less, "none": words.is_same}[change.verdict]
    return gettext(said, by=Percent(abs(change.ratio - 1)))


def value(number: float | None, unit: str) -> str:
    """Format a figure with its unit; None becomes a dash."""
    if number is None:
        return "–"
    if unit == "%":
        return f"{100 * number:.0f}\N{NO-BREAK SPACE}%"
    return f"{number:.1f}\N{NO-BREAK SPACE}s" if unit == "s" else f"{number:.1f}"


def amount(number: float | None, unit: str) -> str:
    """Format a figure with a formula, or a sum of the till; None becomes a dash."""
    if number is None:
        return "–"
    if unit == "%":
        return f"{100 * number:.1f}\N{NO-BREAK SPACE}%"
    said = f"{number:,.0f}" if abs(number) >= 1000 else f"{number:,.2f}"
    return f"{said}\N{NO-BREAK SPACE}{unit}" if unit else said


def span(change: Change) -> str:
    """Format the interval of a change: ``−3 % to +14 %``."""
    if change.low is None or change.high is None:
        return ""
    return f"{signed(change.low - 1)} to {signed(change.high - 1)}"


def signed(share: float) -> str:
    """Format a change in percent with its sign."""
    rounded = round(100 * share)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else '±'}{abs(rounded)}\N{NO-BREAK SPACE}%"


def percent(share: float | None) -> str:
    """Format a share in percent, rounded down so that 99.9 % never becomes 100 %; None becomes a dash."""
    return "–" if share is None else f"{int(100 * share + 1e-9)}\N{NO-BREAK SPACE}%"
