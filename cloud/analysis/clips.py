"""Says whether a clip holds attention better than what runs in its place, and how sure that is.

Chance decides which visits see the clip that suits them and which see the rotation instead, so that they differ in
nothing else. Compared are the seconds of looking for each visit. Those of one cohort share the day, the weather and
the group that came together, so the cohorts, not the visits, are what the variance is estimated from (delta method for
a ratio of cluster sums: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018).

People look at the result every day until it says something. An interval for one look would then call nearly every clip
a success one day. The interval here holds at all times at once (normal mixture: R. Johari, P. Koomen, L. Pekelis,
D. Walsh, "Always Valid Inference", Operations Research 70(3), 2022): the true effect is outside it, on any day, in at
most 5 of 100 campaigns. The price is that a campaign needs more visits than for one look at its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import norm, t

from cloud.domain.clips import Trial

LEVEL = 0.05
"""How often the interval misses the true effect."""
POWER = 0.8
WORTH = 0.1
"""The effect that a campaign is to find: 10 % more attention for each visit."""
LEAST_COHORTS = 10
"""The variance of fewer is too uncertain to be used."""

Verdict = Literal["worked", "did not", "cannot tell yet"]


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one clip. ``change`` is relative: 0.1 is 10 % more seconds of looking for each visit than with the
    rotation in its place, ``low`` to ``high`` its interval; None without one, as with too few cohorts. ``visits`` were
    compared, shown and held out together; about ``needed`` are needed to find an effect of ``WORTH`` in four of five
    campaigns, None if that cannot be estimated yet."""

    visits: int
    cohorts: int
    verdict: Verdict
    change: float | None = None
    low: float | None = None
    high: float | None = None
    needed: int | None = None


def effect(trials: Sequence[Trial]) -> Effect:
    """Compute the effect of one clip from its cohorts. "Worked": the interval is above 0. "Did not": an effect of
    ``WORTH`` is outside of it."""
    used = [one for one in trials if one.shown.visits and one.held.visits]
    visits = sum(one.shown.visits + one.held.visits for one in used)
    unknown = Effect(visits, len(used), "cannot tell yet")
    if len(used) < LEAST_COHORTS:
        return unknown
    shown = np.array([(one.shown.attention_s, one.shown.visits) for one in used])
    held = np.array([(one.held.attention_s, one.held.visits) for one in used])
    (shown_s, shown_visits), (held_s, held_visits) = shown.sum(axis=0), held.sum(axis=0)
    if not shown_s or not held_s:
        return unknown
    residuals = (shown[:, 0] - shown_s / shown_visits * shown[:, 1]) / shown_s
    residuals -= (held[:, 0] - held_s / held_visits * held[:, 1]) / held_s
    freedom = len(used) - 1
    error = math.sqrt(float(residuals @ residuals) * len(used) / freedom)
    # The variance is estimated, too: what it lacks in certainty is added as the t distribution has it.
    error *= float(t.ppf(1 - LEVEL / 2, freedom) / norm.ppf(1 - LEVEL / 2))
    middle = math.log((shown_s / shown_visits) / (held_s / held_visits))
    low, high = math.expm1(middle - reach(error)), math.expm1(middle + reach(error))
    found = verdict(low, high)
    return Effect(visits, len(used), found, math.expm1(middle), low, high, needed(visits, error))


def verdict(low: float, high: float) -> Verdict:
    """Return what an interval says: "worked" if it is above 0, "did not" if an effect of ``WORTH`` is outside of it."""
    return "worked" if low > 0 else "did not" if high < WORTH else "cannot tell yet"


def reach(error: float) -> float:
    """Return half the width of the interval, on the scale of logarithms. The mixture is tuned to ``WORTH``: an effect
    of this size is found soonest."""
    variance, tuned = error**2, math.log1p(WORTH) ** 2
    if not variance:
        return 0.0
    total = variance + tuned
    return math.sqrt(variance * total / tuned * (2 * math.log(1 / LEVEL) + math.log(total / variance)))


def needed(units: int, error: float) -> int | None:
    """Return the visits or hours with which an effect of ``WORTH`` is found with ``POWER``: the error falls with their
    root."""
    if not error:
        return None
    worth, quantile = math.log1p(WORTH), float(norm.ppf(POWER))
    small, large = 1e-6, worth
    for _ in range(60):
        middle = (small + large) / 2
        if reach(middle) + quantile * middle > worth:
            large = middle
        else:
            small = middle
    return math.ceil(units * (error / small) ** 2)
