"""``python -m benchmarks.shop``: doors, zones, queue, targets and heat of the shop scene against its truth.

The whole pipeline looks at the pictures; what its windows count of places is added up.
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
from common.errors import UserError
from edge.config import Settings
from edge.place_types import PlaceCounts, ZoneCounts
from edge.scene.places import PlacesTruth
from edge.scene.render import Scene
from edge.scene.shop import VIEWS, ShopView

from edge.service.build import load_models

WARMEST = 3


def watch(scene: Scene, settings: Settings) -> PlaceCounts:
    """Return what the product counts of places."""
    played = play(scene.frames(), scene.fps, settings, load_models(settings))
    return sum((window.places for window in played.windows), PlaceCounts())


def compare(truth: PlacesTruth, counted: PlaceCounts, seconds: float) -> dict[str, tuple[float, float]]:
    """Return (counted, true) by figure."""
    figures: dict[str, tuple[float, float]] = {}
    for door in truth.doors:
        mine = counted.doors[door.name]
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
        looks = counted.targets[target.name].looks
        figures[f"{target.name} looks s"] = (round(looks.sum_s, 1), round(target.attention_s, 1))
    return figures


def run_seed(seed: int, size: tuple[int, int]) -> Json:
    cv2.setNumThreads(1)
    scene = shop_scene(seed, *size)
    settings = Settings.model_validate({**SHOP_PLAN.settings(scene.lines_wide), "detection": {"threads": 1}})
    truth, counted = shop_truth(scene), watch(scene, settings)
    warmest = sorted(counted.heat, key=lambda cell: -counted.heat[cell].standing_s)[:WARMEST]
    interest = {
        one.name: counted.targets[one.name].looks.sum_s / max(1, counted.zones[one.zone].stays.visits)
        for one in settings.targets
        if one.zone is not None
    }
    return {
        "seed": seed,
        "figures": compare(truth, counted, len(scene) / scene.fps),
        "heat_right": set(warmest) == {int(cell) for cell in np.argsort(-truth.heat, axis=None)[:WARMEST]},
        "interest_right": sorted(interest, key=lambda name: -interest[name]) == list(truth.interest_order),
    }


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
        "heat_right": sum(each["heat_right"] for each in results),
        "interest_right": sum(each["interest_right"] for each in results),
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
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    parser = seeds.parser(
        "python -m benchmarks.shop",
        "Count the places of the shop scene and compare them with its truth.",
        seeds=10,
    )
    options = parser.parse_args(argv)
    errors = Console(stderr=True)
    try:
        load_models(Settings())
    except UserError as error:
        errors.print(str(error), soft_wrap=True, markup=False, highlight=False)
        return 2
    jobs = [
        partial(run_seed, seed, seeds.SIZES[options.size])
        for seed in range(options.first, options.first + options.seeds)
    ]
    results = seeds.results(jobs, errors)
    if options.json:
        print(json.dumps({"size": options.size, "sum": in_sum(results), "seeds": results}, indent=2))
    else:
        Console().print(table(results, options.size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
