"""What is no visit though it looks like a person: a printed portrait, a mannequin, a screen with a moving face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from edge.scene.figure import Figure
from edge.scene.looks import Looks
from edge.scene.placed import place
from edge.scene.portraits import Portrait, load_portraits
from edge.scene.walk import HORIZON, LINES, Stance
from edge.types import Box, Image

_CUT_S = 4.0
"""A screen shows another face after this time."""
_PALE = np.array([196, 206, 214], np.float32)


class DecoyKind(StrEnum):
    """What a decoy is; ``SMILEY`` and ``SKULL`` hang in every shop."""

    SMILEY = "smiley"
    SKULL = "skull"
    POSTER = "poster"
    MANNEQUIN = "mannequin"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class Decoy:
    """A poster, mannequin or screen: ``x`` of its middle as a share of the width, ``face`` the height of the face it
    shows, in lines. ``seed`` chooses whom it shows."""

    kind: DecoyKind
    x: float
    face: float
    seed: int = 0


@dataclass(frozen=True, slots=True)
class DecoyTruth:
    """Where a decoy is, in pixels: the panel of a poster or a screen, the whole mannequin."""

    kind: DecoyKind
    box: Box


class DrawnDecoy:
    """A decoy in a picture of ``width`` x ``height`` pixels."""

    def __init__(self, decoy: Decoy, width: int, height: int) -> None:
        self.decoy = decoy
        self._scale = height / LINES
        self._x = decoy.x * width / self._scale
        self._figures = _figures(decoy)
        face, x = decoy.face, self._x
        eyes = self._eyes
        extent = {
            DecoyKind.POSTER: (x - 1.9 * face, eyes - 0.9 * face, x + 1.9 * face, eyes + 9.4 * face),
            DecoyKind.MANNEQUIN: (x - 1.3 * face, eyes - 0.7 * face, x + 1.3 * face, eyes + 9.1 * face),
            DecoyKind.SCREEN: (x - 2.2 * face, eyes - 1.1 * face, x + 2.2 * face, eyes + 1.6 * face),
        }[decoy.kind]
        self.truth = DecoyTruth(decoy.kind, Box(*(side * self._scale for side in extent)))

    @property
    def moves(self) -> bool:
        return self.decoy.kind is DecoyKind.SCREEN

    @property
    def _eyes(self) -> float:
        """The height of the eyes, in lines."""
        return {
            DecoyKind.POSTER: HORIZON - 3.5 * self.decoy.face,
            DecoyKind.MANNEQUIN: HORIZON + 0.2 * self.decoy.face,
            DecoyKind.SCREEN: 108.0,
        }[self.decoy.kind]

    def paint(self, frame: Image, time_s: float) -> None:
        """Paint it into the frame (height, width, 3)."""
        if self.decoy.kind is DecoyKind.POSTER:
            self._panel(frame, (214, 226, 232), (70, 76, 84), 0.2)
            self._figure(frame, 0, self._stance(0.0, 0.0))
        elif self.decoy.kind is DecoyKind.MANNEQUIN:
            box = self.truth.box
            foot = (round((box.x1 + box.x2) / 2), round(box.y2 - 0.4 * self.decoy.face * self._scale))
            axes = (round(1.1 * self.decoy.face * self._scale), round(0.3 * self.decoy.face * self._scale))
            cv2.ellipse(frame, foot, axes, 0, 0, 360, (88, 92, 96), -1, cv2.LINE_AA)
            self._figure(frame, 0, self._stance(0.0, 0.0))
        else:
            self._panel(frame, (150, 120, 80), (24, 24, 26), 0.14)
            turn = 24.0 * float(np.sin(1.3 * time_s)) + 6.0 * float(np.sin(3.1 * time_s))
            drift = 0.35 * self.decoy.face * float(np.sin(0.9 * time_s))
            self._figure(frame, int(time_s // _CUT_S), self._stance(turn, drift, time_s % 2.7 < 0.2))

    def _stance(self, yaw: float, drift: float, blinks: bool = False) -> Stance:
        return Stance(
            self._x + drift, self._eyes, self.decoy.face, yaw, speed=0, body_yaw=0, swing=0, blinks=blinks
        )

    def _panel(
        self, frame: Image, colour: tuple[int, ...], border: tuple[int, ...], thickness: float
    ) -> None:
        box, edge = self.truth.box, round(thickness * self.decoy.face * self._scale)
        corners = (round(box.x1), round(box.y1)), (round(box.x2), round(box.y2))
        cv2.rectangle(frame, *corners, border, -1)
        inner = (corners[0][0] + edge, corners[0][1] + edge), (corners[1][0] - edge, corners[1][1] - edge)
        cv2.rectangle(frame, *inner, colour, -1)

    def _figure(self, frame: Image, which: int, stance: Stance) -> None:
        """Paint a person; what reaches beyond a panel is cut off."""
        box = self.truth.box
        edge = 0 if self.decoy.kind is DecoyKind.MANNEQUIN else round(0.2 * self.decoy.face * self._scale)
        x1, y1 = max(0, round(box.x1) + edge), max(0, round(box.y1) + edge)
        part = frame[y1 : round(box.y2) - edge, x1 : round(box.x2) - edge]
        placed = place(0, self._figures[which % len(self._figures)], stance, self._scale)
        replace(placed, x=placed.x - x1, y=placed.y - y1).paint(part)


def _figures(decoy: Decoy) -> list[Figure]:
    rng = np.random.default_rng([decoy.seed, 11])
    if decoy.kind is DecoyKind.MANNEQUIN:
        looks = Looks(_PALE, (190, 200, 208), long_hair=False, bald=True, child=False, female=True)
        return [Figure(_blank(), int(rng.integers(1 << 30)), looks=looks)]
    grown = [one for one in load_portraits() if one.age_band not in ("0-17", "65+")]
    count = 4 if decoy.kind is DecoyKind.SCREEN else 1
    chosen = rng.permutation(len(grown))[:count]
    return [Figure(grown[which], int(rng.integers(1 << 30))) for which in chosen]


def _blank() -> Portrait:
    """Return the face of a mannequin: a smooth surface with a hint of brows, nose and mouth."""
    side = 96
    picture = np.zeros((side, side, 4), np.uint8)
    picture[..., :3] = _PALE.astype(np.uint8)
    y = np.linspace(1.05, 0.92, side)[:, None, None]
    picture[..., :3] = np.clip(picture[..., :3] * y, 0, 255)
    for x, top, wide, tall in ((0.34, 0.29, 0.09, 0.03), (0.66, 0.29, 0.09, 0.03), (0.5, 0.76, 0.1, 0.02)):
        centre, axes = (round(x * side), round(top * side)), (round(wide * side), round(tall * side))
        cv2.ellipse(picture, centre, axes, 0, 0, 360, (168, 178, 188), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (side // 2, round(0.55 * side)), (4, 9), 0, 0, 360, (206, 216, 224), -1, cv2.LINE_AA)
    oval = np.zeros((side, side), np.uint8)
    cv2.ellipse(oval, (side // 2, round(0.45 * side)), (36, 50), 0, 0, 360, (255,), -1, cv2.LINE_AA)
    picture[..., 3] = oval
    marks = np.array([[0.34, 0.29], [0.66, 0.29], [0.5, 0.55], [0.38, 0.76], [0.62, 0.76]], np.float32) * side
    return Portrait("mannequin", "female", "25-34", "neutral", picture, marks)
