"""Estimates how much the days of a site vary, from few days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from cloud.analysis.confusion import Matrix

_FOR_A_TREND = 10
"""From this many sites on, the variance may depend on size; a line through fewer would follow chance."""


@dataclass(frozen=True, slots=True)
class Moderated:
    """Variances (sites,) and their degrees of freedom."""

    value: Matrix
    freedom: Matrix
    own: Matrix
    """The weight of the site's own data in each variance, in 0..1."""


def moderated(variance: Matrix, freedom: Matrix, size: Matrix) -> Moderated:
    """Shrink the sample variances (sites,) of normal noise towards the usual value for a site of that size.

    A variance from few days is itself noisy, and the sites with the smallest one would look the most certain. The
    amount of shrinkage depends on how much the variances differ beyond chance: empirical Bayes with a scaled inverse
    chi-square prior (Smyth 2004), fitted by the moments of log variances along a straight line in log size.
    """
    if len(variance) < 2:
        return Moderated(variance, freedom, np.ones_like(freedom))
    half = freedom / 2
    logs = np.log(variance) - digamma(half) + np.log(half)
    columns = [np.ones_like(logs)]
    if len(logs) >= _FOR_A_TREND and np.ptp(np.log(size)) > 0:
        columns.append(np.log(size) - np.log(size).mean())
    design = np.stack(columns, -1)
    usual = design @ np.linalg.lstsq(design, logs, rcond=None)[0]
    excess = ((logs - usual) ** 2).sum() / (len(logs) - len(columns)) - polygamma(1, half).mean()
    if excess <= 0:  # they differ no more than by chance: all get the usual one
        return Moderated(np.exp(usual), np.full_like(freedom, freedom.sum()), freedom / freedom.sum())
    prior = 2 * _trigamma_inverse(float(excess))
    prior_variance = np.exp(usual + digamma(prior / 2) - np.log(prior / 2))
    joint = (prior * prior_variance + freedom * variance) / (prior + freedom)
    return Moderated(joint, np.minimum(prior + freedom, freedom.sum()), freedom / (prior + freedom))


def persistence(residuals: Matrix, used: Matrix) -> float:
    """Estimate how much a day resembles the one before: their correlation in 0..0.8, the same for all sites.

    ``residuals`` (sites, dates) have mean 0 and variance 1 in each site; ``used`` is 1 if a day counts.
    """
    pairs = used[:, :-1] * used[:, 1:]
    if pairs.sum() < 1:
        return 0.0
    correlation = float((residuals[:, :-1] * residuals[:, 1:] * pairs).sum() / pairs.sum())
    # Correct for the subtraction of each site's mean, which biases the correlation downwards (Kendall 1954).
    days = max(4.0, float(used.sum(1).mean()))
    return min(max((correlation + 1 / days) / (1 - 3 / days), 0.0), 0.8)


def skewness(residuals: Matrix, used: Matrix, variation: Matrix) -> Matrix:
    """Estimate the skewness (sites,) of days, as one common multiple of their coefficient of ``variation`` (sites,).

    The multiple is 1 for Poisson counts, 2 for gamma and about 3 for lognormal ones. ``residuals`` and ``used`` are as
    in :func:`persistence`.
    """
    multiple = (variation[:, None] * residuals**3 * used).sum() / (variation[:, None] ** 2 * used).sum()
    found: Matrix = multiple * variation
    return found


def unskewed(t: Matrix, skew: Matrix, days: Matrix, own: Matrix) -> Matrix:
    """Transform the t values (sites,) of means over skewed ``days`` to be as symmetric as those of normal days.

    This is Hall's monotone transformation (1992), adapted to a variance of which only the part ``own`` (sites,) is
    correlated with the mean: 1 gives his formula, 0 that for a known variance.
    """
    small = skew / np.sqrt(days)
    bend = (1 - 3 * own) / 6 * small
    straight: Matrix = t + small / 6 - bend * t**2 + bend**2 * t**3 / 3
    return straight


def _trigamma_inverse(value: float) -> float:
    # For all x > 0, trigamma(x) lies between 1/x and 1/x + 1/x**2, which gives the bracket.
    return float(
        brentq(lambda x: polygamma(1, x) - value, 1 / value, (1 + (1 + 4 * value) ** 0.5) / (2 * value))
    )
