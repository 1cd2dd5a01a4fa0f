"""How a column or a value of a panel looks: its unit, heading, width, colours and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

GREEN, ORANGE, RED, GREY, BLUE = "green", "orange", "red", "#8e8e8e", "blue"
NO_DATA = "not watched"
NOT_TOLD = "–"
"""In a cell of a table: withheld, not estimated, or nothing to divide by."""
COLUMN_PX = 64
"""Least width of a column. With Grafana's 150 px, the last columns would be out of sight."""
TEXT_IN_COLOUR = model.DynamicConfigValue("custom.cellOptions", {"type": "color-text"})

Steps = Sequence[tuple[float | None, str]]
"""Colours by lower limit, in the unit of the field; the first limit is None, which means minus infinity."""


def unit(name: str, decimals: int | None = None) -> list[model.DynamicConfigValue]:
    look = [model.DynamicConfigValue("unit", name)]
    return look if decimals is None else [*look, model.DynamicConfigValue("decimals", decimals)]


def headed(heading: str, *looks: model.DynamicConfigValue) -> list[model.DynamicConfigValue]:
    """Give a column a shorter heading than its name in the result."""
    return [model.DynamicConfigValue("displayName", heading), *looks]


def coloured(steps: Steps, *looks: model.DynamicConfigValue) -> list[model.DynamicConfigValue]:
    """Give the text of a cell the colour of its value."""
    return [
        *looks,
        model.DynamicConfigValue("thresholds", thresholds(steps).build()),
        TEXT_IN_COLOUR,
    ]


def told(words_by_value: Mapping[str, tuple[str, str]]) -> list[model.DynamicConfigValue]:
    """Show words and a colour instead of a value."""
    return [
        model.DynamicConfigValue("mappings", [in_words(words_by_value)]),
        TEXT_IN_COLOUR,
    ]


def in_words(words_by_value: Mapping[str, tuple[str, str]]) -> model.ValueMapping:
    return model.ValueMap(
        {
            value: model.ValueMappingResult(text=said, color=colour)
            for value, (said, colour) in words_by_value.items()
        }
    )


def width(heading: str, is_sorted: bool) -> list[model.DynamicConfigValue]:
    """Let a column be no narrower than its heading, with an arrow if the table is sorted by it."""
    needed_px = 24 + 8 * len(heading) + (24 if is_sorted else 0)
    return [model.DynamicConfigValue("custom.minWidth", needed_px)] if needed_px > COLUMN_PX else []


def thresholds(steps: Steps) -> Builder[model.ThresholdsConfig]:
    return (
        dashboard.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=edge, color=colour) for edge, colour in steps])
    )


def fixed(colour: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})
