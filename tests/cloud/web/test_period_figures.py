"""The pages of periods show what the stores have: on a simulated month, beside what its visitors really did."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cloud.analysis.compare import compare
from cloud.analysis.metrics import metric_named
from cloud.api.answers import Days
from cloud.api.place_answers import Places
from cloud.domain.chain import Role
from cloud.domain.periods import Period
from cloud.reports.site import site_report
from cloud.reports.week import IsoWeek
from cloud.rollup.comparisons import metrics_of
from cloud.web.period import Against, PeriodView
from tests.cloud.web.months import MONTH, SITES, WEEK, Months, simulated_months
from tests.support.influxdb import Engine

pytestmark = [pytest.mark.influxdb, pytest.mark.slow]

BERLIN, HAMBURG, MUENCHEN = SITES
FOUR_WEEKS = Period(WEEK.first.replace(day=2), WEEK.last)


@pytest.fixture(scope="module")
def months(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Months]:
    with engine.installation() as server, simulated_months(server, tmp_path_factory.mktemp("month")) as made:
        yield made


@pytest.mark.parametrize(
    ("site", "role", "period", "against", "other"),
    [
        (BERLIN, "entrance", WEEK, "before", ""),
        (BERLIN, "entrance", MONTH, "before", ""),
        (BERLIN, "entrance", MONTH, "year", ""),
        (BERLIN, "entrance", FOUR_WEEKS, "site", HAMBURG),
        (MUENCHEN, "display", WEEK, "before", ""),
        (MUENCHEN, "display", MONTH, "before", ""),
    ],
)
def test_both_stores_give_the_same_page(
    months: Months, site: str, role: Role, period: Period, against: Against, other: str
) -> None:
    embedded, influx = months.views(site, role, period, against, other)
    assert embedded == influx
    assert embedded.this.watched
    assert embedded.hours
    assert (role == "display") == bool(
        embedded.places.heat and embedded.places.ways and embedded.places.zones
    )


@pytest.mark.parametrize("period", [WEEK, MONTH], ids=["week", "month"])
def test_visits_and_doors_are_those_that_happened(months: Months, period: Period) -> None:
    view, _ = months.views(BERLIN, "entrance", period)
    happened = months.truths(BERLIN, "entrance", period)
    assert value(view, "visits") == sum(one.visits for one in happened)
    assert value(view, "viewers_share") == sum(one.viewers for one in happened) / sum(
        one.visits for one in happened
    )
    doors = [door for one in happened for door in one.places["doors"].values()]
    assert view.this.total.doors is not None
    for name in ("entries", "exits", "passers", "groups"):
        assert getattr(view.this.total.doors, name) == sum(door[name] for door in doors)
    assert value(view, "entries") == sum(door["entries"] for door in doors)
    by_day = {one.day: one.visits for one in happened}
    assert {one.day: one.visits for one in view.days if one.visits is not None} == {
        day: visits for day, visits in by_day.items() if visits
    }


def test_places_are_those_that_happened(months: Months) -> None:
    """Cohorts withhold a part, and hold some visits of the staff, so means are compared."""
    view, _ = months.views(MUENCHEN, "display", MONTH)
    happened = [one.places for one in months.truths(MUENCHEN, "display", MONTH)]
    shelves, tills = (
        [one["zones"][name] for one in happened if name in one["zones"]] for name in ("shelf", "till")
    )
    shelf = next(one.this for one in view.places.zones if one.name == "shelf")
    (till,) = (one.this for one in view.places.queues)
    assert shelf is not None
    assert till is not None
    assert shelf.mean_dwell_s == pytest.approx(
        sum(one["dwell_sum_s"] for one in shelves) / sum(one["visits"] for one in shelves), rel=0.1
    )
    assert till.mean_waiting_s == pytest.approx(
        sum(one["waiting_sum_s"] for one in tills) / sum(one["waits"] for one in tills), rel=0.1
    )
    assert till.served_share == pytest.approx(
        sum(one["served"] for one in tills) / sum(one["waits"] for one in tills), rel=0.1
    )
    (heat,) = view.places.heat
    till_cell = max(heat.cells, key=lambda cell: cell.standing_s or 0)
    assert (till_cell.column, till_cell.row) == (3, 1)
    ways = {tuple(step.way): step.share for step in view.places.ways}
    assert ways["entry", "shelf"] > ways["shelf", "till"] > ways["till", "shelf"]


def value(view: PeriodView, name: str) -> float | None:
    return next(one.value for one in view.figures if one.name == name)


def test_a_week_says_what_the_report_says(months: Months) -> None:
    view, _ = months.views(BERLIN, "entrance", WEEK)
    _, source = months.influx.until(WEEK.last)
    report = site_report(source, months.chain, months.chain.sites[BERLIN], IsoWeek(WEEK.first), "entrance")
    assert view.changes == report.changes
    assert (value(view, "visits"), view.coverage) == (report.visits, report.coverage)
    assert {one.day: one.visits for one in view.days if one.state != "closed"} == {
        one.day: one.visits for one in report.days
    }
    assert view.who["gender"].mix == report.mixes["gender"]
    assert {key: one.rate for key, one in view.hours.items()} == {
        (one.day.weekday(), one.hour): one.rate for one in report.hours
    }


def test_two_sites_differ_as_in_the_comparison(months: Months) -> None:
    view, _ = months.views(BERLIN, "entrance", FOUR_WEEKS, "site", HAMBURG)
    tallies = [*view.this.tallies, *view.other.tallies]
    for change in view.changes:
        found = compare(
            tallies,
            metric_named(change.metric),
            sites=(BERLIN, HAMBURG),
            role="entrance",
            first=FOUR_WEEKS.first,
            last=FOUR_WEEKS.last,
        )
        (row,) = (row for row in found.rows if row.site == BERLIN)
        if row.set_apart is None and change.ratio is not None:
            assert change.ratio == pytest.approx(row.versus, rel=0.02)
    assert {one.metric for one in view.changes} == set(metrics_of(tallies))
    assert any(one.ratio is not None for one in view.changes)


@pytest.mark.parametrize(
    "path",
    [
        f"/site/{BERLIN}/week",
        f"/site/{BERLIN}/month?of=2026-03",
        f"/site/{BERLIN}/compare?from=2026-03-02&to=2026-03-29&against=site:{HAMBURG}",
        f"/site/{MUENCHEN}/month?role=display",
        f"/site/{MUENCHEN}/week?of=2026-W13&against=year",
        f"/site/{BERLIN}/week?of=2025-W40",
    ],
)
def test_one_box_and_a_chain_server_are_one_application(months: Months, path: str) -> None:
    embedded, influx = (client.get(path) for client in months.clients())
    assert embedded.status_code == influx.status_code == 200
    assert embedded.text == influx.text


def test_the_html_has_the_figures_of_the_store(months: Months) -> None:
    view, _ = months.views(BERLIN, "entrance", MONTH)
    client, _ = months.clients()
    page = client.get(f"/site/{BERLIN}/month?of=2026-03").text
    shown = dict(
        re.findall(r'<div class="figure" id="(\w+)">.*?<dd class="value">\s*(.*?)</dd>', page, re.DOTALL)
    )
    assert shown["visits"] == f"{value(view, 'visits'):,.0f}"
    assert shown["entries"] == f"{value(view, 'entries'):,.0f}"
    days = dict(re.findall(r'data-day="([^"]+)"[^>]*data-visits="(\d+)"', page))
    assert days == {
        f"{one.day:%a} {one.day:%-d %b}": str(one.visits) for one in view.days if one.visits is not None
    }


def test_today_is_the_same_from_influxdb(months: Months) -> None:
    """The last day is over, so nothing of it changes any more; only the state of devices is not in these windows."""
    one, two = (client.get(f"/api/{BERLIN}/today").json() for client in months.clients())
    known = one.keys() - {"devices"}
    assert {name: one[name] for name in known} == {name: two[name] for name in known}
    assert one["yesterday"]["visits"] > 0


def test_the_api_tells_what_the_page_shows(months: Months) -> None:
    month = {"first": MONTH.first.isoformat(), "last": MONTH.last.isoformat()}
    doors, _ = months.views(BERLIN, "entrance", MONTH)
    display, _ = months.views(MUENCHEN, "display", MONTH)
    for client in months.clients():
        answer = client.get(f"/api/v1/sites/{BERLIN}/days", params=month)
        days = Days.model_validate_json(answer.content).days
        assert {one.date: one.visits for one in days if one.state != "closed"} == {
            one.day: one.visits for one in doors.days if one.state != "closed"
        }
        assert sum(one.visits or 0 for one in days) == value(doors, "visits")
        assert sum(one.doors.entries for one in days if one.doors) == value(doors, "entries")
        answer = client.get(f"/api/v1/sites/{MUENCHEN}/places", params={**month, "role": "display"})
        places = Places.model_validate_json(answer.content)
        zones = {one.name: one.this for one in display.places.zones}
        assert {one.name: one.mean_dwell_s for one in places.zones if one.mean_dwell_s} == {
            name: zone.mean_dwell_s for name, zone in zones.items() if zone and zone.mean_dwell_s
        }
        (queue,) = places.queues
        (shown,) = (one.this for one in display.places.queues)
        assert shown is not None
        assert (queue.waits, queue.mean_waiting_s) == (shown.waits, shown.mean_waiting_s)
