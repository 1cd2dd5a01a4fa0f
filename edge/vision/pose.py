"""Head pose from five landmarks, in closed form."""

from __future__ import annotations

import math

from edge.types import Floats, Pose

MOUTH_DROP = 0.995
"""Eyes to mouth, in eye distances; with the next two, the template of ``edge.inference.align`` in 3-D."""

NOSE_DROP = 0.566
"""Projection of the nose tip on the line from the eyes to the mouth, as a share of that line."""

NOSE_DEPTH = 0.5
"""Nose tip in front of the plane of eyes and mouth, in eye distances: about 3 cm at a pupil distance of 6.3 cm."""

NOSE_ERROR, NOSE_SHORT, EYES_ERROR = 0.06, 0.35, 0.14
"""Errors (one sigma) of the two measures of a turn, for a distance of 1 from the head's centre to its surface: the nose
tip, that of it which grows with the turn because networks find the nose too far in the middle, and the narrowness of
the eyes, half of it from the shape of the face. Measured on real faces against points drawn by hand, see
``docs/decisions/0115``."""

POSE_ERROR_DEG = 8.0
"""Mean error of the direction of heads that are turned by up to 50 degrees, see ``estimate_pose``; targets must be
twice as far apart."""


def estimate_pose(landmarks: Floats) -> Pose:
    """Estimate the pose in degrees from ``landmarks`` (5, 2): eyes, nose, mouth corners, left as in the picture.

    Scaled orthography, as in the first step of POSIT (DeMenthon and Davis 1995): eyes and mouth span a
    plane and the nose tip is in front of it, so five points show the images of the face's three axes
    (right, down, towards the camera). Those are the first two rows of a rotation times one scale; the
    lengths of the rows give the scale. How far the head is turned is told twice, by the nose and by the eyes, and
    both are weighed.

    Positive yaw turns to the right of the picture, positive pitch looks up, positive roll leans clockwise
    in the picture. With exact points of a mean head the error is at most 3 degrees. With those that networks find on
    real faces it is 4 degrees for a head that faces the camera, 9 for one turned by 35 degrees and 14 for one by 45,
    which is told as turned too little; the shape of a person's nose adds a constant offset of some degrees. If all
    points coincide, the pose is 0, 0, 0.
    """
    # Points are complex numbers here: numpy is slow for a few vectors of two.
    eye_left, eye_right, nose, mouth_left, mouth_right = (complex(x, y) for x, y in landmarks.tolist())
    eyes, mouth = (eye_left + eye_right) / 2, (mouth_left + mouth_right) / 2
    right = eye_right - eye_left
    down = (mouth - eyes) / MOUTH_DROP
    forward = (nose - eyes - NOSE_DROP * (mouth - eyes)) / NOSE_DEPTH
    # Each row alone gives the scale; errors of the points matter less in the longer one.
    scale = max(
        math.hypot(right.real, down.real, forward.real), math.hypot(right.imag, down.imag, forward.imag)
    )
    if scale < 1e-6:
        return Pose(0.0, 0.0, 0.0)
    aside = abs(forward) / scale
    # The third axis is at right angles to the others, so what they span in the picture shows how far it comes forward.
    turn = _turn(aside, max(0.0, (right.conjugate() * down).imag / scale**2))
    towards_side = forward / scale * (math.sin(turn) / aside if aside > 0 else 1.0)
    # Roll uses the tilt of the eyes and of the line down the face: turning the head changes each of them alone.
    roll = math.atan2(right.imag - down.real, right.real + down.imag)
    return Pose(
        yaw=math.degrees(math.atan2(towards_side.real, max(0.0, math.cos(turn)))),
        pitch=math.degrees(math.asin(max(-1.0, min(1.0, -towards_side.imag)))),
        roll=math.degrees(roll),
    )


def _turn(aside: float, towards: float) -> float:
    """Return how far a head is turned away from the camera, in radians.

    ``aside``, the sine by the place of the nose, is exact for a head that faces the camera, and ``towards``, the cosine
    by the narrowness of the eyes, for a profile: each angle counts by the inverse of its variance, which depends on the
    turn, so it is weighed twice.
    """
    by_nose, by_eyes = math.asin(min(1.0, aside)), math.acos(min(1.0, towards))
    turn = math.atan2(aside, towards)
    for _ in range(2):
        sine, cosine = math.sin(turn), math.cos(turn)
        nose_weight = cosine**2 / (NOSE_ERROR**2 + (NOSE_SHORT * sine) ** 2)
        eyes_weight = (sine / EYES_ERROR) ** 2
        turn = (nose_weight * by_nose + eyes_weight * by_eyes) / (nose_weight + eyes_weight)
    return turn


def attending(pose: Pose, *, yaw_limit: float, pitch_limit: float) -> bool:
    """Return whether the face points into the attention cone, an ellipse with these half-axes in degrees."""
    return math.hypot(pose.yaw / yaw_limit, pose.pitch / pitch_limit) <= 1
