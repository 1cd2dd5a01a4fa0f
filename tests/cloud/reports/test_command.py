"""``footlight-cloud report``: which files it writes and reads, and what it refuses."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.reports.week import last_week, require_over
from cloud.stores.embedded import EmbeddedStore
from common.errors import UserError
from tests.cloud.reports.weeks import (
    AFTER,
    WEEK,
    a_chain,
    chain_data,
)
from tests.support.clock import ManualClock

pytestmark = pytest.mark.chromium


def test_one_box_needs_no_chain_file(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Its opening hours are those in which its device is usually on."""
    config = files[:2]
    Path(config[1]).write_text(Path(config[1]).read_text() + "serve: {page: {timezone: Europe/Berlin}}\n")
    assert main(["report", *config, "--site", "shop", "--week", "2026-W44", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert main(["report", *files, "--site", "shop", "--week", "2026-W44", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (alone["title"], alone["timezone"]) == ("shop", "Europe/Berlin")
    for same in ("visits", "coverage", "hours", "outages", "changes"):
        assert alone[same] == told[same]
    assert main(["compare", *config, "--period", "2026-10-26..2026-11-01"]) == 0


def test_influxdb_needs_a_chain_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cloud.yaml").write_text("store: {kind: influx, url: 'http://127.0.0.1:1', token: t}\n")
    assert main(["report", "--config", str(tmp_path / "cloud.yaml")]) == 2
    assert "--chain FILE: is needed with InfluxDB" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [["report", "--site", "shop", "--week", "2026-W44"], ["compare", "--period", "2026-10-26..2026-11-01"]],
)
@pytest.mark.parametrize("found", [None, b"", b"no database at all, and longer than a header of one" * 20])
def test_reading_makes_no_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], found: bytes | None
) -> None:
    path = tmp_path / "elsewhere.sqlite"
    if found is not None:
        path.write_bytes(found)
    (tmp_path / "cloud.yaml").write_text(f"store: {{path: {path}}}\n")
    (tmp_path / "chain.yaml").write_text(json.dumps(chain_data()))
    name, *rest = command
    files = ["--config", str(tmp_path / "cloud.yaml"), "--chain", str(tmp_path / "chain.yaml")]
    assert main([name, *files, *rest]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"store.path: {path}: " in line
    assert (path.read_bytes() if path.exists() else None) == found
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(
        ["chain.yaml", "cloud.yaml", *(["elsewhere.sqlite"] if found is not None else [])]
    )


def test_a_store_is_read_while_its_box_is_at_work(files: list[str], tmp_path: Path) -> None:
    with closing(
        EmbeddedStore(tmp_path / "s.sqlite", retention_days=3650, clock=ManualClock(AFTER))
    ) as store:
        assert main(["report", *files, "--week", "2026-W44", "--out", str(tmp_path / "r.html")]) == 0
        assert store.sites() == ["shop"]


def test_the_command_writes_every_site_and_of_several_the_chain(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out" / "2026-W44"
    ask = ["report", *files, "--week", "2026-W44", "--folder", str(tmp_path / "out")]
    assert main(ask) == 0
    assert capsys.readouterr().out.split() == [str(folder / "site-shop.html")]
    (tmp_path / "chain.yaml").write_text(json.dumps(chain_data(sites=("shop", "other"))))
    assert main(ask) == 0
    names = ("chain.html", "site-shop.html", "site-other.html")
    assert capsys.readouterr().out.split() == [str(folder / name) for name in names]
    page = (folder / "site-shop.html").read_text(encoding="utf-8")
    for outside in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert outside not in page.replace("http://www.w3.org", "").replace("url(#", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--site", "nowhere"], "--site nowhere: is not a site of the chain; known sites: shop"),
        (["--week", "46"], "--week 46: is not a week; write it like 2026-W46"),
        (["--week", "2026-W54"], "--week 2026-W54: is not a week"),
        (["--week", "2999-W01"], "--week 2999-W01: does not end at shop before 2999-01-07 00:00 CET"),
        (["--site", "shop", "--folder", "x"], "--site: cannot be used with --folder"),
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
        "a PDF needs Chromium, which is not installed: run apt-get install chromium"
        in capsys.readouterr().err
    )


def test_a_week_begins_on_monday_and_is_over_with_its_last_sunday() -> None:
    assert (WEEK.first, WEEK.last, WEEK.name) == (date(2026, 10, 26), date(2026, 11, 1), "2026-W44")
    assert last_week(datetime(2026, 11, 2, tzinfo=UTC)) == WEEK
    assert last_week(datetime(2026, 11, 8, 23, tzinfo=UTC)) == WEEK
    site = a_chain().sites["shop"]
    midnight = datetime(2026, 11, 1, 23, tzinfo=UTC)
    require_over(WEEK, [site], midnight)
    with pytest.raises(UserError, match="does not end at shop before 2026-11-02 00:00 CET"):
        require_over(WEEK, [site], midnight - timedelta(seconds=1))
