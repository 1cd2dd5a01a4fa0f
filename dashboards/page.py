"""docs/dashboards.md, written from the dashboards themselves, so that it tells what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloud.domain.thresholds import SMALL_SAMPLE
from dashboards.alerts import Alert

Json = Mapping[str, Any]

_INTRODUCTION = """# Dashboards

<!-- {head} -->

What Grafana shows, for the one who looks at it. Four dashboards: *Shop today* for the manager of a shop, *Chain
compare* for head office, *Fleet health* for the installer, *Data quality and privacy* for whoever has to judge what
the others are worth. They are made for Grafana {grafana}, come ready with it, and are the same for everybody: nothing
has to be clicked together, and nothing can be edited by mistake.

## How to read all of them
- **A gap is no data, 0 is a fact.** Where nobody watched, a line is broken, a bar is missing, and a single number gives
  its reason in words. A bar of height 0 has its 0 written on it.
- **Grey means: read nothing from it.** A breakdown by fewer than {few} visits, a difference that may be chance, an
  hour that was only partly watched. It becomes coloured when it can carry a conclusion.
- **A bar that is missing between others was withheld**: so few visits stand behind it that somebody could be
  recognised.
- A *visit* is one face from first to last sight, never everybody who walks past. Ages, genders and expressions are
  estimates, and come in groups of visits: the newest visits are counted but not yet described.
- Vertical marks are promotions from the chain file (blue) and devices that began anew (grey), as after a change of
  configuration. Point at one to read it.
- *Chain compare* holds cameras with the same purpose against each other (*Cameras*); the chain file says what each is
  for. *Shop today* adds up the devices that are chosen: who is seen by two of them is two visits.
- Days and hours are added up by the clock of the shop (*Time zone*, from the chain file; without one, UTC). What
  "today" is and what is written below a chart follow your browser: head office in another time zone sets that beside
  the time range.
"""

_ALERTS = """
## Alerts
Grafana judges these rules every minute. Whom they reach is decided there, in contact points and policies; the label
`audience` tells who can mend it. Devices say over MQTT themselves when their camera is gone, their outbox full or their
clock not set (*Faults* in *Fleet health*); these rules see what a device cannot say of itself.

| rule | says | look at |
| --- | --- | --- |
"""

_REST = """
## For the one who runs Grafana
Mount `dashboards/provisioning` as Grafana's provisioning folder and `dashboards/generated` at
`/etc/footlight/dashboards`; give `INFLUXDB_URL`, `INFLUXDB_DATABASE` and the secret `influxdb_read_token`, a token that
may only read, as `cloud/compose.yaml` does. The data sources have the fixed uids {sources}: one for each level of
[storage](storage.md). *Chain compare*, time zones and promotions need the chain file and the nightly
`footlight-cloud rollup`. The map's background comes from a public server of maps; everything else stays in the house.
`footlight-cloud provision` makes folders and teams for each shop instead, through Grafana's API.

Every query here runs in the tests on a real InfluxDB and is held against what was sent; the files are checked against
the schema of Grafana {grafana}. Change `dashboards/*.py`, then `make dashboards`.
[Decision 0021](decisions/0021-dashboards-as-code.md) tells how they are made,
[0022](decisions/0022-no-data-and-small-samples.md) how they keep from lying.
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
