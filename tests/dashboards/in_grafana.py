"""What a real Grafana answers to the query of a panel or an alert rule, in the form of the tests without Grafana."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.dashboards.panels import INTERVAL_S, Row, Scene, Series, filled_in, milliseconds
from tests.support.real_grafana import RealGrafana

Json = dict[str, Any]


def ask(grafana: RealGrafana, target: Mapping[str, Any], scene: Scene) -> list[Row] | Series:
    """As the page of Grafana asks its server: the page fills in the variables, the server its macros."""
    query = {
        **target,
        "query": filled_in(target["query"], scene),
        "intervalMs": INTERVAL_S * 1000,
        "maxDataPoints": 1000,
    }
    body = {
        "queries": [query],
        "from": str(milliseconds(scene.start)),
        "to": str(milliseconds(scene.end)),
    }
    frames = _frames(grafana.post("ds/query", body), target["refId"])
    return _rows(frames) if target["resultFormat"] == "table" else _series(frames)


def fires(grafana: RealGrafana, rule: Mapping[str, Any], now: datetime) -> set[tuple[str, ...]]:
    """The values of the labels of all series for which the rule holds at this instant, as Grafana works it out."""
    body = {"data": rule["data"], "condition": rule["condition"], "now": now.isoformat()}
    held: set[tuple[str, ...]] = set()
    for frame in _frames(grafana.post("v1/eval", body), rule["condition"]):
        for field, values in _columns(frame):
            if any(values):
                labels = field.get("labels", {})
                held.add(tuple(value for _, value in sorted(labels.items(), reverse=True)))
    return held


def _frames(answer: Json, ref_id: str) -> list[Json]:
    (found,) = (result for name, result in answer["results"].items() if name == ref_id)
    assert "error" not in found, found
    return found.get("frames", [])  # type: ignore[no-any-return]


def _columns(frame: Json) -> Iterator[tuple[Json, list[Any]]]:
    return zip(frame["schema"]["fields"], frame["data"]["values"], strict=True)


def _series(frames: Iterable[Json]) -> Series:
    series: Series = {}
    for frame in frames:
        (_, times), (field, values) = _columns(frame)
        name = field["config"]["displayNameFromDS"]
        found = {at // 1000: value for at, value in zip(times, values, strict=True) if value is not None}
        if found:
            series.setdefault(name, {}).update(found)
    return series


def _rows(frames: Sequence[Json]) -> list[Row]:
    """One frame with all columns, as Grafana 10 and later answers; before, each column of each series is a frame."""
    if not frames or "displayNameFromDS" not in frames[0]["schema"]["fields"][-1].get("config", {}):
        return [_row(frame, at) for frame in frames for at in range(len(frame["data"]["values"][0]))]
    rows: dict[tuple[Any, ...], Row] = {}
    for frame in frames:
        (_, times), (field, values) = _columns(frame)
        labels = field.get("labels", {})
        column = field["config"]["displayNameFromDS"].partition(" {")[0].partition(".")[2]
        for at, value in zip(times, values, strict=True):
            rows.setdefault((at, *sorted(labels.items())), {"time": at // 1000, **labels})[column] = value
    return list(rows.values())


def _row(frame: Json, index: int) -> Row:
    row = {field["name"]: values[index] for field, values in _columns(frame)}
    return {"time": row.pop("Time") // 1000, **row} if "Time" in row else row
