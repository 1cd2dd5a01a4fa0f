"""Frames with the tracks and the truth drawn into them, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2

from benchmarks.following import Held, Played, on_whom
from edge.scene.ground_truth import PersonTruth
from edge.scene.render import Scene
from edge.types import Box, Image

WORST = 4
"""Pictures saved of each seed."""
_APART_S = 3.0
"""Two of them are at least this far from each other."""

_GREEN, _RED, _YELLOW, _WHITE = (60, 200, 60), (50, 50, 235), (40, 210, 240), (255, 255, 255)


def annotated(scene: Scene, played: Played, index: int) -> Image:
    """Draw frame ``index``: people whom a visit follows green, by a track that is no visit yet yellow, people who are
    not followed red; every track with its number, white where it is on nobody."""
    image = scene.render(index)
    held, people = played.frames[index], scene.truth.people[index]
    lies_on = on_whom(held, people)
    followed = {lies_on[one.track_id]: one.confirmed for one in held if one.track_id in lies_on}
    for person in people:
        if person.present:
            colour = _RED if person.person not in followed else _GREEN if followed[person.person] else _YELLOW
            _box(image, person.body, colour, f"{scene.walks[person.person].act} {person.person}")
    for one in held:
        colour = _WHITE if one.track_id not in lies_on else _GREEN if one.confirmed else _YELLOW
        _box(image, one.head, colour, f"#{one.track_id}")
    return image


def save(scene: Scene, played: Played, folder: Path) -> None:
    """Save the moments with most people who are not followed and most tracks that are on nobody."""
    lost = [_wrong(played, index, people) for index, people in enumerate(scene.truth.people)]
    chosen: list[int] = []
    for index in sorted(range(len(lost)), key=lambda index: -lost[index]):
        if lost[index] and all(abs(index - other) >= _APART_S * scene.fps for other in chosen):
            chosen.append(index)
        if len(chosen) == WORST:
            break
    for index in chosen:
        path = folder / f"seed{scene.seed:02}-{index / scene.fps:05.1f}s.png"
        cv2.imwrite(str(path), annotated(scene, played, index))


def draw_tracks(image: Image, held: Sequence[Held]) -> Image:
    """Draw the tracks: heads and bodies of visits green, of tracks that are no visit yet yellow."""
    image = image.copy()
    for one in held:
        colour = _GREEN if one.confirmed else _YELLOW
        if one.body is not None:
            _box(image, one.body, colour, "")
        _box(image, one.head, colour, f"#{one.track_id}")
    return image


def _wrong(played: Played, index: int, people: tuple[PersonTruth, ...]) -> int:
    held = [one for one in played.frames[index] if one.confirmed]
    lies_on = on_whom(held, people)
    present = {person.person for person in people if person.present}
    return len(present - set(lies_on.values())) + len(held) - len(lies_on)


def _box(image: Image, box: Box, colour: tuple[int, int, int], text: str) -> None:
    corners = (round(box.x1), round(box.y1)), (round(box.x2), round(box.y2))
    cv2.rectangle(image, *corners, colour, 2)
    place = max(0, corners[0][0]), max(12, corners[0][1] - 4)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
