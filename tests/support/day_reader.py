"""A reader of the totals of a day who guesses how long somebody stayed who was alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common import wire
from edge.vision.privacy import CohortRule
from tests.support.crowds import Crowd, Floats, K, histogram


@dataclass(frozen=True, slots=True)
class Day:
    """Windows of one minute as published, and the visits that ended alone in theirs: number of the window and dwell
    time; ``occupancy`` is what is no longer published."""

    totals: Sequence[wire.Totals]
    usual: Floats
    alone: Sequence[tuple[int, float]]
    occupancy: Floats


def shop_day(rng: np.random.Generator, per_hour: float, *, hours: int) -> Day:
    """Visits at so many an hour, through the rule."""
    windows = 60 * hours
    ends = np.sort(rng.uniform(0, 60.0 * windows, rng.poisson(per_hour * hours)))
    dwell = np.clip(rng.lognormal(np.log(9), 0.9, len(ends)), 0.3, 900.0)
    in_view = np.zeros(windows)
    for end, seconds in zip(ends.tolist(), dwell.tolist(), strict=True):
        for index in range(max(0, int((end - seconds) // 60)), int(end // 60) + 1):
            in_view[index] += max(0.0, min(end, 60.0 * (index + 1)) - max(end - seconds, 60.0 * index))
    rule, totals, alone = CohortRule(k=K, profile="count"), [], []
    for index in range(windows):
        mine = dwell[(ends >= 60 * index) & (ends < 60 * (index + 1))]
        one = Crowd(histogram(mine), histogram(0 * mine), float(mine.sum()), 0.0, 0, {}, {})
        totals.append(rule.release(one.window(index, closing=False)).totals)
        if len(mine) == 1:
            alone.append((index, float(mine[0])))
    return Day(totals, dwell, alone, in_view / 60)


def hits(day: Day, *, leak: bool = False) -> float:
    """The share of single visits whose dwell time a reader guesses to a quarter. He learns from all other visits what
    goes with the numbers of a window: his guess is what hits most of those that came with the same numbers."""
    seen: dict[object, list[float]] = {}
    keys = {}
    for index, seconds in day.alone:
        said = day.totals[index].model_dump_json()
        keys[index] = (said, round(float(day.occupancy[index]), 2)) if leak else (said,)
        seen.setdefault(keys[index], []).append(seconds)
    guesses = {key: _best_guess(np.array(times)) for key, times in seen.items()}
    return float(np.mean([_hit(guesses[keys[index]], seconds) for index, seconds in day.alone]))


def prior_hits(day: Day) -> float:
    """The same for whoever knows the usual dwell times and nothing of the windows."""
    times = np.array([seconds for _, seconds in day.alone])
    guess = _best_guess(times)
    return float(np.mean([_hit(guess, seconds) for seconds in times.tolist()]))


def _best_guess(times: Floats) -> float:
    guesses = np.concatenate([times / 1.25, times / 0.75, times])
    near = np.abs(guesses[:, None] - times) <= 0.25 * times + 1e-9
    return float(guesses[near.sum(axis=1).argmax()])


def _hit(guess: float, seconds: float) -> bool:
    return abs(guess - seconds) <= 0.25 * seconds + 1e-9
