"""A short stretch of the sample scene: its first two people, for tests about the way of a count and not the count."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import cv2

import edge.capture.opencv  # noqa: F401  FFmpeg asks how much to say when it is first used, here by the writer
from edge.config import Settings
from edge.scene.render import Scene
from edge.service.build import Models, load_models
from edge.types import Image

PEOPLE = 2


@cache
def stretch() -> Scene:
    """About ten seconds; its truth says who and when."""
    walks = Scene().walks[:PEOPLE]
    return Scene(walks=walks, seconds=math.ceil(max(walk.ends_s for walk in walks)) + 1)


@cache
def models() -> Models:
    """The models that ship, loaded once."""
    return load_models(Settings())


def clear_frame() -> tuple[int, Image]:
    """Index and picture of the moment at which one person alone stands clear in view."""
    truth = stretch().truth
    alone = [
        index for index, faces in enumerate(truth.faces) if [face.visible > 0.99 for face in faces] == [True]
    ]
    index = max(alone, key=lambda index: truth.faces[index][0].box.height)
    return index, stretch().render(index)


def write_clip(path: Path, seconds: float | None = None) -> Path:
    """The stretch, or its first ``seconds``, as a video."""
    scene = stretch()
    frames = len(scene) if seconds is None else round(seconds * scene.fps)
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*"mp4v"), scene.fps, (scene.width, scene.height)
    )
    for index in range(frames):
        writer.write(scene.render(index))
    writer.release()
    return path
