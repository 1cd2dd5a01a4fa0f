"""Everything that the committed dashboards and alert rules ask of a simulated chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cloud.domain.levels import Level
from tests.dashboards.panels import LEVEL_OF, Scene, dashboard, moment, names, rules, statement

ZONE = ZoneInfo("Europe/Berlin")
CHOSEN: Mapping[str, str | Sequence[str]] = {
    "chain": "simulated",
    "region": ["east", "north", "south", "west", "isles", "iberia"],
    "device": ["door", "shelf"],
    "role": "entrance",
    "camera": "door/main",
    "grid": "16x9",
    "metric": "visits_per_open_hour",
    "timezone": str(ZONE),
}
"""What a person has chosen, besides the stores: all there is."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One query of one panel, variable, annotation or alert rule, as Grafana would send it."""

    where: str
    what: str
    level: Level
    text: str


def questions(sites: Sequence[str], now: datetime) -> Iterator[Question]:
    """Of one store where one is chosen, of all ``sites`` where several may be."""
    for name in names():
        yield from _of_board(dashboard(name), sites, now)
    for rule in rules():
        for asked in rule["data"]:
            if asked["datasourceUid"] in LEVEL_OF:
                start = now - timedelta(seconds=asked["relativeTimeRange"]["from"])
                yield _question("Alert rules", rule["title"], asked["model"], Scene(start, now, CHOSEN))


def _of_board(board: Json, sites: Sequence[str], now: datetime) -> Iterator[Question]:
    variables = board["templating"]["list"]
    (site,) = (variable for variable in variables if variable["name"] == "site")
    chosen = {**CHOSEN, "site": sites if site.get("multi") else sites[0]}
    whole = Scene(moment(board["time"]["from"], now, ZONE), now, chosen)
    for variable in variables:
        if variable["type"] == "query":
            yield _question(board["title"], f"variable {variable['name']}", variable, whole)
    for annotation in board["annotations"]["list"]:
        if "target" in annotation:
            yield _question(board["title"], f"annotation {annotation['name']}", annotation["target"], whole)
    for panel in board["panels"]:
        recent = panel.get("timeFrom")
        scene = Scene(moment(f"now-{recent}", now, ZONE), now, chosen) if recent else whole
        for target in panel.get("targets", []):
            yield _question(board["title"], panel["title"], target, scene)


def _question(where: str, what: str, target: Json, scene: Scene) -> Question:
    source = target.get("datasource", {}).get("uid", "footlight")
    return Question(where, what, LEVEL_OF[source], statement(target["query"], scene))
