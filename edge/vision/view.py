"""Whether the camera still shows the view that it showed before.

Doors and zones lie on the picture: once the camera is turned or pushed, or the shop is rebuilt, they lie somewhere
else. The edges of walls, shelves and floor stay where they are in any light, so the directions of edges now are
compared with those learnt before, one part of the picture after the other. People are no part of this: they move, and
a mean over some seconds shows what is behind them.

Only these means are kept, in memory: 96 x 54 directions, too coarse to show anybody.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.types import Floats, Image
from edge.vision.lasting import Lasting
from edge.vision.light import BURNT, DARK

EVERY_S = 0.5
"""The view changes slowly: more frames tell no more."""

NOW_S = 15.0
"""The view now is a mean over this time."""

LEARN_S = 60.0
"""Nothing is compared before a view was learnt for this time."""

LEARNT_S = 3600.0
"""The view before is a mean over this time, so that a shelf that is filled differently becomes part of it."""

KEPT = 0.5
"""A part of the picture shows what it showed before if its edges agree by this much: 1 is all, 0 is chance."""

LEAST_LEFT = 0.3
"""Edges that fade to less than this share of what they were are gone: the camera looks at a wall."""

MOVED, BACK = 0.55, 0.65
"""The camera was moved if fewer of the parts show what they showed before, and is back if more of them do."""

HOLDS_S = 60.0
"""It is moved after this time: whoever cleans the lens, or puts a box down before it, is gone by then."""

RETURNS_S = 15.0
"""It is back after this time."""

LEAST_PARTS = 6
"""With fewer parts that have edges and light, nobody can tell."""

_SIZE = 96, 54
_COLUMNS, _ROWS = 8, 6
_LEAST_EDGES = 0.02
"""Mean squared length of the directions in a part that has edges."""
_LEAST_STRENGTH = 1.0
"""In squared grey levels a pixel: weaker edges are noise."""


class View:
    """Learns what the camera shows. Call ``see`` for every frame, in order of time."""

    def __init__(self) -> None:
        self._differs = Lasting(HOLDS_S, RETURNS_S)
        self.kept: float | None = None
        """The share of the parts that show what they showed before; None while nobody can tell."""
        self._now: Floats | None = None
        self._before: Floats | None = None
        self._learnt_s = 0.0
        self._at_s = -math.inf

    @property
    def moved(self) -> bool:
        """Whether it shows something else than before."""
        return self._differs.on

    def see(self, image: Image, at_s: float) -> None:
        """Take a frame, BGR uint8 (height, width, 3), at ``at_s`` in monotonic seconds."""
        passed_s = at_s - self._at_s
        if 0 <= passed_s < EVERY_S:
            return
        self._at_s = at_s
        grey = _shrunk(image)
        field, lit = _directions(grey), _lit(grey)
        if self._now is None or self._before is None:
            self._now, self._before = field, field.copy()
            return
        passed_s = min(max(passed_s, 0.0), NOW_S)
        self._now += (1 - math.exp(-passed_s / NOW_S)) * (field - self._now)
        if self._learnt_s >= LEARN_S:
            self.kept = _kept(self._before, self._now, lit)
            differs = None if self.kept is None else self.kept < (BACK if self.moved else MOVED)
            self._differs.see(differs, at_s)
        if self._differs.settled and not self.moved:
            self._learnt_s += passed_s
            share = passed_s / (self._learnt_s if self._learnt_s < LEARN_S else LEARNT_S)
            # What is dark now is remembered as it looks in the light.
            self._before += (min(1.0, share) * _spread(lit))[..., None] * (field - self._before)


def _shrunk(image: Image) -> Floats:
    """Return the green channel, which is close to brightness, as (54, 96)."""
    step = max(1, image.shape[1] // (4 * _SIZE[0]))
    sampled = np.ascontiguousarray(image[::step, ::step, 1])
    return cv2.resize(sampled, _SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)


def _directions(grey: Floats) -> Floats:
    """Return the direction of the edge at each point as a vector, (54, 96, 2): of length 1 on a strong edge, 0 where
    there is none. Angles are doubled, so that an edge whose bright side becomes the dark one stays the same."""
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    across, down = (cv2.Scharr(smooth, cv2.CV_32F, *axis) / 32 for axis in ((1, 0), (0, 1)))
    strength = across**2 + down**2
    scale = strength + max(_LEAST_STRENGTH, float(strength.mean()))  # so that the contrast does not matter
    field: Floats = np.stack([(across**2 - down**2) / scale, 2 * across * down / scale], axis=-1)
    return field


def _lit(grey: Floats) -> Floats:
    """Return 1 for each part (6, 8) that is neither dark nor burnt out, else 0."""
    mean = _parts(grey) / (_SIZE[0] * _SIZE[1] / (_COLUMNS * _ROWS))
    return ((mean >= DARK) & (mean < BURNT)).astype(np.float32)


def _kept(before: Floats, now: Floats, lit: Floats) -> float | None:
    """Return the share of the parts with edges and light in which the directions agree."""
    had, has = _parts((before**2).sum(-1)), _parts((now**2).sum(-1))
    has = np.maximum(has, had * LEAST_LEFT**2)
    agree = _parts((before * now).sum(-1)) / np.sqrt(np.maximum(had * has, 1e-12))
    asked = (had >= _LEAST_EDGES * _SIZE[0] * _SIZE[1] / (_COLUMNS * _ROWS)) & (lit > 0)
    return float((agree[asked] >= KEPT).mean()) if asked.sum() >= LEAST_PARTS else None


def _parts(values: Floats) -> Floats:
    """Sum ``values`` (54, 96) over each part, (6, 8)."""
    height, width = _SIZE[1] // _ROWS, _SIZE[0] // _COLUMNS
    total: Floats = values.reshape(_ROWS, height, _COLUMNS, width).sum(axis=(1, 3))
    return total


def _spread(parts: Floats) -> Floats:
    """Return the value of the part (6, 8) at each point, (54, 96)."""
    return np.kron(parts, np.ones((_SIZE[1] // _ROWS, _SIZE[0] // _COLUMNS), np.float32))
