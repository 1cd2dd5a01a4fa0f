"""Head pose from five points, against a head of known geometry seen by a real (perspective) camera."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.inference.align import TEMPLATE
from edge.types import Floats, Pose
from edge.vision.pose import attending, estimate_pose

HEAD_MM = np.array([[-31.5, 0, 0], [31.5, 0, 0], [0, 35.5, 31], [-27, 63, 1], [27, 63, 1]])
"""Eyes, nose tip, mouth corners of a mean head: right, down, towards the camera."""


def project(yaw: float, pitch: float, roll: float = 0.0, distance_mm: float = 1500.0) -> Floats:
    """Landmarks in a picture of focal length 800 px; pitch (up), then yaw (right), then roll (clockwise)."""
    a, b, c = np.radians([pitch, yaw, roll])
    up = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    right = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    clockwise = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    x, y, z = ((HEAD_MM - [0, 32, 0]) @ (clockwise @ right @ up).T).T
    points: Floats = (800 * np.stack([x, y], 1) / (distance_mm - z)[:, None] + [320, 240]).astype(np.float32)
    return points


def test_the_template_faces_the_camera() -> None:
    pose = estimate_pose(TEMPLATE * 64)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((0, 0, 0), abs=0.2)


def test_the_nose_tells_the_direction() -> None:
    """The convention in one picture: a nose to the right is positive yaw, one further up positive pitch."""
    right, up = TEMPLATE.copy(), TEMPLATE.copy()
    right[2, 0] += 0.05
    up[2, 1] -= 0.05
    assert estimate_pose(right).yaw > 5
    assert estimate_pose(up).pitch > 5
    quarter_clockwise = np.stack([-TEMPLATE[:, 1], TEMPLATE[:, 0]], 1)  # y points down
    assert estimate_pose(quarter_clockwise).roll == pytest.approx(90, abs=0.2)


@given(st.floats(-80, 80), st.floats(-25, 25), st.floats(-30, 30), st.floats(600, 4000))
@settings(deadline=None)
def test_pose_is_right_where_the_points_are(yaw: float, pitch: float, roll: float, distance: float) -> None:
    straight = estimate_pose(project(yaw, pitch, 0, distance))
    assert straight.yaw == pytest.approx(yaw, abs=3)
    assert straight.pitch == pytest.approx(pitch, abs=3)
    leaning = estimate_pose(project(0, 0, roll, distance))
    assert leaning.roll == pytest.approx(roll, abs=3)


@given(st.floats(60, 80), st.floats(0.5, 1))
@settings(deadline=None)
def test_eyes_tell_a_profile_whose_nose_is_found_too_far_in_the_middle(yaw: float, share: float) -> None:
    points = project(yaw, 0)
    middle = points[[0, 1, 3, 4]].mean(0)
    points[2, 0] = middle[0] + share * (points[2, 0] - middle[0])
    assert estimate_pose(points).yaw == pytest.approx(yaw, abs=10)


@given(st.floats(-15, 15), st.floats(0.9, 1.1))
@settings(deadline=None)
def test_a_narrow_face_is_no_turned_one(yaw: float, width: float) -> None:
    assert estimate_pose(project(yaw, 0) * np.array([width, 1], np.float32)).yaw == pytest.approx(yaw, abs=4)


@given(st.floats(-20, 20))
@settings(deadline=None)
def test_yaw_and_pitch_are_monotone(other: float) -> None:
    yaws = [estimate_pose(project(yaw, other)).yaw for yaw in range(-80, 81, 5)]
    pitches = [estimate_pose(project(other, pitch)).pitch for pitch in range(-25, 26, 5)]
    assert yaws == sorted(yaws)
    assert pitches == sorted(pitches)


@given(st.floats(-45, 45), st.floats(-25, 25), st.floats(0.1, 10), st.floats(-500, 500))
@settings(deadline=None)
def test_place_and_size_do_not_matter(yaw: float, pitch: float, scale: float, shift: float) -> None:
    points = project(yaw, pitch)
    here, there = estimate_pose(points), estimate_pose((points - 300) * np.float32(scale) + np.float32(shift))
    assert (there.yaw, there.pitch, there.roll) == pytest.approx((here.yaw, here.pitch, here.roll), abs=0.5)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=10, max_size=10))
@settings(deadline=None)
def test_any_points_give_angles(values: list[float]) -> None:
    pose = estimate_pose(np.array(values, np.float32).reshape(5, 2))
    assert max(abs(pose.yaw), abs(pose.pitch)) <= 90
    assert abs(pose.roll) <= 180


def test_attention_is_a_cone() -> None:
    limits = {"yaw_limit": 30.0, "pitch_limit": 20.0}
    assert attending(Pose(29, 0, 80), **limits)
    assert attending(Pose(0, -19, 0), **limits)
    assert not attending(Pose(-31, 0, 0), **limits)
    assert not attending(Pose(0, 21, 0), **limits)
    assert not attending(Pose(29, 19, 0), **limits)
