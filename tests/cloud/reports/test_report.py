"""The report: its figures are those of the windows, what nobody watched is no data, and it fits two pages."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from pypdf import PdfReader

from cloud.__main__ import main
from cloud.analysis.confusion import shipped_confusions
from cloud.config import InfluxSettings
from cloud.domain.chain import Chain
from cloud.domain.tally import Tally
from cloud.reports import words
from cloud.reports.chain import ChainReport, chain_report
from cloud.reports.page import chain_page, store_page, write
from cloud.reports.store import StoreReport, store_report
from cloud.reports.week import last_week, require_over, week_named
from cloud.rollup.command import rollup
from cloud.stores.connect import open_influx, open_influxql
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.tallies import InfluxTallies, WindowTallies
from cloud.stores.windows import InfluxWindows
from common.errors import UserError
from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN
from common.wire import DWELL_BINS_S, Cohort, Coverage, Totals, WindowMessage, bin_label
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import window
from tests.support.programs import require_program

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = week_named("2026-W44")
"""The clocks go back on the Sunday before it."""
MONDAY = WEEK.first
AFTER = datetime(2026, 11, 2, 6, tzinfo=UTC)
(CALIBRATION,) = shipped_confusions()
OPENING = ["10:00-12:00", "13:00-15:30"]
QUARTERS = [
    (hour, minute) for hour in (10, 11, 13, 14, 15) for minute in (0, 15, 30, 45) if (hour, minute) < (15, 30)
]


def chain_data(
    *, sites: Sequence[str] = ("shop",), title: str = "Shop", opening: Any = OPENING
) -> dict[str, Any]:
    hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), opening) | {"sun": "closed"}
    shop = {"title": title, "timezone": "Europe/Berlin", "opening": hours}
    note = {"from": "2026-10-29", "to": "2026-11-03", "sites": [sites[0]], "text": "Shoes <half> price"}
    return {"name": "c", "sites": dict.fromkeys(sites, shop), "annotations": [note]}


def a_chain(**changes: Any) -> Chain:
    return Chain.model_validate(chain_data(**changes))


def a_cohort(since: datetime, *, visits: int = 40, hidden: int = 0, dice: random.Random) -> Cohort:
    """Of which ``hidden`` visits are in no cell."""
    genders, bands = (*GENDERS, UNKNOWN), (*AGE_BANDS, UNKNOWN)
    shown = dice.choices(
        [(gender, band) for gender in genders for band in bands],
        [g * b for g in (60, 35, 5) for b in (6, 15, 40, 18, 10, 6, 3, 2)],
        k=visits - hidden,
    )
    faces = dice.choices((*EXPRESSIONS, UNKNOWN), (60, 20, 2, 1, 1, 1, 1, 14), k=visits - hidden)
    bins: dict[str, int | None] = dict.fromkeys(map(bin_label, DWELL_BINS_S), 0)
    return Cohort(
        since=since,
        visits=visits,
        dwell_sum_s=visits * 12.5,
        attention_sum_s=visits * 3.25,
        dwell=bins,
        attention=bins,
        gender={gender: sum(one[0] == gender for one in shown) for gender in genders},
        age_band={band: sum(one[1] == band for one in shown) for band in bands},
        gender_age_band={g: {b: shown.count((g, b)) for b in bands} for g in genders},
        expression={label: faces.count(label) for label in (*EXPRESSIONS, UNKNOWN)},
    )


def five_weeks(
    *, last: float = 1.0, site: str = "shop", hidden: int = 0, profile: str = "expression", seed: int = 1
) -> list[WindowMessage]:
    """Quarters of an hour of four usual weeks and one with ``last`` times the visits, opening hours only. In the
    last one, Wednesday is missing, and on Thursday nobody watched from 13:15 to 14:15 and half of the time till 15."""
    dice = random.Random(seed)
    found = []
    for back in range(35):
        day = MONDAY + timedelta(days=back - 28)
        usual = dice.gauss(20, 1.0) * (2 if day.weekday() == 5 else 1) * (last if back >= 28 else 1)
        for hour, minute in QUARTERS:
            start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)
            share = _share(back - 28, hour, minute)
            if day.weekday() == 6 or share is None:
                continue
            visits = round(dice.gauss(usual, 2) * share)
            found.append(
                window(
                    0, site=site, start=start, duration_s=900, profile=profile, model="m", calibration=CALIBRATION,
                    totals=Totals(visits=visits, viewers=visits // 2, occupancy_mean=0.5, occupancy_max=3),
                    coverage=Coverage(share=share, frames=9000, dropped=0),
                    cohort=a_cohort(start, hidden=hidden, dice=dice) if minute == 0 and share == 1 else None,
                )
            )  # fmt: skip
    return found


def _share(day: int, hour: int, minute: int) -> float | None:
    """Coverage on a day of the last week."""
    if day == 2:
        return None
    if day == 3 and 13 * 60 + 15 <= hour * 60 + minute < 15 * 60:
        return 0.0 if hour * 60 + minute < 14 * 60 + 15 else 0.5
    return 1.0


class Kept:
    """A store that holds windows in memory."""

    def __init__(self, windows: Sequence[WindowMessage]) -> None:
        self._windows = windows

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        return [one for one in self._windows if one.site == site and start <= one.start < end]


def report(windows: Sequence[WindowMessage], chain: Chain | None = None) -> StoreReport:
    chain = chain or a_chain()
    return store_report(WindowTallies(Kept(windows), chain), chain, chain.sites["shop"], WEEK)


@pytest.fixture(scope="module")
def usual() -> list[WindowMessage]:
    return five_weeks()


@pytest.fixture
def files(tmp_path: Path, usual: list[WindowMessage]) -> list[str]:
    """The arguments that name an embedded store with the windows, and the chain."""
    with closing(
        EmbeddedStore(tmp_path / "s.sqlite", retention_days=3650, clock=ManualClock(AFTER))
    ) as store:
        store.write(usual)
    (tmp_path / "cloud.yaml").write_text(f"store: {{path: {tmp_path / 's.sqlite'}}}\n")
    (tmp_path / "chain.yaml").write_text(json.dumps(chain_data()))
    return ["--config", str(tmp_path / "cloud.yaml"), "--chain", str(tmp_path / "chain.yaml")]


def this_week(windows: Sequence[WindowMessage]) -> list[WindowMessage]:
    return [one for one in windows if WEEK.first <= one.start.astimezone(BERLIN).date() <= WEEK.last]


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
        assert found["withheld"][attribute] == 0
        unknown = sum(getattr(cohort, attribute)[UNKNOWN] for cohort in cohorts)
        assert found["unknown"][attribute] == pytest.approx(unknown / n)
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
    html = store_page(report(usual))
    assert html.count("no data") > store_page(report(five_weeks(hidden=0, seed=1)[:0])).count(
        "nothing at all"
    )
    nothing = report([])
    assert (nothing.visits, nothing.viewers, nothing.coverage, nothing.busiest) == (None, None, 0, None)
    assert {hour.state for hour in nothing.hours} == {"no_data"}
    page = store_page(nothing)
    assert "No data: nobody watched this week" in page
    assert "cannot be compared" in page


@pytest.mark.parametrize(
    ("last", "verdict", "said"),
    [(1.0, "none", "no difference beyond chance"), (1.6, "more", "more"), (0.6, "less", "fewer")],
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
    assert "What faces showed" not in store_page(found)


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
    assert found.withheld["age_band"] == 0
    assert "Not by gender" in store_page(found)


def test_few_visits_are_grey_and_explained(usual: list[WindowMessage]) -> None:
    windows = usual
    first = next(one for one in windows if one.start.astimezone(BERLIN).date() >= MONDAY)
    dice = random.Random(2)
    few = [
        one.model_copy(update={"cohort": a_cohort(one.start, visits=20, dice=dice) if one is first else None})
        for one in windows
    ]
    page = store_page(report(few))
    assert "Only 20 visits: too few to read shares from" in page
    assert 'class="small"' in page


def test_both_stores_give_the_same_report(usual: list[WindowMessage], influxdb: InfluxDB) -> None:
    chain, clock = a_chain(), ManualClock(AFTER)
    settings = InfluxSettings(
        kind="influx", url=influxdb.url, token=SecretStr(influxdb.token), bucket=influxdb.bucket
    )
    with closing(open_influx(settings, clock)) as store, closing(open_influxql(settings)) as source:
        store.write(usual)
        first = MONDAY - timedelta(weeks=4)
        rollup(chain, InfluxWindows(source), store, first=first, last=WEEK.last, now=AFTER)
        assert store_report(InfluxTallies(source), chain, chain.sites["shop"], WEEK) == report(usual)


class Tallied:
    """A store that holds days in memory."""

    def __init__(self, found: Sequence[Tally]) -> None:
        self._found = found

    def tallies(self, sites: Sequence[str], first: date, last: date) -> list[Tally]:
        return [one for one in self._found if one.site in sites and first <= one.day <= last]

    def quarters(self, site: str, first: date, last: date) -> dict[datetime, Tally]:
        return {}


def many_stores(shop: Sequence[Tally]) -> tuple[Tallied, Chain]:
    """Eighty stores like one: the first is silent, the second has other models, the third had a good week."""
    names = [f"s{number:02}" for number in range(80)]
    dice = random.Random(4)
    found = [
        replace(
            one,
            site=name,
            visits=round(
                one.visits * dice.gauss(1, 0.03) * (1.9 if name == "s02" and one.day >= MONDAY else 1)
            ),
            models=frozenset({"other"}) if name == "s01" else one.models,
        )
        for name in names[1:]
        for one in shop
    ]
    return Tallied(found), a_chain(sites=names, title="Kaufhaus am Marktplatz, Untergeschoss")


@pytest.fixture(scope="module")
def chain_week(usual: list[WindowMessage]) -> ChainReport:
    shop = WindowTallies(Kept(usual), a_chain()).tallies(["shop"], MONDAY - timedelta(weeks=4), WEEK.last)
    return chain_report(*many_stores(shop), WEEK)


def test_a_chain_sets_apart_names_the_changed_and_tells_of_devices(chain_week: ChainReport) -> None:
    apart = {row.site: row.set_apart for row in chain_week.comparisons[0].rows if row.set_apart}
    assert apart["s00"] == "no data"
    assert "other" in apart["s01"]
    assert chain_week.silent == ("s00",)
    assert chain_week.models == {"m": 78, "other": 1}
    assert [name for name, one in chain_week.changes.items() if one.verdict in ("more", "less")] == ["s02"]
    page = chain_page(chain_week)
    assert "stores in the middle are left out here" in page


def pages(html: str, tmp_path: Path) -> list[str]:
    require_program("chromium", "apt-get install chromium")
    write(html, tmp_path / "report.pdf")
    return [page.extract_text() for page in PdfReader(tmp_path / "report.pdf").pages]


def test_a_store_fits_two_pages_however_much_there_is_to_say(
    usual: list[WindowMessage], tmp_path: Path
) -> None:
    long = (
        "Kaufhaus am Marktplatz, Untergeschoss links neben der Rolltreppe zum Parkdeck und der Buchhandlung"
    )
    chain = a_chain(title=long, opening="00:00-24:00")
    page = store_page(report(usual, chain))
    assert "Shoes &lt;half&gt; price" in page
    one, two = pages(page, tmp_path)
    assert "When it was busy" in one
    assert "How sure we are" in two


def test_a_large_chain_fits_two_pages(chain_week: ChainReport, tmp_path: Path) -> None:
    one, two = pages(chain_page(chain_week), tmp_path)
    assert "Visits per watched opening hour" in one
    assert "The devices this week" in two


def test_the_command_writes_the_chain_and_every_store(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *files, "--week", "2026-W44", "--folder", str(tmp_path / "out")]) == 0
    folder = tmp_path / "out" / "2026-W44"
    assert capsys.readouterr().out.split() == [str(folder / "chain.html"), str(folder / "site-shop.html")]
    page = (folder / "site-shop.html").read_text(encoding="utf-8")
    for outside in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert outside not in page.replace("http://www.w3.org", "").replace("url(#", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--site", "nowhere"], "--site nowhere: is not in"),
        (["--week", "46"], "--week 46: is not a week; write one like 2026-W46"),
        (["--week", "2026-W54"], "--week 2026-W54: is not a week"),
        (["--week", "2999-W01"], "--week 2999-W01: is not over at shop before 2999-01-07 00:00 CET"),
        (["--site", "shop", "--folder", "x"], "--site: --folder writes the reports of all stores"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_one_line(
    files: list[str], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *files, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_pdf_without_chromium_is_refused_in_one_line(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ["--site", "shop", "--week", "2026-W44", "--out", str(tmp_path / "r.pdf")]
    assert main(["report", *files, *arguments]) == 2
    assert (
        "a PDF is made by Chromium, which is not installed: apt-get install chromium"
        in capsys.readouterr().err
    )


def test_a_week_begins_on_monday_and_is_over_with_its_last_sunday() -> None:
    assert (WEEK.first, WEEK.last, WEEK.name) == (date(2026, 10, 26), date(2026, 11, 1), "2026-W44")
    assert last_week(datetime(2026, 11, 2, tzinfo=UTC)) == WEEK
    assert last_week(datetime(2026, 11, 8, 23, tzinfo=UTC)) == WEEK
    site = a_chain().sites["shop"]
    midnight = datetime(2026, 11, 1, 23, tzinfo=UTC)
    require_over(WEEK, [site], midnight)
    with pytest.raises(UserError, match="is not over at shop before 2026-11-02 00:00 CET"):
        require_over(WEEK, [site], midnight - timedelta(seconds=1))
