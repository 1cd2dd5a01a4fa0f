"""Which sites differ from the rest of their chain: the arithmetic of :mod:`cloud.analysis.compare`, on plain arrays.

Everything counted is a ratio of sums over days. A site is held against the others on the same dates: what was
counted over what it would have been with their ratio (indirect standardisation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cloud.analysis.confusion import Matrix
from cloud.analysis.variance import moderated, persistence, skewness, unskewed


@dataclass(frozen=True, slots=True)
class Differences:
    """Arrays (sites,)."""

    rate: Matrix
    """What it had for each unit of the denominator, made fair where its days are not those of the others: the rate of
    all sites on all dates, times what it had on its own days over what all had on them."""
    low: Matrix
    """The 95 % interval of ``rate`` reaches from ``low`` to ``high``."""
    high: Matrix
    versus: Matrix
    """``rate`` over that of the others; NaN where theirs is not positive."""
    p: Matrix
    """The probability of a difference as large between equal sites."""
    q: Matrix
    """The share of chance among the differences with this ``p`` or less (Benjamini and Hochberg 1995)."""
    error: Matrix
    """Standard error of ``versus``; NaN likewise."""
    freedom: Matrix
    """Its degrees of freedom."""


def differences(numerator: Matrix, denominator: Matrix, *, by_date: bool = True) -> Differences:
    """Hold each site against the others. Arrays (sites, dates), with denominator 0 where a day does not count.

    ``by_date``: each date against the same date of the others, or else against their whole period. Each site needs
    two days or more, and with ``by_date`` each date two sites.
    """
    used = (denominator > 0).astype(float)
    days, size = used.sum(1), denominator.sum(1)
    usual, behind = _others(numerator, denominator, by_date=by_date)
    expected = usual * denominator
    counted, due = numerator.sum(1), expected.sum(1)
    ratio = np.divide(counted, due, out=np.full_like(due, np.nan), where=due > 0)
    residual = (numerator - np.nan_to_num(ratio)[:, None] * expected) * used

    # Days that are all the same have no variance, and no logarithm of it.
    tiny = 1e-6 * max(1.0, float(np.abs(numerator).max()))
    scatter = np.sqrt(np.maximum((residual**2).sum(1) / (days - 1), tiny**2))
    level = np.maximum(np.abs(expected).sum(1) / days, tiny)
    news = residual / scatter[:, None]
    skew = skewness(news, used, scatter / level)
    # Days that resemble the one before are fewer than they look: for their sum, and for their own variance.
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
    # What it had on its own days, over what all had on those days, times what all had on all days.
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
    """The ratio of the rest of the chain and the denominators behind it, both (sites, dates)."""
    counted, behind = numerator.sum(0) - numerator, denominator.sum(0) - denominator
    if not by_date:
        counted, behind = (np.broadcast_to(x.sum(1, keepdims=True), x.shape) for x in (counted, behind))
    return _per(counted, behind), behind


def _per(numerator: Matrix, denominator: Matrix) -> Matrix:
    """The quotient, 0 where the denominator is."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)
