"""The rows *Doors* and *Places* of *Shop today*."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards import place_queries as q
from dashboards.looks import unit
from dashboards.panels import curve, number, rows

_NO_DOOR = "no door is drawn, or not watched"
_NO_GROUP = "none is drawn, or no group is large enough yet"


def add_places(board: Dashboard) -> None:
    """Add both rows."""
    board.with_row(Row("Doors"))
    for title, description, query in (
        ("Entries", "People who crossed a door line inwards and stayed inside.", q.ENTRIES),
        ("Exits", "People who crossed a door line outwards and stayed outside.", q.EXITS),
        ("Passers", "People who were seen outside a door and never crossed it.", q.PASSERS),
        ("Groups", "Parties of one or more people who entered together.", q.GROUPS),
    ):
        board.with_panel(number(title, description, query, no_value=_NO_DOOR, span=3))
    board.with_panel(
        number(
            "Capture rate",
            "Entries among all who entered or passed.",
            q.CAPTURE,
            no_value="nobody, no door, or not watched",
            unit="percentunit",
            decimals=0,
            span=6,
        )
    )
    board.with_panel(
        number(
            "Inside",
            "Entries minus exits in the time shown. Every missed crossing stays in it: look at the end of a day, when "
            "it should be 0, to see how far it drifts.",
            q.INSIDE,
            no_value=_NO_DOOR,
            span=6,
        )
    )
    board.with_panel(
        curve(
            "People inside",
            "Entries minus exits since the start of the time shown, in steps of 15 minutes. Below 0, entries were "
            "missed. A gap was not watched.",
            [q.INSIDE_TIMES],
            lowest=None,
            span=24,
        )
    )

    board.with_row(Row("Places"))
    board.with_panel(
        rows(
            "Zones",
            "Visits that were in each zone (one visit may be in several), how many of them stopped, and their mean "
            "dwell time in it. Empty: withheld; a queue has waiting times instead.",
            q.ZONES,
            {"zone": [], "visits": [], "stops": [], "stopped": unit("percentunit", 0), "dwell": unit("s", 1)},
            hidden=["Time"],
            no_value=_NO_GROUP,
            span=10,
            height=8,
        )
    )
    board.with_panel(
        rows(
            "Queues",
            "People who waited, the share of them who were served, and the mean waiting time.",
            q.QUEUES,
            {"zone": [], "waits": [], "served": unit("percentunit", 0), "waiting": unit("s", 1)},
            hidden=["Time"],
            no_value=_NO_GROUP,
            span=7,
            height=8,
        )
    )
    board.with_panel(
        rows(
            "Targets",
            "Visits that could see it, those who looked, and the interest: seconds of looking per visit that could see "
            "it, at most 30 of one visit.",
            q.TARGETS,
            {"target": [], "passers": [], "viewers": [], "interest": unit("s", 1)},
            hidden=["Time"],
            no_value=_NO_GROUP,
            span=7,
            height=8,
        )
    )
