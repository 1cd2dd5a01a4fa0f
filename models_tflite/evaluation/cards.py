"""The models' cards: the templates ``cards/*.md.j2``, filled only with measured values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

Json = dict[str, Any]

FOLDER = Path(__file__).parents[1] / "cards"
NAMES = ("detector", "landmarks", "attributes")

SMALL_GROUP = 100
"""Smaller groups vary by several points by chance and are not compared."""


def render(measured: Json) -> dict[str, str]:
    """Return the cards by file name."""
    templates = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures
    )
    templates.filters.update(percent=_percent, number=lambda value, digits: f"{value:.{digits}f}")
    values = {
        **measured,
        "int8": measured["figures"]["int8"],
        "float": measured["figures"]["float"],
        "gap": _gap(measured),
    }
    return {f"{name}.md": templates.get_template(f"{name}.md.j2").render(values, name=name) for name in NAMES}


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"


def _gap(measured: Json) -> Json:
    """Sort groups of race and gender by accuracy, and return the smallest that is large enough to compare."""
    groups = measured["figures"]["int8"]["utkface"]["groups_18plus"]
    ranked = sorted(
        ({"name": name} | group for name, group in groups.items()), key=lambda group: group["accuracy"]
    )
    large = [group for group in ranked if group["n"] >= SMALL_GROUP]
    smallest = min(large, key=lambda group: group["n"], default=None)
    return {"ranked": ranked, "least": SMALL_GROUP, "smallest": smallest}
