"""One face over time: its position, its expected position, and the cost of matching it with a detection.

Motion is a constant-velocity Kalman filter in seconds and face sizes, never in frames and pixels, so that
neither the frame rate nor the distance to the camera changes what is counted.
"""

from __future__ import annotations

import math
from collections import deque

from edge.types import Box, Face, Track, TrackState
from edge.vision.stationary import LifeSigns

BLINK_S = 0.5
"""If the detector misses a face for at most this long, the face still counts as in view."""

SCORES = 60
"""Number of last sights by which a track is judged: some seconds."""

MEASUREMENT_SIGMA = 0.08
"""Jitter of a detector's box centre, in face sizes."""

START_SPEED_SIGMA = 3.0
"""Assumed speed of a new face, in face sizes a second; a fast walk across the view is about 7."""

ACCELERATION_DENSITY = 6.0
"""How fast people change their speed: spectral density of white acceleration, face sizes^2 / s^3."""

NEAR_REACH = (0.5, 3.0)
"""Smallest and largest distance, in face sizes, between where a face is expected and where it is found."""

LEAVING_WIDTH = 0.85
"""A face at the edge of the picture with less than this share of its full width is leaving."""

TURNED_BACK = 0.08
"""A person who leaves never moves this far inwards between two frames, in face sizes."""

DOUBT = 1.5
"""Cost of a score lower than the usual one of a face, for a difference of 1."""


class _Axis:
    """Position and velocity along one axis with their covariance, pixels and seconds."""

    __slots__ = ("cross", "position", "position_var", "velocity", "velocity_var")

    def __init__(self, position: float, side: float) -> None:
        self.position, self.velocity = position, 0.0
        self.position_var = (MEASUREMENT_SIGMA * side) ** 2
        self.cross = 0.0
        self.velocity_var = (START_SPEED_SIGMA * side) ** 2

    def predict(self, dt: float, side: float) -> None:
        density = ACCELERATION_DENSITY * side**2
        self.position += self.velocity * dt
        self.position_var += 2 * dt * self.cross + dt**2 * self.velocity_var + density * dt**3 / 3
        self.cross += dt * self.velocity_var + density * dt**2 / 2
        self.velocity_var += density * dt

    def correct(self, measured: float, side: float) -> None:
        total = self.position_var + (MEASUREMENT_SIGMA * side) ** 2
        if total <= 0:  # the jitter of a box without area is unknown
            self.position = measured
            return
        error, gain, gain_velocity = measured - self.position, self.position_var / total, self.cross / total
        self.position += gain * error
        self.velocity += gain_velocity * error
        self.velocity_var -= gain_velocity * self.cross
        self.cross *= 1 - gain
        self.position_var *= 1 - gain


class Person:
    """One active track and its state."""

    def __init__(self, track_id: int, detection: Face, at_s: float) -> None:
        self.track_id = track_id
        self.first_seen_s = self.last_seen_s = self._at_s = at_s
        self.detection: Face | None = detection
        self.last_box, self.last_side = detection.box, detection.box.side
        self.confirmed = False
        self.hits = self.frames = 1
        self.scores = deque([detection.score], maxlen=SCORES)
        self._usual_score = detection.score
        self._widest, self._leaving = detection.box.width, 0
        self.life = LifeSigns(detection.box, at_s)
        self.candidates: list[Person] = []
        """Lost tracks that may be the same person, the most likely first, chosen when this face appeared."""
        self.merged = False
        x, y = detection.box.centre
        self._x, self._y = _Axis(x, self.last_side), _Axis(y, self.last_side)

    @property
    def unseen_s(self) -> float:
        return self._at_s - self.last_seen_s

    @property
    def age_s(self) -> float:
        return self._at_s - self.first_seen_s

    def merge(self, face: Person) -> None:
        """Take over the state of ``face``, which is this face, found again."""
        self._x, self._y = face._x, face._y
        self.last_box, self.last_side, self.last_seen_s = face.last_box, face.last_side, face.last_seen_s
        self.detection = face.detection
        self.hits += face.hits
        self.scores.extend(face.scores)
        self.life.join(face.life)
        face.merged = True

    def predict(self, at_s: float) -> None:
        dt = max(0.0, at_s - self._at_s)
        self._x.predict(dt, self.last_side)
        self._y.predict(dt, self.last_side)
        self._at_s = at_s
        self.frames += 1
        self.detection = None

    def see(self, detection: Face, at_s: float) -> None:
        x, y = detection.box.centre
        self.last_box, self.last_side = detection.box, detection.box.side
        self._x.correct(x, self.last_side)
        self._y.correct(y, self.last_side)
        self.last_seen_s = at_s
        self.detection = detection
        self.hits += 1
        self.scores.append(detection.score)
        self._usual_score += 0.2 * (detection.score - self._usual_score)

    def note_edge(self, width: int) -> None:
        """Note whether the face is leaving at the left (-1) or right (1) edge of the picture: it is cut off there,
        narrower than before, and moving that way."""
        self._widest = max(self.last_box.width, 0.99 * self._widest)
        self._leaving = 0
        if self.last_box.width < LEAVING_WIDTH * self._widest:
            if self.last_box.x1 <= 1 and self._x.velocity < 0:
                self._leaving = -1
            elif self.last_box.x2 >= width - 1 and self._x.velocity > 0:
                self._leaving = 1

    def is_outside(self, width: int, height: int) -> bool:
        """Return whether the face is expected outside the picture by now."""
        return not (0 <= self._x.position <= width and 0 <= self._y.position <= height)

    @property
    def expected(self) -> Box:
        """The last box, moved to the position that the filter expects now."""
        width, height = self.last_box.width / 2, self.last_box.height / 2
        x, y = self._x.position, self._y.position
        return Box(x - width, y - height, x + width, y + height)

    def reach(self) -> float:
        """Return the largest distance of the face from its expected position, in face sizes: 2.5 sigma, bounded."""
        sigma = math.sqrt(max(self._x.position_var, self._y.position_var, 0.0)) / max(self.last_side, 1e-6)
        least, most = NEAR_REACH
        return min(least + 2.5 * sigma, most)

    def cost(
        self, detection: Face, side: float, reach: float, *, may_have_stopped: bool = False
    ) -> float:
        """Return the cost of matching ``detection``, of size ``side``, with this face; infinite if impossible.

        The cost is the sum of distance and size difference, each relative to what is possible after the time unseen,
        the missing overlap, and how much the score is lower than usual: when a person is hidden, a pattern close by
        scores lower. A face that ``may_have_stopped`` is also expected at its last position.
        """
        box = detection.box
        centre = box.centre
        distance = math.dist((self._x.position, self._y.position), centre)
        if may_have_stopped:
            distance = min(distance, math.dist(self.last_box.centre, centre))
        distance /= math.sqrt(max(self.last_side * side, 1e-6))
        if distance > reach:
            return math.inf
        if self._leaving * (self.last_box.centre[0] - centre[0]) > TURNED_BACK * self.last_side:
            return math.inf  # a face that comes in where another one leaves is a different person
        growth = abs(math.log(max(side, 1e-3) / max(self.last_side, 1e-3)))
        tolerance = min(0.4 + self.unseen_s, 0.75)
        if growth > tolerance:
            return math.inf
        missing = 1 - self.expected.iou(box)
        return distance / reach + 0.5 * growth / tolerance + 0.5 * missing + DOUBT * self.doubt(detection)

    def doubt(self, detection: Face) -> float:
        """Return by how much ``detection`` scores lower than usual for this face, 0..1."""
        return max(0.0, self._usual_score - detection.score)

    def track(self) -> Track:
        if not self.confirmed:
            state = TrackState.TENTATIVE
        else:
            state = TrackState.LOST if self.unseen_s > BLINK_S else TrackState.CONFIRMED
        box = self.last_box if self.detection is not None or self.unseen_s > BLINK_S else self.expected
        return Track(self.track_id, box, state, self.first_seen_s, self.last_seen_s, self.detection)
