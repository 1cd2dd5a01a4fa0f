"""The settings of the device's file, overridden by those that a server asks for."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, JsonValue

from common.config_file import checked
from common.errors import UserError
from edge.config import REMOTELY_SETTABLE, Settings
from edge.place_settings import PlaceSettings

PLACES = frozenset({*PlaceSettings.model_fields, "signage"})
"""The sections that are about places, with the notices about them, and the display, whose shows divide the visits."""

_WHOLE = PLACES - {"zones", "signage"}
"""These replace those of the file as a whole."""


def overlaid(own: Settings, asked: Mapping[str, JsonValue]) -> Settings:
    """Return ``own``, overridden by ``asked`` key by key; a list of zones replaces the zones that do not exclude, and
    ``_WHOLE`` are replaced as they are. Raises ``UserError``: one line with the key and what to do."""
    try:
        return _overlaid(own, asked)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - foreign settings must not stop the service; refuse them
        raise UserError(f"cannot be read ({type(error).__name__})") from None


def _overlaid(own: Settings, asked: Mapping[str, JsonValue]) -> Settings:
    tree = own.model_dump()
    for section, values in asked.items():
        before = tree.get(section)
        if section == "zones":
            if not isinstance(values, list):
                raise UserError("zones: must be a list")
            tree[section] = [*(zone for zone in tree[section] if zone["exclude"]), *values]
        elif section in _WHOLE:
            tree[section] = values
        elif not isinstance(
            before, dict
        ):  # a plain value cannot be set remotely; an unknown section is an error
            if section in tree:
                raise _only_in_the_file(section)
            tree[section] = values
        elif not isinstance(values, dict):
            raise UserError(f"{section}: must hold 'key: value' lines")
        else:
            for key in values:
                if key in before and not {section, f"{section}.{key}"} & REMOTELY_SETTABLE:
                    raise _only_in_the_file(f"{section}.{key}")
            tree[section] = {**before, **values}
    return checked(tree, Settings)


def places_of(settings: Settings) -> tuple[BaseModel | tuple[BaseModel, ...] | None, ...]:
    """Return the settings of all places, to compare; notices count nothing, so they are left out."""
    return tuple(getattr(settings, section) for section in sorted(PLACES - {"notices"}))


def with_places_of(current: Mapping[str, JsonValue], asked: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what is ``asked`` for, but with the places of ``current``."""
    places = {section: value for section, value in current.items() if section in PLACES}
    return {**{section: value for section, value in asked.items() if section not in PLACES}, **places}


def _only_in_the_file(key: str) -> UserError:
    known = ", ".join(sorted(REMOTELY_SETTABLE))
    return UserError(f"{key}: can be set in the device's own file only; these can be set remotely: {known}")
