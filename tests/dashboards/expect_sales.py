"""What *Sales and figures* must show: takings added up by hand, and the figures of the page from the windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cloud.analysis.clip_figures import clip_figures
from cloud.analysis.corrected import checked_doors, corrected_entries
from cloud.analysis.estimates import estimate
from cloud.domain.clips import EFFECT_DAYS
from cloud.domain.figures import COUNTS
from cloud.domain.local_clock import hour_start
from cloud.domain.tally import Tally, added_by
from cloud.domain.till import Takings, TillTally
from cloud.stores.figure_layout import PERIODS
from tests.dashboards.panels import Row, Scene, Series
from tests.dashboards.shops import CHAIN, FIRST, TODAY
from tests.dashboards.world import Answer, Board, World, chosen, noon

BOARD = Board()
FORMULAS = {one.name: one for one in CHAIN.formulas}
OF_TILL = ("transactions", "turnover", "items", "staff_hours")


@dataclass(frozen=True)
class Told:
    """A figure of some days: what the page says of it."""

    title: str
    unit: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    corrected: tuple[float, float, float] | None = None
    coverage: float | None = None
    refused: str = ""


def told(world: World, site: str, metric: str, tallies: Sequence[Tally]) -> Told | None:
    """The figure of days of one site and role; None if the page has none."""
    if not any(one.covered_s > 0 or one.till for one in tallies):
        return None
    main = tallies[0].role == CHAIN.sites[site].roles[0]
    if metric in OF_TILL:
        return _sold(world, site, metric, tallies) if main else None
    if metric in COUNTS:
        return _at_doors(world, site, metric, tallies)
    if not main or (metric not in CHAIN.metrics and not any(one.till for one in tallies)):
        return None
    doors = checked_doors(world.checks, CHAIN.sites[site], tallies[0].role, tallies)
    found = estimate(FORMULAS[metric], tallies, doors)
    ends = None if found.low is None or found.high is None else (found.low, found.high)
    title, unit, right = str(found.title), FORMULAS[metric].unit, found.corrected
    people = (
        None
        if right is None or right.low is None or right.high is None
        else (right.value, right.low, right.high)
    )
    return Told(title, unit, found.value, ends, people, found.coverage, str(found.refused or ""))


def _sold(world: World, site: str, metric: str, tallies: Sequence[Tally]) -> Told | None:
    """Takings are added up here, row by row."""
    days = {one.day for one in tallies}
    values = [getattr(one, metric) for of, one in world.sold if of == site and _day(one, site) in days]
    if all(value is None for value in values):
        return None
    unit = {"turnover": "EUR", "staff_hours": "h"}.get(metric, "")
    if None in values:
        return Told(COUNTS[metric], unit, refused="the till does not tell it for the whole time")
    return Told(COUNTS[metric], unit, float(sum(values)))


def _at_doors(world: World, site: str, metric: str, tallies: Sequence[Tally]) -> Told | None:
    total = sum(tallies[1:], tallies[0])
    again = total.beside.came_again
    if total.doors is None or (metric == "re_entries" and again.interval is None):
        return None
    if metric == "re_entries":
        return Told(COUNTS[metric], "", again.people, again.interval, coverage=total.coverage)
    right = corrected_entries(world.checks, CHAIN.sites[site], total.role, tallies)
    ends = right.entries if right else None
    people = (ends.value, ends.low, ends.high) if ends else None
    return Told(COUNTS[metric], "", float(total.doors.entries), None, people, total.coverage)


def _day(one: Takings, site: str) -> date:
    return one.start.astimezone(CHAIN.sites[site].zone).date()


METRICS = (*COUNTS, *FORMULAS)


def of_days(
    world: World, scene: Scene, site: str, metric: str, period: str
) -> Iterator[tuple[str, Tally, Told]]:
    """The role, the last day and the figure of each period that ends within the scene."""
    for (name, role), tallies in world.daily.items():
        if name != site:
            continue
        for place, last in enumerate(tallies, start=1):
            if place >= PERIODS["28d"] and scene.start <= noon(last) <= scene.end and last.day >= FIRST:
                found = told(world, site, metric, tallies[place - PERIODS[period] : place])
                if found is not None:
                    yield role, last, found


LINES: Sequence[tuple[str, Callable[[Told], float | None]]] = (
    ("counted", lambda one: one.value),
    ("low", lambda one: one.interval and one.interval[0]),
    ("high", lambda one: one.interval and one.interval[1]),
    ("corrected", lambda one: one.corrected and one.corrected[0]),
    ("corrected low", lambda one: one.corrected and one.corrected[1]),
    ("corrected high", lambda one: one.corrected and one.corrected[2]),
)


def lines(world: World, scene: Scene, metric: str, period: str) -> list[Answer]:
    site = chosen(scene)[0]
    found = list(of_days(world, scene, site, metric, period))
    answers: list[Answer] = []
    for name, value in LINES:
        series: Series = {}
        for role, day, figure in found:
            if (number := value(figure)) is not None:
                series.setdefault(f"{role}: {name}", {})[int(noon(day).timestamp())] = number
        answers.append(series)
    return answers


def _shows(title: str, metric: str | None) -> None:
    def answer(world: World, scene: Scene) -> list[Answer]:
        return lines(world, scene, metric or str(scene.variables["metric"]), str(scene.variables["period"]))

    BOARD.panels[title] = answer


for _title, _metric in (
    ("Conversion rate", "conversion_rate"),
    ("Sales per entry", "sales_per_entry"),
    ("Entries, counted and corrected", "entries"),
    ("People who came in again", "re_entries"),
    ("The chosen figure", None),
):
    _shows(_title, _metric)


@BOARD.shows("Transactions")
def _transactions(world: World, scene: Scene) -> list[Answer]:
    return _each_day(world, scene, "transactions")


@BOARD.shows("Turnover")
def _turnover(world: World, scene: Scene) -> list[Answer]:
    return _each_day(world, scene, "turnover")


def _each_day(world: World, scene: Scene, metric: str) -> list[Answer]:
    """The takings themselves, without anything that the product computes."""
    site = chosen(scene)[0]
    role = CHAIN.sites[site].roles[0]
    sums: dict[int, list[Any]] = {}
    for name, one in world.sold:
        if name == site:
            at = datetime(*_day(one, site).timetuple()[:3], 12, tzinfo=UTC)
            sums.setdefault(int(at.timestamp()), []).append(getattr(one, metric))
    values = {at: float(sum(found)) for at, found in sums.items() if None not in found}
    return [{f"{role}: {metric}": values} if values else {}]


def _hours(world: World, scene: Scene) -> Iterator[tuple[str, datetime, Tally]]:
    """Open hours of one site in which the till told of the hour, with what it told."""
    name = chosen(scene)[0]
    site = CHAIN.sites[name]
    sold = {one.start.astimezone(UTC): one for of, one in world.sold if of == name}
    for role in site.roles:
        hours = added_by(world.quarters[name, role], lambda at: hour_start(at, site.zone))
        for at, tally in hours.items():
            one = sold.get(at)
            if one and one.end - one.start == timedelta(hours=1) and tally.open_s:
                taken = TillTally(one.transactions, None, None, None, one.end)
                yield role, at, replace(tally, till=taken)


@BOARD.shows("Transactions by hour")
def _hourly(world: World, scene: Scene) -> list[Answer]:
    series: Series = {}
    for role, at, tally in _hours(world, scene):
        if role == CHAIN.sites[tally.site].roles[0] and tally.till:
            series.setdefault(f"{role}: by hour", {})[int(at.timestamp())] = float(tally.till.transactions)
    return [series]


@BOARD.shows("Conversion rate by hour")
def _conversion(world: World, scene: Scene) -> list[Answer]:
    series: Series = {}
    for role, at, tally in _hours(world, scene):
        value = estimate(FORMULAS["conversion_rate"], [tally]).value
        if role == CHAIN.sites[tally.site].roles[0] and value is not None:
            series.setdefault(f"{role}: by hour", {})[int(at.timestamp())] = value
    return [series]


def _beside(title: str, name: str, value: Callable[[Any], float | None]) -> None:
    def answer(world: World, scene: Scene) -> list[Answer]:
        series: Series = {}
        for tally in world.days(scene):
            if (number := value(tally.beside)) is not None:
                series.setdefault(f"{tally.role}: {name}", {})[int(noon(tally).timestamp())] = number
        return [series]

    BOARD.panels[title] = answer


_beside("Staff left out", "staff", lambda beside: beside.staff_excluded)
_beside("Members", "members", lambda beside: beside.members if beside.members_of else None)
_beside(
    "Share of members",
    "members",
    lambda beside: beside.members / beside.members_of if beside.members_of else None,
)


@BOARD.shows("Clips")
def _clips(world: World, scene: Scene) -> list[Answer]:
    found: dict[tuple[str, str, str], list[Any]] = {}
    for window in world.inside(scene):
        for name, clip in (window.cohort.clips if window.cohort else {}).items():
            found.setdefault((window.device, name, "shown"), []).append(clip.shown)
            if clip.held is not None:
                found.setdefault((window.device, name, "held"), []).append(clip.held)
    return [
        [
            {"device": device, "clip": clip, "side": side, **_watched(sides)}
            for (device, clip, side), sides in found.items()
        ]
    ]


def _watched(sides: Sequence[Any]) -> Row:
    looked = [one for one in sides if one.viewers is not None]
    of = sum(one.visits for one in looked)
    return {
        "shows": sum(one.shows for one in sides),
        "visits": sum(one.visits for one in sides),
        "watched": sum(one.viewers for one in looked) / of if of else None,
        "seconds": sum(one.attention_sum_s for one in looked) / of if of else None,
    }


@BOARD.shows("Effect of clips")
def _effects(world: World, scene: Scene) -> list[Answer]:
    """Over the whole days before today: what the page would show at midnight."""
    of, yesterday = CHAIN.sites[chosen(scene)[0]], TODAY - timedelta(days=1)
    first = yesterday - timedelta(days=EFFECT_DAYS - 1)
    rows: list[Row] = []
    for one in clip_figures(world.source, of, first, yesterday, of.roles[0]):
        effects: dict[Any, Any] = {**(one.by_hour or {})}
        if one.attention:
            effects["attention"] = one.attention
        for outcome, found in effects.items():
            compared = found.visits if outcome == "attention" else found.hours
            told_of = {name: getattr(found, name) for name in ("verdict", "change", "low", "high")}
            needed = found.needed if found.verdict == "cannot tell yet" else None
            tags = {"device": one.device, "clip": one.clip, "outcome": outcome}
            rows.append({**tags, "compared": compared, **told_of, "needed": needed})
    return [rows]


def newest(world: World, scene: Scene, site: str, metric: str) -> dict[str, tuple[Tally, Told]]:
    """The newest of a figure by role."""
    period = str(scene.variables["period"])
    return {role: (day, figure) for role, day, figure in of_days(world, scene, site, metric, period)}


def table(found: Sequence[tuple[Row, Told]]) -> list[Answer]:
    """The rows of the three queries of a table of figures, each with what says of what it is."""
    shown = [(of, one) for of, one in found if one.value is not None]
    return [
        [
            {**of, "title": one.title, "value": one.value, "unit": one.unit, "coverage": one.coverage}
            for of, one in shown
        ],
        [{**of, "low": one.interval[0], "high": one.interval[1]} for of, one in found if one.interval],
        [
            {**of, **dict(zip(("corrected", "corrected_low", "corrected_high"), one.corrected, strict=True))}
            for of, one in found
            if one.corrected
        ],
    ]


def refused(found: Sequence[tuple[Row, Told]]) -> list[Answer]:
    return [
        [
            {**of, "title": one.title, "refused": one.refused, "coverage": one.coverage}
            for of, one in found
            if one.value is None
        ]
    ]


def _all(world: World, scene: Scene) -> list[tuple[Row, Told]]:
    site = chosen(scene)[0]
    return [
        ({"role": role, "metric": metric}, figure)
        for metric in METRICS
        for role, (_, figure) in newest(world, scene, site, metric).items()
    ]


BOARD.shows("Newest figures")(lambda world, scene: table(_all(world, scene)))
BOARD.shows("Cannot be told")(lambda world, scene: refused(_all(world, scene)))


def passed(world: World, site: str) -> list[tuple[str, str, float]]:
    """The role, the words and the newest figure of each limit that is passed, worked out day by day."""
    found = []
    for limit in CHAIN.alerts:
        if limit.sites and site not in limit.sites:
            continue
        for (name, role), tallies in world.daily.items():
            if name != site:
                continue
            pairs = [(one.day, told(world, site, limit.metric, [one])) for one in tallies]
            oldest = TODAY - timedelta(days=limit.days + 7)
            days = [one for day, one in pairs if one and one.value is not None and day >= oldest][
                -limit.days :
            ]
            values = [one.value for one in days if one.value is not None]
            beyond = [v < limit.below if limit.below is not None else v > (limit.above or 0) for v in values]
            if len(values) == limit.days and all(beyond):
                found.append((role, limit.said(days[-1].title, days[-1].unit), values[-1]))
    return found


@BOARD.shows("Beyond a limit")
def _passed(world: World, scene: Scene) -> list[Answer]:
    found = passed(world, chosen(scene)[0])
    return [[{"role": role, "alert": words, "value": value} for role, words, value in found]]
