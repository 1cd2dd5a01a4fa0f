"""One person in one frame: where the parts of the figure lie in the picture, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from edge.scene.figure import Figure
from edge.scene.head import EYE_LINE, FACE, FRONT_LIMIT, head_box, turn_map, turned_x
from edge.scene.portraits import Portrait
from edge.scene.sheet import Sprite
from edge.scene.walk import LINES, Stance
from edge.types import Box, Floats, Image

_TURN_STEP = 2
_EXPOSURE_S = 1 / 30


@dataclass(frozen=True, eq=False)
class Placed:
    """The place of unit (0, 0) of the figure, and the size of a unit, in pixels."""

    person: int
    figure: Figure
    stance: Stance
    x: float
    y: float
    unit: float
    blur: int

    @property
    def nearness(self) -> float:
        return self.stance.face

    @property
    def yaw(self) -> float:
        """Direction of the head, -180..180."""
        return (self.stance.yaw + 180) % 360 - 180

    @cached_property
    def face(self) -> Box:
        """The tight box of the turned face."""
        left, right = (float(turned_x(x, self.yaw)) for x in (FACE[0], FACE[2]))
        return self._box(left, FACE[1], right, FACE[3])

    @cached_property
    def head(self) -> Box:
        """The box of the head with its hair."""
        return self._box(*head_box(self.yaw))

    @cached_property
    def body(self) -> Box:
        """The box of the whole person, also outside the picture."""
        left, _, right, bottom = self.figure.body(self.stance.body_yaw, self.stance.swing).extent
        head = head_box(self.yaw)
        return self._box(min(left, head[0]), head[1], max(right, head[2]), bottom)

    def _box(self, left: float, top: float, right: float, bottom: float) -> Box:
        return Box(
            self.x + left * self.unit,
            self.y + top * self.unit,
            self.x + right * self.unit,
            self.y + bottom * self.unit,
        )

    def landmarks(self, portrait: Portrait) -> Floats:
        """Return the landmarks (5, 2) in pixels of the frame."""
        x, y = portrait.landmarks.T / portrait.side
        turned = np.column_stack([turned_x(x - 0.5, self.yaw), y])
        return np.asarray(turned * self.unit + (self.x, self.y), np.float32)

    def covers(self, points: np.ndarray) -> np.ndarray:
        """Return which of the points (n, 2), in pixels of the frame, this person hides."""
        units = (points - (self.x, self.y)) / self.unit
        covered = _opaque(self.figure.body(self.stance.body_yaw, self.stance.swing), units)
        if abs(self.yaw) <= FRONT_LIMIT:
            in_front_view = np.column_stack([turned_x(units[:, 0], -self.yaw), units[:, 1]])
            covered |= _opaque(self.figure.head, in_front_view)
            if self.figure.nape is not None:
                covered |= _opaque(self.figure.nape, units)
        else:
            left, top, right, bottom = head_box(self.yaw)
            across = (units[:, 0] - (left + right) / 2) / ((right - left) / 2)
            down = (units[:, 1] - (top + bottom) / 2) / ((bottom - top) / 2)
            covered |= np.hypot(across, down) < 1
        return covered

    def points(self) -> np.ndarray:
        """Return points (n, 2), in pixels of the frame, spread evenly over the whole figure."""
        sprite = self.figure.body(self.stance.body_yaw, self.stance.swing)
        alpha = sprite.levels[-1][..., 3]
        cells = np.argwhere(alpha > 127)[:, ::-1]
        cells = cells[:: max(1, len(cells) // 120)]
        units = (cells + 0.5) * (1 << (len(sprite.levels) - 1)) / sprite.scale + sprite.origin
        return np.concatenate([units * self.unit + (self.x, self.y), grid(self.head, 5)])

    def paint(self, frame: Image) -> None:
        """Paint the person into the frame (height, width, 3)."""
        if abs(self.yaw) <= FRONT_LIMIT and self.figure.nape is not None:
            self._blend(frame, self.figure.nape, None)
        self._blend(frame, self.figure.body(self.stance.body_yaw, self.stance.swing), None)
        head = self.figure.blinking if self.stance.blinks else self.figure.head
        self._blend(frame, head, _TURN_STEP * round(self.yaw / _TURN_STEP))

    def _blend(self, frame: Image, sprite: Sprite, degrees: int | None) -> None:
        """Blend one sprite into the frame, as a head turned by ``degrees`` where given."""
        level = sprite.level_for(self.unit)
        image = sprite.levels[level]
        pixels_per_unit = sprite.scale / (1 << level)
        if degrees is not None:
            if abs(degrees) <= FRONT_LIMIT:
                maps = turn_map(image.shape[:2], pixels_per_unit, sprite.origin[0], degrees)
                image = cv2.remap(image, *maps, cv2.INTER_LINEAR)  # type: ignore[assignment]
            else:
                image = self.figure.round.view(level, degrees)
        factor = self.unit / pixels_per_unit
        left, top = self.x + sprite.origin[0] * self.unit, self.y + sprite.origin[1] * self.unit
        x1 = max(int(left) - self.blur, 0)
        x2 = min(int(left + image.shape[1] * factor) + self.blur + 1, frame.shape[1])
        y1, y2 = max(int(top), 0), min(int(top + image.shape[0] * factor) + 1, frame.shape[0])
        if x1 >= x2 or y1 >= y2:
            return
        half = 0.5 * factor - 0.5  # pixel centres
        matrix = np.array([[factor, 0, left - x1 + half], [0, factor, top - y1 + half]], np.float32)
        warped = cv2.warpAffine(image, matrix, (x2 - x1, y2 - y1), flags=cv2.INTER_LINEAR)
        if self.blur >= 2:
            warped = cv2.blur(warped, (self.blur, 1))
        colour, alpha = cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), cv2.extractChannel(warped, 3)
        through = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
        region = frame[y1:y2, x1:x2]
        frame[y1:y2, x1:x2] = cv2.add(cv2.multiply(region, through, scale=1 / 255), colour)


def place(person: int, figure: Figure, stance: Stance, scale: float) -> Placed:
    """Place a figure; ``scale`` is pixels per line."""
    unit = stance.face / (FACE[3] - FACE[1]) * scale
    return Placed(
        person,
        figure,
        stance,
        x=stance.x * scale,
        y=stance.y * scale - EYE_LINE * unit,
        unit=unit,
        blur=round(abs(stance.speed) * scale * _EXPOSURE_S),
    )


def detail(largest_face: float, height: int) -> int:
    """Return the pixels per unit in which the body of a person is drawn whose face gets ``largest_face`` lines high."""
    return 54 if largest_face * height / LINES > 40 else 36


def grid(box: Box, count: int = 12) -> np.ndarray:
    """Return ``count`` squared points (n, 2) spread over the box."""
    shares = (np.arange(count) + 0.5) / count
    across, down = box.x1 + shares * box.width, box.y1 + shares * box.height
    return np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)


def _opaque(sprite: Sprite, units: np.ndarray) -> np.ndarray:
    """Return at which of the points (n, 2), in units, the sprite is opaque."""
    alpha = sprite.levels[1][..., 3]
    cells = np.floor((units - sprite.origin) * (sprite.scale / 2)).astype(int)
    inside = ((cells >= 0) & (cells < (alpha.shape[1], alpha.shape[0]))).all(1)
    cells = np.clip(cells, 0, (alpha.shape[1] - 1, alpha.shape[0] - 1))
    return np.asarray(inside & (alpha[cells[:, 1], cells[:, 0]] > 127))
