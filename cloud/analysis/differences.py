"""Finds sites that differ from the rest of their chain: the calculation of :mod:`cloud.analysis.compare`, on arrays.

Every figure is a ratio of sums over days. A site is compared with the others on the same dates: its count is divided by
the count it would have had at their ratio (indirect standardisation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cloud.analysis.confusion import Matrix
from cloud.analysis.variance import moderated, persistence, skewness, unskewed


@dataclass(frozen=True, slots=True)
class Differences:
    """The result, as arrays (sites,)."""

    rate: Matrix
    """Numerator per unit of the denominator, adjusted if the site's days differ from those of the others: the rate of
    all sites on all dates, times the site's rate on its own days, divided by the rate of all sites on those days."""
    low: Matrix
    """``low`` to ``high`` is the 95 % interval of ``rate``."""
    high: Matrix
    versus: Matrix
    """``rate`` divided by that of the others; NaN if theirs is not positive."""
    p: Matrix
    """The probability of a difference as large between equal sites."""
    q: Matrix
    """The expected share of chance among all differences with this ``p`` or less (Benjamini and Hochberg 1995)."""
    error: Matrix
    """Standard error of ``versus``; NaN where ``versus`` is."""
    freedom: Matrix
    """Degrees of freedom of ``error``."""


def differences(numerator: Matrix, denominator: Matrix, *, by_date: bool = True) -> Differences:
    """Compare each site with the others. Arrays (sites, dates); the denominator is 0 if a day does not count.

    ``by_date`` compares each date with the same date of the others, otherwise with their whole period. Each site needs
    at least two days and, with ``by_date``, each date at least two sites.
    """
    used = (denominator > 0).astype(float)
    days, size = used.sum(1), denominator.sum(1)
    usual, behind = _others(numerator, denominator, by_date=by_date)
    expected = usual * denominator
    counted, due = numerator.sum(1), expected.sum(1)
    ratio = np.divide(counted, due, out=np.full_like(due, np.nan), where=due > 0)
    residual = (numerator - np.nan_to_num(ratio)[:, None] * expected) * used

    # Equal days have variance 0, which has no logarithm.
    tiny = 1e-6 * max(1.0, float(np.abs(numerator).max()))
    scatter = np.sqrt(np.maximum((residual**2).sum(1) / (days - 1), tiny**2))
    level = np.maximum(np.abs(expected).sum(1) / days, tiny)
    news = residual / scatter[:, None]
    skew = skewness(news, used, scatter / level)
    # Days that resemble the one before count as fewer days, for the variance of their sum and for the estimate of it.
    alike = persistence(news, used)
    more = (1 + alike) / (1 - alike)
    freedom = (days - 1) * (1 - alike**2) / (1 + alike**2)
    variance = moderated(scatter**2 * (days - 1) / np.maximum(days - more, 1), freedom, level)

    of_sum = more * days * variance.value
    rest = used * variance.value[:, None]
    rest = rest.sum(0) - rest
    if by_date:
        of_others = more * (denominator**2 * _per(rest, behind**2)).sum(1)
    else:
        of_others = more * size**2 * rest.sum(1) / behind[:, 0] ** 2
    of_difference = np.sqrt(of_sum + of_others)
    t = unskewed((counted - due) / of_difference, skew, days, variance.own)
    p = 2 * stats.t.sf(np.abs(t), variance.freedom)
    # The site's rate on its own days, divided by that of all sites on those days, times that of all on all days.
    pooled = _per(numerator.sum(0), denominator.sum(0)) if by_date else numerator.sum() / denominator.sum()
    on_own_days = (pooled * denominator).sum(1) / size
    overall = numerator.sum() / denominator.sum()
    fair = np.divide(overall, on_own_days, out=np.ones_like(size), where=on_own_days > 0)
    rate = fair * counted / size
    reach = fair * stats.t.ppf(0.975, variance.freedom) * np.sqrt(of_sum) / size
    return Differences(
        rate=rate,
        low=rate - reach,
        high=rate + reach,
        versus=ratio,
        p=p,
        q=stats.false_discovery_control(p, method="bh"),
        error=of_difference / np.where(due > 0, due, np.nan),
        freedom=variance.freedom,
    )


def _others(numerator: Matrix, denominator: Matrix, *, by_date: bool) -> tuple[Matrix, Matrix]:
    """Return the ratio of the rest of the chain and its denominators, both (sites, dates)."""
    counted, behind = numerator.sum(0) - numerator, denominator.sum(0) - denominator
    if not by_date:
        counted, behind = (np.broadcast_to(x.sum(1, keepdims=True), x.shape) for x in (counted, behind))
    return _per(counted, behind), behind


def _per(numerator: Matrix, denominator: Matrix) -> Matrix:
    """Divide; the result is 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)
