"""Writes the derived figures of each shop as points: what page and reports show, for Grafana and its alerts.

Takings and count checks lie in files beside the server, which Grafana cannot read. They change late: a till sends a row
again, somebody makes or deletes a check. So each run computes the figures of the last four weeks again, and those of
earlier days whose takings came in or were corrected in the last days. docs/decisions/0105 has the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from cloud.analysis.clip_figures import clip_figures
from cloud.analysis.clip_hours import HourEffect
from cloud.analysis.clips import Effect
from cloud.analysis.limits import PATIENCE, beyond
from cloud.analysis.shop_figures import ShopFigure, shop_figures
from cloud.domain.chain import Chain, Role, Site
from cloud.domain.clips import EFFECT_DAYS
from cloud.domain.figures import LONGEST_DAYS
from cloud.domain.levels import KEPT_DAYS, Level
from cloud.domain.local_clock import hour_end, hour_start
from cloud.domain.tally import Tally
from cloud.domain.till import Kept, till_tally
from cloud.stores.check_file import CheckFile
from cloud.stores.figure_layout import CLIP_EFFECT, DAY_FIGURE, FIGURE_ALERT, HOUR_FIGURE, PERIODS
from cloud.stores.forgotten import Tags
from cloud.stores.measurement import Measurement, Point, Value
from cloud.stores.tallies import Tallies, day_time, days, every_day, open_hours
from cloud.stores.till_file import TillFile

AGAIN_DAYS = 28
"""The days whose figures each run computes again."""
LATE_TILL = timedelta(days=7)
"""The figures of any day whose takings came in since then are computed again. The rollup runs every six hours."""
_LONGEST = max(PERIODS.values())
_KEPT = KEPT_DAYS["quarter"] or 0
_HOUR = timedelta(hours=1)
_NO_MORE = "it is not told any more"


class Points(Protocol):
    """A store that points are written to."""

    def write_points(self, batch: Iterable[Point], level: Level) -> None:
        """Write points. Raises ``StoreUnavailable`` and ``StoreRejected``."""
        ...


class Stored(Protocol):
    """The points of earlier runs."""

    def stored_points(
        self, measurement: Measurement, site: str, role: Role, start: datetime, end: datetime
    ) -> dict[datetime, dict[Tags, frozenset[str]]]:
        """Return which fields each point has, by its time and its tags after site and role."""
        ...


@dataclass(frozen=True, slots=True)
class Shops:
    """All that the figures are made from; ``tallies`` include the till."""

    chain: Chain
    tallies: Tallies
    till: TillFile
    checks: CheckFile | None
    stored: Stored


def write_figures(shops: Shops, store: Points, *, first: date, last: date, now: datetime) -> None:
    """Write the figures of the days from ``first`` to ``last`` that are over, and of those that they or late takings
    change. Raises ``StoreUnavailable`` and ``StoreRejected``.
    """
    for site in shops.chain.sites.values():
        newest = min(now.astimezone(site.zone).date(), now.date()) - timedelta(days=1)
        oldest = newest - timedelta(days=_KEPT - 2)
        late = {at.astimezone(site.zone).date() for at in shops.till.changed(site.name, now - LATE_TILL)}
        hourly = {*late, *days(first, last)}
        changed = {*hourly, *days(min(first, newest - timedelta(days=AGAIN_DAYS - 1)), last)}
        # A day is a part of longer periods, up to the one that it begins.
        touched = {day + timedelta(days=more) for day in changed for more in range(_LONGEST)}
        for chunk in _chunks([day for day in sorted(touched) if oldest <= day <= newest]):
            for role in site.roles:
                store.write_points(_of_days(shops, site, role, chunk), "day")
                store.write_points(_of_hours(shops, site, role, [d for d in chunk if d in hourly]), "quarter")
        for role in site.roles:
            store.write_points(_alerts(shops, site, role, newest), "day")
        store.write_points(_effects(shops, site, newest), "day")


def _chunks(chosen: Sequence[date]) -> Iterator[list[date]]:
    """Split the days into runs without a hole that fit in memory."""
    chunk: list[date] = []
    for day in chosen:
        if chunk and (day - chunk[-1] > timedelta(days=1) or len(chunk) >= AGAIN_DAYS):
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk


def _of_days(shops: Shops, site: Site, role: Role, chunk: Sequence[date]) -> Iterator[Point]:
    first, last = chunk[0], chunk[-1]
    tallies = every_day(shops.tallies, [site], first - timedelta(days=_LONGEST - 1), last, role)
    known = _known(shops, DAY_FIGURE, site, role, day_time(first), day_time(last) + _HOUR)
    for place, day in enumerate(chunk, start=_LONGEST):
        found: dict[Tags, ShopFigure] = {
            (figure.metric, period): figure
            for period, length in PERIODS.items()
            for figure in _figures(shops, site, role, tallies[place - length : place])
        }
        yield from _points(DAY_FIGURE, site, role, day_time(day), found, known)


def _of_hours(shops: Shops, site: Site, role: Role, chosen: Sequence[date]) -> Iterator[Point]:
    """Make the points of the hours in which the till was told by the hour, in the opening hours."""
    if not chosen:
        return
    start, end = site.local_day(chosen[0])[0], site.local_day(chosen[-1])[1]
    sold = _by_hour(shops.tallies.sales(site.name, start, end), site)
    known = _known(shops, HOUR_FIGURE, site, role, start, end)
    if not sold and not known:
        return
    hours = open_hours(shops.tallies, site, chosen[0], chosen[-1], role) if sold else {}
    for at in sorted({*hours, *(at for at, _ in known)}):
        if at.astimezone(site.zone).date() in chosen:
            found: dict[Tags, ShopFigure] = {}
            if at in hours and at in sold:
                told: Tally = replace(hours[at], till=till_tally(sold[at]))
                found = {(one.metric,): one for one in _figures(shops, site, role, [told])}
                found.pop(("re_entries",), None)  # an hour tells nothing of them
            yield from _points(HOUR_FIGURE, site, role, at, found, known)


def _by_hour(kept: Sequence[Kept], site: Site) -> dict[datetime, list[Kept]]:
    """Return the takings by hour; those of a longer interval are of no hour."""
    found: dict[datetime, list[Kept]] = {}
    for one in kept:
        start = one.takings.start
        if one.takings.end <= hour_end(start, site.zone):
            found.setdefault(hour_start(start, site.zone), []).append(one)
    return found


def _figures(shops: Shops, site: Site, role: Role, tallies: Sequence[Tally]) -> list[ShopFigure]:
    chain = shops.chain
    return shop_figures(site, role, tallies, chain.formulas, shops.checks, chain.currency or "")


Known = Mapping[tuple[datetime, Tags], frozenset[str]]


def _known(
    shops: Shops, measurement: Measurement, site: Site, role: Role, start: datetime, end: datetime
) -> dict[tuple[datetime, Tags], frozenset[str]]:
    stored = shops.stored.stored_points(measurement, site.name, role, start, end)
    return {(at, tags): names for at, points in stored.items() for tags, names in points.items()}


def _points(
    measurement: Measurement,
    site: Site,
    role: Role,
    at: datetime,
    found: Mapping[Tags, ShopFigure],
    known: Known,
) -> Iterator[Point]:
    """Make the points of a moment. What is only ``known`` from an earlier run is not told any more."""
    gone = sorted(tags for when, tags in known if when == at and tags not in found)
    for tags in (*found, *gone):
        named = dict(zip(measurement.tags, (site.name, role, *tags), strict=True))
        yield measurement.point(named, at, _values(found[tags]) if tags in found else _NOT_TOLD)


_NOT_TOLD: Mapping[str, Value | None] = {
    "told": False, "bounded": False, "checked": False, "refused": _NO_MORE
}  # fmt: skip


def _values(figure: ShopFigure) -> dict[str, Value | None]:
    right = figure.corrected
    return {
        "told": figure.value is not None,
        "value": figure.value,
        "bounded": figure.low is not None and figure.high is not None,
        "low": figure.low,
        "high": figure.high,
        "checked": right is not None,
        "corrected": right.value if right else None,
        "corrected_low": right.low if right else None,
        "corrected_high": right.high if right else None,
        "coverage": figure.coverage,
        "refused": figure.refused,
        "title": figure.title,
        "unit": figure.unit,
    }


def _alerts(shops: Shops, site: Site, role: Role, last: date) -> Iterator[Point]:
    """Make a point for each limit of the chain file about a figure of this role: whether it is passed."""
    limits = [one for one in shops.chain.alerts if one.is_about(site.name)]
    at = day_time(last)
    known = {tags for _, tags in _known(shops, FIGURE_ALERT, site, role, at, at + _HOUR)}
    counted = replace(
        shops, checks=None
    )  # a limit is about figures as counted: they do not jump with a check
    first = last - timedelta(days=LONGEST_DAYS + PATIENCE - 1)
    of_days = {
        one.day: {figure.metric: figure for figure in _figures(counted, site, role, [one])}
        for one in (every_day(shops.tallies, [site], first, last, role) if limits else ())
    }
    for limit in limits:
        told = {day: found[limit.metric] for day, found in of_days.items() if limit.metric in found}
        if not told:
            continue
        newest = told[max(told)]
        values = {day: figure.value for day, figure in told.items() if figure.value is not None}
        passed = beyond(limit, values, last)
        tags = {"site": site.name, "role": role, "alert": limit.said(newest.title, newest.unit)}
        known.discard((tags["alert"],))
        yield FIGURE_ALERT.point(tags, at, {"holds": passed is not None, "value": passed})
    for (alert,) in known:  # it was changed or taken out of the chain file
        yield FIGURE_ALERT.point({"site": site.name, "role": role, "alert": alert}, at, {"holds": False})


def _effects(shops: Shops, site: Site, last: date) -> Iterator[Point]:
    """Make a point for each effect of each clip that chance holds out, over the last weeks."""
    first = last - timedelta(days=EFFECT_DAYS - 1)
    for one in clip_figures(shops.tallies, site, first, last, site.roles[0]):
        tags = {"site": site.name, "device": one.device, "clip": one.clip}
        if one.attention:
            yield _effect({**tags, "outcome": "attention"}, last, one.attention, one.attention.visits)
        for outcome, found in (one.by_hour or {}).items():
            yield _effect({**tags, "outcome": outcome}, last, found, found.hours)


def _effect(tags: Mapping[str, str], last: date, found: Effect | HourEffect, compared: int) -> Point:
    values: dict[str, Value | None] = {
        "compared": compared,
        "verdict": found.verdict,
        "change": found.change,
        "low": found.low,
        "high": found.high,
        "needed": found.needed if found.verdict == "cannot tell yet" else None,
    }
    return CLIP_EFFECT.point(tags, day_time(last), values)
