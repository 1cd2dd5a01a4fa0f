"""Compares two rows of days with each other: a period with another one, or a site with another on the same dates.

Each day is paired with one of the other row, and the variance is estimated from the differences of the pairs
(:mod:`cloud.analysis.differences` with two rows). As in the weekly report, several figures are tested at once, so the
level is divided among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cloud.analysis.change import (
    LEAST_DAYS,
    VAGUE,
    Change,
    judge,
    levels_of,
    most_common,
    own_rate,
    why_untold,
)
from cloud.analysis.comparable import LEAST_SHARE_OF_DAYS, why_unwatched
from cloud.analysis.compare import LEVEL
from cloud.analysis.differences import differences
from cloud.analysis.metrics import Metric
from cloud.domain.messages import gettext as _
from cloud.domain.messages import ngettext
from cloud.domain.tally import Tally

Pair = tuple[Tally, Tally]
"""A day, and the one that it is compared with."""


def pair_changes(pairs: Sequence[Pair], metrics: Sequence[Metric], *, level: float = LEVEL) -> list[Change]:
    """Compute how the first days of ``pairs`` differ from the second ones, for cameras of one role."""
    return [
        _change(pairs, metric, own) for metric, own in zip(metrics, levels_of(metrics, level), strict=True)
    ]


def _change(pairs: Sequence[Pair], metric: Metric, level: float) -> Change:
    opened = [pair for pair in pairs if all(one.open_s > 0 for one in pair)]
    told = np.min([metric.terms(row)[1] for row in _rows(opened)], axis=0) > 0 if opened else []
    causes = [
        _cause(pair) or (None if any_told else metric.lacking)
        for pair, any_told in zip(opened, told, strict=True)
    ]
    used = [pair for pair, cause in zip(opened, causes, strict=True) if cause is None]
    rates = [own_rate(metric, [one for one in row if one.covered_s > 0]) for row in _rows(pairs)]
    why = _why_apart(opened, used, causes, metric)
    if why is None:
        return _compared(used, metric, level, rates[0], rates[1])
    return _apart(metric, level, why, rates[0], rates[1])


def _rows(pairs: Iterable[Pair]) -> tuple[list[Tally], list[Tally]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def _cause(pair: Pair) -> str | None:
    """Return why a pair of days does not count; None if it does."""
    for one in pair:
        if why := why_unwatched(one):
            return why
    one, other = pair
    if (one.models, one.calibrations) != (other.models, other.calibrations):
        return _("other models")
    if one.site == other.site and one.watched_s.keys() != other.watched_s.keys():
        return _("other cameras")
    return None


def _why_apart(
    opened: Sequence[Pair], used: Sequence[Pair], causes: Sequence[str | None], metric: Metric
) -> str | None:
    cause = most_common(causes) or _("too few days")
    if not used:
        return cause
    if len(used) < max(LEAST_DAYS, LEAST_SHARE_OF_DAYS * len(opened)):
        return ngettext(
            "only %(count)s pair of days can be compared (%(why)s)",
            "only %(count)s pairs of days can be compared (%(why)s)",
            len(used),
            why=cause,
        )
    return next(filter(None, (why_untold(metric, row) for row in _rows(used))), None)


def _compared(
    used: Sequence[Pair], metric: Metric, level: float, rate: float | None, before: float | None
) -> Change:
    terms = [metric.terms(row) for row in _rows(used)]
    numerator, denominator = (np.array([one[part] for one in terms]) for part in (0, 1))
    found = differences(numerator, denominator, by_date=metric.by_date)
    ratio, error, freedom = (float(values[0]) for values in (found.versus, found.error, found.freedom))
    if np.isnan(ratio):
        return _apart(metric, level, _("nothing was counted on the other days"), rate, before)
    # With two rows, the residuals of one mirror those of the other: each difference is counted twice, in the variance
    # and in the degrees of freedom.
    judged = judge(ratio, error / 2**0.5, max(1.0, freedom / 2), level)
    if judged is None:
        return _apart(metric, level, VAGUE, rate, before)
    low, high, verdict = judged
    return Change(metric.name, metric.unit, rate, before, ratio, low, high, level, verdict, (), None)


def _apart(metric: Metric, level: float, why: str, rate: float | None, before: float | None) -> Change:
    return Change(metric.name, metric.unit, rate, before, None, None, None, level, None, (), why)
