"""The scripts of the sample scene and of a crowd, in lines of a picture with 480 lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.scene.portraits import Portrait
from edge.scene.walk import HORIZON, LINES, Pillar, PillarKind, Walk, runs
from edge.types import Floats

PEOPLE = 14
QUIET_S = 1.0
"""Nobody is there in the first and the last second, so that every visit begins and ends in the scene."""

_SWAY = 1.0
"""How far people in a crowd sway to each side, in face heights: far enough to have left their place."""
SWAY_S = 2.0
"""Time from one side to the other."""
CLOSE_FACE, FAR_FACE = 110.0, 36.0
"""Heights of the faces of a crowd: found in the whole view, and so far away that only a near look describes them."""
_STEP_S = 0.1
_HIDDEN_S = 1.1
_ATTEMPTS = 100


def obstacles(width: float) -> tuple[Pillar, ...]:
    """Return a pillar of the building, and a tall trolley that passes once."""
    return (
        Pillar(0.605 * width, 0.605 * width + 40, 0, LINES, face=76),
        Pillar(-110, -20, 105, LINES, face=64, speed=175, starts_s=19.0, kind=PillarKind.TROLLEY),
    )


def plan_walks(portraits: Sequence[Portrait], seed: int, width: float, seconds: float) -> tuple[Walk, ...]:
    """Plan a walk for each of fourteen portraits, spread over the scene; ``width`` in lines.

    A path is drawn again at random while somebody on it would hide others, or be hidden, for too long. Raises
    ``ValueError`` when the scene is too short for everybody.
    """
    latest = seconds - QUIET_S - 8.0
    if latest <= QUIET_S:
        raise ValueError(f"a scene of {seconds} s is too short for {PEOPLE} people; give it 30 s or more")
    rng = np.random.default_rng(seed)
    clock = np.arange(0.0, seconds, _STEP_S, dtype=np.float32)
    for _ in range(_ATTEMPTS):
        walks: list[Walk] = []
        paths: list[Floats] = []
        starts = np.linspace(QUIET_S, latest, PEOPLE)
        for start, which in zip(starts, rng.permutation(len(portraits))[:PEOPLE], strict=True):
            for _ in range(_ATTEMPTS):
                walk = _throw(portraits[which], rng, float(start + rng.uniform(0.0, 1.5)), width)
                path = _path(walk, clock)
                if walk.ends_s < seconds - QUIET_S and _fit([*paths, path], obstacles(width), clock):
                    walks.append(walk)
                    paths.append(path)
                    break
            else:
                break
        if len(walks) == PEOPLE:
            return tuple(walks)
    raise ValueError(f"seed {seed}: {PEOPLE} people do not fit into {seconds} s; give the scene more time")


def _throw(portrait: Portrait, rng: np.random.Generator, start: float, width: float) -> Walk:
    """Draw one random path: across the shop, with a pause, or up to the camera."""
    child = portrait.age_band == "0-17"
    tallness = (1.5, 2.0) if child else (0.4, 0.8) if portrait.gender == "female" else (0.05, 0.5)
    kind = rng.choice(["across", "pause", "approach"], p=[0.25, 0.4, 0.35])
    near = 80.0 if child else 150.0
    way = 1.0 if rng.random() < 0.5 else -1.0  # +1 walks to the right
    back = -1.0 if rng.random() < 0.35 else 1.0  # leaves on the side of arrival
    pace = rng.uniform(2.2, 3.4)  # face heights per second
    turn = rng.uniform(10.0, 24.0)

    def edge(side: float, face: float) -> float:
        return width / 2 + side * (width / 2 + 1.3 * face)

    keys: list[tuple[float, float, float, float]]
    if kind == "across":
        face = rng.uniform(42.0, 64.0)
        speed = face * pace
        first, last = edge(-way, face), edge(way, face)
        keys = [(start, first, face, way * turn), (start + abs(last - first) / speed, last, face, way * turn)]
    else:
        first_face = rng.uniform(34.0, 62.0) if kind == "approach" else rng.uniform(48.0, 90.0)
        first_face = min(first_face, near - 15)
        stand_face = first_face * rng.uniform(0.95, 1.1) if kind == "pause" else rng.uniform(0.65, 1.0) * near
        stand_face = min(stand_face, near)
        first, stand = edge(-way, first_face), width * rng.uniform(0.2, 0.8)
        last = edge(way * back, stand_face)
        arrive = start + abs(stand - first) / (0.5 * (first_face + stand_face) * pace) + 0.8
        leave = arrive + rng.uniform(1.2, 3.0)
        gone = leave + abs(last - stand) / (stand_face * pace) + 0.4
        keys = [
            (start, first, first_face, way * turn),
            (arrive, stand, stand_face, 0.0),
            (leave, stand, stand_face, 0.0),
            (gone, last, stand_face, way * back * turn),
        ]
    return _walk(portrait, int(rng.integers(1 << 30)), float(rng.uniform(*tallness)), keys)


def _walk(
    portrait: Portrait, seed: int, drop: float, keys: Sequence[tuple[float, float, float, float]]
) -> Walk:
    """``keys`` (seconds, x, face, yaw of the head) of somebody whose body faces the camera."""
    return Walk(portrait, seed, drop, np.array([(*key, 0.0) for key in keys], np.float32))


def _path(walk: Walk, clock: Floats) -> Floats:
    """Return x and face height (n, 2) at the times of ``clock``, NaN while the person is absent."""
    path = walk.along(clock)[:, :2]
    path[(clock < walk.starts_s) | (clock > walk.ends_s)] = np.nan
    return path


def _fit(paths: Sequence[Floats], pillars: Sequence[Pillar], clock: Floats) -> bool:
    """Return whether nobody is hidden for longer than ``_HIDDEN_S`` at a time or a third of the path, and nobody walks
    through another person."""
    for mine in paths:
        x, face = mine.T
        hidden = np.zeros(len(clock), bool)
        for pillar in pillars:
            beside = x - pillar.speed * (clock - pillar.starts_s)
            near = (beside > pillar.left - 0.4 * face) & (beside < pillar.right + 0.4 * face)
            hidden |= near & (pillar.face > face)
        for theirs in paths:
            if theirs is mine:
                continue
            meets = np.abs(theirs[:, 0] - x) < 0.6 * theirs[:, 1] + 0.4 * face
            if (meets & (np.abs(np.log(theirs[:, 1] / face)) < 0.06)).any():
                return False
            hidden |= meets & (theirs[:, 1] > face)
        longest = np.diff(runs(hidden)).max(initial=0) * _STEP_S
        if longest > _HIDDEN_S or 3 * hidden.sum() > np.isfinite(x).sum():
            return False
    return True


def stand_still(
    portraits: Sequence[Portrait],
    count: int,
    seed: int,
    width: float,
    seconds: float,
    *,
    largest: float = CLOSE_FACE,
) -> tuple[Walk, ...]:
    """Place ``count`` people in rows like an audience, every face visible; for measuring speed. ``largest``: height
    that no face exceeds, in lines; with many people in the picture, faces are smaller.

    All sway to the same side at a time, so that nobody meets anybody. They start at the left end of their way. Who
    never left the first place might be a screen, and would not be counted.
    """
    rng = np.random.default_rng(seed)
    if count == 0:
        return ()
    rows = 1 if count <= 3 else 2 if count <= 8 else 4
    a_row = -(-count // rows)
    a_place = width / (a_row + 0.9)  # the rest is room for the sway
    room = 0.45 * a_place
    walks = []
    for place in range(count):
        row, column = divmod(place, a_row)
        face = min(largest, 0.55 * a_place, 300.0 / (rows + 0.6) * (0.85 + 0.1 * row))
        in_row = min(a_row, count - row * a_row)
        x = room + (width - 2 * room) * (column + 0.5 + 0.3 * (row % 2 - 0.5) * (rows > 1)) / in_row
        y = LINES * (row + 0.62) / (rows + 0.25)
        drop = (y - HORIZON) / face
        turns = range(int(seconds / SWAY_S) + 2)
        keys = [(SWAY_S * turn, x - _SWAY * face * (-1) ** turn, face, 0.0) for turn in turns]
        portrait = portraits[place % len(portraits)]
        walks.append(_walk(portrait, int(rng.integers(1 << 30)), drop, keys))
    return tuple(walks)
