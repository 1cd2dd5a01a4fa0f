"""The README's table of real parts is what the tests reported, and a failed run writes nothing."""

from __future__ import annotations

import json
import runpy
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

proven: Any = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "docs" / "proven.py")))

LEFT_OUT = (
    '<testcase classname="a" name="left out"><properties><property name="on" value="Chromium 150"/></properties>'
    "<skipped/></testcase>"
)
REPORT = f"""<testsuites><testsuite>
<testcase classname="a" name="one"><properties><property name="on" value="mosquitto 2.0.11"/></properties></testcase>
<testcase classname="a" name="two"><properties><property name="on" value="mosquitto 2.0.11"/>
<property name="on" value="Chromium 150"/></properties></testcase>
{LEFT_OUT}{{more}}</testsuite></testsuites>"""


def report(folder: Path, more: str = "", name: str = "report.xml") -> Path:
    path = folder / name
    path.write_text(REPORT.format(more=more))
    return path


def test_the_readme_has_the_table_of_the_last_reports() -> None:
    text = proven.README.read_text(encoding="utf-8")
    assert proven.written(text, json.loads(proven.MEASURED.read_text(encoding="utf-8"))) == text


def test_tests_that_passed_are_counted_by_real_part(tmp_path: Path) -> None:
    assert proven.read([report(tmp_path)]) == {"mosquitto 2.0.11": 2, "Chromium 150": 1}


def test_several_reports_count_each_test_once_and_add_what_another_left_out(tmp_path: Path) -> None:
    later = LEFT_OUT.replace("<skipped/>", "").replace("Chromium 150", "Grafana 10")
    reports = [report(tmp_path), report(tmp_path, later, "with-grafana.xml")]
    assert proven.read(reports) == {"mosquitto 2.0.11": 2, "Chromium 150": 1, "Grafana 10": 1}


def test_a_failed_test_in_one_report_refuses_them_all(tmp_path: Path) -> None:
    failed = report(tmp_path, '<testcase classname="a" name="three"><failure/></testcase>', "failed.xml")
    with pytest.raises(ValueError, match=r"failed\.xml: a\.three failed; nothing was written"):
        proven.read([report(tmp_path), failed])


def test_another_version_and_a_part_of_the_tests_leave_what_was_proven_before() -> None:
    before = proven.merged({}, {"mosquitto 2.0.11": 200, "InfluxDB 1.8.10": 300}, date(2026, 11, 1))
    after = proven.merged(before, {"mosquitto 2.0.11": 2, "InfluxDB 2.7.12": 31}, date(2026, 11, 2))
    assert after == {
        "InfluxDB 1.8.10": {"passed": 300, "day": "2026-11-01"},
        "InfluxDB 2.7.12": {"passed": 31, "day": "2026-11-02"},
        "mosquitto 2.0.11": {"passed": 200, "day": "2026-11-01"},
    }
    assert "| InfluxDB 1.8.10 | 300 | 2026-11-01 |" in proven.table(after)


def test_each_test_says_on_what_it_ran(request: pytest.FixtureRequest) -> None:
    assert [value for name, value in request.node.user_properties if name == "on" and "Python" in value]
