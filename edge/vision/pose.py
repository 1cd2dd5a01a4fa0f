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

POSE_ERROR_DEG = 8.0
"""Mean error of the direction of a head, see ``estimate_pose``; targets must be twice as far apart."""


def estimate_pose(landmarks: Floats) -> Pose:
    """Estimate the pose in degrees from ``landmarks`` (5, 2): eyes, nose, mouth corners, left as in the picture.

    Scaled orthography, as in the first step of POSIT (DeMenthon and Davis 1995): eyes and mouth span a
    plane and the nose tip is in front of it, so five points show the images of the face's three axes
    (right, down, towards the camera). Those are the first two rows of a rotation times one scale; the
    lengths of the rows give the scale, and the axis towards the camera gives yaw and pitch.

    Positive yaw turns to the right of the picture, positive pitch looks up, positive roll leans clockwise
    in the picture. The error is about 8 degrees, up to 45 degrees of yaw and 25 of pitch, on a mean head; the shape of
    a person's nose adds a constant offset of some degrees. If all points coincide, the pose is 0, 0, 0.
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
    x, y = forward.real / scale, forward.imag / scale
    towards_camera = math.sqrt(max(0.0, 1 - x * x - y * y))
    # Roll uses the tilt of the eyes and of the line down the face: turning the head changes each of them alone.
    roll = math.atan2(right.imag - down.real, right.real + down.imag)
    return Pose(
        yaw=math.degrees(math.atan2(x, towards_camera)),
        pitch=math.degrees(math.asin(max(-1.0, min(1.0, -y)))),
        roll=math.degrees(roll),
    )


def attending(pose: Pose, *, yaw_limit: float, pitch_limit: float) -> bool:
    """Return whether the face points into the attention cone, an ellipse with these half-axes in degrees."""
    return math.hypot(pose.yaw / yaw_limit, pose.pitch / pitch_limit) <= 1
