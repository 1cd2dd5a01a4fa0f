"""The places of a shop on its floor: doors, zones, queues and targets, in metres, and as shares of the picture.

``x`` is to the right of the camera, ``z`` away from it. A place in metres and the same place in the picture are the
same, because everybody in such a shop stands on one floor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edge.scene.body import CHILD_FEET, FEET
from edge.scene.head import EYE_LINE, FACE
from edge.scene.layout import EYES_ABOVE_FLOOR
from edge.scene.portraits import Portrait
from edge.scene.route import face_at
from edge.scene.walk import FOCAL, HORIZON, LINES

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Door:
    """A line on the floor from (x, z) to (x, z) in metres, and a point on its inner side."""

    name: str
    line: tuple[Point, Point]
    inside: Point


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon on the floor, corners (x, z) in metres. In a queue people wait for ``desk``, the zone in which they are
    served."""

    name: str
    polygon: tuple[Point, ...]
    desk: str | None = None

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Return which of the points (n, 2), x and z in metres, are inside."""
        inside = np.zeros(len(points), bool)
        x, z = points.T
        corners = self.polygon
        for (x1, z1), (x2, z2) in zip(corners, (*corners[1:], corners[0]), strict=True):
            if z1 != z2:
                inside ^= ((z1 > z) != (z2 > z)) & (x < x1 + (z - z1) * (x2 - x1) / (z2 - z1))
        return inside


@dataclass(frozen=True, slots=True)
class Target:
    """A thing to look at, at (x, z) in metres, from a zone. ``half_angle`` in degrees: a head that is turned to
    ``yaw`` within it looks at the target."""

    name: str
    place: Point
    zone: str
    yaw: float
    half_angle: float


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """All places of a shop."""

    doors: tuple[Door, ...]
    zones: tuple[Zone, ...]
    targets: tuple[Target, ...]

    def zone(self, name: str) -> Zone:
        """Return the zone of that name. Raises ``StopIteration`` if there is none."""
        return next(zone for zone in self.zones if zone.name == name)

    def seen_from(self, x: float, z: float) -> FloorPlan:
        """Return the places as a camera at (x, z) sees them that looks the same way. The yaw of a target stays: a head
        that is turned to it is seen from elsewhere, so this is for places without targets."""
        if self.targets and (x or z):
            raise ValueError("the directions of targets hold for one camera only")

        def move(points: tuple[Point, ...]) -> tuple[Point, ...]:
            return tuple((px - x, pz - z) for px, pz in points)

        return FloorPlan(
            tuple(
                replace(door, line=(move(door.line)[0], move(door.line)[1]), inside=move((door.inside,))[0])
                for door in self.doors
            ),
            tuple(replace(zone, polygon=move(zone.polygon)) for zone in self.zones),
            self.targets,
        )

    def settings(self, width: float) -> dict[str, list[dict[str, Any]]]:
        """Return ``doors``, ``zones`` and ``targets`` as a settings file holds them: points as shares of a picture
        that is ``width`` lines wide, angles in degrees. Kinds of which there are none are left out."""

        def shares(points: tuple[Point, ...]) -> list[list[float]]:
            seen = in_picture(np.array(points), width) / (width, LINES)
            return [[round(float(x), 4), round(float(y), 4)] for x, y in seen]

        zones: list[dict[str, Any]] = []
        for zone in self.zones:
            entry: dict[str, Any] = {"name": zone.name, "polygon": shares(zone.polygon)}
            zones.append({**entry, "queue": True, "front": zone.desk} if zone.desk is not None else entry)
        return {
            "doors": [
                {"name": door.name, "line": shares(door.line), "inside": shares((door.inside,))[0]}
                for door in self.doors
            ],
            "zones": zones,
            "targets": [
                {
                    "name": target.name,
                    "yaw": target.yaw,
                    "pitch": 0.0,
                    "half_angle": target.half_angle,
                    "zone": target.zone,
                }
                for target in self.targets
            ],
        }


def in_picture(points: np.ndarray, width: float) -> np.ndarray:
    """Return where points of the floor (n, 2), x and z in metres, are seen: (n, 2) in lines."""
    x, z = points.T
    return np.stack([width / 2 + FOCAL * x / z, HORIZON + EYES_ABOVE_FLOOR * face_at(1.0) / z], 1)


def drop_on_floor(portrait: Portrait) -> float:
    """Return how far below the horizon the eyes of such a person are who stands on the floor, in face heights."""
    feet = CHILD_FEET if portrait.age_band == "0-17" else FEET
    return EYES_ABOVE_FLOOR - (feet - EYE_LINE) / (FACE[3] - FACE[1])


def heading_to(place: Point, x: float, z: float) -> float:
    """Return where somebody at (x, z) turns who looks at ``place``, both in metres: degrees as the camera sees it."""
    return float(np.degrees(np.arctan2(place[0] - x, z - place[1]) + np.arctan2(x, z)))
