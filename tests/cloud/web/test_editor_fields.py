"""The editor's own lists say the same as the device's settings, of which the page knows nothing."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

import cloud.web
from cloud.devices.changes import PLACES
from edge.place_settings import (
    _NEEDS,
    DoorSettings,
    NoticeSettings,
    PlaceSettings,
    PlanSettings,
    TargetSettings,
    ZoneSettings,
)

EDITOR = Path(cloud.web.__path__[0]) / "static" / "editor"
FIELDS = (EDITOR / "fields.js").read_text()


def listed(begins: str, ends: str) -> str:
    return FIELDS.split(begins, 1)[1].split(ends, 1)[0]


def test_every_rule_of_a_notice_asks_for_what_the_device_needs() -> None:
    rules = re.findall(r"(\w+): \[([^\]]*)\]", listed("const RULES = {", "};"))
    assert {name: tuple(re.findall(r"\w+", keys)) for name, keys in rules} == _NEEDS


def test_every_setting_of_a_place_can_be_set() -> None:
    drawn: dict[str, tuple[type[BaseModel], set[str]]] = {
        "zones": (ZoneSettings, {"name", "polygon"}),
        "targets": (TargetSettings, {"name"}),
        "notices": (NoticeSettings, {"name"}),
        "plan": (PlanSettings, {"points"}),
    }
    for section, (model, elsewhere) in drawn.items():
        shown = set(re.findall(r'path: \["(\w+)"', listed(f"const {section} = ", "\nconst ")))
        assert shown == set(model.model_fields) - elsewhere, section
    assert set(DoorSettings.model_fields) == {"name", "line", "inside"}


def test_the_sections_are_those_of_the_device() -> None:
    sections = re.search(r"SECTIONS = \[([^\]]*)\]", (EDITOR / "draft.js").read_text())
    assert sections is not None
    assert set(re.findall(r"\w+", sections[1])) == set(PLACES) == set(PlaceSettings.model_fields)
