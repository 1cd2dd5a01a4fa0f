"""What scripts have in common: acts are thrown at random from a seed until each fits to those before.

All places on the floor are in metres, as in ``edge.scene.route``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from edge.scene.portraits import Portrait, load_portraits
from edge.scene.route import Spot, beside, distance_of, drop_of, route
from edge.scene.trajectories import QUIET_S
from edge.scene.walk import FOCAL, Walk, runs

STEP_S = 0.1

_ATTEMPTS = 400
_THROWS = 10
"""Acts that leave no room for a later one are all thrown again, at most this often."""
HIDDEN_S = 1.3
"""Nobody is hidden by another person for longer than this at a time."""
_APART_M = 0.35
"""Nobody comes nearer to another person than this."""
_TALL = 0.3
"""The eyes of a tall person are at most this many face heights below the horizon."""

Act = Callable[[], list[Walk]]


class DoesNotFit(ValueError):
    """The people of a script do not fit into its time."""


class Script:
    """Throws one act after the other until each fits to those before. ``width`` of the picture in lines; ``stream``
    keeps the random numbers of different scripts apart."""

    def __init__(self, seed: int, width: float, seconds: float, stream: int) -> None:
        self._seed, self._width, self._seconds = seed, width, seconds
        self._rng = np.random.default_rng([seed, stream])
        self._clock = np.arange(0.0, seconds, STEP_S)
        self._cast = self._endless_cast()

    def play(self, acts: Sequence[Act]) -> tuple[Walk, ...]:
        """Return the walks of all acts by the time at which they start. A walk that does not say its act is named
        after the method. Raises ``DoesNotFit`` if they do not fit."""
        for _ in range(_THROWS):
            chosen, are_all = self._throw(acts)
            if are_all:
                return tuple(sorted(chosen, key=lambda walk: walk.starts_s))
            if not chosen:  # the first act alone is too long
                break
        raise DoesNotFit(f"seed {self._seed}: the people do not fit into {self._seconds} s")

    def _throw(self, acts: Sequence[Act]) -> tuple[list[Walk], bool]:
        """Return the walks of the acts, up to the first one that does not fit to those before, and whether all do."""
        chosen: list[Walk] = []
        paths: list[np.ndarray] = []
        for act in acts:
            for _ in range(_ATTEMPTS):
                walks = act()
                more = [self._path(walk) for walk in walks]
                if max(walk.ends_s for walk in walks) < self._seconds - QUIET_S and self._fit(paths, more):
                    chosen += [replace(walk, act=walk.act or _name(act)) for walk in walks]
                    paths += more
                    break
            else:
                return chosen, False
        return chosen, True

    def _fit(self, paths: Sequence[np.ndarray], more: Sequence[np.ndarray]) -> bool:
        """Return whether the paths ``more`` fit to ``paths``; all (n, 4) as from ``_path``."""
        return free([*paths, *more])

    def _endless_cast(self) -> Iterator[Portrait]:
        portraits = load_portraits()
        while True:
            for which in self._rng.permutation(len(portraits)):
                yield portraits[which]

    def _path(self, walk: Walk) -> np.ndarray:
        """Return x and face height in lines, and x and distance in metres (n, 4) at the steps of the clock; NaN while
        the person is absent."""
        x, face = walk.along(self._clock)[:, :2].T
        far = distance_of(1.0) / face
        path = np.stack([x, face, (x - self._width / 2) * far / FOCAL, far], 1)
        path[(self._clock < walk.starts_s) | (self._clock > walk.ends_s)] = np.nan
        return path

    def _between(self, least: float, most: float) -> float:
        return float(self._rng.uniform(least, most))

    def _side(self) -> float:
        return 1.0 if self._rng.random() < 0.5 else -1.0

    def _start(self, takes_s: float) -> float:
        return self._between(QUIET_S, max(QUIET_S + 0.1, self._seconds - 2 * QUIET_S - takes_s))

    def _edge(self, side: float, z: float) -> float:
        """Return ``x`` in metres just outside the picture."""
        return beside(0.0 if side < 0 else self._width, z, self._width, side)

    def _at(self, share: float, z: float) -> float:
        """Return ``x`` in metres at a share of the picture's width."""
        return (share - 0.5) * self._width * z / FOCAL

    def _drop(self, portrait: Portrait) -> float:
        """Return how far below the horizon the eyes of such a person are, in face heights."""
        return drop_of(portrait, self._rng)

    def _walk(
        self,
        starts_s: float,
        spots: Sequence[Spot],
        *,
        glances: Sequence[tuple[float, float]] = (),
        sway: float = 0.0,
        pace: float | None = None,
        tall: bool = False,
    ) -> Walk:
        portrait = next(one for one in self._cast if not tall or one.age_band != "0-17")
        drop = self._drop(portrait)
        return route(
            portrait,
            int(self._rng.integers(1 << 30)),
            min(drop, _TALL) if tall else drop,
            starts_s,
            spots,
            width=self._width,
            pace=self._between(0.9, 1.4) if pace is None else pace,
            glances=glances,
            sway=sway,
        )

    def _glance(self) -> list[tuple[float, float]]:
        """Return a glance of a second and a half into the camera."""
        from_s = self._between(0.8, 1.5)
        return [(from_s, from_s + self._between(1.2, 2.0))]


def _name(act: Act) -> str:
    return act.__name__.strip("_").replace("_", " ")


def free(paths: Sequence[np.ndarray], hidden_s: float = HIDDEN_S) -> bool:
    """Return whether nobody walks through anybody, and nobody is hidden for longer than ``hidden_s`` at a time."""
    for mine in paths:
        hidden = np.zeros(len(mine), bool)
        for theirs in paths:
            if theirs is mine:
                continue
            if (np.hypot(*(mine[:, 2:] - theirs[:, 2:]).T) < _APART_M).any():
                return False
            covers = np.abs(mine[:, 0] - theirs[:, 0]) < 1.2 * theirs[:, 1] - 0.4 * mine[:, 1]
            hidden |= covers & (theirs[:, 1] > mine[:, 1])
        if np.diff(runs(hidden)).max(initial=0) * STEP_S > hidden_s:
            return False
    return True
