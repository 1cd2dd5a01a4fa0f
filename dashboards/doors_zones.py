"""*Doors and zones*: what happened at each place of a shop, day by day, and what its staff was told."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from common.wire import HEAT_COLUMNS
from dashboards import floor_queries as q
from dashboards.frame import finished_days, query_variable
from dashboards.looks import unit
from dashboards.panels import curve, grid, rows

_NO_DAY = "no finished day tells it"
_SHARE = "percentunit"

HOW_TO_READ = """\
Finished days, opening hours only, as the nightly rollup wrote them; *Shop today* has the current day. **A gap is no
data: nobody watched, or too few people to tell.** Cameras of different roles are never added, so each line begins with
the role. A place is a zone, a queue or a target that was drawn for the camera."""


def dashboard() -> Dashboard:
    board = finished_days(
        "doors-zones",
        "Doors and zones",
        "One shop: doors, zones, queues, targets, where people stood and went, and the notices for staff.",
        [
            query_variable("camera", "Heat of", q.CAMERAS),
            query_variable("grid", "Grid of the heat", q.GRIDS),
        ],
        HOW_TO_READ,
    )
    _doors(board)
    _places(board)
    _floor(board)
    _notices(board)
    return board


def _doors(board: Dashboard) -> None:
    board.with_row(Row("Doors"))
    board.with_panel(
        curve(
            "Entries, exits and passers",
            "People who crossed a door line inwards or outwards, and those who were seen outside and never crossed it.",
            [q.ENTRIES, q.EXITS, q.PASSERS],
            span=12,
        )
    )
    board.with_panel(
        curve(
            "Capture rate",
            "Entries among all who entered or passed.",
            [q.CAPTURE],
            unit=_SHARE,
            highest=1,
            span=6,
        )
    )
    board.with_panel(
        curve(
            "People in a group",
            "Entries divided by groups: parties of one or more people who entered together.",
            [q.GROUP_SIZE],
            lowest=1,
            span=6,
        )
    )


def _places(board: Dashboard) -> None:
    board.with_row(Row("Zones"))
    for title, description, query, shown in (
        ("Visits in zones", "One visit may be in several zones.", q.ZONE_VISITS, "short"),
        ("Dwell time in zones", "Mean time of a visit; a queue has waiting times instead.", q.ZONE_DWELL, "s"),
    ):  # fmt: skip
        board.with_panel(curve(title, description, [query], unit=shown))

    board.with_row(Row("Queues"))
    for title, description, query, shown in (
        ("People who waited", "People who waited in the queue.", q.WAITS, "short"),
        ("Gave up", "The share of them who left, but not at the front of the queue.", q.GAVE_UP, _SHARE),
        ("Waiting time", "Mean waiting time, of those who gave up, too.", q.WAITING, "s"),
    ):
        board.with_panel(curve(title, description, [query], unit=shown, span=8))
    board.with_panel(
        rows(
            "Waiting times",
            "People by waiting time, over all days shown; the name of a column is its shortest time. Empty: withheld.",
            q.WAITING_TIMES,
            {"role": [], "place": []},
            hidden=["Time"],
            no_value=_NO_DAY,
            height=5,
        )
    )

    board.with_row(Row("Targets"))
    board.with_panel(
        curve(
            "Engagement",
            "The share of the visits that could see the target and looked at it.",
            [q.ENGAGEMENT],
            unit=_SHARE,
            highest=1,
        )
    )
    board.with_panel(
        curve(
            "Interest index",
            "Seconds of looking for each visit that could see the target, at most 30 of one visit, and the ends (low, "
            "high) of its 95 % interval: what chance alone would do. Days that an earlier version added up have none.",
            q.INTEREST,
            unit="s",
        )
    )


def _floor(board: Dashboard) -> None:
    board.with_row(Row("Floor"))
    for title, kind in (("Standing", "standing"), ("Looking", "looking")):
        board.with_panel(
            grid(
                title,
                f"Seconds of {kind} in each cell of the view of one camera, or of its plan, all days shown; of one "
                "visit at most 30 s count in a cell. A dash is withheld, or beyond a coarser grid.",
                q.heat(kind),
                HEAT_COLUMNS,
            )
        )
    board.with_panel(
        rows(
            "Ways",
            "Visits that went from one place to the next at least once; entry and exit are the ends of a visit.",
            q.WAYS,
            {"role": [], "place": [], "next_place": [], "visits": []},
            hidden=["Time"],
            sort=("visits", True),
            no_value=_NO_DAY,
            height=8,
        )
    )


def _notices(board: Dashboard) -> None:
    board.with_row(Row("Notices"))
    began = unit("dateTimeAsIso")
    board.with_panel(
        rows(
            "Notices",
            "What staff was told, newest first: the rule, how many people it was about (empty below k), and its limit.",
            q.NOTICES,
            {"Time": [], "device": [], "notice": [], "rule": [], "people": [], "above": []},
            sort=("Time", True),
            span=12,
        )
    )
    board.with_panel(
        rows(
            "Taken care of",
            "Who acknowledged a notice, when (Time), and when it began.",
            q.ACKNOWLEDGED,
            {"Time": [], "device": [], "notice": [], "who": [], "began": began},
            sort=("Time", True),
            span=12,
        )
    )
