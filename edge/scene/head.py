"""The head of a drawn person from all sides: a composite face in front, hair and ears on the other sides.

Up to ``FRONT_LIMIT`` degrees the drawing of the front is turned as a cylinder; beyond, a texture that goes all round
the head is. Units as in ``edge.scene.sheet``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np

from edge.scene.looks import Looks, ragged, strands_of
from edge.scene.portraits import Portrait
from edge.scene.sheet import Sheet, Sprite
from edge.types import Floats, Image

FACE = (-0.41, 0.02, 0.41, 1.0)
"""The tight box of the face: left, top, right, bottom."""

HEAD = (-0.5, -0.3, 0.5, 1.0)
"""The box of the head with its hair."""

EYE_LINE = 0.29

FRONT_LIMIT = 30.0
"""Degrees up to which the drawing of the front is shown."""

HEAD_PX = 144
"""Pixels per unit: a head needs more detail than a coat."""

_SHEET = (-0.7, -0.4, 0.7, 1.4)

_HEAD_RADIUS = 0.62
"""Radius of the cylinder on which the head turns."""

_NECK = 0.12
"""How far the neck, on which the head turns, lies behind its middle."""

_COLUMNS = 360
"""Columns of the texture: one a degree; the middle one is the front."""

# Half depth of the head below each y: forwards (the profile of a face) and backwards.
_PROFILE_Y = (-0.31, -0.25, -0.1, 0.1, 0.25, 0.30, 0.42, 0.55, 0.62, 0.75, 0.85, 0.95, 1.0, 1.03)
_FORWARDS = (0.0, 0.22, 0.36, 0.42, 0.44, 0.42, 0.46, 0.57, 0.47, 0.49, 0.47, 0.45, 0.3, 0.0)
_BACK_Y = (-0.31, -0.25, -0.1, 0.1, 0.3, 0.5, 0.65, 0.8, 0.9, 1.0, 1.03)
_BACK = (0.0, 0.25, 0.42, 0.52, 0.54, 0.5, 0.42, 0.32, 0.24, 0.2, 0.0)
_LONG_Y, _LONG = (0.3, 0.6, 1.2, 1.26), (0.54, 0.55, 0.55, 0.0)
# Where hair ends at each angle from the front, when it is short.
_HAIRLINE_AT, _HAIRLINE = (60, 75, 88, 105, 125, 180), (0.1, 0.2, 0.36, 0.6, 0.78, 0.8)
_LONG_ENDS = 1.25


def draw_front(
    portrait: Portrait, looks: Looks, rng: np.random.Generator, *, eyes_shut: bool = False
) -> Sprite:
    sheet = Sheet(-0.7, -0.4, 0.7, 1.4, HEAD_PX)
    strands = strands_of(sheet, rng)
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
    if eyes_shut:
        for eye_x, eye_y in portrait.landmarks[:2] / portrait.side - (0.5, 0.0):
            sheet.paint(sheet.ellipse(float(eye_x), float(eye_y), 0.085, 0.04), looks.skin, 0.93)
            sheet.paint(sheet.ellipse(float(eye_x), float(eye_y) + 0.03, 0.075, 0.012), looks.skin, 0.45)
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
    fringe = ragged(np.clip(outer - opening, 0, 1), strands, sheet.scale)
    sheet.paint(fringe, looks.hair, strands * np.clip(1.1 - 0.5 * np.abs(x), 0.6, 1.1))
    return sheet.sprite()


def draw_nape(looks: Looks, rng: np.random.Generator) -> Sprite | None:
    """Draw the hair behind a head that faces the camera; it lies behind the shoulders. None for a bald head."""
    if looks.bald:
        return None
    sheet = Sheet(-0.7, -0.4, 0.7, 1.75, HEAD_PX // 2)
    if looks.long_hair:
        behind = np.maximum(
            sheet.ellipse(0, 0.45, 0.55, 0.75),
            sheet.polygon([(-0.55, 0.5), (0.55, 0.5), (0.62, 1.6), (-0.62, 1.6)], 0.2),
        )
        sheet.paint(behind, looks.hair, 0.75 * strands_of(sheet, rng))
    else:
        sheet.paint(sheet.ellipse(0, 0.30, 0.47, 0.56), looks.hair, 0.75)
    return sheet.sprite()


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """A head from all sides: ``texture`` BGRA, premultiplied, (rows, 360, 4), and its outline; one pair a level."""

    levels: tuple[tuple[Image, Floats], ...]

    def view(self, level: int, degrees: int) -> Image:
        """Return the head turned by ``degrees`` as BGRA, premultiplied, on the sheet of the front."""
        texture, outline = self.levels[level]
        columns, mask = _turn(outline.tobytes(), HEAD_PX >> level, degrees)
        rows = np.repeat(np.arange(len(texture), dtype=np.float32)[:, None], columns.shape[1], 1)
        turned = cv2.remap(texture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        return np.asarray(cv2.multiply(turned, mask, scale=1 / 255), np.uint8)


def draw_round(front: Sprite, looks: Looks, rng: np.random.Generator) -> Round:
    """Draw what goes round the head; ``front`` is its front."""
    image = front.levels[0].astype(np.float32)
    rows, across = image.shape[:2]
    y = (np.arange(rows, dtype=np.float32) + 0.5) / HEAD_PX + _SHEET[1]
    x = (np.arange(across, dtype=np.float32) + 0.5) / HEAD_PX + _SHEET[0]
    wide = np.where(image[..., 3] > 127, np.abs(x)[None], 0).max(1)
    forwards = np.interp(y, _PROFILE_Y, _FORWARDS, 0, 0)
    backwards = np.interp(y, _BACK_Y, _BACK, 0, 0)
    if looks.long_hair:
        hanging = np.interp(y, _LONG_Y, _LONG, 0, 0)
        backwards = np.maximum(backwards, hanging)
        forwards = np.maximum(forwards, np.where(y > 1.0, 0.4 * hanging, 0))
    outline = np.stack([wide, forwards, backwards], 1).astype(np.float32)
    angle = np.arange(_COLUMNS, dtype=np.float32) - _COLUMNS // 2
    places = (wide[:, None] * np.sin(np.radians(np.clip(angle, -90, 90)))[None] - _SHEET[0]) * HEAD_PX - 0.5
    lines = np.repeat(np.arange(rows, dtype=np.float32)[:, None], _COLUMNS, 1)
    seen = cv2.remap(image, places.astype(np.float32), lines, cv2.INTER_LINEAR)
    side = _side(looks, y[:, None], np.abs(angle)[None], rng)
    share = np.clip((70 - np.abs(angle)) / 15, 0, 1)[None, :, None]
    texture = seen * share + side * (1 - share)
    levels = []
    for level in range(len(front.levels)):
        size = (_COLUMNS >> level, front.levels[level].shape[0])
        small = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
        shape = cv2.resize(outline, (3, size[1]), interpolation=cv2.INTER_AREA)
        levels.append((np.clip(np.round(small), 0, 255).astype(np.uint8), np.asarray(shape, np.float32)))
    return Round(tuple(levels))


def _side(looks: Looks, y: np.ndarray, angle: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return sides and back (rows, 360, 4) of the head at heights ``y`` and ``angle`` from the front."""
    grain = cv2.GaussianBlur(
        rng.normal(0, 1, (len(y), angle.shape[1])).astype(np.float32), (0, 0), sigmaX=1.2, sigmaY=14
    )
    strands = (1.05 - 0.25 * np.clip(y, 0, 1) + 0.07 * grain / grain.std())[..., None]
    ends = np.full_like(angle, _LONG_ENDS) if looks.long_hair else np.interp(angle, _HAIRLINE_AT, _HAIRLINE)
    hair = np.clip((ends - y) / 0.04 + 0.5, 0, 1)
    if looks.bald:
        hair = hair * np.clip((y - 0.25) / 0.08, 0, 1)
    skin = np.clip(looks.skin * (0.95 - 0.12 * np.clip(y, 0, 1))[..., None], 0, 255)
    if not looks.long_hair:
        ear = np.hypot((angle - 92) / 11, (y - 0.43) / 0.12) < 1
        skin = np.where(ear[..., None], looks.skin * 0.82, skin)
        hair = np.where(ear, 0, hair)
    colour = skin * (1 - hair[..., None]) + np.clip(np.array(looks.hair) * strands, 0, 255) * hair[..., None]
    alpha = np.broadcast_to(np.float32(255), (*colour.shape[:2], 1))
    return np.concatenate([colour, alpha], 2).astype(np.float32)


@lru_cache(maxsize=256)
def _turn(outline: bytes, scale: int, degrees: int) -> tuple[Floats, Image]:
    """Return the source column of each pixel of a head turned by ``degrees``, and where the head is (rows, across,
    4)."""
    wide, forwards, backwards = np.frombuffer(outline, np.float32).reshape(-1, 3).T[..., None]
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    ahead, behind = (forwards, backwards) if sine > 0 else (backwards, forwards)
    right, left = np.hypot(wide * cosine, ahead * sine), -np.hypot(wide * cosine, behind * sine)
    middle, half = (right + left) / 2 + _NECK * sine, (right - left) / 2
    across = round((_SHEET[2] - _SHEET[0]) * scale)
    x = ((np.arange(across, dtype=np.float32) + 0.5) / scale + _SHEET[0])[None] - middle
    angle = np.degrees(np.arcsin(np.clip(x / np.maximum(half, 1e-3), -1, 1))) - degrees
    columns = ((angle + 180) % 360) * (scale * _COLUMNS // HEAD_PX) / 360
    mask = np.clip((half - np.abs(x)) * scale + 0.5, 0, 1) * (half > 0.03)
    return columns.astype(np.float32), np.dstack([np.round(mask * 255).astype(np.uint8)] * 4)


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
    """Return the place of ``x`` of the frontal head, in units, after the turn; what is out of sight lies on the
    outline."""
    if abs(degrees) > FRONT_LIMIT:
        radius = HEAD[2]
        angle = np.arcsin(np.clip(np.asarray(x, np.float32) / radius, -1, 1)) + np.radians(degrees)
        shift = _NECK * np.sin(np.radians(degrees))
        return np.asarray(radius * np.sin(np.clip(angle, -np.pi / 2, np.pi / 2)) + shift, np.float32)
    angle = np.arcsin(np.clip(np.asarray(x, np.float32) / _HEAD_RADIUS, -1, 1)) + np.radians(degrees)
    return np.asarray(_HEAD_RADIUS * np.sin(np.clip(angle, -np.pi / 2, np.pi / 2)), np.float32)


def head_box(degrees: float) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of the turned head with its hair."""
    shift = _NECK * float(np.sin(np.radians(degrees)))
    return HEAD[0] + shift, HEAD[1], HEAD[2] + shift, HEAD[3]
