"""The floor plan: from the picture to metres on the floor, and where the camera hangs.

Four points of the floor, given in the picture and in metres, are a homography. It also tells the place of the camera:
the two axes of the floor are perpendicular and equally long, which gives the focal length (Zhang 2000), if the pixels
are square and the camera looks through the middle of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.places.geometry import Point, in_heights

FOCAL = 0.5, 2.5
"""Smallest and largest focal length of a shop camera, in widths of the picture: 90 and 23 degrees wide."""

LEAST_W = 1e-6

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PlanPoints:
    """Four points as shares of the picture, and the same four in metres on the floor."""

    points: tuple[Point, ...]
    metres: tuple[Point, ...]


class Plan:
    """A floor plan for pictures with the ratio ``aspect`` of width to height."""

    def __init__(self, given: PlanPoints, aspect: float) -> None:
        seen = [in_heights(point, aspect) for point in given.points]
        to_floor = _homography(seen, given.metres)
        middle = np.mean(seen, axis=0)
        if to_floor[2] @ (*middle, 1.0) < 0:
            to_floor = -to_floor
        self._rows: list[list[float]] = to_floor.tolist()
        xs, ys = [x for x, _ in given.metres], [y for _, y in given.metres]
        self.corner, self.far_corner = (min(xs), min(ys)), (max(xs), max(ys))
        to_picture = np.linalg.inv(to_floor)
        self._back: list[list[float]] = to_picture.tolist()
        self.camera, self._right = _camera(to_picture, aspect)

    def floor(self, point: Point) -> Point | None:
        """Return the metres of a point of the picture, in heights; None at and above the horizon."""
        return _through(self._rows, point)

    def seen(self, floor: Point) -> Point | None:
        """Return the point of the picture, in heights, of a place on the floor in metres; None behind the camera."""
        return _through(self._back, floor)

    def direction(self, eyes: Vector, target: Vector) -> tuple[float, float]:
        """Return yaw and pitch, in degrees, of a head with ``eyes`` here that faces ``target``: 0, 0 faces the camera,
        as in ``Pose``."""
        (x, y, z), (to_x, to_y, to_z), (at_x, at_y, at_z) = eyes, self.camera, target
        ahead, look = _unit(to_x - x, to_y - y, to_z - z), _unit(at_x - x, at_y - y, at_z - z)
        level = math.hypot(ahead[0], ahead[1]) or 1.0
        right = (-ahead[1] / level, ahead[0] / level, 0.0)
        if right[0] * self._right[0] + right[1] * self._right[1] < 0:
            right = (-right[0], -right[1], 0.0)
        up = (-ahead[0] * ahead[2] / level, -ahead[1] * ahead[2] / level, level)
        return (
            math.degrees(math.atan2(_dot(look, right), _dot(look, ahead))),
            math.degrees(math.asin(max(-1.0, min(1.0, _dot(look, up))))),
        )


def _through(rows: Sequence[Sequence[float]], point: Point) -> Point | None:
    x, y = point
    (a, b, c), (d, e, f), (g, h, i) = rows
    w = g * x + h * y + i
    return None if w < LEAST_W else ((a * x + b * y + c) / w, (d * x + e * y + f) / w)


def _homography(seen: Sequence[Point], metres: Sequence[Point]) -> npt.NDArray[np.float64]:
    """Return the matrix (3, 3) that takes the four points ``seen`` to their ``metres``. Raises ``LinAlgError`` if three
    of them are on one line."""
    rows: list[list[float]] = []
    for (x, y), (to_x, to_y) in zip(seen, metres, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -to_x * x, -to_x * y])
        rows.append([0, 0, 0, x, y, 1, -to_y * x, -to_y * y])
    solved = np.linalg.solve(np.array(rows, np.float64), np.array(metres, np.float64).ravel())
    return np.append(solved, 1.0).reshape(3, 3)


def _camera(to_picture: npt.NDArray[np.floating[Any]], aspect: float) -> tuple[Vector, Point]:
    """Return the place of the camera in metres, above the floor, and the direction on the floor that is to the right
    in the picture."""
    shift = np.array([[1, 0, -aspect / 2], [0, 1, -0.5], [0, 0, 1]])
    h = shift @ to_picture
    h /= np.linalg.norm(h[:, :2])
    # Both conditions are linear in 1 / f^2: the columns are perpendicular, and equally long.
    square = np.array([h[0, 0] * h[0, 1] + h[1, 0] * h[1, 1], (h[:2, 0] ** 2).sum() - (h[:2, 1] ** 2).sum()])
    rest = np.array([h[2, 0] * h[2, 1], h[2, 0] ** 2 - h[2, 1] ** 2])
    inverse = -float(square @ rest) / max(float(square @ square), 1e-12)
    least, most = (share * aspect for share in FOCAL)
    focal = min(max(1 / math.sqrt(inverse), least), most) if inverse > 0 else most
    columns = h / np.array([[focal], [focal], [1.0]])
    columns = columns / np.sqrt(np.linalg.norm(columns[:, 0]) * np.linalg.norm(columns[:, 1]))
    across, along, place = columns.T
    normal = np.cross(across, along)
    camera = (-float(across @ place), -float(along @ place), abs(float(normal @ place)))
    return camera, (float(across[0]), float(along[0]))


def _unit(x: float, y: float, z: float) -> Vector:
    length = math.sqrt(x * x + y * y + z * z) or 1.0
    return x / length, y / length, z / length


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]
