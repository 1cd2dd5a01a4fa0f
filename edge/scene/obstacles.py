"""How the obstacles look that stand or roll between people."""

from __future__ import annotations

import numpy as np

from edge.scene.walk import Pillar, PillarKind
from edge.types import Image


def draw_pillar(pillar: Pillar, scale: float) -> Image:
    """Draw a round column, a caged trolley, a shelf seen from behind or a counter; BGRA, opaque where the object is."""
    width, height = round((pillar.right - pillar.left) * scale), round((pillar.bottom - pillar.top) * scale)
    image = np.zeros((height, width, 4), np.uint8)
    image[..., 3] = 255
    if pillar.kind is PillarKind.SHELF:
        _shelf_back(image, scale)
        return image
    if pillar.kind is PillarKind.COUNTER:
        image[..., :3] = (92, 112, 140)
        image[: round(6 * scale), :, :3] = (188, 198, 206)
        image[-round(6 * scale) :, :, :3] = (52, 60, 70)
        return image
    if pillar.kind is PillarKind.COLUMN:
        across = np.linspace(-1, 1, width)
        shade = 205 * (1.0 - 0.38 * (across + 0.25) ** 2)
        image[..., :3] = shade[None, :, None] * np.array([0.96, 0.99, 1.0])
        image[-round(30 * scale) :, :, :3] //= 2
        return image
    rng = np.random.default_rng(3)
    rows = 6
    for row in range(rows):
        x = 0
        while x < width:
            span = round(rng.uniform(0.25, 0.6) * width)
            tint = np.array([92, 134, 168]) * rng.uniform(0.8, 1.15)
            top, bottom = row * height // rows, (row + 1) * height // rows
            image[top:bottom, x : x + span, :3] = tint.clip(0, 255)
            image[top : top + max(2, round(2 * scale)), x : x + span, :3] = tint.clip(0, 255) * 0.6
            image[top:bottom, x : x + max(1, round(1.5 * scale)), :3] = tint.clip(0, 255) * 0.6
            x += span
    step = max(4, round(15 * scale))
    image[:, ::step, :3] = 70
    return image


def _shelf_back(image: Image, scale: float) -> None:
    """Draw boards with boxes on them, and a top on which nothing stands."""
    height, width = image.shape[:2]
    rng = np.random.default_rng(5)
    image[..., :3] = (104, 116, 128)
    board = max(2, round(4 * scale))
    rows = max(2, round(height / (44 * scale)))
    for row in range(rows):
        top, bottom = row * height // rows + board, (row + 1) * height // rows
        image[top:bottom, board:-board, :3] = (64, 72, 82)
        x = board
        while x < width - 3 * board:
            span = round(rng.uniform(12, 26) * scale)
            tall = round(rng.uniform(0.5, 0.85) * (bottom - top))
            colour = rng.integers(50, 220, 3)
            image[bottom - tall : bottom, x : min(x + span - 1, width - board), :3] = colour
            image[bottom - tall // 2 : bottom - tall // 3, x : min(x + span - 1, width - board), :3] = (
                np.minimum(colour + 50, 255)
            )
            x += span
    image[:board, :, :3] = (172, 182, 190)
