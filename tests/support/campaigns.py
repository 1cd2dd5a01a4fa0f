"""Simulated campaigns of a clip, whose true effect is known.

The visits of a cohort come in groups that look at the display together or not, and days differ. What the device would
withhold is missing here, too: the times of fewer than k viewers, before the clip or before its holdout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cloud.domain.clips import Trial, Watched


@dataclass(frozen=True, slots=True)
class Campaign:
    """One clip of one display. ``effect``: 0.1 means that everybody looks for 10 % longer at the clip than at the
    rotation. ``visits`` of a cohort are those whom the clip suits; in ``holdout`` of the shows it is held out."""

    effect: float
    days: int = 28
    cohorts_a_day: int = 8
    visits: int = 160
    holdout: float = 0.3
    k: int = 5

    def cohorts(self, seed: int) -> Iterator[list[Trial]]:
        """Yield the cohorts of each day in which both sides are told."""
        chance = np.random.default_rng(seed)
        for _ in range(self.days):
            mood = chance.lognormal(0.0, 0.3)
            yield [
                trial
                for _ in range(self.cohorts_a_day)
                if (trial := self._cohort(chance, mood * chance.lognormal(0.0, 0.15))) is not None
            ]

    def _cohort(self, chance: np.random.Generator, mood: float) -> Trial | None:
        visits = chance.poisson(self.visits)
        group = chance.integers(0, max(1, visits // 2), visits)  # two people a show, on average
        held = (chance.random(visits) < self.holdout)[group]
        looks = chance.random(visits) < np.clip(chance.beta(2.0, 2.0, visits)[group], 0.05, 0.95)
        seconds = looks * np.minimum(chance.lognormal(0.9, 0.8, visits) * mood, 10.0)
        seconds = np.where(held, seconds, seconds * (1 + self.effect))
        sides = [(int(side.sum()), int(looks[side].sum()), seconds[side].sum()) for side in (~held, held)]
        if any(viewers < self.k or people - viewers in range(1, self.k) for people, viewers, _ in sides):
            return None
        shown, without = (Watched(people, round(float(total), 1)) for people, _, total in sides)
        return Trial(shown, without)
