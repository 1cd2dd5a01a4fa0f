"""One person, drawn once: a composite face on a head with hair, and a clothed body below it.

Units are sides of the face picture; x is 0 in the middle of the face, y is 0 at its upper edge, so the
eyes are near y = 0.29 and the chin near 1. A detector must see a head on a body, not a floating tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from edge.scene.portraits import Portrait
from edge.types import Floats, Image

FACE = (-0.41, 0.02, 0.41, 1.0)
"""The tight box of the face: left, top, right, bottom."""

EYE_LINE = 0.29

_HEAD_RADIUS = 0.62
"""Radius of the cylinder on which the head turns."""

_HEAD_PX, _BODY_PX = 144, 72
"""Pixels per unit: a head needs more detail than a coat."""

Colour = tuple[int, int, int]

HAIR: dict[str, tuple[Colour, ...]] = {
    "young": ((28, 32, 42), (20, 22, 26), (40, 62, 98), (30, 44, 72), (92, 140, 178)),
    "grey": ((120, 124, 128), (150, 152, 156), (92, 96, 104)),
    "white": ((205, 207, 210), (182, 186, 190)),
}
CLOTHES: tuple[Colour, ...] = (
    (62, 44, 38), (120, 84, 46), (54, 58, 150), (74, 112, 60), (150, 150, 156),
    (44, 44, 48), (170, 120, 150), (60, 140, 190), (205, 205, 200), (110, 60, 96),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = ((70, 52, 40), (40, 40, 44), (92, 88, 84), (58, 70, 92))


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A drawing with premultiplied alpha, BGRA uint8, in halving sizes; ``origin`` is its upper left corner."""

    levels: tuple[Image, ...]
    origin: tuple[float, float]
    scale: int
    """Pixels per unit of the largest level."""

    def level_for(self, unit_px: float) -> int:
        """Return the smallest level that still has at least one pixel for each pixel of the target."""
        return int(np.clip(np.floor(np.log2(max(self.scale / unit_px, 1.0))), 0, len(self.levels) - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A person: ``head`` turns, ``body`` (with the hair behind the head) does not."""

    head: Sprite
    body: Sprite


@dataclass(frozen=True, slots=True, eq=False)
class _Looks:
    """The random choices that head and body share."""

    skin: Floats
    hair: Colour
    long_hair: bool
    bald: bool


class Sheet:
    """A transparent drawing surface, in units. Masks are float (h, w), 0..1."""

    def __init__(self, left: float, top: float, right: float, bottom: float, scale: int) -> None:
        self.origin = (left, top)
        self.scale = scale
        self.shape = (round((bottom - top) * scale), round((right - left) * scale))
        self.colour = np.zeros((*self.shape, 3), np.float32)
        self.alpha = np.zeros(self.shape, np.float32)

    def pixels(self, points: Sequence[tuple[float, float]]) -> np.ndarray:
        return np.round((np.array(points) - self.origin) * self.scale).astype(np.int32)

    def ellipse(self, x: float, y: float, rx: float, ry: float) -> np.ndarray:
        mask = np.zeros(self.shape, np.uint8)
        centre = self.pixels([(x, y)])[0]
        axes = (round(rx * self.scale), round(ry * self.scale))
        cv2.ellipse(mask, (int(centre[0]), int(centre[1])), axes, 0, 0, 360, (255,), -1, cv2.LINE_AA)
        return mask.astype(np.float32) / 255

    def polygon(self, points: Sequence[tuple[float, float]], rounding: float = 0.0) -> np.ndarray:
        """Return the mask of a polygon whose corners are rounded over about that length."""
        mask = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [self.pixels(points)], (255,), cv2.LINE_AA)
        hard = mask.astype(np.float32) / 255
        if not rounding:
            return hard
        soft = cv2.GaussianBlur(hard, (0, 0), rounding * self.scale / 2)
        return np.clip((soft - 0.5) * rounding * self.scale / 2 + 0.5, 0, 1)

    def line(self, points: Sequence[tuple[float, float]], thickness: float) -> np.ndarray:
        mask = np.zeros(self.shape, np.uint8)
        cv2.polylines(mask, [self.pixels(points)], False, (255,), round(thickness * self.scale), cv2.LINE_AA)
        return mask.astype(np.float32) / 255

    def paint(self, mask: np.ndarray, colour: Colour | np.ndarray, shade: np.ndarray | float = 1.0) -> None:
        """Paint ``colour`` (one, or one per pixel) onto the sheet through ``mask``."""
        x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
        part = np.s_[y : y + height, x : x + width]
        cover = mask[part][..., None]
        paint = np.broadcast_to(np.asarray(colour, np.float32), self.colour.shape)[part]
        light = np.broadcast_to(np.asarray(shade, np.float32), self.shape)[part][..., None]
        self.colour[part] = self.colour[part] * (1 - cover) + np.clip(paint * light, 0, 255) * cover
        self.alpha[part] = self.alpha[part] * (1 - mask[part]) + mask[part]

    def sprite(self) -> Sprite:
        level: np.ndarray = np.dstack([self.colour, self.alpha * 255])
        levels = []
        for _ in range(4):
            levels.append(np.clip(np.round(level), 0, 255).astype(np.uint8))
            level = cv2.resize(
                level, (level.shape[1] // 2, level.shape[0] // 2), interpolation=cv2.INTER_AREA
            )
        return Sprite(tuple(levels), self.origin, self.scale)


def skin_colour(portrait: Portrait) -> Floats:
    """Return the median colour of the cheeks, BGR."""
    side = portrait.side
    rows = slice(int(0.45 * side), int(0.62 * side))
    cheeks = [
        portrait.picture[rows, int(a * side) : int(b * side), :3].reshape(-1, 3)
        for a, b in ((0.2, 0.35), (0.65, 0.8))
    ]
    return np.asarray(np.median(np.vstack(cheeks), 0), np.float32)


def hair_colour(portrait: Portrait, rng: np.random.Generator) -> Colour:
    age = {"65+": "white", "55-64": "grey"}.get(portrait.age_band, "young")
    choices = HAIR[age]
    if float(skin_colour(portrait).mean()) < 130 and age == "young":
        choices = choices[:2]
    return choices[int(rng.integers(len(choices)))]


def _strands(sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """Return brightness factors (h, w) around 1 that make a patch of colour look like hair."""
    grain = rng.normal(0, 1, sheet.shape).astype(np.float32)
    fine = cv2.GaussianBlur(grain, (0, 0), sigmaX=0.008 * sheet.scale, sigmaY=0.1 * sheet.scale)
    falling = np.linspace(1.1, 0.85, sheet.shape[0], dtype=np.float32)[:, None]
    return np.asarray(falling + 0.07 * fine / fine.std(), np.float32)


def _ragged(mask: np.ndarray, strands: np.ndarray, scale: float) -> np.ndarray:
    """Roughen the edge of the mask along the strands."""
    soft = cv2.GaussianBlur(mask, (0, 0), 0.035 * scale)
    return np.asarray(
        np.clip((soft - 0.5 + 1.2 * (strands - strands.mean())) * 4 + 0.5, 0, 1) * (soft > 0.02), np.float32
    )


def draw_figure(portrait: Portrait, seed: int) -> Figure:
    """Draw the figure; the same portrait and seed give the same figure."""
    rng = np.random.default_rng(seed)
    skin, hair = skin_colour(portrait), hair_colour(portrait, rng)
    long_hair = portrait.gender == "female" and rng.random() < 0.8
    bald = portrait.gender == "male" and portrait.age_band in ("55-64", "65+") and rng.random() < 0.5
    looks = _Looks(skin, hair, long_hair, bald)
    return Figure(_draw_head(portrait, looks, rng), _draw_body(portrait, looks, rng))


def _draw_head(portrait: Portrait, looks: _Looks, rng: np.random.Generator) -> Sprite:
    sheet = Sheet(-0.7, -0.4, 0.7, 1.4, _HEAD_PX)
    strands = _strands(sheet, rng)
    y = (np.arange(sheet.shape[0], dtype=np.float32) / sheet.scale + sheet.origin[1])[:, None]
    x = (np.arange(sheet.shape[1], dtype=np.float32) / sheet.scale + sheet.origin[0])[None]
    round_off = np.clip(1.06 - 0.9 * x**2 - 0.04 * y, 0.5, 1.05)  # the sides face away from the light
    for side in (-1, 1):
        sheet.paint(sheet.ellipse(side * 0.45, 0.43, 0.06, 0.13), looks.skin, 0.85)
    sheet.paint(sheet.ellipse(0, 0.40, 0.445, 0.60), looks.skin, round_off)
    picture = cv2.resize(
        portrait.picture, (int(sheet.scale), int(sheet.scale)), interpolation=cv2.INTER_CUBIC
    )
    left, top = sheet.pixels([(-0.5, 0.0)])[0]
    face = np.zeros((*sheet.shape, 4), np.float32)
    face[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    sheet.paint(face[..., 3] / 255, face[..., :3])
    if looks.long_hair:
        outer = np.maximum(
            sheet.ellipse(0, 0.34, 0.54, 0.64),
            sheet.polygon([(-0.54, 0.3), (0.54, 0.3), (0.58, 1.25), (-0.58, 1.25)], 0.1),
        )
        opening = np.maximum(
            sheet.ellipse(0.03 * rng.choice([-1, 1]), 0.60, 0.42, 0.58),
            sheet.polygon([(-0.4, 0.6), (0.4, 0.6), (0.33, 1.4), (-0.33, 1.4)]),
        )
    else:
        outer = sheet.ellipse(0, 0.31, 0.50, 0.60) * (np.clip((0.52 - y) / 0.12, 0, 1) * np.ones_like(x))
        opening = sheet.ellipse(0, 0.60, 0.425, 0.59 if not looks.bald else 0.0)
        if looks.bald:
            opening = np.maximum(opening, sheet.ellipse(0, 0.3, 0.425, 0.75))
    fringe = _ragged(np.clip(outer - opening, 0, 1), strands, sheet.scale)
    sheet.paint(fringe, looks.hair, strands * np.clip(1.1 - 0.5 * np.abs(x), 0.6, 1.1))
    return sheet.sprite()


def _draw_body(portrait: Portrait, looks: _Looks, rng: np.random.Generator) -> Sprite:
    child = portrait.age_band == "0-17"
    shoulder = 0.85 if child else 1.0 if portrait.gender == "female" else 1.14
    hip, feet = (3.2, 6.6) if child else (4.1, 8.7)
    sheet = Sheet(-1.45, -0.4, 1.45, 9.0, _BODY_PX)
    x = (np.arange(sheet.shape[1], dtype=np.float32) / sheet.scale + sheet.origin[0])[None]
    light = 1.05 - 0.12 * x * x + np.zeros((sheet.shape[0], 1), np.float32)
    if looks.long_hair:
        behind = np.maximum(
            sheet.ellipse(0, 0.45, 0.55, 0.75),
            sheet.polygon([(-0.55, 0.5), (0.55, 0.5), (0.62, 1.6), (-0.62, 1.6)], 0.2),
        )
        sheet.paint(behind, looks.hair, 0.75 * _strands(sheet, rng))
    elif not looks.bald:
        sheet.paint(sheet.ellipse(0, 0.30, 0.47, 0.56), looks.hair, 0.75)
    sheet.paint(sheet.polygon([(-0.26, 0.7), (0.26, 0.7), (0.30, 1.5), (-0.30, 1.5)]), looks.skin, 0.78)
    cloth = CLOTHES[int(rng.integers(len(CLOTHES)))]
    trouser = TROUSERS[int(rng.integers(len(TROUSERS)))]
    for side in (-1, 1):
        leg = [
            (side * 0.04, hip - 0.3),
            (side * 0.72 * shoulder, hip - 0.3),
            (side * 0.52, feet),
            (side * 0.12, feet),
        ]
        sheet.paint(sheet.polygon(leg, 0.08), trouser, light)
        sheet.paint(sheet.ellipse(side * 0.34, feet, 0.26, 0.14), (30, 30, 34))
        sheet.paint(sheet.ellipse(side * (shoulder + 0.1), hip - 0.05, 0.15, 0.22), looks.skin, 0.9)
        arm = [
            (side * (shoulder - 0.18), 1.72),
            (side * (shoulder + 0.03), 2.8),
            (side * (shoulder + 0.09), hip - 0.2),
        ]
        sheet.paint(sheet.line(arm, 0.36), cloth, light * 0.86)
    half = shoulder
    torso = [
        (-0.27, 1.14),
        (0.27, 1.14),
        (half, 1.44),
        (half, 1.9),
        (0.8 * half, hip),
        (-0.8 * half, hip),
        (-half, 1.9),
        (-half, 1.44),
    ]
    sheet.paint(sheet.polygon(torso, 0.16), cloth, light)
    neck = [(-0.25, 1.08), (0.25, 1.08), (0.0, float(rng.uniform(1.35, 1.7)))]
    sheet.paint(sheet.polygon(neck, 0.05), looks.skin, 0.88)
    if rng.random() < 0.45:  # an open jacket over it
        for side in (-1, 1):
            lapel = [
                (side * 0.27, 1.13),
                (side * half, 1.43),
                (side * 0.82 * half, hip + 0.3),
                (side * 0.3, hip + 0.3),
                (side * 0.18, 1.9),
            ]
            sheet.paint(sheet.polygon(lapel, 0.06), tuple(int(0.6 * c) for c in cloth), light)  # type: ignore[arg-type]
    return sheet.sprite()


@cache
def turn_map(shape: tuple[int, int], scale: float, left: float, degrees: int) -> tuple[Floats, Floats]:
    """Return the source of each pixel of a head turned by ``degrees``, for ``cv2.remap``.

    The head is a cylinder about the vertical axis: x' = r sin(asin(x / r) + yaw).
    """
    height, width = shape
    x = (np.arange(width, dtype=np.float32) + 0.5) / scale + left
    angle = np.arcsin(np.clip(x / _HEAD_RADIUS, -1, 1)) - np.radians(degrees)
    source = _HEAD_RADIUS * np.sin(np.clip(angle, -np.pi / 2, np.pi / 2))
    columns = np.tile(((source - left) * scale - 0.5).astype(np.float32), (height, 1))
    rows = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, 1)
    return columns, rows


def turned_x(x: float | np.ndarray, degrees: float) -> Floats:
    """Return the place of ``x`` of the frontal head, in units, after the turn."""
    angle = np.arcsin(np.clip(np.asarray(x, np.float32) / _HEAD_RADIUS, -1, 1)) + np.radians(degrees)
    return np.asarray(_HEAD_RADIUS * np.sin(np.clip(angle, -np.pi / 2, np.pi / 2)), np.float32)
