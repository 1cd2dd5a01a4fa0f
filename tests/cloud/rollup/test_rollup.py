"""The rollup: both stores give the same numbers, and a day can be rolled up again, whatever came or changed since."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.__main__ import main
from cloud.analysis.confusion import shipped_confusions
from cloud.analysis.mix import mix
from cloud.config import load
from cloud.domain.chain import Chain
from cloud.rollup.command import Rolled, period, rollup
from cloud.rollup.gaps import gaps
from cloud.stores import layout
from cloud.stores.connect import open_tallies
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from cloud.stores.influxql import InfluxQL
from cloud.stores.store import StoreUnavailable
from cloud.stores.tallies import InfluxTallies, WindowTallies, day_time
from cloud.stores.windows import InfluxWindows
from cloud.web.day import day_figures
from common.errors import UserError
from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire import DWELL_BINS_S, Cohort, Coverage, Totals, WindowMessage, bin_label
from tests.support.brokers import free_port
from tests.support.clock import ManualClock
from tests.support.influxdb import Engine, InfluxDB
from tests.support.messages import window

pytestmark = pytest.mark.influxdb

SATURDAY, SUNDAY = date(2026, 3, 28), date(2026, 3, 29)
"""On the Sunday the clocks go forward in Berlin."""
LATER = datetime(2026, 4, 2, tzinfo=UTC)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def chain(hours: Any = ("01:30-04:00", "09:00-20:00"), **more: Any) -> Chain:
    opening = {weekday: list(hours) for weekday in WEEKDAYS}
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": opening}
    return Chain.model_validate({"name": "c", "sites": {"shop": shop, **more}})


def some_cohort(since: datetime, profile: str, dice: random.Random) -> Cohort:
    """A cohort of which any cell may be withheld."""

    def cells(labels: Any) -> dict[str, int | None]:
        return {label: dice.choice([None, 0, 0, 1]) for label in labels}

    people = profile != "count"
    not_seen = dice.choice([None, 0, 8])
    beside: dict[str, int | None] = {} if not_seen is None else {NOT_SEEN: not_seen}

    def of_people(labels: Any) -> dict[str, int | None]:
        return {**cells((*labels, NO_VERDICT if not_seen is None else UNKNOWN)), **beside}

    bins = [bin_label(edge) for edge in DWELL_BINS_S]
    dwell_s = dice.choice([None, dice.randrange(400, 4000) / 10])
    return Cohort(
        since=since,
        visits=30,
        occupancy_mean=dice.choice([None, 0.25]),
        occupancy_max=3,
        dwell_sum_s=dwell_s,
        attention_sum_s=None if dwell_s is None else dice.choice([None, dice.randrange(0, 400) / 10]),
        described=None if not_seen is None or not people else 30 - not_seen,
        dwell=cells(bins),
        attention=cells(bins),
        gender=of_people(GENDERS) if people else None,
        age_band=of_people(AGE_BANDS) if people else None,
        gender_age_band={
            **{gender: cells((*AGE_BANDS, UNKNOWN)) for gender in GENDERS},
            UNKNOWN: cells(AGE_BANDS),
            **({NO_VERDICT: cells([NO_VERDICT])} if not_seen is None else {NOT_SEEN: beside}),
        }
        if people and dice.random() < 0.7
        else None,
        expression=of_people(EXPRESSIONS) if profile == "expression" else None,
        zones={"shelf": dice.choice([None, 0, 6])},
    )


def some_windows(dice: random.Random, *, every: int = 10) -> list[WindowMessage]:
    """Two cameras over two days, with holes, other versions, and all that a window can carry."""
    start = datetime(2026, 3, 27, 22, tzinfo=UTC)
    found = []
    for minute in range(0, 50 * 60, every):
        for camera, profile in (("in", "expression"), ("out", dice.choice(["count", "demographics"]))):
            if dice.random() < 0.5:
                continue
            at, visits = start + timedelta(minutes=minute), dice.randrange(6)
            found.append(
                window(
                    minute,
                    camera=camera,
                    start=at,
                    profile=profile,
                    k=1,
                    visits=visits,
                    totals=Totals(visits=visits, viewers=visits // 2),
                    coverage=Coverage(share=dice.choice([0.0, 0.3333, 1.0])),
                    model="2" if minute > 2000 else "1",
                    cohort=some_cohort(at, profile, dice) if dice.random() < 0.1 else None,
                )
            )
    return found


class Both:
    """One store of each kind, with the same windows."""

    def __init__(self, server: InfluxDB, path: Path) -> None:
        self.embedded = EmbeddedStore(path, retention_days=400, clock=ManualClock(LATER))
        self.influx = InfluxStore(
            url=server.url,
            token=server.token,
            org="-",
            bucket=server.bucket,
            timeout_s=5.0,
            clock=ManualClock(LATER),
        )
        self.influxql = InfluxQL(url=server.url, token=server.token, bucket=server.bucket, timeout_s=5.0)
        self.windows = InfluxWindows(self.influxql)
        self.server = server

    def write(self, windows: list[WindowMessage]) -> None:
        self.embedded.write(windows)
        self.influx.write(windows)

    def roll_up(
        self,
        of: Chain,
        first: date = SATURDAY,
        last: date = SUNDAY,
        now: datetime = LATER,
        since: date | None = None,
    ) -> Rolled:
        levels = InfluxTallies(self.influxql)
        return rollup(of, self.windows, levels, self.influx, first=first, last=last, now=now, since=since)

    def points(self) -> list[Any]:
        """Everything the rollup wrote."""
        return [
            self.server.query("SELECT * FROM quarter", "quarter"),
            self.server.query("SELECT * FROM day", "day"),
            self.server.query("SELECT * FROM corrected", "day"),
        ]

    def close(self) -> None:
        self.embedded.close()
        self.influx.close()
        self.influxql.close()


@pytest.fixture(scope="module")
def filled(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Both stores with some windows; for tests that add nothing."""
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    with engine.installation() as server, closing(Both(server, path)) as both:
        both.write(some_windows(random.Random(1), every=2))
        yield both


@pytest.fixture
def fresh(influxdb: InfluxDB, tmp_path: Path) -> Iterator[Both]:
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        yield both


@pytest.mark.parametrize("hours", [("01:30-04:00", "09:00-20:00"), ("09:07-13:11",), ("00:00-24:00",), ()])
def test_both_stores_give_the_same_tallies(fresh: Both, hours: tuple[str, ...]) -> None:
    """Whatever the opening hours were before."""
    fresh.write(some_windows(random.Random(1), every=4))
    fresh.roll_up(chain(["08:00-16:00"]))
    of = chain(hours)
    fresh.roll_up(of)
    embedded = WindowTallies(fresh.embedded, of).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    assert [tally.day for tally in embedded] == [SATURDAY, SUNDAY]
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
    assert figures == day_figures(of_embedded, evening, zone)
    assert figures.gender is not None


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
    sums = "sum(visits) AS visits, sum(open_s) AS open_s, sum(gender_female), sum(expression_happy)"
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


def test_run_again_it_writes_the_same_points(filled: Both) -> None:
    first = filled.roll_up(chain())
    before = filled.points()
    assert filled.roll_up(chain()) == first
    assert filled.points() == before


def test_what_comes_late_is_in_the_next_run(fresh: Both) -> None:
    windows = some_windows(random.Random(2))
    late = [w for w in windows if w.start.hour == 10]
    fresh.write([w for w in windows if w not in late])
    fresh.roll_up(chain())
    lacking = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    fresh.write([w.model_copy(update={"is_historical": True}) for w in late])
    fresh.roll_up(chain())
    complete = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    assert complete == WindowTallies(fresh.embedded, chain()).tallies(
        ["shop"], SATURDAY, SUNDAY, "unassigned"
    )
    assert sum(t.visits for t in complete) > sum(t.visits for t in lacking)


def test_corrected_opening_hours_leave_nothing_of_the_old_ones(fresh: Both, engine: Engine) -> None:
    fresh.write(some_windows(random.Random(3)))
    fresh.roll_up(chain(["00:00-24:00"]))
    fresh.roll_up(chain(["10:00-11:00"]))
    (row,) = fresh.server.query("SELECT sum(open_s) AS open_s, sum(visits) AS visits FROM quarter", "quarter")
    tallies = WindowTallies(fresh.embedded, chain(["10:00-11:00"])).tallies(
        ["shop"], SATURDAY, SUNDAY, "unassigned"
    )
    assert (row["open_s"], row["visits"]) == (7200, sum(tally.visits for tally in tallies))


def test_a_day_without_windows_and_one_that_is_not_over_are_not_written(fresh: Both) -> None:
    fresh.write([window(0, start=datetime(2026, 3, 28, 10, tzinfo=UTC))])
    noon = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert fresh.roll_up(chain(), first=date(2026, 3, 26), now=noon) == Rolled(
        sites=1, days=1, empty=2, windows=1
    )
    assert fresh.server.query("SELECT visits FROM day", "day")[0]["visits"] == 3
    assert InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned") == WindowTallies(
        fresh.embedded, chain()
    ).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")


def test_a_site_that_the_chain_file_does_not_know_is_named(fresh: Both) -> None:
    """A device that was set up with a misspelt site counts, and nobody would see it."""
    fresh.write(
        [window(0, start=datetime(2026, 3, 28, 10, tzinfo=UTC), site=site) for site in ("shop", "shp")]
    )
    assert fresh.roll_up(chain()).unregistered == ("shp",)


TWO_DOORS = {"door/in": "entrance", "door/out": "display"}


def with_cameras(hours: Any = "09:00-20:00", **more: str) -> Chain:
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": hours, "cameras": {**TWO_DOORS, **more}}
    return Chain.model_validate({"name": "c", "sites": {"shop": shop}})


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
    assert len(fresh.server.query("SHOW SERIES FROM day", "day")) == 2
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


def test_what_is_no_longer_known_adds_nothing(fresh: Both) -> None:
    """A point cannot forget a field: the hours were wrong, and what came in them may not stay in the sums."""
    start = datetime(2026, 3, 28, 10, tzinfo=UTC)
    described = some_cohort(start, "demographics", random.Random(1)).model_copy(
        update={
            "described": 30,
            "gender": {"female": 20, "male": 10, "unknown": 0, "not_seen": 0},
            "age_band": None,
            "gender_age_band": None,
        }
    )
    fresh.write([window(0, k=1, start=start, cohort=described), window(1, start=start + timedelta(hours=4))])
    fresh.roll_up(chain(["09:00-20:00"]))
    fresh.roll_up(chain(["13:00-20:00"]))
    for level in ("quarter", "day"):
        sums = "sum(gender_female) AS women, sum(visits) AS visits"
        (row,) = fresh.server.query(f"SELECT {sums} FROM {level}", level)  # noqa: S608
        assert (row["women"], row["visits"]) == (0, 3)
    (tally,) = InfluxTallies(fresh.influxql).tallies(["shop"], SATURDAY, SATURDAY, "unassigned")
    assert (tally.gender, tally.demographics_visits, tally.described_of) == ({}, 0, 0)


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


def at_noon(*dates: date, **changes: Any) -> list[WindowMessage]:
    return [window(0, start=datetime(d.year, d.month, d.day, 12, tzinfo=UTC), **changes) for d in dates]


FEBRUARY = date(2026, 2, 10)


def known_days(both: Both) -> list[date]:
    found = InfluxTallies(both.influxql).tallies(["shop"], date(2026, 1, 1), SUNDAY, "unassigned")
    return [tally.day for tally in found]


def test_days_that_were_never_rolled_up_are_caught_up_on(fresh: Both) -> None:
    """As after ``simulate``, or when the timer was off for a month; a day that is known is not read again."""
    fresh.write(at_noon(FEBRUARY, FEBRUARY + timedelta(days=1), date(2026, 3, 15), SATURDAY))
    fresh.roll_up(chain(), first=FEBRUARY, last=FEBRUARY)
    assert known_days(fresh) == [FEBRUARY]
    rolled = fresh.roll_up(chain(), first=date(2026, 3, 23), since=date(2026, 1, 20))
    assert (rolled.days, rolled.windows) == (3, 3)
    assert known_days(fresh) == [FEBRUARY, FEBRUARY + timedelta(days=1), date(2026, 3, 15), SATURDAY]
    assert fresh.roll_up(chain(), first=date(2026, 3, 23), since=date(2026, 1, 20)).days == 1


def test_days_are_caught_up_on_in_the_time_of_the_site(fresh: Both) -> None:
    late = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)  # already Monday in Berlin
    fresh.write([window(0, start=late)])
    fresh.roll_up(chain(["00:00-24:00"]), first=date(2026, 3, 23), since=date(2026, 1, 20))
    assert known_days(fresh) == [date(2026, 3, 9)]


def test_cameras_that_are_given_a_role_are_caught_up_on(fresh: Both) -> None:
    fresh.write(at_noon(FEBRUARY, camera="in"))
    fresh.roll_up(chain(), first=FEBRUARY, last=FEBRUARY)
    fresh.roll_up(with_cameras(), first=date(2026, 3, 23), since=date(2026, 1, 20))
    (tally,) = InfluxTallies(fresh.influxql).tallies(["shop"], FEBRUARY, FEBRUARY, "entrance")
    assert tally.visits == 3


def test_a_closed_day_is_no_day_without_windows(fresh: Both) -> None:
    opening = {**dict.fromkeys(WEEKDAYS, "09:00-20:00"), "sun": "closed"}
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": opening}
    of = Chain.model_validate({"name": "c", "sites": {"shop": shop}})
    fresh.write(at_noon(SATURDAY))
    rolled = fresh.roll_up(of, first=date(2026, 3, 27))
    assert (rolled.days, rolled.empty, rolled.closed) == (1, 1, 1)


def test_a_question_may_name_more_stores_than_an_address_holds(influxdb: InfluxDB) -> None:
    one_of = "|".join(f"a-store-with-a-long-name-{number}" for number in range(3000))
    with closing(
        InfluxQL(url=influxdb.url, token=influxdb.token, bucket=influxdb.bucket, timeout_s=5.0)
    ) as influxql:
        question = f'SELECT "visits" FROM "day" WHERE "site" =~ /^({one_of})$/'  # noqa: S608 - the names are ours
        assert influxql.ask("day", question) == [[]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://127.0.0.1:1"}, "InfluxDB: "),
        ({"bucket": "nowhere"}, "nowhere_day: database not found"),
        ({"token": "footlight:wrong"}, "InfluxDB answered 401: "),
    ],
)
def test_a_store_that_is_away_or_not_set_up_is_unavailable(
    influxdb: InfluxDB, changes: dict[str, str], said: str
) -> None:
    values = {"url": influxdb.url, "token": influxdb.token, "bucket": influxdb.bucket, **changes}
    with closing(InfluxQL(**values, timeout_s=5.0)) as influxql, pytest.raises(StoreUnavailable, match=said):
        InfluxTallies(influxql).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")


# The command.


def configured(folder: Path, server: InfluxDB) -> list[str]:
    config, of = folder / "cloud.yaml", folder / "chain.yaml"
    store = {"kind": "influx", "url": server.url, "token": server.token, "bucket": server.bucket}
    config.write_text(json.dumps({"store": {**store, "retention_days": 3650}}))
    hours = dict.fromkeys(WEEKDAYS, "09:00-20:00")
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": hours}
    of.write_text(json.dumps({"name": "c", "sites": {"shop": shop}}))
    return ["--config", str(config), "--chain", str(of)]


def test_the_command_rolls_up_and_says_what_it_did(
    fresh: Both, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh.write(some_windows(random.Random(1)))
    files = configured(tmp_path, fresh.server)
    days = ["--from", "2026-03-27", "--to", "2026-03-29"]
    assert main(["rollup", *files, *days, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    stored = len(fresh.embedded.windows("shop", datetime(2026, 3, 26, 23, tzinfo=UTC), LATER))
    assert (said["from"], said["to"], said["sites"]) == ("2026-03-27", "2026-03-29", 1)
    assert (said["days"], said["empty"], said["closed"]) == (3, 0, 0)
    assert 0 < said["windows"] <= stored
    assert main(["rollup", *files, *days]) == 0
    assert capsys.readouterr().out.startswith("2026-03-27 to 2026-03-29: 3 days of 1 sites from ")
    with open_tallies(load(tmp_path / "cloud.yaml"), tmp_path / "chain.yaml", SUNDAY) as (_, tallies):
        read = tallies.tallies(["shop"], SATURDAY, SUNDAY, "unassigned")
    of = Chain.load(tmp_path / "chain.yaml")
    assert read == WindowTallies(fresh.embedded, of).tallies(["shop"], SATURDAY, SUNDAY, "unassigned")


def test_an_embedded_store_needs_no_rollup(
    tmp_path: Path, fresh: Both, capsys: pytest.CaptureFixture[str]
) -> None:
    files = configured(tmp_path, fresh.server)
    (tmp_path / "cloud.yaml").write_text("store: {kind: embedded}")
    assert main(["rollup", *files]) == 0
    assert "nothing to do: the embedded store needs no rollup" in capsys.readouterr().out
    assert not (tmp_path / "footlight.sqlite").exists()


def test_a_store_that_is_away_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with httpx.Client() as http:
        away = InfluxDB(f"http://127.0.0.1:{free_port()}", "footlight", http)
        assert main(["rollup", *configured(tmp_path, away)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("footlight-cloud: store: InfluxDB: ")


NOW = datetime(2026, 4, 20, 3, tzinfo=UTC)


def test_unless_told_otherwise_it_is_the_last_week() -> None:
    assert period(None, None, NOW, 90) == (date(2026, 4, 13), date(2026, 4, 19))
    assert period(None, date(2026, 4, 1), NOW, 90) == (date(2026, 3, 26), date(2026, 4, 1))
    assert period(None, None, NOW, 4) == (date(2026, 4, 18), date(2026, 4, 19)), "no more than is kept"


def test_a_day_whose_windows_may_be_gone_is_not_replaced_by_what_is_left_of_it() -> None:
    assert period(date(2026, 4, 12), date(2026, 4, 12), NOW, 10)[0] == date(2026, 4, 12)
    with pytest.raises(
        UserError, match=r"--from 2026-04-11: windows are kept for 10 days .* begin at 2026-04-12"
    ):
        period(date(2026, 4, 11), date(2026, 4, 12), NOW, 10)
    with pytest.raises(UserError, match="--to 2026-04-12: is before --from 2026-04-13"):
        period(date(2026, 4, 13), date(2026, 4, 12), NOW, 90)


@given(st.sets(st.integers(0, 300), min_size=2), st.integers(0, 300))
def test_every_window_that_is_missing_within_a_run_is_told(there: set[int], restarted: int) -> None:
    came = [window(minute, boot_id="a" * 8 if minute < restarted else "b" * 8) for minute in there]
    found = gaps([*came, *came, window(400, camera="other")])
    runs = [{w.seq for w in came if w.boot_id == boot} for boot in ("a" * 8, "b" * 8)]
    assert sum(gap.missing for gap in found) == sum(max(run) + 1 - min(run) - len(run) for run in runs if run)
    assert all(gap.after < gap.before for gap in found)


def test_a_gap_is_told_with_where_and_when() -> None:
    (gap,) = gaps([window(0), window(1), window(5)])
    assert str(gap) == (
        "shop/door, camera front: 3 windows are missing between 2026-03-02 08:01 and 2026-03-02 08:05 UTC"
    )
