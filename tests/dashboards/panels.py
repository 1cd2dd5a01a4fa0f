"""The committed dashboards and alert rules, asked as Grafana would ask: variables and macros filled in, no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from cloud.domain.levels import Level
from tests.support.influxdb import InfluxDB
from tests.support.paths import ROOT

DASHBOARDS = ROOT / "dashboards"
GENERATED = DASHBOARDS / "generated"
LEVEL_OF: Mapping[str, Level] = {
    "footlight": "raw",
    "footlight-quarter": "quarter",
    "footlight-day": "day",
}
INTERVAL_S = 600
"""The distance of points over time, which Grafana works out from the range and the width of a panel."""
_ESCAPED = re.compile(r"[\\^$*+?.()|[\]{}/]")
_RANGE = re.compile(r"now(?:-(\d+)([mhd]))?(/d)?")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Row = dict[str, Any]
Series = dict[str, dict[int, Any]]
"""Values by time in seconds, by the name of the series."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel that asks something."""

    dashboard: str
    title: str
    kind: str
    targets: Sequence[Mapping[str, Any]]
    time_from: str | None


@dataclass(frozen=True, slots=True)
class Scene:
    """What a person has chosen at the top of a dashboard. A list is a variable with several values."""

    start: datetime
    end: datetime
    variables: Mapping[str, str | Sequence[str]]


def dashboard(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GENERATED / f"{name}.json").read_text(encoding="utf-8"))
    return document


def names() -> list[str]:
    return sorted(path.stem for path in GENERATED.glob("*.json"))


def panels() -> Iterator[Panel]:
    for name in names():
        for panel in dashboard(name)["panels"]:
            if panel["type"] not in ("row", "text"):
                yield Panel(name, panel["title"], panel["type"], panel["targets"], panel.get("timeFrom"))


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((GENERATED / "alert-rules.yaml").read_text(encoding="utf-8"))
    return found


def moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A relative time as Grafana writes it."""
    found = _RANGE.fullmatch(text)
    assert found, text
    number, unit, floor = found.groups()
    at = now - timedelta(**{_UNITS[unit]: int(number)}) if number else now
    return at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) if floor else at


def statement(query: str, scene: Scene) -> str:
    """The statement as it goes to InfluxDB: also with what Grafana's server fills in."""
    start, end = (f"{milliseconds(at)}ms" for at in (scene.start, scene.end))
    text = filled_in(query, scene).replace("$timeFilter", f"time >= {start} and time <= {end}")
    text = text.replace("$__interval", f"{INTERVAL_S // 60}m")
    assert "$" not in text.replace("$/", ""), text
    return text


def filled_in(query: str, scene: Scene) -> str:
    """The query with what Grafana's page fills in: the variables."""
    text = query.replace("${__from}", str(milliseconds(scene.start)))
    for name, value in scene.variables.items():
        text = text.replace(f"${{{name}:regex}}", _regex(value))
        if isinstance(value, str):
            text = re.sub(rf"\${name}\b", lambda _, value=value: value, text)  # type: ignore[misc]
    return text


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _regex(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return _ESCAPED.sub(r"\\\g<0>", value)
    return "(" + "|".join(_regex(one) for one in value) + ")"


def ask(influxdb: InfluxDB, target: Mapping[str, Any], scene: Scene) -> list[Row] | Series:
    """The answer to a target: rows with their time, or series without their gaps."""
    rows = influxdb.query(statement(target["query"], scene), LEVEL_OF[target["datasource"]["uid"]])
    if target["resultFormat"] == "table":
        return rows
    series: Series = {}
    for row in rows:
        name = re.sub(r"\$tag_(\w+)", lambda tag, row=row: row[tag[1]], target["alias"])  # type: ignore[misc]
        (value,) = (
            row[column]
            for column in row.keys() - {"time", "site", "device", "camera", "zone", "role", "place"}
        )
        series.setdefault(name, {})
        if value is not None:
            series[name][row["time"]] = value
    return {name: values for name, values in series.items() if values}
