"""The metrics that sites are compared on. Each is a sum divided by a sum, so days add up and short days weigh less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from cloud.analysis.confusion import ATTRIBUTE_WORDS, Confusions, Matrix, confusion_for, shipped_confusions
from cloud.analysis.estimates import estimate, terms_of
from cloud.analysis.mix import verdicts, withheld
from cloud.analysis.quantify import unbiased_weights, unknown_per_known
from cloud.domain.formula import Formula
from cloud.domain.messages import gettext as _
from cloud.domain.place_tally import DoorTally
from cloud.domain.tally import Tally
from common.errors import UserError
from common.vocabulary import ATTRIBUTES

Terms = tuple[Matrix, Matrix]
"""Numerators and denominators, one of each per tally."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``name`` is that of ``--metric``, such as ``visits_per_open_hour`` or ``share:gender=female``."""

    name: str
    title: str
    unit: str
    """``%`` for a share in 0..1."""
    by_date: bool
    """Whether a day is compared with the same date of the other sites, or with their whole period."""
    terms: Callable[[Sequence[Tally]], Terms]
    withheld: Callable[[Tally], int]
    """Visits whose part in the metric the privacy rules withheld."""
    told: Callable[[Tally], int]
    """Visits that the metric is about and that are not withheld."""
    lacking: str = _("no visits")
    """The reason if a watched day has nothing of it."""


_NO_GROUP = _("no group of visits was released")
_NO_DOOR = _("no door was counted during most of the watched time")
_LEAST_AT_DOORS = 0.8
"""Share of the watched time in which doors must have been counted for a day to count: doors that were drawn in the
afternoon have half a day of entries."""


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
    """Make a metric of the visits that were released in cohorts."""
    terms = partial(_plain, numerator, denominator)
    return Metric(name, title, unit, True, terms, lambda _: 0, lambda t: t.cohort_visits, _NO_GROUP)


def _at_doors(
    name: str,
    title: str,
    unit: str,
    numerator: Callable[[DoorTally], float],
    denominator: Callable[[Tally, DoorTally], float],
) -> Metric:
    """Make a metric of what was counted at doors."""

    def counted(tally: Tally) -> DoorTally | None:
        least_s = _LEAST_AT_DOORS * sum(tally.watched_s.values())
        return tally.doors if tally.doors and tally.doors.watched_s >= least_s else None

    def above(tally: Tally) -> float:
        doors = counted(tally)
        return numerator(doors) if doors else 0

    def below(tally: Tally) -> float:
        doors = counted(tally)
        return denominator(tally, doors) if doors else 0

    terms = partial(_plain, above, below)
    return Metric(
        name, title, unit, True, terms, lambda _: 0, lambda t: t.visits if counted(t) else 0, _NO_DOOR
    )


_RATES = {
    metric.name: metric
    for metric in (
        # Only the watched part of an hour counts: a blind hour is no data.
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
        _at_doors(
            "entries_per_open_hour", "Entries per watched opening hour", "/h",
            lambda doors: doors.entries, lambda t, _: t.exposure_s / 3600,
        ),
        _at_doors(
            "capture_rate", "Entries / (entries + passers)", "%",
            lambda doors: doors.entries, lambda _, doors: doors.entries + doors.passers,
        ),
    )
}  # fmt: skip


def formula_metric(formula: Formula) -> Metric:
    """Return a metric with a formula. Days on which it cannot be told have a denominator of 0."""

    def terms(tallies: Sequence[Tally]) -> Terms:
        days = [estimate(formula, [t]) for t in tallies]
        found = [
            terms_of(formula, t) if day.value is not None else None
            for t, day in zip(tallies, days, strict=True)
        ]
        return (
            np.array([one.above if one else 0.0 for one in found]),
            np.array([one.below if one else 0.0 for one in found]),
        )

    def told(tally: Tally) -> int:
        return int(estimate(formula, [tally]).value is not None)

    return Metric(
        formula.name, formula.title, formula.unit, True, terms, lambda _: 0, told, _("it cannot be told")
    )


def metric_named(name: str, confusions: Confusions | None = None, formulas: Sequence[Formula] = ()) -> Metric:
    """Return the metric with this name. Raises ``UserError`` for an unknown one.

    A share is corrected with ``confusions``, by default those shipped with Footlight. ``formulas`` are the metrics of
    the chain.
    """
    if name in _RATES:
        return _RATES[name]
    if found := next((one for one in formulas if one.name == name), None):
        return formula_metric(found)
    kind, _colon, rest = name.partition(":")
    attribute, _equals, label = rest.partition("=")
    if kind != "share" or attribute not in ATTRIBUTES:
        shares = ", ".join(f"share:{attribute}=LABEL" for attribute in ATTRIBUTES)
        known_names = ", ".join((*_RATES, *(one.name for one in formulas)))
        raise UserError(f"--metric {name}: is not known; use {known_names}, {shares}")
    if label not in ATTRIBUTES[attribute]:
        raise UserError(f"--metric {name}: {attribute} must be one of {', '.join(ATTRIBUTES[attribute])}")
    known = shipped_confusions() if confusions is None else confusions
    return Metric(
        name=name,
        title=f"Share of {label} ({attribute})",
        unit="%",
        by_date=False,
        terms=partial(_share, attribute, label, known),
        withheld=partial(withheld, attribute=attribute),
        told=lambda tally: sum(verdicts(tally, attribute).values()),
        lacking=_("no group of visits was released with %(attribute)s", attribute=ATTRIBUTE_WORDS[attribute]),
    )


def _share(attribute: str, label: str, confusions: Confusions, tallies: Sequence[Tally]) -> Terms:
    """Compute the terms of a label's share: each verdict is weighted by the calibration of its tally."""
    names = (*ATTRIBUTES[attribute], "unknown")
    counts = np.array([[verdicts(t, attribute).get(name, 0) for name in names] for t in tallies], float)
    numerator, denominator = np.zeros(len(tallies)), np.zeros(len(tallies))
    for calibrations in {t.calibrations for t in tallies}:
        rows = np.array([t.calibrations == calibrations for t in tallies])
        confusion, _ = confusion_for(calibrations, attribute, confusions)
        if confusion is None or not counts[rows].any():  # raw share among the known verdicts
            weights, basis = (np.array(names) == label).astype(float), np.array(names) != "unknown"
        else:
            untold = rows & np.array([not t.tells_unknown for t in tallies])
            counts[untold, -1] = counts[untold, :-1].sum(1) * unknown_per_known(
                counts[rows, :-1].sum(0), confusion
            )
            weights = unbiased_weights(counts[rows].sum(0), confusion)[confusion.labels.index(label)]
            basis = np.ones(len(names), bool)
        numerator[rows] = counts[rows] @ weights
        denominator[rows] = counts[rows][:, basis].sum(1)
    return numerator, denominator
