"""Writes docs/dashboards.md from the dashboards, so that it always matches them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloud.domain.thresholds import SMALL_SAMPLE
from dashboards.alerts import Alert

Json = Mapping[str, Any]

_INTRODUCTION = """# Dashboards

<!-- {head} -->

What Grafana shows, for its users. There are six dashboards: *Shop today*, *Doors and zones* and *Sales and figures* for
the store manager, *Chain compare* for head office, *Fleet health* for the installer, and *Data quality and privacy* for
everybody who wants to know how reliable the other figures are. They are made for Grafana {grafana}, installed with it,
and the same for all users. They need no setup and are read-only, so that nobody edits them by mistake.

## How to read all of them
- **A gap is no data, 0 is a real count.** If no camera was watching, a line has a gap, a bar is missing, and a single
  number is replaced by the reason in words. A bar of height 0 shows its 0.
- **Grey means: do not draw conclusions.** A breakdown of fewer than {few} visits, a difference that may be chance, or
  an hour that was only partly watched. With enough data it becomes coloured.
- **A missing bar between others, and a dash in a table, was withheld**: there are so few visits that somebody could be
  recognised. A dash is also a ratio with nothing to divide by.
- A *visit* is one person on one camera, from the first to the last moment in view; the face may never be seen. A visit
  is *described* if its face was seen well enough to be classified. Ages, genders and expressions are estimates for
  groups of described visits: the newest visits are counted, and their group is not complete yet.
- Vertical lines are promotions from the chain file (blue) and starts of devices (grey), as after a change of
  configuration. Point at a line to read it.
- *Chain compare* compares cameras with the same purpose (*Cameras*); the chain file says what each camera is for.
  *Shop today* adds up the selected devices: a person seen by two of them counts as two visits.
- Days and hours are in the shop's local time (*Time zone*, from the chain file; without one, UTC). "Today" and the
  labels below a chart use the time zone of your browser. In another time zone, change it beside the time range.
"""

_ALERTS = """
## Alerts
Grafana checks these rules every minute. The label `audience` says who can fix the problem;
[Grafana](grafana.md#who-is-told-of-an-alert) says how that person is told. Devices report over MQTT when their camera
is missing, their outbox is full or their clock is not set (*Faults* in *Fleet health*). These rules find what a device
cannot report itself. *Figure beyond its limit* is about the `alerts` of the
[chain file](../cloud/chain.example.yaml): limits of conversion and every other figure, of which you have as many as you
like without a change in Grafana.

| rule | says | look at |
| --- | --- | --- |
"""

_REST = """
## Run Grafana
Mount `dashboards/provisioning` as Grafana's provisioning folder and `dashboards/generated` at
`/etc/footlight/dashboards`. Set `INFLUXDB_URL`, `INFLUXDB_DATABASE` and the secret `influxdb_read_token` (a read-only
token), as `cloud/compose.yaml` does. The data sources have the fixed uids {sources}: one for each level of
[storage](storage.md). *Chain compare*, *Sales and figures*, time zones and promotions need the chain file and
`footlight-cloud rollup`. The map tiles come from a public server; everything else stays on your own servers.
[Grafana](grafana.md) has more: folders and teams for each shop, the login of your company, one Grafana for several
companies.

The tests run every query here on a real InfluxDB and compare the result with the data that was sent. They check the
files against the schema of Grafana {grafana}. To change a dashboard, change `dashboards/*.py`, then run
`make dashboards`. [Decision 0021](decisions/0021-dashboards-as-code.md) explains how the dashboards are made,
[0022](decisions/0022-no-data-and-small-samples.md) how they avoid misleading figures.
"""


def page(
    boards: Sequence[Json], alerts: Sequence[Alert], *, head: str, grafana: str, sources: Sequence[str]
) -> str:
    """Return the text of the page. ``boards`` are as Grafana reads them; ``grafana`` is its release."""
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
            text += f"\n**{panel['title']}**\n\n| panel | meaning | without data |\n| --- | --- | --- |\n"
        elif panel["type"] == "text":
            text += f"\n{panel['options']['content']}\n"
        else:
            nothing = panel["fieldConfig"]["defaults"].get("noValue", "")
            text += f"| {panel['title']} | {panel['description']} | {nothing} |\n"
    return text
