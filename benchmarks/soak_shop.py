"""The simulated shop of the soak: its clock, the people who walk by, and its camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from common.vocabulary import AGE_BINS
from edge.capture.camera import CameraError
from edge.types import Box, Face, FaceScores, Floats, Frame, Image, Sight
from tests.support.clock import ManualClock

DAY_S, HOUR_S = 86_400, 3_600
FRAME_S = 0.5
"""Seconds between two frames, well below the gap that counts as not covered."""

AWAY_S = 2_400
"""How long a fault of the camera lasts: two failed attempts to open it."""

VIEW = (160, 120)
"""Width and height of a picture, and of what the detector sees."""

_FACE = (32, 40)
_LANES = (4, 70)
_LANDMARKS: Floats = np.array([[10, 16], [22, 16], [16, 24], [11, 31], [21, 31]], np.float32)


@dataclass(frozen=True, slots=True)
class Walk:
    """One person crosses the picture."""

    starts_s: float
    ends_s: float
    lane: int

    def box(self, at_s: float) -> Box:
        width, height = _FACE
        x = (VIEW[0] - width) * (at_s - self.starts_s) / (self.ends_s - self.starts_s)
        return Box(x, _LANES[self.lane], x + width, _LANES[self.lane] + height)


def script(seconds: float, away: Sequence[float], seed: int = 1) -> list[Walk]:
    """Plan who comes in the eleven hours after opening: about forty an hour, sometimes two at once.

    Nobody comes while the camera is away, because that visit could not be checked, and nobody at the moment when
    another person leaves: at two pictures a second the tracker correctly takes the two for one person who jumped.
    """
    rng = np.random.default_rng(seed)
    walks: list[Walk] = []
    for lane in range(len(_LANES)):
        at_s = 0.0
        while True:
            at_s += 15.0 + float(rng.exponential(165.0))
            if at_s % DAY_S > 11 * HOUR_S:
                at_s += HOUR_S
                continue
            stays_s = float(rng.uniform(6.0, 20.0))
            if at_s + stays_s > seconds - HOUR_S / 2:
                break
            if any(began_s - HOUR_S / 10 < at_s < began_s + AWAY_S + HOUR_S / 10 for began_s in away):
                continue
            if any(
                abs(at_s - other.ends_s) < 4 or abs(at_s + stays_s - other.starts_s) < 4 for other in walks
            ):
                continue
            walks.append(Walk(at_s, at_s + stays_s, lane))
            at_s += stays_s
    return sorted(walks, key=lambda walk: walk.starts_s)


class Shop:
    """The camera, and the detector that knows its picture: a frame carries its number in its first bytes.

    ``away`` are the times, in seconds of the week, at which the camera fails. The functions of ``at`` are called once
    at their times.
    """

    def __init__(
        self,
        clock: ManualClock,
        seconds: float,
        *,
        away: Sequence[float],
        at: Sequence[tuple[float, Callable[[], None]]],
    ) -> None:
        self.walks = script(seconds, away)
        self._clock, self._frames = clock, round(seconds / FRAME_S)
        self._away = sorted(away)
        self._at = sorted(at, key=lambda moment: moment[0])
        self._number = 0
        self._attempts = 0
        self._opened = False
        rng = np.random.default_rng(2)
        self._floor = rng.integers(60, 180, (*reversed(VIEW), 3), np.uint8)
        self._face = rng.integers(0, 255, (*reversed(_FACE), 3), np.uint8)
        self._past = 0

    @property
    def live(self) -> bool:
        """A live camera for the service, but it waits until its last frame is taken."""
        return self._opened

    def open(self) -> None:
        self._opened = True
        if self._attempts:
            self._attempts -= 1
            self._pass(AWAY_S / 2)
            raise CameraError("camera shop: no such device")

    def read(self) -> Frame | None:
        self._pass(FRAME_S)
        at_s = self._clock.elapsed_s
        if self._away and at_s >= self._away[0]:
            self._away.pop(0)
            self._attempts = 2
            raise CameraError("camera shop: stopped sending pictures")
        self._number += 1
        if at_s > self._frames * FRAME_S:
            return None
        image = self._floor.copy()
        for walk in self._there(at_s):
            box = walk.box(at_s)
            x, y = int(box.x1), int(box.y1)
            image[y : y + _FACE[1], x : x + _FACE[0]] = self._face
        image[0, :8, 0] = np.frombuffer(
            np.float64(at_s).tobytes(), np.uint8
        )  # the blue channel: no stage uses it alone
        image[0, 8] = self._number & 0xFF  # the noise of a sensor: it sends no picture twice
        return Frame(image, self._clock.now(), self._clock.monotonic(), self._number)

    def close(self) -> None:
        self._opened = False

    def describe(self) -> str:
        return "shop"

    @property
    def near_size(self) -> tuple[int, int]:
        return VIEW

    def look(self, image: Image) -> Sight:
        at_s = float(np.frombuffer(image[0, :8, 0].tobytes(), np.float64)[0])
        found = []
        for walk in self._there(at_s):
            box = walk.box(at_s)
            points = np.array([box.x1, box.y1], np.float32) + _LANDMARKS
            found.append(Face(box, 0.97, points))
        return Sight(tuple(found))

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        raise AssertionError("the picture is no larger than a near look, so there is nothing to magnify")

    def refine(self, image: Image, face: Face) -> Face:
        return face

    def classify(self, image: Image, face: Face, *, mirrored: bool = False) -> FaceScores:
        def sure(classes: int) -> Floats:
            return np.asarray(np.eye(1, classes, int(face.box.y1) % 2)[0], np.float32)

        return FaceScores(sure(AGE_BINS), sure(2), sure(7))

    def _there(self, at_s: float) -> list[Walk]:
        while self._past < len(self.walks) and self.walks[self._past].ends_s < at_s - 60:
            self._past += 1
        near = self.walks[self._past : self._past + 8]
        return [walk for walk in near if walk.starts_s <= at_s <= walk.ends_s]

    def _pass(self, seconds: float) -> None:
        self._clock.elapsed_s += seconds
        while self._at and self._at[0][0] <= self._clock.elapsed_s:
            self._at.pop(0)[1]()
