"""Targets: who looks at a product, a screen or a sign, and for how long.

A person looks at a target while the head is turned to it within its half angle, as it is for attention: a time counts
between two sights in a row that both say so and are not too far apart. Of several targets the nearest one counts, so
nobody looks at two at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.place_types import LOOK_GAP_S
from edge.places.geometry import Point
from edge.places.plan import Plan
from edge.proportions import EYES_M
from edge.types import Pose

Direction = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Target:
    """What people may look at. ``half_angle`` in degrees. Either ``direction``, yaw and pitch of a head that faces it,
    in degrees as in ``Pose``; or ``at``, its place in metres on the plan with its height. ``zone``: only people in this
    zone can see it."""

    name: str
    half_angle: float
    direction: tuple[float, float] | None = None
    at: tuple[float, float, float] | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """A target for pictures of one shape: the unit vector and the cosine of its half angle, calculated once."""

    target: Target
    least: float
    facing: Direction | None

    @classmethod
    def of(cls, target: Target) -> Aim:
        facing = None if target.direction is None else unit(*target.direction)
        return cls(target, math.cos(math.radians(target.half_angle)), facing)

    def match(self, head: Direction, plan: Plan | None, on_floor: Point | None) -> float | None:
        """Return the cosine of the angle between a head's direction and this target, None if it is elsewhere."""
        facing = self.facing
        if facing is None:
            if plan is None or on_floor is None or self.target.at is None:
                return None
            facing = unit(*plan.direction((*on_floor, EYES_M), self.target.at))
        cosine = head[0] * facing[0] + head[1] * facing[1] + head[2] * facing[2]
        return cosine if cosine >= self.least else None


def unit(yaw: float, pitch: float) -> Direction:
    """Return the unit vector of a direction in degrees: to the right, up, and towards the camera."""
    turn, tilt = math.radians(yaw), math.radians(pitch)
    return math.sin(turn) * math.cos(tilt), math.sin(tilt), math.cos(turn) * math.cos(tilt)


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the angle between two directions, each yaw and pitch in degrees."""
    cosine = sum(a * b for a, b in zip(unit(*one), unit(*other), strict=True))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def looked_at(
    pose: Pose, aims: Sequence[Aim], zones: set[str], plan: Plan | None, on_floor: Point | None
) -> str | None:
    """Return the target that a head in ``zones`` is turned to, None if there is none."""
    head, best, found = unit(pose.yaw, pose.pitch), -1.0, None
    for aim in aims:
        if aim.target.zone is not None and aim.target.zone not in zones:
            continue
        cosine = aim.match(head, plan, on_floor)
        if cosine is not None and cosine > best:
            best, found = cosine, aim.target.name
    return found


@dataclass(slots=True)
class Looking:
    """The looks of one person. ``seconds`` by target; ``camera`` or a target was looked at for the last ``added_s``."""

    seconds: dict[str, float] = field(default_factory=dict)
    added_s: float = 0.0
    _target: str | None = None
    _somewhere: bool = False
    _at_s: float = -math.inf

    def see(self, target: str | None, *, at_camera: bool, at_s: float) -> None:
        """Take one sight in which the direction of the head, or that no face shows, is known."""
        interval, self.added_s = at_s - self._at_s, 0.0
        somewhere = at_camera or target is not None
        if interval <= LOOK_GAP_S:
            if target is not None and target == self._target:
                self.seconds[target] = self.seconds.get(target, 0.0) + interval
            if somewhere and self._somewhere:
                self.added_s = interval
        self._target, self._somewhere, self._at_s = target, somewhere, at_s
