"""What sites can be compared on: each metric is a sum over a sum, so that days add up and short days weigh less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from cloud.analysis.confusion import Confusions, Matrix, confusion_for, shipped_confusions
from cloud.analysis.mix import verdicts, withheld
from cloud.analysis.quantify import unbiased_weights
from cloud.domain.tally import Tally
from common.errors import UserError
from common.vocabulary import ATTRIBUTES

Terms = tuple[Matrix, Matrix]
"""Numerators and denominators, one of each for every tally."""


@dataclass(frozen=True, slots=True)
class Metric:
    """``name`` is what is asked for: ``visits_per_open_hour`` or ``share:gender=female``."""

    name: str
    title: str
    unit: str
    """``%`` for what is a share of something in 0..1."""
    by_date: bool
    """Whether a day is held against the same date of the other sites, and not against the whole period."""
    terms: Callable[[Sequence[Tally]], Terms]
    withheld: Callable[[Tally], int]
    """Visits whose part in the metric the privacy rules withheld."""
    described: Callable[[Tally], int]
    """Visits that the metric describes."""
    lacking: str = "nobody came"
    """Why a watched day may have nothing to describe."""


_NO_GROUP = "no group of visits was released"


def _plain(
    numerator: Callable[[Tally], float], denominator: Callable[[Tally], float], tallies: Sequence[Tally]
) -> Terms:
    return np.array([numerator(t) for t in tallies], float), np.array(
        [denominator(t) for t in tallies], float
    )


def _rate(
    name: str,
    title: str,
    unit: str,
    numerator: Callable[[Tally], float],
    denominator: Callable[[Tally], float],
) -> Metric:
    terms = partial(_plain, numerator, denominator)
    return Metric(name, title, unit, True, terms, lambda _: 0, lambda t: t.visits)


def _of_groups(
    name: str,
    title: str,
    unit: str,
    numerator: Callable[[Tally], float],
    denominator: Callable[[Tally], float],
) -> Metric:
    """A figure of visits that were released in cohorts."""
    terms = partial(_plain, numerator, denominator)
    return Metric(name, title, unit, True, terms, lambda _: 0, lambda t: t.cohort_visits, _NO_GROUP)


_RATES = {
    metric.name: metric
    for metric in (
        # An hour counts as far as it was watched: a blind one is no data.
        _rate(
            "visits_per_open_hour", "Visits per watched opening hour", "/h",
            lambda t: t.visits, lambda t: t.exposure_s / 3600,
        ),
        _rate("viewers_share", "Viewers among visits", "%", lambda t: t.viewers, lambda t: t.visits),
        _of_groups("dwell_mean", "Mean dwell time", "s", lambda t: t.dwell_sum_s, lambda t: t.dwell_visits),
        _of_groups(
            "attraction_ratio", "Attention time / dwell time", "%",
            lambda t: t.attention_sum_s, lambda t: t.attention_dwell_s,
        ),
    )
}  # fmt: skip


def metric_named(name: str, confusions: Confusions | None = None) -> Metric:
    """The metric of a name. Raises ``UserError``. A share is corrected by ``confusions``, by default those that come
    with Footlight."""
    if name in _RATES:
        return _RATES[name]
    kind, _, rest = name.partition(":")
    attribute, _, label = rest.partition("=")
    if kind != "share" or attribute not in ATTRIBUTES:
        shares = ", ".join(f"share:{attribute}=LABEL" for attribute in ATTRIBUTES)
        raise UserError(f"--metric {name}: known are {', '.join(_RATES)}, {shares}")
    if label not in ATTRIBUTES[attribute]:
        raise UserError(f"--metric {name}: {attribute} is one of {', '.join(ATTRIBUTES[attribute])}")
    known = shipped_confusions() if confusions is None else confusions
    return Metric(
        name=name,
        title=f"Share of {label} ({attribute})",
        unit="%",
        by_date=False,
        terms=partial(_share, attribute, label, known),
        withheld=partial(withheld, attribute=attribute),
        described=lambda tally: sum(verdicts(tally, attribute).values()),
        lacking=f"{_NO_GROUP} with {attribute.replace('_', ' ')}",
    )


def _share(attribute: str, label: str, confusions: Confusions, tallies: Sequence[Tally]) -> Terms:
    """Each tally by the weights of its calibration: visits with each verdict count as so many of the label."""
    names = (*ATTRIBUTES[attribute], "unknown")
    counts = np.array([[verdicts(t, attribute).get(name, 0) for name in names] for t in tallies], float)
    numerator, denominator = np.zeros(len(tallies)), np.zeros(len(tallies))
    for calibrations in {t.calibrations for t in tallies}:
        rows = np.array([t.calibrations == calibrations for t in tallies])
        confusion, _ = confusion_for(calibrations, attribute, confusions)
        if confusion is None or not counts[rows].any():  # raw, among the known
            weights, basis = (np.array(names) == label).astype(float), np.array(names) != "unknown"
        else:
            weights = unbiased_weights(counts[rows].sum(0), confusion)[confusion.labels.index(label)]
            basis = np.ones(len(names), bool)
        numerator[rows] = counts[rows] @ weights
        denominator[rows] = counts[rows][:, basis].sum(1)
    return numerator, denominator
