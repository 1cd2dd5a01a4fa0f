"""Where one person, or one obstacle, is at a time. All geometry is in lines of a picture with 480 lines.

A person stands on the floor at some distance from the camera; the height of the face gives the distance. All eyes are
close to the horizon, because the camera hangs at the height of a tall person's eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from edge.scene.card import Card
from edge.scene.portraits import Portrait
from edge.types import Floats

LINES = 480.0
HORIZON = 160.0

FOCAL = 757.0
"""Lines per metre at a distance of one metre: a view of 59 degrees for a picture of 16:9."""
FACE_M = 0.19
"""Height of every face, hairline to chin, in metres."""

FRONT_YAW = 6.0
"""The head of a person who looks into the camera still moves by this many degrees."""

_CADENCE_HZ = 0.95
"""Pairs of steps per second."""
_FULL_STRIDE = 5.0
"""Faces per second from which on the steps are as long as they get."""
_BLINK_S, _BLINK_EVERY_S = 0.2, 3.1


@dataclass(frozen=True, slots=True)
class Stance:
    """The place of one person at one moment: ``x`` of the face's centre, ``face`` its height, in lines."""

    x: float
    y: float
    face: float
    yaw: float
    """Direction of the head, degrees; 0 looks into the camera, positive to the right of the picture, 180 shows the
    back."""
    speed: float
    """Speed sideways, in lines per second."""
    body_yaw: float
    swing: float
    """Which leg is in front, and how far: -1..1; 0 stands."""
    blinks: bool


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """The path of one person. ``keys`` (n, 5) float32: seconds, x, face height in lines, yaw of head and of body in
    degrees, which do not jump from 180 to -180. ``sway`` moves a standing person, in face heights; such a person
    blinks. An ``eased`` path slows down at every key but the first and the last."""

    portrait: Portrait
    seed: int
    drop: float
    """Distance of the eyes below the horizon, in face heights: larger for shorter people."""
    keys: Floats
    sway: float = 0.0
    eased: bool = True
    act: str = ""
    """What the person does, in a word, for reports."""
    card: Card | None = None
    """What the person wears on the chest."""

    @property
    def starts_s(self) -> float:
        return float(self.keys[0, 0])

    @property
    def ends_s(self) -> float:
        return float(self.keys[-1, 0])

    def at(self, time_s: float) -> Stance | None:
        """Return the stance at that time; None before the first and after the last key."""
        if not self.starts_s <= time_s <= self.ends_s:
            return None
        before, now, after = self.along(np.array([time_s - 0.05, time_s, time_s + 0.05]))
        x, face, yaw, body_yaw = (float(value) for value in now)
        speed = float(after[0] - before[0]) / 0.1
        nearing = float(after[1] - before[1]) / 0.1 * FOCAL / face**2  # both in face heights per second
        pace = float(np.hypot(speed / face, nearing))
        stride = min(1.0, pace / _FULL_STRIDE)
        steps = 2 * np.pi * _CADENCE_HZ * (time_s - self.starts_s)
        bob = 0.03 * face * float(np.sin(2 * steps)) * stride
        phase = self.seed % 7, self.seed % 11
        wander = np.sin(0.9 * time_s + phase[0]) + np.sin(2.3 * time_s + phase[1])
        yaw += 0.5 * FRONT_YAW * float(wander)
        x += self.sway * face * float(np.sin(0.7 * time_s + phase[1]) + 0.4 * np.sin(1.9 * time_s + phase[0]))
        blinks = self.sway > 0 and (time_s + phase[1]) % _BLINK_EVERY_S < _BLINK_S
        return Stance(
            x,
            HORIZON + self.drop * face + bob,
            face,
            yaw,
            speed,
            body_yaw,
            swing=stride * float(np.sin(steps)),
            blinks=blinks,
        )

    def along(self, times_s: np.ndarray) -> Floats:
        """Return x, face and both yaws (n, 4) at times (n,); before the first and after the last key they do not
        change.

        An eased path starts and ends outside the picture at full speed and slows down only before its stops.
        """
        times = self.keys[:, 0]
        last = len(times) - 2
        index = np.clip(np.searchsorted(times, times_s, "right") - 1, 0, last)
        share = np.clip((times_s - times[index]) / (times[index + 1] - times[index]), 0.0, 1.0)
        if self.eased and last > 0:
            eased = np.where(index == 0, share * (1.5 - 0.5 * share), share * (0.5 + 0.5 * share))
            inner = 0.5 - 0.5 * np.cos(np.pi * share)
            share = np.where((index == 0) == (index == last), inner, eased)
        share = share[:, None]
        return np.asarray(self.keys[index, 1:] * (1.0 - share) + self.keys[index + 1, 1:] * share)


class PillarKind(StrEnum):
    """How an obstacle looks."""

    COLUMN = "column"
    TROLLEY = "trolley"
    SHELF = "shelf"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Pillar:
    """An object that stands or rolls between people: ``face`` is the face height of people beside it."""

    left: float
    right: float
    top: float
    bottom: float
    face: float
    speed: float = 0.0
    starts_s: float = 0.0
    kind: PillarKind = PillarKind.COLUMN

    def span(self, time_s: float) -> tuple[float, float]:
        """Return the left and right side at that time."""
        moved = self.speed * (time_s - self.starts_s)
        return self.left + moved, self.right + moved


def runs(holds: np.ndarray) -> np.ndarray:
    """Return for each unbroken run of true values its first step and the step after its last, (n, 2)."""
    return np.flatnonzero(np.diff(np.concatenate([[0], holds.astype(np.int8), [0]]))).reshape(-1, 2)
