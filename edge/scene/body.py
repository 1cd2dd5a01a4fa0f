"""The clothed body of a drawn person, below the head, from any side and at any step. Units as in ``edge.scene.sheet``.

A point of the body lies ``across`` to the side and ``ahead`` of the spine; turned, it moves to
``across`` cos + ``ahead`` sin, and comes nearer to the camera by ``ahead`` cos - ``across`` sin.
"""

from __future__ import annotations

import math

import numpy as np

from edge.scene.card import Card
from edge.scene.head import FACE
from edge.scene.looks import Looks, Outfit
from edge.scene.sheet import Colour, Sheet, Sprite
from edge.scene.walk import FACE_M

BODY_PX = 54
"""Pixels per unit of a person who comes near."""

UNIT_M = FACE_M / (FACE[3] - FACE[1])
"""Metres of a unit."""

FEET, CHILD_FEET = 8.7, 6.6

_DEPTH = 0.7
"""Half the depth of a chest, in units."""
_STRIDE = 1.1
_ARM_SWING = 0.8
_CARD_AT, _CARD_AHEAD = (0.25, 2.25), 0.6
"""Where the middle of a card is on the chest."""
_PAPER, _INK = (225, 225, 225), (28, 28, 28)
_LOOKS_DOWN = 0.22
"""How far feet that are one unit nearer lie lower in the picture."""


class _Turned:
    """The turned body: places of its points on the sheet."""

    def __init__(self, yaw: float) -> None:
        self.cos, self.sin = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))

    def x(self, across: float, ahead: float = 0.0) -> float:
        return across * self.cos + ahead * self.sin

    def nearer(self, across: float, ahead: float = 0.0) -> float:
        return ahead * self.cos - across * self.sin

    def half(self, width: float, depth: float) -> float:
        """Half the width that an ellipse of these half axes shows."""
        return math.hypot(width * self.cos, depth * self.sin)


def draw_body(
    looks: Looks, outfit: Outfit, yaw: float, swing: float, scale: int = BODY_PX, *, card: Card | None = None
) -> Sprite:
    """Draw the body turned by ``yaw`` degrees; ``swing`` -1..1 is the step, 0 stands. ``card`` is
    worn on the chest."""
    shoulder = 0.85 if looks.child else 1.0 if looks.female else 1.14
    hip, feet = (3.2, CHILD_FEET) if looks.child else (4.1, FEET)
    sheet = Sheet(-2.0, -0.4, 2.0, 9.2, scale)
    x = (np.arange(sheet.shape[1], dtype=np.float32) / sheet.scale + sheet.origin[0])[None]
    light = 1.05 - 0.12 * x * x + np.zeros((sheet.shape[0], 1), np.float32)
    turned = _Turned(yaw)
    neck = turned.half(0.26, 0.24), turned.half(0.30, 0.28)
    sheet.paint(
        sheet.polygon([(-neck[0], 0.7), (neck[0], 0.7), (neck[1], 1.5), (-neck[1], 1.5)]), looks.skin, 0.78
    )
    sides = sorted((-1, 1), key=turned.nearer)  # the farther side first
    for side in sides:
        _leg(sheet, outfit, turned, side, swing, light, (shoulder, hip, feet))
    before = [side for side in sides if turned.nearer(side) <= 0.5]
    for side in before:
        _arm(sheet, looks, outfit, turned, side, swing, light, (shoulder, hip))
    _torso(sheet, looks, outfit, turned, light, (shoulder, hip))
    if card is not None and turned.cos > 0.3:
        _card(sheet, card, turned)
    for side in sides[len(before) :]:
        _arm(sheet, looks, outfit, turned, side, swing, light, (shoulder, hip))
    return sheet.sprite()


def _leg(
    sheet: Sheet,
    outfit: Outfit,
    turned: _Turned,
    side: int,
    swing: float,
    light: np.ndarray,
    size: tuple[float, float, float],
) -> None:
    shoulder, hip, feet = size
    ahead = side * swing * _STRIDE
    outer, inner = 0.72 * shoulder, 0.04
    at_hip, half_hip = turned.x(side * (outer + inner) / 2), turned.half((outer - inner) / 2, 0.5)
    at_foot, half_foot = turned.x(side * 0.32, ahead), turned.half(0.2, 0.25)
    lower = _LOOKS_DOWN * turned.nearer(0.0, ahead) - (0.12 if ahead < 0 else 0.0)
    sole = feet + lower
    leg = [
        (at_hip - half_hip, hip - 0.3),
        (at_hip + half_hip, hip - 0.3),
        (at_foot + half_foot, sole),
        (at_foot - half_foot, sole),
    ]
    shade = light * (1.0 if turned.nearer(side) > -0.5 else 0.8)
    sheet.paint(sheet.polygon(leg, 0.08), outfit.trouser, shade)
    toes = turned.x(side * 0.34, ahead + 0.16)
    sheet.paint(sheet.ellipse(toes, sole, turned.half(0.26, 0.42), 0.14), (30, 30, 34))


def _arm(
    sheet: Sheet,
    looks: Looks,
    outfit: Outfit,
    turned: _Turned,
    side: int,
    swing: float,
    light: np.ndarray,
    size: tuple[float, float],
) -> None:
    shoulder, hip = size
    ahead = -side * swing * _ARM_SWING
    hand = turned.x(side * (shoulder + 0.1), ahead + 0.1)
    sheet.paint(sheet.ellipse(hand, hip - 0.05, 0.15, 0.22), looks.skin, 0.9)
    arm = [
        (turned.x(side * (shoulder - 0.18)), 1.72),
        (turned.x(side * (shoulder + 0.03), 0.4 * ahead), 2.8),
        (turned.x(side * (shoulder + 0.09), ahead), hip - 0.2),
    ]
    sheet.paint(
        sheet.line(arm, 0.36), _dark(outfit.cloth, 0.6) if outfit.jacket else outfit.cloth, light * 0.86
    )


def _torso(
    sheet: Sheet,
    looks: Looks,
    outfit: Outfit,
    turned: _Turned,
    light: np.ndarray,
    size: tuple[float, float],
) -> None:
    shoulder, hip = size
    half = turned.half(shoulder, _DEPTH)
    belly = turned.half(0.8 * shoulder, 0.72)
    collar = turned.half(0.27, 0.25)
    outline = [
        (-collar, 1.14),
        (collar, 1.14),
        (half, 1.44),
        (half, 1.9),
        (belly, hip),
        (-belly, hip),
        (-half, 1.9),
        (-half, 1.44),
    ]
    front = turned.cos > 0.3
    cloth = outfit.cloth if front or not outfit.jacket else _dark(outfit.cloth, 0.6)
    sheet.paint(sheet.polygon(outline, 0.16), cloth, light)
    if not front:
        if turned.cos < -0.3:  # the seam between the shoulders, and the fold above the belt
            shade = _dark(cloth, 0.9)
            sheet.paint(sheet.line([(0.0, 1.3), (0.0, hip - 0.3)], 0.04), shade)
            sheet.paint(sheet.line([(-0.7 * half, 1.75), (0.7 * half, 1.75)], 0.04), shade)
        return
    opening = [
        (turned.x(-0.25, 0.1), 1.08),
        (turned.x(0.25, 0.1), 1.08),
        (turned.x(0.0, 0.3), outfit.neck),
    ]
    sheet.paint(sheet.polygon(opening, 0.05), looks.skin, 0.88)
    if outfit.jacket:
        for side in (-1, 1):
            lapel = [
                (turned.x(side * 0.27, 0.2), 1.13),
                (max(-half, min(half, turned.x(side * shoulder))), 1.43),
                (max(-half, min(half, turned.x(side * 0.82 * shoulder))), hip + 0.3),
                (turned.x(side * 0.3, 0.3), hip + 0.3),
                (turned.x(side * 0.18, 0.3), 1.9),
            ]
            sheet.paint(sheet.polygon(lapel, 0.06), _dark(outfit.cloth, 0.6), light)


def _card(sheet: Sheet, card: Card, turned: _Turned) -> None:
    """Paint a card with its white margin, cell by cell, foreshortened with the chest."""
    count, margin = len(card.cells), card.margin
    cell = card.side_m / UNIT_M / count

    def square(column: int, row: int, size: int) -> list[tuple[float, float]]:
        left, top = _CARD_AT[0] + (column - count / 2) * cell, _CARD_AT[1] + (row - count / 2) * cell
        right, bottom = left + size * cell, top + size * cell
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        return [(turned.x(x, _CARD_AHEAD), y) for x, y in corners]

    ink = [
        square(column, row, 1)
        for row, cells in enumerate(card.cells)
        for column, is_white in enumerate(cells)
        if not is_white
    ]
    sheet.paint(sheet.squares([square(-margin, -margin, count + 2 * margin)]), _PAPER)
    sheet.paint(sheet.squares(ink), _INK)


def _dark(colour: Colour, share: float) -> Colour:
    blue, green, red = (int(share * value) for value in colour)
    return blue, green, red
