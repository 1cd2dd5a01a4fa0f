"""Frames of a scene side by side, with its places drawn: door lines red, zones blue, where people stand green."""

from __future__ import annotations

import cv2
import numpy as np

from edge.scene.floor_plan import FloorPlan
from edge.scene.render import Scene
from edge.types import Image

_COLUMNS, _ROWS = 3, 4
_WIDTH = 640
_DOOR, _ZONE, _FEET, _TEXT = (40, 40, 230), (230, 130, 20), (60, 200, 60), (20, 20, 20)


def contact_sheet(scene: Scene, plan: FloorPlan | None) -> Image:
    """Draw twelve frames, spread over the scene, as one BGR picture; the floor points come from the truth."""
    height = round(_WIDTH * scene.height / scene.width)
    indices = np.linspace(0, len(scene) - 1, _COLUMNS * _ROWS + 2).round().astype(int)[1:-1]
    frames = [
        cv2.resize(_frame(scene, plan, int(index)), (_WIDTH, height), interpolation=cv2.INTER_AREA)
        for index in indices
    ]
    rows = [np.hstack(frames[start : start + _COLUMNS]) for start in range(0, len(frames), _COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def _frame(scene: Scene, plan: FloorPlan | None, index: int) -> Image:
    image = scene.render(index)
    thick = max(2, scene.width // 400)
    size = np.array([scene.width, scene.height])

    def pixels(points: list[list[float]]) -> np.ndarray:
        return np.asarray(np.round(np.array(points) * size), np.int32)

    def write(text: str, x: float, y: float) -> None:
        place = round(x), round(y)
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scene.width / 1400, _TEXT, thick // 2)

    if plan is not None:
        settings = plan.settings(scene.lines_wide)
        for door in settings["doors"]:
            cv2.polylines(image, [pixels(door["line"])], False, _DOOR, thick)
            cv2.drawMarker(
                image, pixels([door["inside"]])[0].tolist(), _DOOR, cv2.MARKER_CROSS, 6 * thick, thick
            )
        for zone in settings["zones"]:
            corners = pixels(zone["polygon"])
            cv2.polylines(image, [corners], True, _ZONE, thick)
            write(zone["name"], *corners.mean(0))
    for person in scene.truth.people[index]:
        if person.present:
            x, y = round((person.body.x1 + person.body.x2) / 2), round(person.body.y2)
            cv2.circle(image, (x, y), 3 * thick, _FEET, -1)
            write(scene.walks[person.person].act, person.body.x1, person.body.y1 - 4)
    write(f"{index / scene.fps:.1f} s", 8, 30)
    return image
