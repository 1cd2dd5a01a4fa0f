"""From a simulated chain with known conversion, through file and store, to the figures: they hold the truth."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud.__main__ import main
from cloud.analysis.corrected import checked_doors
from cloud.analysis.estimates import Estimate, estimate
from cloud.config import load
from cloud.domain.chain import Chain
from cloud.domain.count_check import Basis, Door
from cloud.domain.count_check import compare as compare_check
from cloud.domain.formula import BUILT_IN, CONVERSION
from cloud.domain.tally import Tally
from cloud.stores.check_file import CheckFile
from cloud.stores.connect import open_tallies
from cloud.stores.tallies import every_day
from tests.cloud.simulation.fleets import LAST_DAY, fleet
from tests.support.door import counted

pytestmark = pytest.mark.slow
Capture = pytest.CaptureFixture[str]
SITES, DAYS = 12, 14


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated")
    (path / "cloud.yaml").write_text(f"store: {{path: {path / 's.sqlite'}}}\n")
    out = [
        f"--{name}-out={path / file}"
        for name, file in (("chain", "c.yaml"), ("truth", "t.jsonl"), ("till", "t.csv"))
    ]
    size = [f"--sites={SITES}", f"--days={DAYS}", f"--last-day={LAST_DAY}", "--window=900"]
    assert main(["simulate", "--config", str(path / "cloud.yaml"), *size, *out]) == 0
    assert main(["till", "import", str(path / "t.csv"), *files(path)]) == 0
    return path


def files(folder: Path) -> list[str]:
    return ["--config", str(folder / "cloud.yaml"), "--chain", str(folder / "c.yaml")]


def truths(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "t.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if one["role"] == "entrance"]


def figures(folder: Path, first_back: int = DAYS - 1) -> dict[str, Estimate]:
    chain = Chain.load(folder / "c.yaml")
    formula = next(one for one in chain.formulas if one.name == CONVERSION)
    first = LAST_DAY.fromordinal(LAST_DAY.toordinal() - first_back)
    with open_tallies(load(folder / "cloud.yaml"), folder / "c.yaml", LAST_DAY) as (_, source):
        return {
            name: estimate(formula, every_day(source, [site], first, LAST_DAY, "entrance"))
            for name, site in chain.sites.items()
        }


def test_the_interval_of_the_conversion_holds_the_truth(folder: Path) -> None:
    true = {one["site"]: one["till"]["conversion"] for one in truths(folder)}
    told = {name: one for name, one in figures(folder).items() if one.value is not None}
    assert len(told) >= SITES - 3
    held = [one.low <= true[name] <= one.high for name, one in told.items() if one.low and one.high]
    assert sum(held) >= len(told) - 2
    for name, one in told.items():
        assert one.value == pytest.approx(true[name], rel=0.1)
        assert one.coverage is not None
        assert 0.8 <= one.coverage <= 1


def test_a_shop_whose_door_was_not_watched_is_refused_with_the_share(folder: Path) -> None:
    """Within two weeks, some camera of the fleet is out for days."""
    refused = [one for back in range(0, DAYS, 3) for one in figures(folder, back).values() if one.refused]
    blind = [one for one in refused if one.coverage is not None]
    assert blind, "the simulated fleet has faults"
    for one in blind:
        assert one.coverage is not None
        assert one.coverage < 0.8
        assert str(one.refused) == f"the door was watched for {int(100 * one.coverage)}%"


def test_shops_are_compared_by_conversion(folder: Path, capsys: Capture) -> None:
    period = f"{LAST_DAY.fromordinal(LAST_DAY.toordinal() - DAYS + 1)}..{LAST_DAY}"
    assert main(["compare", *files(folder), "--period", period, "--metric", "conversion_rate", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    true = {one["site"]: one["till"]["conversion"] for one in truths(folder)}
    ranked = [row for row in found["rows"] if row["set_apart"] is None]
    assert len(ranked) >= SITES // 2
    best, worst = ranked[0], ranked[-1]
    assert true[best["site"]] > true[worst["site"]]
    assert best["real"]
    assert worst["real"]


def test_tills_change_nothing_of_the_days_of_a_chain() -> None:
    """Equal seeds give equal days, and equal tills."""
    one, two = (list(fleet(sites=2, days=2).site_days()) for _ in range(2))
    assert [day.till for day in one] == [day.till for day in two]
    assert all(day.till.entered >= sum(hour.transactions for hour in day.till.hours) for day in one)


MISSES = 0.25
"""The share of the people that the doors of these shops miss."""


def test_with_a_count_check_the_interval_holds_the_truth_of_a_door_that_misses_some(
    folder: Path, tmp_path: Path
) -> None:
    true = {one["site"]: one["till"]["conversion"] for one in truths(folder)}
    rng, shops, held, counted_held = np.random.default_rng(107), 0, 0, 0
    chain = Chain.load(folder / "c.yaml")
    first = LAST_DAY - timedelta(days=DAYS - 1)
    with (
        open_tallies(load(folder / "cloud.yaml"), folder / "c.yaml", LAST_DAY) as (_, source),
        closing(CheckFile(tmp_path / "checks.sqlite")) as file,
    ):
        for name, site in chain.sites.items():
            own = [missing(rng, one) for one in every_day(source, [site], first, LAST_DAY, "entrance")]
            for camera, role in (site.cameras or {}).items():
                if role == "entrance":
                    check_door(rng, file, name, camera, first)
            found = estimate(BUILT_IN[0], own, checked_doors(file, site, "entrance", own))
            if found.value is None:
                continue
            right = found.corrected
            assert right is not None
            assert right.low is not None
            assert right.high is not None
            assert found.low is not None
            assert found.high is not None
            shops += 1
            held += right.low <= true[name] <= right.high
            counted_held += found.low <= true[name] <= found.high
    assert shops >= SITES - 3
    assert held >= shops - 2
    assert counted_held <= 2


def missing(rng: np.random.Generator, one: Tally) -> Tally:
    """The same day at doors that miss each person by the same chance."""
    if one.doors is None:
        return one
    seen = int(rng.binomial(one.doors.entries, 1 - MISSES))
    return replace(one, doors=replace(one.doors, entries=seen))


def check_door(rng: np.random.Generator, file: CheckFile, site: str, camera: str, day: date) -> None:
    """Somebody counts for an hour at the door of a camera that misses the same share."""
    one = counted(rng, minutes=60, a_minute=3, recall=1 - MISSES)
    begin = datetime.combine(day, time(5), UTC)
    device, _, lens = camera.partition("/")
    door = Door(device, lens, "street")
    check = replace(one.check, id=f"{len(file.of()):032x}", site=site, door=door, started=begin, ended=None)
    file.observe(site, device, Basis("0", "m", "0" * 12, moved=False), begin - timedelta(days=1))
    file.see(site, [door])
    file.start(check)
    file.end(check.id, begin + timedelta(hours=1))
    file.keep(check.id, [*compare_check(one.check, one.taps, one.windows)])
