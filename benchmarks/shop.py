"""``python -m benchmarks.shop``: doors, zones, queue, targets, heat and notices of the shop scene against its truth.

The whole pipeline looks at the pictures of both cameras; what its windows count of places is added up.
``--door-metres`` measures the door alone, with the camera at several distances.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import seeds
from benchmarks.following import play
from benchmarks.seeds import Json
from benchmarks.shop_notices import DOOR_RULES, SHELF_RULES, Teller, Told, lateness, truth_of, wait_settings
from common.errors import UserError
from edge.config import Settings
from edge.place_types import DoorCounts, PlaceCounts, TargetCounts, ZoneCounts
from edge.places.notices import Rule
from edge.scene.places import PlacesTruth
from edge.scene.render import Scene
from edge.scene.shop import DOOR, SHELF, ShopView, door_view
from edge.service.build import load_models

WARMEST = 3


def watch(view: ShopView, scene: Scene, rules: Sequence[Rule]) -> tuple[PlaceCounts, list[Told]]:
    """Return what the product counts of places, and the notices that it tells."""
    settings = Settings.model_validate(
        {**view.plan.settings(scene.lines_wide), "notices": wait_settings(rules), "detection": {"threads": 1}}
    )
    teller = Teller(rules)
    played = play(scene.frames(), scene.fps, settings, load_models(settings), watch=teller.see)
    return sum((window.places for window in played.windows), PlaceCounts()), teller.told


def compare(truth: PlacesTruth, counted: PlaceCounts, seconds: float) -> dict[str, tuple[float, float]]:
    """Return (counted, true) by figure."""
    figures: dict[str, tuple[float, float]] = {}
    for door in truth.doors:
        mine = counted.doors.get(door.name, DoorCounts())
        figures |= {
            "entries": (mine.entries, door.entries),
            "exits": (mine.exits, door.exits),
            "passers": (mine.passers, len(door.passed)),
            "groups": (mine.groups, len(door.groups)),
        }
    for zone in truth.zones:
        stays = counted.zones.get(zone.name, ZoneCounts())
        figures |= {
            f"{zone.name} visits": (stays.stays.visits, zone.visits),
            f"{zone.name} stops": (stays.stops, zone.stops),
            f"{zone.name} dwell s": (round(stays.stays.sum_s, 1), round(zone.dwell_s, 1)),
        }
    for queue in truth.queues:
        waits = counted.zones.get(queue.name, ZoneCounts())
        figures |= {
            "waits": (waits.waits.visits, len(queue.waits)),
            "served": (waits.served, queue.served),
            "waiting s": (round(waits.waits.sum_s, 1), round(sum(wait.seconds for wait in queue.waits), 1)),
            "queue length": (round(waits.waits.sum_s / seconds, 2), round(queue.length_mean, 2)),
        }
    for target in truth.targets:
        looks = counted.targets.get(target.name, TargetCounts()).looks
        figures[f"{target.name} looks s"] = (round(looks.sum_s, 1), round(target.attention_s, 1))
    return figures


def run_seed(seed: int, size: tuple[int, int]) -> Json:
    """Play one seed before both cameras."""
    cv2.setNumThreads(1)
    result: Json = {"seed": seed, "figures": {}, "late_s": [], "not_told": 0, "false": 0}
    for view, rules in ((DOOR, DOOR_RULES), (SHELF, SHELF_RULES)):
        scene = view.scene(seed, *size)
        truth, (counted, told) = view.truth(scene), watch(view, scene, rules)
        result["figures"] |= compare(truth, counted, scene.seconds)
        late_s, not_told, false = lateness(told, truth_of(truth, rules, scene.seconds))
        result["late_s"] += late_s
        result["not_told"] += not_told
        result["false"] += false
        if view is SHELF:
            result["heat_right"] = warmest(counted) == {
                int(cell) for cell in np.argsort(-truth.heat, axis=None)[:WARMEST]
            }
            result["interest_right"] = interest_order(counted) == list(truth.interest_order)
    return result


def run_door(seed: int, size: tuple[int, int], metres: float) -> Json:
    """Play one seed before a camera so far from the door."""
    cv2.setNumThreads(1)
    view = door_view(metres)
    scene = view.scene(seed, *size)
    counted, _ = watch(view, scene, ())
    return {"seed": seed, "metres": metres, "figures": compare(view.truth(scene), counted, scene.seconds)}


def warmest(counted: PlaceCounts) -> set[int]:
    return set(sorted(counted.heat, key=lambda cell: -counted.heat[cell].standing_s)[:WARMEST])


def interest_order(counted: PlaceCounts) -> list[str]:
    """Return the targets, the one with most seconds of looking for each visit in its zone first."""
    interest = {
        target.name: counted.targets[target.name].looks.sum_s
        / max(1, counted.zones[target.zone].stays.visits)
        for target in SHELF.plan.targets
        if target.name in counted.targets
    }
    return sorted(interest, key=lambda name: -interest[name])


def in_sum(results: Sequence[Json]) -> Json:
    """Add up the seeds: figures, in how many seeds each is exact, and by how much it is off at most."""
    names: Mapping[str, Any] = results[0]["figures"]
    pairs = {name: [each["figures"][name] for each in results] for name in names}
    return {
        "figures": {
            name: {
                "counted": round(sum(mine for mine, _ in both), 1),
                "true": round(sum(true for _, true in both), 1),
                "exact": sum(mine == true for mine, true in both),
                "most_off": round(max(abs(mine - true) for mine, true in both), 2),
            }
            for name, both in pairs.items()
        },
        **{
            name: sum(each[name] for each in results if name in each)
            for name in ("heat_right", "interest_right", "not_told", "false")
        },
        "told": sum(len(each.get("late_s", ())) for each in results),
        "latest_s": max((abs(late) for each in results for late in each.get("late_s", ())), default=None),
    }


def table(results: Sequence[Json], size: str) -> Table:
    total = in_sum(results)
    shown = Table(title=f"{size}: places of the shop scene", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("figure", "counted", "true", "off", "exact in", "most off"):
        shown.add_column(heading, justify="left" if heading == "figure" else "right", no_wrap=True)
    for name, one in total["figures"].items():
        off = f"{100 * (one['counted'] - one['true']) / one['true']:+.1f} %" if one["true"] else "-"
        shown.add_row(
            name,
            f"{one['counted']:g}",
            f"{one['true']:g}",
            off,
            f"{one['exact']} of {len(results)}",
            f"{one['most_off']:g}",
        )
    for name in ("heat_right", "interest_right"):
        shown.add_row(name.replace("_", " "), "", "", "", f"{total[name]} of {len(results)}", "")
    told, true = total["told"], total["told"] + total["not_told"]
    shown.add_row("notices in time", f"{told}", f"{true}", "", "", f"{total['latest_s']} s")
    shown.add_row("false notices", f"{total['false']}", "0", "", "", "")
    return shown


def door_table(results: Sequence[Json], size: str) -> Table:
    """Return for each distance the crossings and passers that were counted, and the errors of single seeds in sum."""
    shown = Table(title=f"{size}: the door from several distances", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("metres", "entries", "exits", "passers", "wrong in sum", "seeds all right"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for metres in sorted({each["metres"] for each in results}):
        mine = [each["figures"] for each in results if each["metres"] == metres]
        pairs = {name: [each[name] for each in mine] for name in ("entries", "exits", "passers")}
        wrong = [[abs(counted - true) for counted, true in both] for both in pairs.values()]
        shown.add_row(
            f"{metres:g}",
            *(f"{sum(one for one, _ in both)} of {sum(true for _, true in both)}" for both in pairs.values()),
            f"{sum(map(sum, wrong))}",
            f"{sum(not any(each) for each in zip(*wrong, strict=True))} of {len(mine)}",
        )
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    parser = seeds.parser(
        "python -m benchmarks.shop",
        "Count the places of the shop scene and compare them with its truth.",
        seeds=10,
    )
    parser.add_argument(
        "--door-metres",
        type=float,
        nargs="+",
        default=(),
        help="only the door, with the camera this far from it",
    )
    options = parser.parse_args(argv)
    errors = Console(stderr=True)
    size, chosen = seeds.SIZES[options.size], range(options.first, options.first + options.seeds)
    jobs = [partial(run_door, seed, size, metres) for metres in options.door_metres for seed in chosen]
    try:
        load_models(Settings())
        results = seeds.results(jobs or [partial(run_seed, seed, size) for seed in chosen], errors)
    except UserError as error:
        errors.print(str(error), soft_wrap=True, markup=False, highlight=False)
        return 2
    if options.json:
        total = None if options.door_metres else in_sum(results)
        print(json.dumps({"size": options.size, "sum": total, "seeds": results}, indent=2))
    else:
        made = door_table if options.door_metres else table
        Console().print(made(results, options.size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
