"""All training pictures and labels as tensors on the device that trains, from which views are drawn by gathering."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from common.errors import UserError
from models_tflite.training.detector.items import Item

SIDE = 416
"""Pictures are stored top left on a square canvas of this many pixels; larger ones are refused."""

ROW = SIDE + SIDE // 2
"""Width of a picture's page: the canvas, and beside it the canvas at a half and, below that, at a quarter."""

HALF = SIDE // 2
MOST_FACES, MOST_PEOPLE, MOST_UNSURE = 128, 48, 32
TOGETHER = 256


class Atlas:
    """Pictures, one page each, (n, SIDE, ROW) int32 with blue, green and red in its three low bytes: 1 MB a picture.

    Labels are padded with boxes of no size: faces (n, 128, 4), points (n, 128, 5, 2), people (n, 48, 4) and unsure ones
    (n, 32, 4), in pixels. size (n, 2) is width and height, weight (n,) how often a picture is drawn.
    """

    def __init__(self, items: Sequence[Item], where: torch.device) -> None:
        def padded(part: Callable[[Item], np.ndarray], most: int, *, empty: float = 0.0) -> Tensor:
            shape = part(items[0]).shape[1:]
            out = np.full((len(items), most, *shape), empty, np.float32)
            for row, item in zip(out, items, strict=True):
                values = part(item)[:most]
                row[: len(values)] = values
            return torch.from_numpy(out).to(where)

        def each(part: Callable[[Item], object]) -> Tensor:
            return torch.tensor([part(item) for item in items], device=where)

        self.where = where
        self.faces = padded(lambda item: item.faces, MOST_FACES)
        self.points = padded(lambda item: item.points, MOST_FACES, empty=np.nan)
        self.unsure_faces = padded(lambda item: item.unsure_faces, MOST_UNSURE)
        self.people = padded(lambda item: item.people, MOST_PEOPLE)
        self.unsure_people = padded(lambda item: item.unsure_people, MOST_UNSURE)
        self.people_known = each(lambda item: item.people_known)
        self.without_faces = each(lambda item: item.without_faces)
        self.without_people = each(lambda item: item.without_people)
        self.size = each(lambda item: item.size).float()
        self.weight = each(lambda item: item.weight).float()
        self.pages = torch.zeros(len(items), SIDE, ROW, dtype=torch.int32, device=where)
        for first in range(0, len(items), TOGETHER):
            some = items[first : first + TOGETHER]
            self._fill(self.pages[first : first + TOGETHER], np.stack([_canvas(item) for item in some]))

    def _fill(self, pages: Tensor, canvases: np.ndarray) -> None:
        """Write canvases (n, SIDE, SIDE, 3) at three sizes."""
        pixels = torch.from_numpy(canvases).to(self.where).permute(0, 3, 1, 2).float()
        for level, (top, left) in enumerate(((0, 0), (0, SIDE), (HALF, SIDE))):
            side = SIDE >> level
            blue, green, red = pixels.round().int().unbind(1)
            pages[:, top : top + side, left : left + side] = blue | (green << 8) | (red << 16)
            pixels = functional.avg_pool2d(pixels, 2)


def _canvas(item: Item) -> np.ndarray:
    image = item.image()
    height, width = image.shape[:2]
    if max(height, width) > SIDE:
        raise UserError(f"{item.name} is {width} x {height} pixels; shrink it to {SIDE} at most")
    return np.asarray(
        cv2.copyMakeBorder(image, 0, SIDE - height, 0, SIDE - width, cv2.BORDER_REPLICATE), np.uint8
    )


def page_offset(index: Tensor, level: Tensor) -> Tensor:
    """Where a picture of that size begins in the flat atlas; ``index`` and ``level`` of any one shape."""
    down = torch.where(level == 2, HALF * ROW, 0)
    return index * (SIDE * ROW) + down + torch.where(level > 0, SIDE, 0)
