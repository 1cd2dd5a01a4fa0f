"""The rollup: both stores give the same numbers, and nothing that was withheld or not seen is a zero."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloud.analysis.confusion import shipped_confusions
from cloud.analysis.mix import mix
from cloud.stores import layout
from cloud.stores.influxql import InfluxQL
from cloud.stores.store import StoreUnavailable
from cloud.stores.tallies import InfluxTallies, day_time
from cloud.stores.window_tallies import WindowTallies
from cloud.web.day import day_figures
from common.vocabulary import AGE_BANDS, EXPRESSIONS, UNKNOWN
from tests.cloud.rollup.both_stores import (
    SATURDAY,
    SUNDAY,
    Both,
    chain,
    some_cohort,
    some_windows,
    with_cameras,
)
from tests.support.influxdb import InfluxDB
from tests.support.messages import window

pytestmark = pytest.mark.influxdb


@pytest.mark.parametrize("hours", [("01:30-04:00", "09:00-20:00"), ("09:07-13:11",), ("00:00-24:00",), ()])
def test_both_stores_give_the_same_tallies(fresh: Both, hours: tuple[str, ...]) -> None:
    """Whatever the opening hours were before."""
    fresh.write(some_windows(random.Random(1), every=4))
    fresh.roll_up(chain(["08:00-16:00"]))
    of = chain(hours)
    fresh.roll_up(of)
    embedded = WindowTallies(fresh.embedded, of).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    assert [tally.day for tally in embedded] == [SATURDAY, SUNDAY]
    assert all(tally.doors and tally.places.queues and tally.places.targets for tally in embedded) == bool(
        hours
    )
    assert all(tally.visits > 0 for tally in embedded) == bool(hours)
    assert InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned") == embedded


def test_windows_read_back_give_the_page_the_same_figures(filled: Both) -> None:
    zone = ZoneInfo("Europe/Berlin")
    bounds = chain().sites["shop"].local_day(SATURDAY)
    of_embedded, of_influx = (s.windows("shop", *bounds) for s in (filled.embedded, filled.windows))
    assert len(of_influx) > 500
    bare = [[w.model_copy(update={"cohort": None}) for w in windows] for windows in (of_influx, of_embedded)]
    assert bare[0] == bare[1]
    evening = bounds[1] - timedelta(minutes=1)
    figures = day_figures(of_influx, evening, zone)
    others = day_figures(of_embedded, evening, zone)
    assert replace(figures, places=others.places) == others
    assert figures.gender is not None
    # InfluxDB has no point for a place that is withheld, so it cannot tell of how many visits that was.
    assert sum(zone.withheld for zone in others.places.zones) > 0
    for kind in ("zones", "queues", "targets"):
        known = [replace(place, withheld=0) for place in getattr(others.places, kind)]
        assert list(getattr(figures.places, kind)) == known != []


def test_the_page_and_a_store_open_round_the_clock_count_the_same(filled: Both) -> None:
    of = chain(["00:00-24:00"])
    filled.roll_up(of)
    (tally,) = InfluxTallies(filled.influxql).tallies(["shop"], SUNDAY, SUNDAY, "unassigned")
    start, end = of.sites["shop"].local_day(SUNDAY)
    page = day_figures(
        filled.embedded.windows("shop", start, end), end - timedelta(minutes=1), of.sites["shop"].zone
    )
    assert (tally.visits, tally.viewers, tally.cohort_visits) == (
        page.visits,
        page.viewers,
        page.cohort_visits,
    )
    for name in ("gender", "age_band", "expression"):
        released = {label: cell.count or 0 for label, cell in getattr(page, name).cells.items()}
        assert {label: count or 0 for label, count in getattr(tally, name).items()} == released
    assert page.gender_age_band is not None
    assert {f"{g}.{b}": n or 0 for (g, b), n in tally.gender_age_band.items()} == {
        label: cell.count for label, cell in page.gender_age_band.cells.items()
    }


def test_quarters_add_up_to_the_day_in_the_engine_too(filled: Both) -> None:
    filled.roll_up(chain())
    sums = "sum(visits) AS visits, sum(open_s) AS open_s, sum(gender_female), sum(expression_happy), sum(entries)"
    (quarter,) = filled.server.query(f"SELECT {sums} FROM quarter", "quarter")  # noqa: S608
    (day,) = filled.server.query(f"SELECT {sums} FROM day", "day")  # noqa: S608
    assert {**quarter, "time": 0} == {**day, "time": 0}
    assert quarter["open_s"] == (13.5 + 12.5) * 3600, "the store is open at night, and an hour is skipped"
    rows = filled.server.query("SELECT count(visits) FROM quarter", "quarter")
    assert rows[0]["count"] == 96 + 92


def test_a_date_is_that_date_in_utc_and_where_people_live(filled: Both) -> None:
    filled.roll_up(chain())
    rows = filled.server.query("SELECT date, visits FROM day", "day")
    assert [row["date"] for row in rows] == ["2026-03-28", "2026-03-29"]
    for row in rows:
        for zone in ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo"):
            assert datetime.fromtimestamp(row["time"], ZoneInfo(zone)).date().isoformat() == row["date"]


def test_shares_are_written_raw_and_corrected_as_the_analysis_has_them(fresh: Both) -> None:
    (calibration,) = list(shipped_confusions())[-1:]
    start = datetime(2026, 3, 28, 10, tzinfo=UTC)
    genders = {"female": 30, "male": 10, "unknown": 0, "not_seen": 0}
    people = {"described": 40, "gender": genders, "age_band": None, "gender_age_band": None}
    with_people = some_cohort(start, "demographics", random.Random(1)).model_copy(
        update={**people, "visits": 40}
    )
    fresh.write([window(0, k=1, start=start, visits=40, cohort=with_people, calibration=calibration)])
    fresh.roll_up(chain())
    columns = "raw, corrected, low, high, visits"
    rows = fresh.server.query(
        f"SELECT {columns} FROM corrected WHERE attribute = 'gender' GROUP BY label",  # noqa: S608
        "day",
    )
    (tally,) = WindowTallies(fresh.embedded, chain()).tallies(["shop"], SATURDAY, SATURDAY, "unassigned")
    expected = mix(tally, "gender")
    assert expected is not None
    assert expected.uncorrected is None
    for row, share in zip(rows, expected.shares, strict=True):
        assert (row["label"], row["raw"], row["visits"]) == (share.label, share.raw, 40)
        assert (row["corrected"], row["low"], row["high"]) == pytest.approx(
            (share.corrected, share.low, share.high)
        )
    nobody = fresh.server.query("SELECT raw, visits FROM corrected WHERE attribute = 'expression'", "day")
    assert {(row["raw"], row["visits"]) for row in nobody} == {(None, 0)}


def test_a_site_that_the_chain_file_does_not_know_is_named(fresh: Both) -> None:
    """A device that was set up with a misspelt site counts, and nobody would see it."""
    fresh.write(
        [window(0, start=datetime(2026, 3, 28, 10, tzinfo=UTC), site=site) for site in ("shop", "shp")]
    )
    assert fresh.roll_up(chain()).unregistered == ("shp",)


def test_roles_are_kept_apart_at_all_levels(fresh: Both) -> None:
    fresh.write(some_windows(random.Random(4)))
    of = with_cameras(**{"back/door": "entrance"})
    fresh.roll_up(of)
    levels, worked_out = InfluxTallies(fresh.influxql), WindowTallies(fresh.embedded, of)
    for role in ("entrance", "display"):
        found = levels.tallies(["shop"], SATURDAY, SUNDAY, role)
        assert found == worked_out.tallies(["shop"], SATURDAY, SUNDAY, role)
        assert levels.quarters("shop", SATURDAY, SUNDAY, role) == worked_out.quarters(
            "shop", SATURDAY, SUNDAY, role
        )
        assert found[0].visits > 0
    assert all(
        tally.watched_s["back/door"] == 0 for tally in levels.tallies(["shop"], SATURDAY, SUNDAY, "entrance")
    )
    assert fresh.server.series("day", "day") == 2
    cameras = fresh.server.query("SELECT title FROM camera GROUP BY device, camera, role", "day")
    assert {(row["device"], row["camera"], row["role"]) for row in cameras} == {
        ("door", "in", "entrance"), ("door", "out", "display"), ("back", "door", "entrance"),
    }  # fmt: skip


def test_a_camera_that_the_chain_file_does_not_list_is_named(fresh: Both) -> None:
    start = datetime(2026, 3, 28, 10, tzinfo=UTC)
    fresh.write([window(0, start=start, camera=camera) for camera in ("in", "cellar")])
    assert fresh.roll_up(with_cameras()).unlisted == ("shop/door/cellar",)
    (tally,) = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SATURDAY, "entrance")
    assert tally.visits == 3


def test_withheld_is_absent_and_zero_is_a_fact(fresh: Both) -> None:
    start = datetime(2026, 3, 28, 10, tzinfo=UTC)
    genders = {"female": 8, "male": 0, "unknown": None, "not_seen": 12}
    ages = {**dict.fromkeys((*AGE_BANDS, UNKNOWN), 0), "25-34": 8, "35-44": None, "not_seen": 12}
    some = some_cohort(start, "demographics", random.Random(1)).model_copy(
        update={"described": 18, "gender": genders, "age_band": ages, "gender_age_band": None}
    )
    fresh.write([window(0, k=1, start=start, cohort=some), window(1, start=start + timedelta(hours=1))])
    fresh.roll_up(chain())
    for level in ("quarter", "day"):
        fields = {row["fieldKey"] for row in fresh.server.query(f"SHOW FIELD KEYS FROM {level}", level)}
        assert {"gender_female", "gender_male", "age_band_25-34", "age_band_65+"} <= fields
        unknown = {"gender_unknown", "age_band_35-44", *(f"expression_{label}" for label in EXPRESSIONS)}
        assert not unknown & fields
        assert not any(field.startswith("gender_age_band") for field in fields)
    (row,) = fresh.server.query('SELECT "gender_female", "gender_male", "age_band_65+" FROM day', "day")
    assert (row["gender_female"], row["gender_male"], row["age_band_65+"]) == (8, 0, 0)


def test_a_day_from_before_visits_were_people_has_totals_and_no_breakdown(fresh: Both) -> None:
    """Its ``described`` were the visits of cohorts with a gender."""
    old: dict[str, Any] = {
        "date": SATURDAY.isoformat(), "open_s": 3600.0, "covered_s": 3600.0, "exposure_s": 3600.0, "cameras": "",
        "visits": 60, "viewers": 20, "cohort_visits": 40, "dwell_sum_s": 400.0, "attention_sum_s": 90.0,
        "dwell_visits": 40, "attention_visits": 40, "attention_dwell_s": 400.0, "described": 40,
        "gender_female": 25, "gender_male": 15, "gender_unknown": 0, "models": "1", "calibrations": "1",
    }  # fmt: skip
    point = layout.DAY.point({"site": "shop", "role": "unassigned"}, day_time(SATURDAY), old)
    fresh.influx.write_points([point], "day")
    (tally,) = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SATURDAY, "unassigned")
    assert (tally.visits, tally.cohort_visits) == (60, 40)
    assert (tally.gender, tally.described, tally.described_of) == ({}, 0, 0)


def test_a_question_may_name_more_stores_than_an_address_holds(influxdb: InfluxDB) -> None:
    one_of = "|".join(f"a-store-with-a-long-name-{number}" for number in range(3000))
    with closing(InfluxQL(**influxdb.address, timeout_s=5.0)) as influxql:
        question = f'SELECT "visits" FROM "day" WHERE "site" =~ /^({one_of})$/'  # noqa: S608 - the names are ours
        assert influxql.ask("day", question) == [[]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://127.0.0.1:1"}, "InfluxDB: "),
        ({"bucket": "nowhere"}, "database not found|nowhere_day"),
        ({"token": "footlight:wrong"}, "InfluxDB answered 401: "),
    ],
)
def test_a_store_that_is_away_or_not_set_up_is_unavailable(
    influxdb: InfluxDB, changes: dict[str, str], said: str
) -> None:
    values = {**influxdb.address, **changes}
    with closing(InfluxQL(**values, timeout_s=5.0)) as influxql, pytest.raises(StoreUnavailable, match=said):
        InfluxTallies(influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
