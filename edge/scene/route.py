"""Walks as they are planned on the floor of the shop, in metres; the picture follows from the distance.

``x`` is to the right of the camera, ``z`` away from it. A person walks from spot to spot at one pace, turns before
walking on, and may look into the camera on the way as far as the neck allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.scene.portraits import Portrait
from edge.scene.walk import FACE_M, FOCAL, Walk

NECK = 70.0
"""How far a head turns on its body, in degrees."""
MARGIN = 1.6
"""How many face heights beyond the edge of the picture somebody begins and ends."""

_STEP_S = 0.1
_ROUND_S = 0.5
"""Corners are rounded, and turns take, about this long."""
_GLANCE_S = 0.4


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the floor. Who stays there turns to ``facing``, as the camera sees it: 0 to the camera, 90 to the
    right, 180 away; None keeps the direction."""

    x: float
    z: float
    stays_s: float = 0.0
    facing: float | None = None


def face_at(z: float) -> float:
    """Return the height in lines of a face ``z`` metres away."""
    return FOCAL * FACE_M / z


def distance_of(face: float) -> float:
    """Return how far away a face of that height in lines is, in metres."""
    return FOCAL * FACE_M / face


def beside(column: float, z: float, width: float, side: float) -> float:
    """Return ``x`` in metres of somebody who stands out of sight beside a column of the picture, both in lines;
    ``side`` is -1 for its left and 1 for its right."""
    return (column + side * MARGIN * face_at(z) - width / 2) * z / FOCAL


def route(
    portrait: Portrait,
    seed: int,
    drop: float,
    starts_s: float,
    spots: Sequence[Spot],
    *,
    width: float,
    pace: float = 1.1,
    glances: Sequence[tuple[float, float]] = (),
    sway: float = 0.0,
) -> Walk:
    """Return the walk from the first spot to the last at ``pace`` metres per second. ``glances`` are the seconds since
    the start, from and to, in which the person looks into the camera; ``width`` of the picture in lines."""
    clock, places, facing = _plan(spots, pace)
    kernel = round(_ROUND_S / _STEP_S) | 1
    x, z = (_smooth(column, kernel) for column in places.T)
    heading = np.degrees(np.arctan2(np.gradient(x), -np.gradient(z)) + np.arctan2(x, z))
    moves = np.hypot(np.gradient(x), np.gradient(z)) > 0.3 * pace * _STEP_S
    wanted = np.where(np.isnan(facing), np.where(moves, heading, np.nan), facing)
    known = np.flatnonzero(~np.isnan(wanted))
    body = np.degrees(np.unwrap(np.radians(wanted[known])))
    body = _smooth(np.interp(np.arange(len(clock)), known, body), kernel)
    glance = np.zeros(len(clock))
    for from_s, to_s in glances:
        glance[(clock >= from_s) & (clock < to_s)] = 1.0
    glance = _smooth(glance, round(_GLANCE_S / _STEP_S) | 1)
    off = (body + 180) % 360 - 180
    # whoever shows the back does not look over the shoulder: the side would flip
    head = body + glance * np.where(np.abs(off) < 150, np.clip(-off, -NECK, NECK), 0.0)
    face = FOCAL * FACE_M / z
    keys = np.stack([starts_s + clock, width / 2 + FOCAL * x / z, face, head, body], 1)
    return Walk(portrait, seed, drop, keys.astype(np.float32), sway=sway, eased=False)


def _plan(spots: Sequence[Spot], pace: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times (n,), places (n, 2) and wanted directions (n,), NaN where the way gives it, at steps of
    ``_STEP_S``."""
    times, places, stays = [0.0], [(spots[0].x, spots[0].z)], []
    for index, spot in enumerate(spots):
        before = places[-1]
        if index:
            times.append(
                times[-1] + max(_STEP_S, float(np.hypot(spot.x - before[0], spot.z - before[1])) / pace)
            )
            places.append((spot.x, spot.z))
        if spot.stays_s:
            if spot.facing is not None:
                stays.append((times[-1], times[-1] + spot.stays_s, spot.facing))
            times.append(times[-1] + spot.stays_s)
            places.append((spot.x, spot.z))
    clock = np.arange(0.0, times[-1] + _STEP_S, _STEP_S)
    path = np.stack([np.interp(clock, times, column) for column in np.array(places).T], 1)
    facing = np.full(len(clock), np.nan)
    for from_s, to_s, degrees in stays:
        facing[(clock >= from_s) & (clock < to_s)] = degrees
    return clock, path, facing


def _smooth(values: np.ndarray, kernel: int) -> np.ndarray:
    """Return the moving average (n,) over ``kernel`` steps; the ends go on as they were."""
    half = kernel // 2
    before = values[0] + (values[0] - values[1]) * np.arange(half, 0, -1)
    after = values[-1] + (values[-1] - values[-2]) * np.arange(1, half + 1)
    return np.convolve(np.concatenate([before, values, after]), np.ones(kernel) / kernel, "valid")


def length_of(spots: Sequence[Spot]) -> float:
    """Return the metres from the first spot to the last."""
    places = np.array([(spot.x, spot.z) for spot in spots])
    return float(np.hypot(*np.diff(places, axis=0).T).sum())


def drop_of(portrait: Portrait, rng: np.random.Generator) -> float:
    """Return how far below the horizon the eyes of such a person are, in face heights."""
    if portrait.age_band == "0-17":
        return float(rng.uniform(1.5, 2.0))
    return float(rng.uniform(*((0.4, 0.8) if portrait.gender == "female" else (0.05, 0.5))))
