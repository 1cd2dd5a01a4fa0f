"""The command says the same to people and to programs, and the analysis costs nothing where it is not used."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from cloud.__main__ import main
from cloud.stores.embedded import EmbeddedStore
from common.wire import Coverage, Totals
from tests.support.clock import ManualClock
from tests.support.messages import window
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow


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
