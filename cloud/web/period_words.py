"""The words and the formats of the pages of periods that are not in their templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from cloud.domain.time_bins import Span

if TYPE_CHECKING:
    from cloud.analysis.change import Change

_SPACE = "\N{NO-BREAK SPACE}"
LONGEST_S = 300
"""The last bin of waiting times begins here and is open."""

REFUSED: Final[Mapping[str, str]] = {
    "not_begun": "This period has no finished day yet. Choose an earlier one, or look at today.",
    "week": "This is not a week. Write it like 2026-W48.",
    "month": "This is not a month. Write it like 2026-11.",
    "day": "This is not a day. Write it like 2026-11-27.",
    "order": "The period ends before it begins. Exchange the two days.",
    "long": "The period is too long. Choose at most {most} days.",
    "role": "No camera of this shop has this role. Use one of these: {roles}.",
    "against": "This cannot be compared with. Choose the period before, the same days last year, or another shop that"
    " you may see and that has cameras of the same role.",
}
"""Why a request is refused, by reason."""

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WORDS: Final[Mapping[str, str]] = {
    "entrance": "Entrances",
    "area": "Areas",
    "display": "Displays",
    "unassigned": "All cameras",
    "gender": "Gender",
    "age_band": "Age",
    "expression": "What faces showed",
    "visits": "Visits",
    "entries": "Entries",
    "capture_rate": "Capture rate",
    "viewers_share": "Viewers",
    "attraction_ratio": "Attraction ratio",
    "dwell_mean": "Mean dwell time",
    "coverage": "Coverage",
}
"""The words for roles, attributes and figures."""


def number(value: float | None) -> str:
    """Format a count; None is a dash."""
    return "–" if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """Format a share in whole percent; None is a dash."""
    return "–" if share is None else f"{100 * share:.0f}{_SPACE}%"


def coverage(share: float) -> str:
    """Format a coverage in percent, rounded down, so that 99.9 % never looks complete."""
    return f"{int(100 * share + 1e-9)}{_SPACE}%"


def signed(share: float) -> str:
    """Format a change in percent with its sign."""
    rounded = round(100 * share)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else '±'}{abs(rounded)}{_SPACE}%"


def seconds(value: float | None) -> str:
    """Format a time; None is a dash."""
    if value is None:
        return "–"
    return f"{value:.1f}{_SPACE}s" if value < 10 else f"{value:.0f}{_SPACE}s"


def span(value: Span | None) -> str:
    """Format a time that lies between two ends; the last bin of times is open."""
    if value is None:
        return "–"
    low, high = (round(end) for end in value)
    if high >= LONGEST_S:
        return f"{low}{_SPACE}s or more"
    return f"{low}{_SPACE}s" if low == high else f"{low} to {high}{_SPACE}s"


def figure(value: float | None, unit: str) -> str:
    """Format a figure by its unit: ``%`` for a share, ``s`` for seconds, else a count."""
    return percent(value) if unit == "%" else seconds(value) if unit == "s" else number(value)


def day(value: date) -> str:
    """Format a day, as in ``Mon 23 Nov``."""
    return f"{WEEKDAYS[value.weekday()]} {value:%-d %b}"


def full_day(value: date) -> str:
    """Format a day with its year, as in ``23 Nov 2026``."""
    return f"{value:%-d %b %Y}"


def label(name: str) -> str:
    """Return the words for a role, an attribute or a figure; other names as they are."""
    return _WORDS.get(name, name)


def change(found: Change) -> str | None:
    """Return what changed in one sentence; None if it is not known."""
    from cloud.analysis.words import sentence  # imported here: it loads numpy and scipy

    return sentence(found)


def figure_titles() -> dict[str, str]:
    """Return the titles of the metrics that are compared."""
    from cloud.analysis.words import FIGURES

    return {name: words.title for name, words in FIGURES.items()}


FILTERS: Final[Mapping[str, Callable[..., str | None]]] = {
    one.__name__: one
    for one in (number, percent, coverage, signed, seconds, span, figure, day, full_day, label, change)
}
"""The filters of the templates."""
