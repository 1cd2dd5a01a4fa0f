"""``footlight-edge scene``: list who walks by in the sample scene."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from common.vocabulary import ATTRIBUTES

if TYPE_CHECKING:
    from edge.scene.render import Scene


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``scene``."""
    text = "List who walks by in the sample scene (camera source: scene)."
    parser = commands.add_parser("scene", help=text, description=text)
    parser.add_argument("--seed", type=int, help="seed of the scene; without it, the scene of the demo")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print the known truth of a scene."""
    from edge.commands import tables
    from edge.scene.render import DEFAULT_SEED, Scene

    truth = scene_truth(Scene(DEFAULT_SEED if args.seed is None else args.seed))
    if args.format == "json":
        print(json.dumps(truth))
    else:
        tables.show(tables.scene_table(truth))
    return 0


def scene_truth(scene: Scene) -> dict[str, Any]:
    """List who walks by in a sample scene, with the same keys as ``footlight-edge replay``."""
    people = [
        {
            "gender": visit.gender,
            "age_band": visit.age_band,
            "expression": visit.expression,
            "enters_s": round(visit.enters_s, 1),
            "leaves_s": round(visit.leaves_s, 1),
        }
        for visit in scene.truth.visits
    ]
    summed = {
        attribute: dict(Counter(str(person[attribute]) for person in people)) for attribute in ATTRIBUTES
    }
    return {"visits": len(people), **summed, "people": people}
