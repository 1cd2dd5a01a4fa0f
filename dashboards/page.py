"""docs/dashboards.md, written from the dashboards themselves, so that it tells what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloud.domain.thresholds import SMALL_SAMPLE
from dashboards.alerts import Alert

Json = Mapping[str, Any]

_INTRODUCTION = """# Dashboards

<!-- {head} -->

This page explains the four dashboards in Grafana: *Shop today* for the manager of a shop, *Chain compare* for head
office, *Fleet health* for the installer, and *Data quality and privacy* for people who check how reliable the others
are. They are made for Grafana {grafana}, are installed with it, and cannot be edited by mistake.

## How to read all of them
- **A gap means no data; 0 means that nobody came.** If nobody watched, a line has a gap, a bar is missing, and a single
  number shows the reason in words. A bar of height 0 is labelled 0.
- **Do not draw conclusions from anything grey**: a breakdown of fewer than {few} visits, a difference that may be
  chance, or an hour that was watched only in part. With enough data it gets a colour.
- **A missing bar between others is withheld**: so few visits are in it that somebody could be recognised.
- A *visit* is one face from first to last sight, not everybody who walks past. Ages, genders and expressions are
  estimates and arrive for groups of visits, so the newest visits are counted but not yet described.
- Vertical lines are promotions from the chain file (blue) and restarted devices (grey), as after a change of
  configuration. Point at a line to read it.
- *Chain compare* compares only cameras with the same purpose (*Cameras*); the chain file says what each is for. *Shop
  today* adds the selected devices: a person seen by two of them counts as two visits.
- Days and hours follow the clock of the shop (*Time zone*, from the chain file; UTC without one). "Today" and the
  labels below a chart follow your browser. Head office in another time zone sets the time zone beside the time range.
"""

_ALERTS = """
## Alerts
Grafana checks these rules every minute. Contact points and policies in Grafana decide who is notified; the label
`audience` says who can fix the problem. Devices report by MQTT when their camera is unreachable, their outbox full or
their clock not set (*Faults* in *Fleet health*). These rules detect what a device cannot report itself.

| rule | says | look at |
| --- | --- | --- |
"""

_REST = """
## For the administrator of Grafana
Mount `dashboards/provisioning` as Grafana's provisioning folder and `dashboards/generated` at
`/etc/footlight/dashboards`. Set `INFLUXDB_URL`, `INFLUXDB_DATABASE` and the secret `influxdb_read_token`, a read-only
token, as `cloud/compose.yaml` does. The data sources have the fixed uids {sources}: one for each level of
[storage](storage.md). *Chain compare*, time zones and promotions need the chain file and `footlight-cloud rollup`,
which runs every six hours. The background of the map comes from a public map server; nothing else is loaded from the
internet. `footlight-cloud provision` can instead create folders and teams for each shop through Grafana's API.

The tests run every query on a real InfluxDB and compare the result with what was sent; the files are checked against
the schema of Grafana {grafana}. To change them, edit `dashboards/*.py`, then run `make dashboards`.
[Decision 0021](decisions/0021-dashboards-as-code.md) explains how they are generated, and
[0022](decisions/0022-no-data-and-small-samples.md) how they show missing data and small samples.
"""


def page(
    boards: Sequence[Json], alerts: Sequence[Alert], *, head: str, grafana: str, sources: Sequence[str]
) -> str:
    """``boards`` as Grafana reads them; ``grafana`` is its release."""
    text = _INTRODUCTION.format(head=head, grafana=grafana, few=SMALL_SAMPLE)
    for board in boards:
        text += _board(board)
    text += _ALERTS
    for alert in alerts:
        says = alert.summary.replace("{{ $labels.", "*").replace(" }}", "*")
        text += f"| {alert.title} ({alert.audience}) | {says} | {alert.look} |\n"
    return text + _REST.format(grafana=grafana, sources=", ".join(f"`{uid}`" for uid in sources))


def _board(board: Json) -> str:
    choices = ", ".join(variable["label"].lower() for variable in board["templating"]["list"])
    text = f"\n## {board['title']}\n{board['description']} Choose: {choices}.\n"
    for panel in board["panels"]:
        if panel["type"] == "row":
            text += f"\n**{panel['title']}**\n\n| panel | says | without data |\n| --- | --- | --- |\n"
        elif panel["type"] == "text":
            text += f"\n{panel['options']['content']}\n"
        else:
            nothing = panel["fieldConfig"]["defaults"].get("noValue", "")
            text += f"| {panel['title']} | {panel['description']} | {nothing} |\n"
    return text
