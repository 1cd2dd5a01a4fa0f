"""``footlight-edge scene``: list who walks by in the sample scene, and what happens at its places."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.command_line import add_command
from common.errors import UserError
from common.vocabulary import ATTRIBUTES
from edge.capture.source import SCENE_CAMERAS

if TYPE_CHECKING:
    from edge.scene.floor_plan import FloorPlan
    from edge.scene.places import PlacesTruth
    from edge.scene.render import Scene


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``scene``."""
    text = "List who walks by in the sample scene (camera source: scene)."
    parser = add_command(commands, "scene", text)
    parser.add_argument("--seed", type=int, help="seed of the scene; without it, the scene of the demo")
    parser.add_argument(
        "--camera",
        choices=SCENE_CAMERAS,
        help="a camera of the second act (camera source: scene:door or scene:shelf), with what happens at its places",
    )
    parser.add_argument(
        "--picture", type=Path, help="also write this PNG: frames with the places drawn on them"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print the known truth of a scene."""
    from edge.commands import tables
    from edge.scene.render import DEFAULT_SEED, Scene
    from edge.scene.shop import VIEWS

    seed = DEFAULT_SEED if args.seed is None else args.seed
    view = None if args.camera is None else VIEWS[args.camera]
    scene = Scene(seed) if view is None else view.scene(seed)
    if args.picture is not None:
        _write_picture(args.picture, scene, None if view is None else view.plan)
    truth = scene_truth(scene)
    places = None
    if view is not None:
        places = places_summary(view.truth(scene))
        truth |= {"places": places, "settings": view.plan.settings(scene.lines_wide)}
    if args.format == "json":
        print(json.dumps(truth))
        return 0
    tables.show(tables.scene_table(truth))
    if places is not None:
        tables.show(tables.places_table(places))
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


def places_summary(truth: PlacesTruth) -> dict[str, dict[str, dict[str, float | list[float]]]]:
    """Sum up what happens at doors, zones, targets and queues, by name; times in seconds."""
    return {
        "doors": {
            door.name: {
                "entries": door.entries,
                "exits": door.exits,
                "turned": len(door.turned),
                "passers": len(door.passed),
                "groups": len(door.groups),
            }
            for door in truth.doors
        },
        "zones": {
            zone.name: {
                "visits": zone.visits,
                "stops": zone.stops,
                "dwell_sum_s": round(zone.dwell_s, 1),
                "people_mean": round(zone.people_mean, 2),
                "people_max": zone.people_max,
            }
            for zone in truth.zones
        },
        "targets": {
            target.name: {
                "passers": target.passers,
                "viewers": len(target.looks),
                "attention_sum_s": round(target.attention_s, 1),
            }
            for target in truth.targets
        },
        "queues": {
            queue.name: {
                "served": queue.served,
                "abandoned": queue.abandoned,
                "waits_s": [round(wait.seconds, 1) for wait in queue.waits],
                "length_mean": round(queue.length_mean, 2),
                "length_max": queue.length_max,
            }
            for queue in truth.queues
        },
    }


def _write_picture(path: Path, scene: Scene, plan: FloorPlan | None) -> None:
    import cv2

    from edge.scene.contact_sheet import contact_sheet

    encoded = cv2.imencode(".png", contact_sheet(scene, plan))[1]
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
