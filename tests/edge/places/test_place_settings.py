"""The settings of places: read as documented, and one clear line for every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import JsonValue

import edge
from edge.config import Settings, load
from edge.service.overlay import overlaid
from edge.service.place_building import build_notices, build_places, excluded_zones
from edge.types import Box
from tests.edge.places.people import HERE, VIEW, track
from tests.edge.test_config import mistake, write

PLAN = "plan: {points: [[0.2, 0.5], [0.8, 0.5], [1, 1], [0, 1]], metres: [[0, 5], [4, 5], [4, 0], [0, 0]]}\n"
DOOR = "doors: [{name: street, line: [[0.3, 0.6], [0.7, 0.6]], inside: [0.5, 0.9]}]\n"
SQUARE = "[[0.1, 0.1], [0.4, 0.1], [0.4, 0.9], [0.1, 0.9]]"


def examples() -> dict[str, Any]:
    """The places in the comments of the example, as a tree."""
    text = (Path(edge.__path__[0]) / "example.yaml").read_text(encoding="utf-8")
    tree: dict[str, Any] = {}
    block: list[str] = []
    for line in text[text.index("# The floor plan") :].splitlines():
        shown = line.removeprefix("#   ")
        if line.startswith("#   plan:"):
            tree |= yaml.safe_load(shown)
        elif line.startswith("#   - "):
            block.append(shown)
        elif line.endswith(": []") and block:
            tree[line.removesuffix(": []")] = yaml.safe_load("\n".join(block))
            block = []
    return tree


def test_the_places_of_the_example_are_valid() -> None:
    tree = examples()
    assert tree.keys() == {"plan", "doors", "zones", "targets", "notices"}
    settings = Settings(**tree)
    places = build_places(settings, least_look_s=0.3)
    places.seen(track(1, (0.4, 0.8), 0.0), HERE, True, VIEW, 0.0)
    assert places.live(0.0).zones == {"shelf": 0, "line": 0, "desk": 0}
    places.frame([track(1, (0.4, 0.8), 0.0)])
    assert places.live(0.0).zones == {"shelf": 1, "line": 0, "desk": 0}
    live = places.live(0.0)
    assert live.waiting == {("line", 30.0): 0}
    assert build_notices(settings).update(live, 0.0, hour=12) == []
    assert excluded_zones(settings).hold(Box(1200, 300, 1240, 340), *VIEW)


def test_remote_settings_replace_places_as_a_whole() -> None:
    own = Settings(**examples())
    door: dict[str, JsonValue] = {"name": "back", "line": [[0.1, 0.5], [0.2, 0.5]], "inside": [0.1, 0.9]}
    changed = overlaid(own, {"doors": [door], "targets": [], "plan": None, "notices": []})
    assert [one.name for one in changed.doors] == ["back"]
    assert (changed.targets, changed.plan) == ((), None)
    assert changed.zones == own.zones


MISTAKES = {
    "plan: {points: [[0, 0], [1, 1], [1, 0], [0, 1]], metres: [[0, 0], [1, 0], [1, 1], [0, 1]]}": (
        "plan: points must be the corners of a four-sided area, in order around it, with no three on one line"
    ),
    "plan: {points: [[0, 0], [1, 0], [1, 1], [0, 1]], metres: [[0, 0], [1, 0], [2, 0], [0, 1]]}": (
        "plan: metres must be the corners of a four-sided area"
    ),
    "doors: [{name: d, line: [[0.3, 0.6], [0.3, 0.6]], inside: [0.5, 0.9]}]": "line of door 'd' has no length",
    "doors: [{name: d, line: [[0.3, 0.6], [0.7, 0.6]], inside: [0.5, 0.6]}]": "inside of door 'd' is on its line",
    f"zones: [{{name: a, polygon: {SQUARE}, queue: true}}]": "zone 'a' is a queue; add front",
    f"zones: [{{name: a, polygon: {SQUARE}, front: b}}]": "zone 'a' has a front but is no queue",
    f"zones: [{{name: a, polygon: {SQUARE}, queue: true, front: b}}]": (
        "front of zone 'a': there is no zone 'b' in which people are counted; zones: none"
    ),
    f"zones: [{{name: a, polygon: {SQUARE}, exclude: true, where: shelf}}]": "zone 'a' counts nobody",
    f"zones: [{{name: entry, polygon: {SQUARE}}}]": "a zone cannot be named 'entry'",
    f"zones: [{{name: a, polygon: {SQUARE}}}, {{name: a, polygon: {SQUARE}}}]": "the name 'a' is used twice",
    f"{DOOR}zones: [{{name: street, polygon: {SQUARE}}}]": "doors, zones and targets need different names",
    "targets: [{name: t, yaw: 3}]": "target 't' needs yaw and pitch, or at: [x, y]",
    "targets: [{name: t, yaw: 3, pitch: 0, at: [1, 1]}]": "target 't' needs yaw and pitch, or at: [x, y]",
    "targets: [{name: t, at: [1, 1]}]": "target 't' is in metres, so it needs the plan",
    "targets: [{name: t, yaw: 3, pitch: 0, zone: z}]": "zone of target 't': there is no zone 'z'",
    "targets: [{name: a, yaw: 3, pitch: 0}, {name: b, yaw: 15, pitch: 0}]": (
        "targets 'a' and 'b' are 12 degrees apart, but the direction of a head is only known to 8 degrees;"
        " move them at least 16 apart, or use one target for both"
    ),
    "notices: [{name: n, rule: queue_over, zone: a, limit: 3}]": (
        "notice 'n' with the rule queue_over needs seconds"
    ),
    "notices: [{name: n, rule: inside_over, limit: 3, desk: a}]": (
        "notice 'n' with the rule inside_over does not use desk; delete it"
    ),
    "notices: [{name: n, rule: inside_over, limit: 3}]": "notice 'n' needs doors",
    "notices: [{name: n, rule: zone_empty, zone: a, seconds: 60, hours: [20, 9]}]": "hours of notice 'n'",
    "notices: [{name: n, rule: zone_empty, zone: a, seconds: 60, hours: [9, 20]}]": (
        "zone of notice 'n': there is no zone 'a' in which people are counted; zones: none"
    ),
    f"{DOOR}notices: [{{name: n, rule: inside_over, limit: 3}}, {{name: n, rule: inside_over, limit: 4}}]": (
        "the name 'n' is used twice; notices need different names"
    ),
    f"{PLAN}targets: [{{name: a, at: [1, 0]}}, {{name: b, at: [1.4, 0]}}]": "degrees apart",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    assert MISTAKES[text] in mistake(tmp_path, text)


def test_targets_far_apart_or_seen_from_different_zones_are_fine(tmp_path: Path) -> None:
    far = "targets: [{name: a, yaw: -9, pitch: 0}, {name: b, yaw: 8, pitch: 0}]"
    assert len(load(write(tmp_path, far)).targets) == 2
    zones = f"zones: [{{name: y, polygon: {SQUARE}}}, {{name: z, polygon: {SQUARE}}}]\n"
    near = "targets: [{name: a, yaw: 3, pitch: 0, zone: y}, {name: b, yaw: 5, pitch: 0, zone: z}]"
    assert len(load(write(tmp_path, zones + near)).targets) == 2
    apart = f"{PLAN}targets: [{{name: a, at: [0, 0]}}, {{name: b, at: [4, 0]}}]"
    assert len(load(write(tmp_path, apart)).targets) == 2
