"""The committed dashboards: what the code builds, in the form that Grafana reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from cloud.domain.thresholds import SMALL_SAMPLE
from dashboards.build import files, grafana_release
from tests.dashboards.panels import DASHBOARDS, LEVEL_OF, dashboard, names, panels, rules

pytestmark = pytest.mark.influxdb

ROOT = DASHBOARDS.parent
SCHEMA = json.loads((DASHBOARDS / "schema" / "grafana.json").read_text(encoding="utf-8"))


def test_the_committed_files_are_what_the_code_builds() -> None:
    stale = [path.name for path, text in files().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `make dashboards`"


def test_nothing_else_lies_among_the_generated_files() -> None:
    generated = {path for path in files() if path.parent.name == "generated"}
    assert {*(DASHBOARDS / "generated").iterdir()} == generated


@pytest.mark.parametrize("name", names())
def test_a_dashboard_is_as_grafana_reads_it(name: str) -> None:
    faults = [
        f"{list(e.absolute_path)}: {e.message[:200]}"
        for e in Draft7Validator(SCHEMA).iter_errors(dashboard(name))
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("panels", 2, "options", "colourMode"), "value"),
        (("panels", 2, "targets", 0, "datasource", "uid"), "somewhere-else"),
        (("panels", 2, "type"), "stats"),
        (("panels", 2, "description"), None),
        (("editable",), True),
    ],
)
def test_the_schema_sees_what_is_wrong(path: tuple[str | int, ...], value: Any) -> None:
    document: Any = dashboard("store-today")
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    assert not Draft7Validator(SCHEMA).is_valid(document)


def _sources(part: Any) -> Iterator[str]:
    """The uid of every data source that is named anywhere."""
    if isinstance(part, dict):
        if isinstance(part.get("datasource"), dict):
            yield part["datasource"]["uid"]
        if "datasourceUid" in part:
            yield part["datasourceUid"]
        for value in part.values():
            yield from _sources(value)
    elif isinstance(part, list):
        for value in part:
            yield from _sources(value)


def test_every_data_source_is_provisioned() -> None:
    document = yaml.safe_load((DASHBOARDS / "provisioning" / "datasources" / "footlight.yaml").read_text())
    provisioned = {source["uid"] for source in document["datasources"]}
    used = {uid for part in (*map(dashboard, names()), rules()) for uid in _sources(part)} - {"__expr__"}
    assert used <= provisioned == LEVEL_OF.keys()


def test_no_panel_fills_a_gap_with_zero_and_each_says_why_it_is_empty() -> None:
    for name in names():
        for panel in dashboard(name)["panels"]:
            if panel["type"] not in ("row", "text"):
                assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
                assert not any("fill(0)" in target["query"] for target in panel["targets"]), panel["title"]


def test_the_panels_that_break_down_say_what_grey_means() -> None:
    broken_down = {
        panel.title for panel in panels() if any('WHERE "n" > 0' in t["query"] for t in panel.targets)
    }
    assert broken_down == {"Age and gender", "Expression", "Visits by dwell time"}
    for panel in dashboard("store-today")["panels"]:
        if panel["title"] in broken_down:
            assert f"Grey: fewer than {SMALL_SAMPLE} visits" in panel["description"]


@pytest.mark.parametrize("name", names())
def test_no_panel_is_wider_than_the_page_or_on_another(name: str) -> None:
    """Grafana moves such a panel elsewhere, and its neighbours with it."""
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(name)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        rows, columns = (range(place[at], place[at] + place[size]) for at, size in (("y", "h"), ("x", "w")))
        cells = {(row, column) for row in rows for column in columns}
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells


def test_uids_are_fixed_and_each_is_used_once() -> None:
    assert [dashboard(name)["uid"] for name in names()] == [f"footlight-{name}" for name in names()]
    uids = [rule["uid"] for rule in rules()]
    assert len(set(uids)) == len(uids)


def test_the_server_runs_the_grafana_that_the_schema_is_of() -> None:
    compose = yaml.safe_load((ROOT / "cloud" / "compose.yaml").read_text(encoding="utf-8"))
    image = compose["services"]["grafana"]["image"]
    assert image.rpartition(":")[2].split(".")[:2] == grafana_release().split(".")[:2]


def test_the_page_names_every_dashboard_panel_and_rule() -> None:
    text = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
    for name in names():
        assert f"\n## {dashboard(name)['title']}\n" in text
    for panel in panels():
        assert re.search(rf"^\| {re.escape(panel.title)} \| ", text, re.MULTILINE), panel.title
    for rule in rules():
        assert f"| {rule['title']} (" in text


def test_provisioning_finds_the_dashboards_where_the_server_mounts_them() -> None:
    provider = yaml.safe_load((DASHBOARDS / "provisioning" / "dashboards" / "footlight.yaml").read_text())
    compose = yaml.safe_load((ROOT / "cloud" / "compose.yaml").read_text(encoding="utf-8"))
    mounts = [volume.split(":") for volume in compose["services"]["grafana"]["volumes"]]
    (path,) = (found["options"]["path"] for found in provider["providers"])
    (source,) = (Path("cloud") / source for source, target, *_ in mounts if target == path)
    assert (ROOT / source).resolve() == DASHBOARDS / "generated"
