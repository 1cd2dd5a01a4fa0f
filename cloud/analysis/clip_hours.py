"""Says whether a clip brings more people into the shop, or lets more of them buy.

Who came in cannot be told by show: a clip runs for seconds, everybody sees the display, and people enter a minute later
by a door of another camera. So chance holds a clip out for **whole hours** (``common.signage.held_out_in``), and hours
are compared: the entries of hours in which the clip could be shown with those of hours in which it could not. The
hour is the unit of chance and of the variance. What is found is the effect of having the clip in the programme at all.

Hours differ by the day and by the time of day, and chance draws both kinds. A multiplicative model takes this out: each
hour is expected to have a day's part times an hour's part times the effect (Poisson regression with fixed effects;
its estimate needs no Poisson distribution: C. Gourieroux, A. Monfort, A. Trognon, "Pseudo Maximum Likelihood Methods",
Econometrica 52, 1984). The variance is that of the sandwich, hour by hour (H. White, Econometrica 48, 1980): hours may
differ by more than chance, and two hours of a day may be alike, because chance drew each for itself.

- **Entries** and **sales** for each hour; **conversion** is the difference of both on the scale of logarithms. Its
  variance has both influences of each hour, so what they have in common cancels.
- A door that misses some people misses as many in both kinds of hours. It changes no effect, so nothing is corrected.
- The interval holds on every day, and the verdicts are those of attention (``cloud.analysis.clips``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from cloud.analysis.clips import LEVEL, Verdict, needed, reach, verdict
from cloud.analysis.shop_hours import ShopHour
from cloud.domain.clips import HeldByHours
from common.signage import held_out_in

Outcome = Literal["entries", "sales", "conversion"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("entries", "sales", "conversion")
LEAST_HOURS: Final = 20
"""Hours of either kind, and more hours than days and times of day together: fewer have no certain variance."""
LEAST_COUNTS: Final = 20
"""Counts of either kind of hour."""
_HOUR: Final = timedelta(hours=1)
_ROUNDS = 200
_CLOSE = 1e-10

_Numbers = NDArray[np.float64]
_Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class HourEffect:
    """The effect on one outcome, 0.1 for 10 % more, with an interval that holds at all times; None with too few hours.

    ``hours`` were compared; about ``needed`` are needed to find an effect of 10 % in four of five campaigns.
    """

    hours: int
    verdict: Verdict
    change: float | None = None
    low: float | None = None
    high: float | None = None
    needed: int | None = None


def clip_effects(site: str, clip: HeldByHours, hours: Sequence[ShopHour]) -> dict[Outcome, HourEffect]:
    """Compute the effect of a clip of a site on each outcome, from the whole hours in which it was in the programme."""
    during = [one for one in hours if clip.since <= one.start and one.start + _HOUR <= clip.until]
    names = {"site": site, "device": clip.device, "clip": clip.clip}
    return hour_effects(during, [held_out_in(one.number, **names, share=clip.share) for one in during])


def hour_effects(hours: Sequence[ShopHour], held: Sequence[bool]) -> dict[Outcome, HourEffect]:
    """Compute the effect on each outcome of hours, of which some were ``held`` out."""
    told = [(one, kind) for one, kind in zip(hours, held, strict=True) if one.sales is not None]
    entries = _fitted(hours, held, "entries")
    with_sales, kinds = [one for one, _ in told], [kind for _, kind in told]
    sold, both = (_fitted(with_sales, kinds, name) for name in ("sales", "entries"))
    rate = None
    if sold is not None and both is not None:
        rate = _Fit(sold.effect - both.effect, sold.influence - both.influence, sold.freedom)
    return {
        "entries": _effect(len(hours), entries),
        "sales": _effect(len(told), sold),
        "conversion": _effect(len(told), rate),
    }


@dataclass(frozen=True, slots=True)
class _Fit:
    effect: float
    """Of the clip, as a logarithm."""
    influence: _Numbers
    """What each hour adds to it; 0 for one that says nothing."""
    freedom: int


def _effect(hours: int, fit: _Fit | None) -> HourEffect:
    if fit is None:
        return HourEffect(hours, "cannot tell yet")
    scatter = float(fit.influence @ fit.influence)
    error = math.sqrt(scatter * hours / fit.freedom)
    # The variance is estimated, too: what it lacks in certainty is added as the t distribution has it.
    error *= float(t.ppf(1 - LEVEL / 2, fit.freedom) / norm.ppf(1 - LEVEL / 2))
    low, high = math.expm1(fit.effect - reach(error)), math.expm1(fit.effect + reach(error))
    return HourEffect(hours, verdict(low, high), math.expm1(fit.effect), low, high, needed(hours, error))


def _fitted(hours: Sequence[ShopHour], held: Sequence[bool], name: str) -> _Fit | None:
    """Fit the model to the counts of all hours; None if they are too few."""
    counts = np.array([getattr(one, name) for one in hours], float)
    shown = 1.0 - np.array(held, float)
    of_either = [shown == kind for kind in (0.0, 1.0)]
    if min(int(kind.sum()) for kind in of_either) < LEAST_HOURS:
        return None
    if min(float(counts[kind].sum()) for kind in of_either) < LEAST_COUNTS:
        return None
    days = _places([one.start.date().toordinal() for one in hours])
    # The busy hours of a weekend are others than those of a weekday.
    times = _places([(one.start.weekday() >= 5) * 24 + one.start.hour for one in hours])
    freedom = len(hours) - int(days.max()) - int(times.max()) - 2
    if freedom < LEAST_HOURS:
        return None
    effect, expected = _model(counts, shown, days, times)
    rest = _without(shown, expected, days, times)
    information = float(expected @ rest**2)
    if information <= 0:
        return None
    return _Fit(effect, rest * (counts - expected) / information, freedom)


def _places(keys: Sequence[int]) -> _Places:
    return np.unique(keys, return_inverse=True)[1]


def _model(counts: _Numbers, shown: _Numbers, days: _Places, times: _Places) -> tuple[float, _Numbers]:
    """Return the effect and the expected counts, which add up to the counts of each day, time and kind of hour."""
    factor, expected = 1.0, np.ones_like(counts)
    for _ in range(_ROUNDS):
        for groups in (days, times):
            have, want = np.bincount(groups, expected), np.bincount(groups, counts)
            expected *= np.divide(want, have, out=np.zeros_like(want), where=have > 0)[groups]
        step = (counts[shown == 1].sum() / expected[shown == 1].sum()) / (
            counts[shown == 0].sum() / expected[shown == 0].sum()
        )
        factor *= step
        expected[shown == 1] *= step
        if abs(step - 1) < _CLOSE:
            break
    return math.log(factor), expected


def _without(shown: _Numbers, weights: _Numbers, days: _Places, times: _Places) -> _Numbers:
    """Return the kind of each hour without what its day and time say about it."""
    rest = shown.copy()
    for _ in range(_ROUNDS):
        before = rest.copy()
        for groups in (days, times):
            weight, sums = np.bincount(groups, weights), np.bincount(groups, weights * rest)
            rest -= np.divide(sums, weight, out=np.zeros_like(sums), where=weight > 0)[groups]
        if float(np.abs(rest - before).max()) < _CLOSE:
            break
    return rest
