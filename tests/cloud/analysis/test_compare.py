"""Stores compared: chance is not called a difference, a real one is found, and what cannot be compared is set apart."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from cloud.__main__ import main
from cloud.analysis.compare import LEVEL, Comparison, Row, compare
from cloud.analysis.confusion import shipped_confusions
from cloud.analysis.differences import Differences, differences
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Chain, Role
from cloud.domain.labels import JOINT_LABELS, LABELS
from cloud.domain.tally import Tally, with_silent_days
from cloud.stores.embedded import EmbeddedStore
from common.errors import UserError
from common.vocabulary import AGE_BANDS
from common.wire import Coverage, Totals
from tests.support.clock import ManualClock
from tests.support.messages import window
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

FIRST = date(2026, 10, 1)
VERSION = frozenset({"2026.11.21-2"})
WEEK = np.array([0.75, 0.85, 0.9, 1.0, 1.15, 1.5, 0.9])


def day(site: str, number: int, **changes: object) -> Tally:
    """Ten hours open and watched, with 200 visits."""
    values: dict[str, object] = {
        "site": site,
        "role": "unassigned",
        "day": FIRST + timedelta(days=number),
        "open_s": 36_000.0,
        "watched_s": {"door/front": 36_000.0},
        "visits": 200,
        "viewers": 120,
        "dwell_sum_s": 2000.0,
        "attention_sum_s": 800.0,
        "dwell_visits": 200,
        "attention_visits": 200,
        "attention_dwell_s": 2000.0,
        "cohort_visits": 200,
        "gender": {**dict.fromkeys(LABELS["gender"], 0), "female": 110, "male": 75, "unknown": 15},
        "age_band": dict.fromkeys((*AGE_BANDS, "unknown"), 25),
        "gender_age_band": {**dict.fromkeys(JOINT_LABELS, 0), ("female", "25-34"): 200},
        "expression": {},
        "demographics_visits": 200,
        "expression_visits": 0,
        "described": 200,
        "described_of": 200,
        "models": VERSION,
        "calibrations": VERSION,
    }
    return Tally(**{**values, **changes})  # type: ignore[arg-type]


def days(site: str, rng: np.random.Generator, *, count: int = 28, factor: float = 1.0) -> list[Tally]:
    usual = 200 * WEEK[np.arange(count) % 7] * factor
    visits = rng.poisson(usual * rng.lognormal(0, 0.12, count))
    return [day(site, number, visits=int(n)) for number, n in enumerate(visits)]


def compared(
    tallies: Iterable[Tally],
    sites: Collection[str],
    metric: str = "visits_per_open_hour",
    role: Role = "unassigned",
) -> Comparison:
    last = FIRST + timedelta(days=27)
    return compare(tallies, metric_named(metric), sites=sites, role=role, first=FIRST, last=last)


def rows(comparison: Comparison) -> dict[str, Row]:
    return {row.site: row for row in comparison.rows}


class Chains:
    """Chains of stores: weekdays, days good or bad for all, stores large and small, days that scatter far more than a
    Poisson count and remember the day before, half of the stores closed on Sundays, hours partly watched."""

    def __init__(self, seed: int, *, stores: int = 300, days: int = 28) -> None:
        self._rng = np.random.default_rng(seed)
        self._shape = (stores, days)

    def one(
        self, factors: Sequence[float] = (), *, scatter: float = 0.12, memory: float = 0.2
    ) -> Differences:
        """The comparison of one chain of stores that are equal but for the first, which have ``factors``.

        ``scatter`` is that of a store's days around what is usual, ``memory`` how much a day resembles the last."""
        rng, (stores, length) = self._rng, self._shape
        hours = rng.uniform(8, 12, (stores, 1)) * rng.uniform(0.85, 1, self._shape)
        hours[np.ix_(rng.random(stores) < 0.5, np.arange(length) % 7 == 6)] = 0
        news = rng.standard_normal(self._shape)
        for number in range(1, length):
            news[:, number] = memory * news[:, number - 1] + np.sqrt(1 - memory**2) * news[:, number]
        usual = 40 * WEEK[np.arange(length) % 7] * rng.lognormal(0, 0.1, length)
        factor = np.ones((stores, 1))
        factor[: len(factors), 0] = factors
        visits = rng.poisson(usual * hours * factor * np.exp(scatter * news - scatter**2 / 2))
        return differences(visits.astype(float), hours)


@pytest.mark.parametrize("scatter", [0.12, 0.25])
def test_equal_stores_raise_no_more_false_alarms_than_stated(scatter: float) -> None:
    chains = Chains(7)
    found = [chains.one(scatter=scatter) for _ in range(200)]
    assert sum((one.q <= LEVEL).any() for one in found) <= LEVEL * len(found)
    # And the single p values are what they say, not just large.
    assert 0.045 <= np.mean([one.p <= 0.05 for one in found]) <= 0.055


def test_a_difference_of_15_percent_is_found_within_28_days() -> None:
    chains = Chains(8)
    found = [chains.one((1.15,), memory=0) for _ in range(100)]
    assert sum(one.q[0] <= LEVEL and one.versus[0] > 1 for one in found) >= 90
    found = [chains.one((0.85,), memory=0) for _ in range(100)]
    assert sum(one.q[0] <= LEVEL and one.versus[0] < 1 for one in found) >= 90


def test_of_the_differences_found_few_are_chance() -> None:
    chains = Chains(9)
    factors = [1.15] * 15 + [0.85] * 15
    found = [chains.one(factors) for _ in range(50)]
    false = sum(int((one.q[30:] <= LEVEL).sum()) for one in found)
    assert false <= LEVEL * sum(int((one.q <= LEVEL).sum()) for one in found)


def test_intervals_hold_the_rate_as_often_as_they_say() -> None:
    chains = Chains(10, stores=40)
    found = [chains.one(scatter=0.2) for _ in range(200)]
    # The truth of a simulated period: what was good or bad for all is part of it, so all stores together are it.
    held = [np.mean((one.low <= one.rate.mean()) & (one.rate.mean() <= one.high)) for one in found]
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.parametrize("stores", [2, 3, 10])
def test_a_small_chain_is_not_fooled_either(stores: int) -> None:
    chains = Chains(11, stores=stores)
    alarms = sum(bool((chains.one().q <= LEVEL).any()) for _ in range(300))
    assert alarms <= binom.ppf(0.99, 300, LEVEL)  # of two stores, each call is about both: exactly LEVEL


def test_days_all_alike_are_compared_without_a_warning() -> None:
    found = differences(np.full((3, 14), 20.0), np.ones((3, 14)))
    assert (found.q > LEVEL).all()
    assert found.rate == pytest.approx(20)


def test_a_store_is_ranked_by_what_it_has_on_the_days_of_the_others() -> None:
    """Open on the three good days of the week only, a store looks better than the others and is not."""
    rng = np.random.default_rng(5)
    sites = [f"s{number}" for number in range(10)]
    tallies = [tally for site in sites for tally in days(site, rng)]
    good = [t for t in tallies if t.site != "s0" or (t.day - FIRST).days % 7 in (3, 4, 5)]
    row = rows(compared(good, sites))["s0"]
    visits = [t.visits for t in good if t.site == "s0"]
    assert sum(visits) / len(visits) / 10 > 1.15 * 20
    assert not row.real
    assert row.rate == pytest.approx(20, rel=0.1)


def test_the_store_that_differs_is_named() -> None:
    rng = np.random.default_rng(6)
    sites = [f"s{number}" for number in range(30)]
    tallies = [t for site in sites for t in days(site, rng, factor=1.2 if site == "s7" else 1.0)]
    comparison = compared(tallies, sites)
    assert sum(row.real for row in comparison.rows) <= 2  # of those called real, one in twenty is chance
    first = comparison.rows[0]
    assert (first.site, first.real) == ("s7", True)
    assert first.versus == pytest.approx(1.2, abs=0.06)
    assert first.rate is not None
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.rate < first.high
    assert comparison.rate == pytest.approx(sum(t.visits for t in tallies) / (30 * 28 * 10))
    assert comparison.detectable is not None
    assert 0.03 < comparison.detectable < 0.2


def equal_shops(rng: np.random.Generator, *, silent: int = 0) -> list[Tally]:
    """Twelve shops that are equal but for their cameras, 28 days of each: one or two at the doors, between which the
    visitors are divided, and none to three at displays, each of which sees half of them again. In the first shops a
    camera of each role is ``silent`` for some days."""
    tallies = []
    for number in range(12):
        doors, shelves = 1 + number % 2, number % 4
        for when, usual in enumerate(200 * WEEK[np.arange(28) % 7]):
            came = rng.poisson(usual * rng.lognormal(0, 0.12))
            dead = number < 3 and when < silent
            through = rng.multinomial(came, [1 / doors] * doors)
            before = rng.binomial(came, 0.5, shelves)
            for role, seen in (("entrance", through), ("display", before)):
                if len(seen):
                    watched = {
                        f"{role}{n}/main": 0.0 if dead and n == 0 else 36_000.0 for n in range(len(seen))
                    }
                    visits = int(seen[1:].sum() if dead else seen.sum())
                    tallies.append(day(f"s{number}", when, role=role, watched_s=watched, visits=visits))
    return tallies


@pytest.mark.parametrize("role", ["entrance", "display"])
@pytest.mark.parametrize("silent", [0, 7])
def test_more_cameras_are_no_better_shop(role: Role, silent: int) -> None:
    """And a camera that was dead for a week is no worse one."""
    rng = np.random.default_rng(20)
    chains = 100
    alarms = 0
    for _ in range(chains):
        tallies = [t for t in equal_shops(rng, silent=silent) if t.role == role]
        found = compared(tallies, {t.site for t in tallies}, role=role)
        assert all(row.set_apart is None for row in found.rows)
        alarms += any(row.real for row in found.rows)
    assert alarms <= binom.ppf(0.99, chains, LEVEL)


def test_the_cameras_of_a_shop_are_compared_with_their_equals_only() -> None:
    tallies = equal_shops(np.random.default_rng(21))
    assert {row.site for row in compared(tallies, ["s0", "s1"], role="display").rows} == {"s0", "s1"}
    found = rows(compared(tallies, [f"s{n}" for n in range(12)], role="entrance"))
    assert all(row.versus == pytest.approx(1, abs=0.15) for row in found.values())


def test_a_camera_that_is_silent_all_the_time_is_named_and_not_ranked() -> None:
    silent = {"door/main": 36_000.0, "side/main": 0.0}
    rng = np.random.default_rng(22)
    tallies = [
        replace(t, role="entrance", watched_s=silent, visits=t.visits // 2)
        if t.site == "a"
        else replace(t, role="entrance")
        for site in "abc"
        for t in days(site, rng)
    ]
    row = rows(compared(tallies, "abc", role="entrance"))["a"]
    assert row.set_apart == "side/main watched less than 80% on 28 of 28 days"
    assert row.coverage == 0.5


def test_without_a_chain_file_that_names_them_two_cameras_are_not_ranked() -> None:
    rng = np.random.default_rng(23)
    both = {"door/main": 36_000.0, "shelf/main": 36_000.0}
    tallies = [
        replace(t, watched_s=both, visits=2 * t.visits) if t.site == "s3" else t
        for site in (f"s{n}" for n in range(12))
        for t in days(site, rng)
    ]
    found = rows(compared(tallies, [f"s{n}" for n in range(12)]))
    assert found["s3"].set_apart == "the chain file does not say what its 2 cameras are for, on 28 of 28 days"
    assert not any(row.real for row in found.values())


def test_days_on_which_the_whole_shop_was_silent_are_open_days() -> None:
    opening = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "09:00-19:00")
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": opening}
    chain = Chain.model_validate({"name": "c", "sites": dict.fromkeys("abc", shop)})
    rng = np.random.default_rng(24)
    tallies = [t for site in "abc" for t in days(site, rng, count=8 if site == "a" else 28)]
    dates = [FIRST + timedelta(days=number) for number in range(28)]
    filled = with_silent_days(tallies, chain.sites.values(), dates, "unassigned")
    row = rows(compared(filled, "abc"))["a"]
    assert row.set_apart == "no data on 20 of 28 days"
    assert row.coverage == pytest.approx(8 / 28)


def test_a_new_shop_is_compared_from_its_first_week_on() -> None:
    rng = np.random.default_rng(25)
    silent = {"visits": 0, "watched_s": {}}
    tallies = [
        replace(t, **silent) if t.site == "a" and t.day < FIRST + timedelta(days=20) else t  # type: ignore[arg-type]
        for site in "abc"
        for t in days(site, rng)
    ]
    row = rows(compared(tallies, "abc"))["a"]
    assert (row.days, row.set_apart, row.coverage) == (8, None, 1.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"watched_s": {"door/front": 0.0}, "visits": 0}, "no data"),
        ({"watched_s": {"door/front": 20_000.0}}, "watched less than 80% on 28 of 28 days"),
        ({"models": frozenset({"2027.1"})}, "model 2027.1 (calibration 2026.11.21-2), but the others have"),
        (
            {"calibrations": frozenset({"2027.1"})},
            "model 2026.11.21-2 (calibration 2027.1), but the others have",
        ),
    ],
)
def test_what_cannot_be_compared_is_set_apart(changes: dict[str, object], reason: str) -> None:
    rng = np.random.default_rng(1)
    sites = ["a", "b", "c", "odd"]
    tallies = [t if t.site != "odd" else replace(t, **changes) for s in sites for t in days(s, rng)]  # type: ignore[arg-type]
    found = rows(compared(tallies, sites))
    assert (found["odd"].set_apart or "").startswith(reason)
    assert found["odd"].rate is None
    assert not found["odd"].real
    assert all(found[site].set_apart is None for site in "abc")


def test_a_blind_camera_costs_the_days_on_which_it_was_blind() -> None:
    rng = np.random.default_rng(2)
    tallies = [t for site in "abc" for t in days(site, rng)]
    blind = [
        replace(t, watched_s={"door/front": 9000.0}, visits=10) if t.site == "a" and t.day.day <= 8 else t
        for t in tallies
    ]
    row = rows(compared(blind, "abc"))["a"]
    assert (row.days, row.set_apart, row.real) == (20, None, False)
    assert row.coverage == pytest.approx((20 + 8 / 4) / 28)


def test_a_chain_is_upgraded_store_by_store_without_being_set_apart() -> None:
    """On each date, the stores that have what most have are compared."""
    rng = np.random.default_rng(3)
    sites = [f"s{number}" for number in range(9)]
    upgraded = {site: FIRST + timedelta(days=10 + number) for number, site in enumerate(sites)}
    tallies = [
        replace(t, models=frozenset({"new"})) if t.day >= upgraded[t.site] else t
        for site in sites
        for t in days(site, rng)
    ]
    found = compared(tallies, sites).rows
    assert [row.set_apart for row in found] == [None] * 9
    assert min(row.days for row in found) >= 23


def test_too_few_days_and_no_company_are_said() -> None:
    rng = np.random.default_rng(4)
    tallies = [t for site in "ab" for t in days(site, rng)]
    found = rows(compared([t for t in tallies if t.site == "a" or t.day < FIRST + timedelta(days=6)], "abc"))
    assert found["c"].set_apart == "no data"
    assert found["b"].set_apart == "only 6 days; 7 are needed"
    assert found["a"].set_apart == "too few days on which other shops are open"


def test_a_share_is_compared_corrected_and_only_where_little_is_withheld() -> None:
    rng = np.random.default_rng(12)
    sites = [f"s{number}" for number in range(20)]
    tallies = []
    for site in sites:
        share = 0.7 if site == "s3" else 0.6
        for number in range(28):
            women = int(rng.binomial(185, share))
            gender = {"female": women, "male": 185 - women, "unknown": 15}
            tallies.append(day(site, number, gender=gender))
    hidden = [replace(t, gender={**t.gender, "male": None}) if t.site == "s5" else t for t in tallies]
    found = rows(compared(hidden, sites, "share:gender=female"))
    assert found["s3"].real
    assert sum(row.real for row in found.values()) <= 2
    assert "withheld to protect privacy" in (found["s5"].set_apart or "")
    raw = np.mean([(t.gender["female"] or 0) / 185 for t in tallies if t.site == "s3"])
    rate = found["s3"].rate
    assert rate is not None
    assert 0 < rate - raw < 0.1  # mistakes draw shares towards the middle


@pytest.mark.parametrize(
    ("metric", "rate"),
    [("viewers_share", 0.6), ("dwell_mean", 10.0), ("attraction_ratio", 0.4), ("visits_per_open_hour", 20.0)],
)
def test_each_rate_is_a_sum_over_a_sum(metric: str, rate: float) -> None:
    tallies = [day(site, number) for site in "ab" for number in range(14)]
    found = compared(tallies, "ab", metric)
    assert found.rate == pytest.approx(rate)
    assert [row.rate for row in found.rows] == pytest.approx([rate, rate])


def test_a_breakdown_that_is_off_is_no_zero() -> None:
    tallies = [day(site, number) for site in "ab" for number in range(14)]
    found = compared(tallies, "ab", "share:expression=happy")
    assert found.rate is None
    assert all(
        "no group of visits was released with expression" in (row.set_apart or "") for row in found.rows
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("footfall", "is not known; use visits_per_open_hour"),
        ("share:race=any", "share:gender=LABEL"),
        ("share:gender=women", "gender must be one of female, male"),
    ],
)
def test_a_metric_that_is_none_is_explained(name: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        metric_named(name)


SITE = """
    title: {title}
    timezone: Europe/Berlin
    opening: {{mon: 09:00-19:00, tue: 09:00-19:00, wed: 09:00-19:00, thu: 09:00-19:00, fri: 09:00-19:00,
              sat: 09:00-19:00, sun: closed}}
"""


@pytest.fixture
def chain(tmp_path: Path) -> list[str]:
    """Three stores and two weeks in an embedded store, and the arguments that compare them."""
    rng = np.random.default_rng(13)
    clock = ManualClock(datetime(2026, 11, 1, tzinfo=UTC))
    store = EmbeddedStore(tmp_path / "f.sqlite", retention_days=100, clock=clock)
    hours = [datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=number) for number in range(14 * 24)]
    for site, usual in (("north", 20), ("south", 20), ("west", 40)):
        store.write(
            [
                window(
                    0,
                    site=site,
                    start=start,
                    duration_s=3600,
                    totals=Totals(visits=n, viewers=n // 2),
                    coverage=Coverage(share=1.0),
                )
                for start, n in zip(hours, rng.poisson(usual, len(hours)).tolist(), strict=True)
            ]
        )
    store.close()
    config, register = tmp_path / "cloud.yaml", tmp_path / "chain.yaml"
    config.write_text(f"store: {{kind: embedded, path: {tmp_path / 'f.sqlite'}}}\n")
    sites = "".join(
        f"  {name}:{SITE.format(title=name.title())}" for name in ("east", "north", "south", "west")
    )
    register.write_text(f"name: shops\nsites:\n{sites}")
    return [
        "compare",
        "--config",
        str(config),
        "--chain",
        str(register),
        "--period",
        "2026-10-01..2026-10-28",
    ]


def test_the_command_says_the_same_to_people_and_to_programs(
    chain: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*chain, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"][0]["site"] == "west"
    assert [row["site"] for row in told["rows"][3:]] == ["east"]
    assert told["rows"][0]["days"] == 12  # two Sundays are closed
    assert told["rows"][0]["rate"] == pytest.approx(40, rel=0.05)
    assert told["rows"][0]["real"] is True
    assert told["rows"][3]["set_apart"] == "no data"
    assert (told["first"], told["last"]) == ("2026-10-01", "2026-10-28")
    for columns in ("80", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        assert main(chain) == 0
        text = capsys.readouterr().out
        for row in told["rows"][:3]:
            (line,) = (line for line in text.splitlines() if row["site"].title() in line)
            assert f"{row['rate']:.1f}" in line
            assert f"{row['low']:.1f} – {row['high']:.1f}" in line
            assert ("▲" in line or "▼" in line) == row["real"]
        assert "Not compared" in text
        assert ("●" in text) == (columns == "120")


@pytest.mark.parametrize(
    ("period", "says"),
    [("last week", "write two days like"), ("2026-10-28..2026-10-01", "ends before it begins")],
)
def test_a_period_that_is_none_ends_in_one_line(
    chain: list[str], capsys: pytest.CaptureFixture[str], period: str, says: str
) -> None:
    assert main([*chain[:-1], period]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_what_runs_all_day_starts_without_the_libraries_of_the_analysis() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('numpy', 'scipy')));"
        "import cloud.ingest.bridge, cloud.onebox.serve, cloud.__main__ as program;"
        "sys.exit(program.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "check-config", "cloud/example.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_day_that_mixes_unknown_verdicts_with_visits_not_seen_has_the_same_share() -> None:
    share = metric_named("share:gender=female")
    counts = {**day("a", 0).gender, "unknown": None, "not_seen": None, "no_verdict": 75}
    calibrations = frozenset({max(shipped_confusions())})
    told = day("a", 0, calibrations=calibrations)
    mixed = day(
        "a", 1, calibrations=calibrations, gender=counts, demographics_visits=260, described=0, described_of=0
    )
    women, of = share.terms([told, mixed])
    assert women[1] / of[1] == pytest.approx(women[0] / of[0], abs=0.02)
    assert (share.told(told), share.told(mixed), share.withheld(mixed)) == (200, 185, 0)
