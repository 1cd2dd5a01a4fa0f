"""Compares one week of a site with the weeks before it, using the statistics of the comparison of sites.

Weeks take the place of sites and weekdays that of dates: a week is compared with the others on the same weekdays, the
variance is estimated from the days themselves, and days that resemble the day before have less weight
(:mod:`cloud.analysis.differences`). Several figures are tested at once, so the level is divided among them
(Bonferroni): of a hundred reports in which nothing has changed, at most five report a change of any figure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from scipy.stats import t

from cloud.analysis.comparable import (
    LEAST_SHARE_OF_DAYS,
    MOST_WITHHELD,
    why_unwatched,
)
from cloud.analysis.compare import LEVEL
from cloud.analysis.differences import Differences, differences
from cloud.analysis.metrics import Metric
from cloud.domain.messages import Percent, ngettext
from cloud.domain.messages import gettext as _
from cloud.domain.tally import Tally

WEEKS_BEFORE = 4
LEAST_WEEKS_BEFORE = 2
LEAST_DAYS = 3
"""Days that a week must share with this one, by weekday."""

MOST_VAGUE = 1.0
"""An interval that contains "no change" and is wider than this share of the weeks before is too vague to show."""

VAGUE = _("the days differ too much to distinguish a change from chance")
"""The reason for that."""

Setup = tuple[frozenset[str], frozenset[str], frozenset[str]]
"""Models, calibrations and cameras: what a day was counted with."""

Verdict = Literal["more", "less", "none"]


@dataclass(frozen=True, slots=True)
class Week:
    """One week of one figure, adjusted if its weekdays differ from those of the other weeks."""

    first: date
    """A Monday."""
    days: int
    """Days that count."""
    rate: float | None
    """None if the week is not compared, as ``low`` and ``high``, the week's own 95 % interval."""
    low: float | None
    high: float | None
    set_apart: str | None
    """Why it is not compared."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one figure. If ``set_apart`` gives a reason why it is not known, there is no ratio."""

    metric: str
    unit: str
    rate: float | None
    """This week; None only if nothing was counted."""
    before: float | None
    """The weeks before, on the same weekdays; None if they cannot be compared."""
    ratio: float | None
    """``rate`` / ``before``; 1.15 is 15 % more. None if it is not known, as ``low`` and ``high``."""
    low: float | None
    """The interval of ``ratio``; it excludes 1 exactly if the verdict is more or less."""
    high: float | None
    level: float
    """1 minus the confidence of the interval: how often it misses the true ratio by chance."""
    verdict: Verdict | None
    weeks: tuple[Week, ...]
    """Oldest first; the last is this week."""
    set_apart: str | None


@dataclass(frozen=True, slots=True)
class _Days:
    """The days of a week that count, by weekday, and the reason why others do not."""

    first: date
    good: Mapping[int, Tally]
    opened: int
    cause: str | None


def changes(
    tallies: Sequence[Tally], metrics: Sequence[Metric], week: date, *, level: float = LEVEL
) -> list[Change]:
    """Compute what changed in the week that begins on the Monday ``week``.

    ``tallies`` are those of one site and role, one for each day. The first of several metrics, on which the others
    depend, gets half of ``level``; the others share the rest.
    """
    return [
        _change(tallies, metric, week, own)
        for metric, own in zip(metrics, levels_of(metrics, level), strict=True)
    ]


def levels_of(metrics: Sequence[Metric], level: float) -> list[float]:
    """Divide the level among the metrics: half for the first one, on which the others depend."""
    others = len(metrics) - 1
    return [level / 2, *[level / 2 / others] * others] if others else [level]


def _change(tallies: Sequence[Tally], metric: Metric, week: date, level: float) -> Change:
    mondays = [week - timedelta(weeks=back) for back in reversed(range(WEEKS_BEFORE + 1))]
    by_day = {tally.day: tally for tally in tallies if tally.open_s > 0}
    current = _usual_setup(by_day, week)
    weeks = [_days(by_day, metric, monday, current) for monday in mondays]
    this = weeks[-1]
    why = _why_apart(this, metric)
    shared = {
        days.first: days for days in weeks[:-1] if len(days.good.keys() & this.good.keys()) >= LEAST_DAYS
    }
    if why is None and len(shared) < LEAST_WEEKS_BEFORE:
        cause = next((days.cause for days in reversed(weeks[:-1]) if days.cause), _("too few days"))
        why = _(
            "only %(count)s of the %(weeks)s weeks before can be compared (%(why)s)",
            count=len(shared),
            weeks=WEEKS_BEFORE,
            why=cause,
        )
    own = own_rate(metric, list(this.good.values()) or _watched(by_day, week))
    if why is not None:
        return _apart(metric, weeks, level, why, own)
    return _compared(metric, weeks, [this, *shared.values()], level, own)


def _days(by_day: Mapping[date, Tally], metric: Metric, monday: date, current: Setup) -> _Days:
    tallies = [by_day[day] for n in range(7) if (day := monday + timedelta(days=n)) in by_day]
    causes = {tally.day: _cause(tally, metric, current) for tally in tallies}
    good = {tally.day.weekday(): tally for tally in tallies if causes[tally.day] is None}
    cause = most_common(causes.values()) if tallies else _("no data")
    return _Days(monday, good, len(tallies), cause)


def most_common(causes: Iterable[str | None]) -> str | None:
    """Return the most common cause; of several, the first in the alphabet. None if there is none."""
    found = [cause for cause in causes if cause]
    return max(sorted(set(found)), key=found.count, default=None)


def _cause(tally: Tally, metric: Metric, current: Setup) -> str | None:
    """Return why a day does not count; None if it does."""
    if why := why_unwatched(tally):
        return why
    if _setup(tally) != current:
        return _("other cameras") if frozenset(tally.watched_s) != current[2] else _("other models")
    if metric.terms([tally])[1][0] <= 0:
        return metric.lacking
    return None


def _setup(tally: Tally) -> Setup:
    return tally.models, tally.calibrations, frozenset(tally.watched_s)


def _usual_setup(by_day: Mapping[date, Tally], week: date) -> Setup:
    """Return the setup of most days of this week."""
    used = [_setup(tally) for tally in _watched(by_day, week)]
    return max(used, key=used.count, default=(frozenset(), frozenset(), frozenset()))


def _watched(by_day: Mapping[date, Tally], week: date) -> list[Tally]:
    """Return the days of a week that were watched at least in part."""
    found = (by_day.get(week + timedelta(days=n)) for n in range(7))
    return [tally for tally in found if tally is not None and tally.covered_s > 0]


def _why_apart(this: _Days, metric: Metric) -> str | None:
    if len(this.good) < max(LEAST_DAYS, LEAST_SHARE_OF_DAYS * this.opened):
        why = this.cause or _("too few days")
        if not this.good:
            return why
        return ngettext(
            "only %(count)s day of this week can be used (%(why)s)",
            "only %(count)s days of this week can be used (%(why)s)",
            len(this.good),
            why=why,
        )
    return why_untold(metric, this.good.values())


def why_untold(metric: Metric, tallies: Collection[Tally]) -> str | None:
    """Return why these days tell too little of a figure to compare it; None if they tell enough."""
    told, hidden = (sum(of(tally) for tally in tallies) for of in (metric.told, metric.withheld))
    if told + hidden == 0:
        return metric.lacking
    if hidden > MOST_WITHHELD * (told + hidden):
        return _(
            "%(share)s of the visits were withheld to protect privacy",
            share=Percent(hidden / (told + hidden)),
        )
    return None


def own_rate(metric: Metric, tallies: Sequence[Tally]) -> float | None:
    """Return the figure of these days alone; None if nothing was counted."""
    if not tallies:
        return None
    numerator, denominator = (float(terms.sum()) for terms in metric.terms(tallies))
    if denominator <= 0:
        return None
    return float(np.clip(numerator / denominator, 0, _most(metric)))


def _most(metric: Metric) -> float:
    return 1.0 if metric.unit == "%" else np.inf


def _apart(metric: Metric, weeks: Sequence[_Days], level: float, why: str, rate: float | None) -> Change:
    shown = tuple(_week(days, None, 0, days.cause or why) for days in weeks)
    return Change(metric.name, metric.unit, rate, None, None, None, None, level, None, shown, why)


def _compared(
    metric: Metric, weeks: Sequence[_Days], used: Sequence[_Days], level: float, own: float | None
) -> Change:
    """Compare this week with others: ``used`` is this week, then the others; ``own`` is this week's figure alone."""
    weekdays = sorted(used[0].good.keys() & {weekday for days in used[1:] for weekday in days.good})
    numerator, denominator = np.zeros((2, len(used), len(weekdays)))
    places = [
        (i, j) for i, days in enumerate(used) for j, weekday in enumerate(weekdays) if weekday in days.good
    ]
    tallies = [used[i].good[weekdays[j]] for i, j in places]
    index = tuple(np.array(places).T)
    numerator[index], denominator[index] = metric.terms(tallies)

    found = differences(numerator, denominator, by_date=metric.by_date)
    rate, ratio, error = (float(values[0]) for values in (found.rate, found.versus, found.error))
    if np.isnan(ratio):
        return _apart(metric, weeks, level, _("nothing was counted in the weeks before"), own)
    # This week and the mean of the others both vary by chance; the others' part of the variance is 1 / len(used).
    error *= np.sqrt(1 - 1 / len(used))
    low, high, verdict = judge(ratio, error, float(found.freedom[0]), level) or (None, None, None)
    rows = {days.first: i for i, days in enumerate(used)}
    before = rate / ratio if ratio > 0 else float(numerator[1:].sum() / denominator[1:].sum())
    return Change(
        metric=metric.name,
        unit=metric.unit,
        rate=rate,
        before=before,
        ratio=None if verdict is None else ratio,
        low=low,
        high=high,
        level=level,
        verdict=verdict,
        weeks=tuple(
            _week(days, found, rows[days.first], None, _most(metric))
            if days.first in rows
            else _week(days, None, 0, days.cause or _("too few days"))
            for days in weeks
        ),
        set_apart=VAGUE if verdict is None else None,
    )


def judge(ratio: float, error: float, freedom: float, level: float) -> tuple[float, float, Verdict] | None:
    """Compute the interval of a ratio with this standard error, and the verdict; None if it is too vague to show."""
    reach = float(t.ppf(1 - level / 2, freedom)) * error
    low, high = max(ratio - reach, 0.0), ratio + reach
    verdict: Verdict = "more" if low > 1 else "less" if high < 1 else "none"
    return None if verdict == "none" and high - low > MOST_VAGUE else (low, high, verdict)


def _week(
    days: _Days, found: Differences | None, row: int, set_apart: str | None, most: float = np.inf
) -> Week:
    if found is None:
        return Week(days.first, len(days.good), None, None, None, set_apart)
    low, high = (float(np.clip(values[row], 0, most)) for values in (found.low, found.high))
    return Week(days.first, len(days.good), float(found.rate[row]), low, high, set_apart)
