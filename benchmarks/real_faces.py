"""Real faces for ``benchmarks.range``: cut out of the val pictures of ``faces.zip`` with what surrounds them, scaled to
a height, and moved slowly through an empty scene.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import cv2
import numpy as np

from common.errors import UserError
from edge.scene.ground_truth import FaceTruth, PersonTruth
from edge.scene.render import Scene
from edge.types import Box, Image

DRIFTS_S = 6.0

_AROUND = (1.0, 0.75, 1.0, 1.3)
"""What is cut beside the box of a face: left, up, right, down, in its width and height."""
_SOFT = 0.18
"""Share of the cutting over which it fades out at every edge."""
_ENLARGED = 1.15
"""No face is enlarged by more than this."""
_DRIFT = 0.7
"""Face heights per second."""
_HEAD = (0.12, 0.3, 0.12, 0.0)
"""What the head has around the box of its face, in the box's width and height."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutting:
    """``image`` BGR (h, w, 3) with the opacity ``alpha`` (h, w) 0..1, and the box of the ``face`` in it."""

    image: Image
    alpha: np.ndarray
    face: Box


def cuttings(data: Path, px: int, count: int) -> list[Cutting]:
    """Return ``count`` faces without a mask, ``px`` high, always the same. Raises ``UserError`` if the files cannot be
    read or hold fewer of that size."""
    try:
        with (data / "faces.csv").open(newline="") as file, ZipFile(data / "faces.zip") as archive:
            rows = [row for row in csv.DictReader(file) if row["split"] == "val" and row["xmin"]]
            rows = [row for row in rows if row["mask"] == "without_mask" and _whole(row, px)]
            chosen = np.random.default_rng(5).permutation(len(rows))[:count]
            found = [_cut(archive.read(rows[which]["name"]), rows[which], px) for which in chosen]
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise UserError(f"{data}: faces.csv and faces.zip cannot be read: {error}") from None
    if len(found) < count:
        raise UserError(f"{data}: only {len(found)} faces of {px} px; ask for fewer with --faces")
    return found


def _sides(row: dict[str, str]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(row[side]) for side in ("xmin", "ymin", "xmax", "ymax"))
    return x1, y1, x2, y2


def _whole(row: dict[str, str], px: int) -> bool:
    """Whether the face is large enough and not cut by the edge of its picture."""
    x1, y1, x2, y2 = _sides(row)
    inside = x1 > 2 and y1 > 2 and x2 < float(row["width"]) - 2 and y2 < float(row["height"]) - 2
    return inside and y2 - y1 >= px / _ENLARGED


def _cut(content: bytes, row: dict[str, str], px: int) -> Cutting:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{row['name']} is not a picture")
    x1, y1, x2, y2 = _sides(row)
    wide, tall = x2 - x1, y2 - y1
    left, top = max(0, round(x1 - _AROUND[0] * wide)), max(0, round(y1 - _AROUND[1] * tall))
    right, bottom = round(x2 + _AROUND[2] * wide), round(y2 + _AROUND[3] * tall)
    part = image[top:bottom, left:right]
    factor = px / tall
    size = max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor))
    scaled = cv2.resize(part, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    ramps = [
        np.clip(np.minimum(np.arange(n) + 1, n - np.arange(n)) / max(1.0, _SOFT * n), 0, 1)
        for n in (size[1], size[0])
    ]
    face = Box(
        *((side - edge) * factor for side, edge in zip((x1, y1, x2, y2), (left, top) * 2, strict=True))
    )
    return Cutting(np.asarray(scaled, np.uint8), ramps[0][:, None] * ramps[1][None], face)


def film(empty: Scene, some: Sequence[Cutting]) -> tuple[Iterator[Image], list[tuple[PersonTruth, ...]]]:
    """Return the frames of a scene through which the cuttings move side by side, and the truth."""
    places = [
        [_place(empty, which, len(some), cutting, index / empty.fps) for which, cutting in enumerate(some)]
        for index in range(len(empty))
    ]
    truth = [
        tuple(
            _truth(which, cutting, place)
            for which, (cutting, place) in enumerate(zip(some, frame, strict=True))
        )
        for frame in places
    ]

    def images() -> Iterator[Image]:
        for index, frame in enumerate(places):
            image = empty.render(index)
            for cutting, (x, y) in zip(some, frame, strict=True):
                _blend(image, cutting, x, y)
            yield image

    return images(), truth


def _place(empty: Scene, which: int, count: int, cutting: Cutting, time_s: float) -> tuple[int, int]:
    """Return the upper left corner of a cutting at a time."""
    height, width = cutting.alpha.shape
    moved = _DRIFT * cutting.face.height * (time_s - DRIFTS_S / 2) * (-1) ** which
    x = empty.width * (which + 0.5) / count + moved - width / 2
    y = empty.height / 3 - cutting.face.centre[1] + 0.05 * cutting.face.height * np.sin(3 * time_s)
    return int(np.clip(x, 0, empty.width - width)), int(np.clip(y, 0, empty.height - height))


def _truth(which: int, cutting: Cutting, place: tuple[int, int]) -> PersonTruth:
    """Return the truth of a person of whom only the head is known; ``yaw`` is not."""
    face = cutting.face
    box = Box(place[0] + face.x1, place[1] + face.y1, place[0] + face.x2, place[1] + face.y2)
    head = Box(
        box.x1 - _HEAD[0] * box.width,
        box.y1 - _HEAD[1] * box.height,
        box.x2 + _HEAD[2] * box.width,
        box.y2 + _HEAD[3] * box.height,
    )
    shown = FaceTruth(which, box, np.full((5, 2), np.nan, np.float32), np.nan, 1.0)
    return PersonTruth(which, head, 1.0, head, 1.0, np.nan, shown)


def _blend(image: Image, cutting: Cutting, x: int, y: int) -> None:
    height, width = cutting.alpha.shape
    region = image[y : y + height, x : x + width]
    alpha = cutting.alpha[..., None]
    region[:] = (region * (1 - alpha) + cutting.image * alpha).astype(np.uint8)
