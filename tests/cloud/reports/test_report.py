"""The report of a site: its figures are those of the windows, and what nobody watched is no data."""

from __future__ import annotations

import json
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.analysis import words
from cloud.config import InfluxSettings
from cloud.reports.page import site_page
from cloud.reports.site import site_report
from cloud.rollup.tallying import rollup
from cloud.stores.connect import open_influx, open_influxql
from cloud.stores.tallies import InfluxTallies
from cloud.stores.windows import InfluxWindows
from common.vocabulary import GENDERS, UNKNOWN
from common.wire import WindowMessage
from tests.cloud.reports.weeks import (
    AFTER,
    BERLIN,
    CALIBRATION,
    MONDAY,
    QUARTERS,
    WEEK,
    a_chain,
    a_cohort,
    five_weeks,
    pages,
    report,
    this_week,
    two_doors_and_a_shelf,
)
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB

pytestmark = pytest.mark.influxdb


def test_the_figures_are_those_of_the_windows(
    files: list[str], usual: list[WindowMessage], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *files, "--site", "shop", "--week", "2026-W44", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    own = this_week(usual)
    cohorts = [one.cohort for one in own if one.cohort]
    assert found["visits"] == sum(one.totals.visits for one in own)
    assert found["viewers"] == sum(one.totals.viewers for one in own)
    assert found["open_s"] == 6 * len(QUARTERS) * 900
    assert found["coverage"] == pytest.approx(sum(one.coverage.share * 900 for one in own) / found["open_s"])
    for day in found["days"]:
        of_day = [one for one in own if str(one.start.astimezone(BERLIN).date()) == day["day"]]
        assert day["visits"] == (sum(one.totals.visits for one in of_day) if of_day else None)
        assert day["coverage"] == pytest.approx(sum(one.coverage.share for one in of_day) / len(QUARTERS))
    for attribute in ("gender", "age_band", "expression"):
        n = sum(sum(getattr(cohort, attribute).values()) for cohort in cohorts)
        mix = found["mixes"][attribute]
        assert mix["n"] == n
        unknown = sum(getattr(cohort, attribute)[UNKNOWN] for cohort in cohorts)
        assert found["results"][attribute] == {
            "visits": sum(cohort.visits for cohort in cohorts),
            "known": n - unknown,
            "unknown": unknown,
            "not_seen": 0,
            "no_verdict": 0,
            "withheld": 0,
        }
        for share in mix["shares"]:
            counted = sum(getattr(cohort, attribute)[share["label"]] for cohort in cohorts)
            assert share["raw"] == pytest.approx(counted / (n - unknown))
            assert share["low"] <= share["corrected"] <= share["high"]
    assert (found["models"], found["calibrations"]) == (["m"], [CALIBRATION])


def test_an_hour_is_the_visits_of_the_time_that_was_watched(usual: list[WindowMessage]) -> None:
    found = {(hour.day.weekday(), hour.hour): hour for hour in report(usual).hours}
    assert {hour for _, hour in found} == {10, 11, 13, 14, 15}  # of the local clock; lunch is closed
    assert {day for day, _ in found} == set(range(6))
    for (day, hour), cell in found.items():
        own = [
            one for one in this_week(usual)
            if (local := one.start.astimezone(BERLIN)).weekday() == day and local.hour == hour
        ]  # fmt: skip
        watched_h = sum(one.coverage.share for one in own) / 4
        if watched_h == 0:
            assert (cell.state, cell.visits, cell.rate) == ("no_data", None, None)
        else:
            assert cell.visits == sum(one.totals.visits for one in own)
            assert cell.rate == pytest.approx(cell.visits / watched_h)
    assert found[2, 10].state == "no_data"
    assert found[3, 14].state == "partial"
    assert found[3, 15].state == "full"
    busiest = report(usual).busiest
    assert busiest is not None
    assert busiest.day.weekday() == 5


def test_outages_are_opening_time_in_local_time(usual: list[WindowMessage]) -> None:
    said = [f"{one.start:%a %H:%M}-{one.end:%H:%M}" for one in report(usual).outages]
    assert said == ["Wed 10:00-12:00", "Wed 13:00-15:30", "Thu 13:15-14:15"]


def test_what_nobody_watched_is_no_data(usual: list[WindowMessage]) -> None:
    html = site_page(report(usual))
    assert html.count("no data") > site_page(report(five_weeks(hidden=0, seed=1)[:0])).count("nothing at all")
    nothing = report([])
    assert (nothing.visits, nothing.viewers, nothing.coverage, nothing.busiest) == (None, None, 0, None)
    assert {hour.state for hour in nothing.hours} == {"no_data"}
    page = site_page(nothing)
    assert "No data: no camera was watching this week" in page
    assert "not known" in page


@pytest.mark.parametrize(
    ("last", "verdict", "said"),
    [(1.0, "none", "no clear difference"), (1.6, "more", "more"), (0.6, "less", "fewer")],
)
def test_a_change_is_called_one_where_its_interval_leaves_none_out(
    last: float, verdict: str, said: str
) -> None:
    windows = five_weeks(last=last)
    found = report(windows)
    visits = found.changes[0]
    assert visits.metric == "visits_per_open_hour"
    assert visits.verdict == verdict
    assert visits.low is not None
    assert visits.high is not None
    assert visits.low < last < visits.high
    assert (visits.low <= 1 <= visits.high) == (verdict == "none")
    assert words.verdict(visits) == said
    # Wednesday was not watched and Thursday too little: neither counts in any week.
    days = {0, 1, 4, 5}
    for week, rate in ((0, visits.rate), (1, visits.before)):
        own = [
            one for one in windows
            if (local := one.start.astimezone(BERLIN).date()).weekday() in days and (local < MONDAY) == bool(week)
        ]  # fmt: skip
        assert rate == pytest.approx(sum(one.totals.visits for one in own) / (len(own) / 4), rel=0.01)


def test_weeks_with_other_models_are_not_compared() -> None:
    windows = [
        one.model_copy(update={"model": "old"}) if one.start < datetime(2026, 10, 19, tzinfo=UTC) else one
        for one in five_weeks(last=1.6)
    ]
    visits = report(windows).changes[0]
    assert visits.verdict is None
    assert visits.set_apart == "only 1 of the 4 weeks before can be compared (other models)"


def test_expressions_are_shown_only_where_the_profile_allows_them(usual: list[WindowMessage]) -> None:
    assert set(report(usual).mixes) == {"gender", "age_band", "expression"}
    found = report(five_weeks(profile="demographics"))
    assert set(found.mixes) == {"gender", "age_band"}
    assert "What faces showed" not in site_page(found)


def test_ages_are_by_gender_unless_that_hides_most(usual: list[WindowMessage]) -> None:
    by_gender = report(usual).ages
    assert set(by_gender) == set(GENDERS)
    for gender, mix in by_gender.items():
        cohorts = [one.cohort.gender_age_band or {} for one in this_week(usual) if one.cohort]
        assert mix.n == sum(sum(count or 0 for count in table[gender].values()) for table in cohorts)
    hidden = [
        one.model_copy(update={"cohort": one.cohort.model_copy(update={"gender_age_band": None})})
        if one.cohort
        else one
        for one in usual
    ]
    found = report(hidden)
    assert found.ages == {}
    assert found.results["age_band"].withheld == 0
    assert "Not by gender" in site_page(found)


def test_few_visits_are_grey_and_explained(usual: list[WindowMessage]) -> None:
    windows = usual
    first = next(one for one in windows if one.start.astimezone(BERLIN).date() >= MONDAY)
    dice = random.Random(2)
    few = [
        one.model_copy(update={"cohort": a_cohort(one.start, visits=20, dice=dice) if one is first else None})
        for one in windows
    ]
    page = site_page(report(few))
    assert "Only 20 visits: too few to read shares from" in page
    assert 'class="small"' in page


def test_cameras_of_other_roles_stand_beside_and_are_not_added(usual: list[WindowMessage]) -> None:
    found = report(*two_doors_and_a_shelf(usual))
    once = report(usual).visits
    assert once is not None
    assert (found.role, found.visits) == ("entrance", 2 * once)
    (shelf,) = found.others
    assert (shelf.role, shelf.visits, shelf.coverage) == ("display", once, report(usual).coverage)
    assert found.silent == ()
    page = site_page(found)
    assert "The week at the entrance" in page
    assert "The other cameras" in page


@pytest.mark.parametrize("silent", ["door/b", "shelf/a"])
def test_a_silent_camera_is_named(usual: list[WindowMessage], silent: str) -> None:
    found = report(*two_doors_and_a_shelf(usual, silent))
    assert found.silent == (silent,)
    assert f"No data from {silent} all week" in site_page(found)
    if silent == "door/b":
        assert found.coverage == pytest.approx(report(usual).coverage / 2)
        assert found.changes[0].set_apart == "door/b watched less than 80%"


def test_the_figures_of_this_week_need_no_weeks_before(usual: list[WindowMessage]) -> None:
    alone = report(this_week(usual))
    before = report(usual)
    for change, known in zip(alone.changes, before.changes, strict=True):
        assert (change.ratio, change.before, change.verdict) == (None, None, None)
        assert change.set_apart == "only 0 of the 4 weeks before can be compared (no data)"
        assert change.rate == pytest.approx(known.rate, rel=0.05)


def test_a_range_that_tells_nothing_is_left_out() -> None:
    """Days that differ so much that a change could be anything."""
    dice = random.Random(3)
    wild = [
        one.model_copy(
            update={"totals": one.totals.model_copy(update={"visits": dice.choice([0, 0, 0, 200])})}
        )
        for one in five_weeks()
    ]
    visits = report(wild).changes[0]
    assert visits.rate is not None
    assert visits.before is not None
    assert (visits.ratio, visits.low, visits.high, visits.verdict) == (None, None, None, None)
    assert visits.set_apart == "the days differ too much to distinguish a change from chance"


def test_shares_that_tell_nothing_are_not_drawn(usual: list[WindowMessage]) -> None:
    """With half of all withheld, no range is narrower than half of everything."""
    hidden = [
        one.model_copy(update={"cohort": a_cohort(one.start, visits=40, hidden=28, dice=random.Random(5))})
        if one.cohort
        else one
        for one in usual
    ]
    found = report(hidden)
    assert all(share.vague for share in found.mixes["age_band"].shares)
    assert found.ages == {}
    page = site_page(found)
    assert "Ages: too uncertain to show" in page
    assert "Shares of the age bands" not in page


def with_cohorts(windows: list[WindowMessage], **changes: int) -> list[WindowMessage]:
    return [
        one.model_copy(update={"cohort": a_cohort(one.start, dice=random.Random(n), **changes)})
        if one.cohort
        else one
        for n, one in enumerate(windows)
    ]


def test_results_add_up_to_one_number(usual: list[WindowMessage]) -> None:
    found = report(with_cohorts(usual, hidden=4, backs=10))
    assert set(found.results) == {"gender", "age_band", "expression"}
    assert found.described == 0.75 * found.described_of == 0.75 * found.cohort_visits
    for one in found.results.values():
        assert one.visits == found.cohort_visits
        assert one.visits == one.known + one.unknown + one.not_seen + one.no_verdict + one.withheld
        assert (one.not_seen, one.withheld) == (found.cohort_visits // 4, found.cohort_visits // 10)
    assert "never seen well enough (it was in 75\N{NO-BREAK SPACE}%)" in site_page(found)


def test_backs_change_no_share_and_no_range(usual: list[WindowMessage]) -> None:
    """Cohorts of the same faces, with and without people of whom only the back was seen."""
    faces, backs = report(with_cohorts(usual)), report(with_cohorts(usual, visits=60, backs=20))
    assert backs.mixes == faces.mixes
    assert backs.ages == faces.ages
    assert len(faces.ages) == 2


def test_both_stores_give_the_same_report(usual: list[WindowMessage], influxdb: InfluxDB) -> None:
    chain, clock = a_chain(), ManualClock(AFTER)
    settings = InfluxSettings.model_validate(influxdb.settings)
    with closing(open_influx(settings, clock)) as store, closing(open_influxql(settings)) as source:
        store.write(usual)
        first = MONDAY - timedelta(weeks=4)
        levels = InfluxTallies(source)
        rollup(chain, InfluxWindows(source), levels, store, first=first, last=WEEK.last, now=AFTER)
        assert site_report(levels, chain, chain.sites["shop"], WEEK, "unassigned") == report(usual)


def test_a_site_fits_two_pages_however_much_there_is_to_say(
    usual: list[WindowMessage], tmp_path: Path
) -> None:
    long = (
        "Kaufhaus am Marktplatz, Untergeschoss links neben der Rolltreppe zum Parkdeck und der Buchhandlung"
    )
    chain = a_chain(title=long, opening="00:00-24:00")
    page = site_page(report(usual, chain))
    assert "Shoes &lt;half&gt; price" in page
    one, two = pages(page, tmp_path)
    assert "When it was busy" in one
    assert "How sure we are" in two
