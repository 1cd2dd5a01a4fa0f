"""*Sales and figures*: what a shop sold beside who came in, its clips, and every metric of its chain, day by day."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models import dashboard as model

from cloud.domain.clips import EFFECT_DAYS
from cloud.domain.thresholds import LEAST_COVERAGE
from dashboards import figure_queries as q
from dashboards.frame import finished_days, query_variable
from dashboards.looks import BLUE, GREEN, GREY, ORANGE, RED, coloured, headed, told, unit
from dashboards.panels import curve, rows

SHARE = "percentunit"
COVERAGE = ((None, RED), (LEAST_COVERAGE, GREEN))
_VERDICTS = {
    "worked": ("worked", BLUE),
    "did not": ("did not", ORANGE),
    "cannot tell yet": ("cannot tell yet", GREY),
}
_ENDS = "low and high are the ends of its 95 % interval"
FIGURE_COLUMNS: dict[str, Sequence[model.DynamicConfigValue]] = {
    "title": [],
    "value": unit("short", 3),
    "low": unit("short", 3),
    "high": unit("short", 3),
    "corrected": unit("short", 3),
    "corrected_low": headed("its low", *unit("short", 3)),
    "corrected_high": headed("its high", *unit("short", 3)),
    "unit": [],
    "coverage": coloured(COVERAGE, *unit(SHARE, 0)),
}
"""The columns of a table of figures, after those that say of what they are."""
REFUSED_COLUMNS: dict[str, Sequence[model.DynamicConfigValue]] = {
    "title": [],
    "refused": [],
    "coverage": coloured(COVERAGE, *unit(SHARE, 0)),
}

HOW_TO_READ = f"""\
Finished days, as the rollup wrote them, with the figures of the page. Each point is about the days up to it: **7d**
has, on a Sunday, the figure of the page of that week; **1d** is a day alone. **counted** is what cameras and till told;
**corrected** has the entries as the count checks of the doors correct them. **A gap is a figure that cannot be told**:
the door was watched for less than {LEAST_COVERAGE:.0%} of the opening time, the till told nothing, or no check holds;
*Cannot be told* says which. Late takings and new checks change the last four weeks within six hours."""


def dashboard() -> Dashboard:
    board = finished_days(
        "sales-figures",
        "Sales and figures",
        "One shop: sales beside entries, staff, members, clips, and every metric of the chain.",
        [
            # Backwards, so that a week comes first: a day is mostly chance.
            query_variable("period", "Days of each point", q.PERIODS, backwards=True),
            query_variable("metric", "Figure", q.METRICS),
        ],
        HOW_TO_READ,
    )
    _sales(board)
    _people(board)
    _clips(board)
    _figures(board)
    return board


def _sales(board: Dashboard) -> None:
    board.with_row(Row("Sales"))
    board.with_panel(
        curve(
            "Conversion rate",
            f"Transactions divided by entries; {_ENDS}.",
            q.figure("conversion_rate"),
            unit=SHARE,
        )
    )
    board.with_panel(
        curve("Sales per entry", f"Turnover divided by entries; {_ENDS}.", q.figure("sales_per_entry"))
    )
    for title, description, metric, name in (
        (
            "Transactions",
            "Sales that were completed, as the till told them, by day.",
            "transactions",
            "transactions",
        ),
        (
            "Turnover",
            "Money taken, as the till told it, by day, in the currency of the chain.",
            "turnover",
            "turnover",
        ),
    ):
        board.with_panel(curve(title, description, [q.each_day(metric, name)], lowest=None))
    for title, description, metric, shown in (
        (
            "Transactions by hour",
            "Of tills that are told by the hour, in the opening hours.",
            "transactions",
            "short",
        ),
        (
            "Conversion rate by hour",
            "Hours in which the door was watched. One hour is mostly chance: look for what many days have in common.",
            "conversion_rate",
            SHARE,
        ),
    ):
        board.with_panel(curve(title, description, [q.each_hour(metric, "by hour")], unit=shown))


def _people(board: Dashboard) -> None:
    board.with_row(Row("People"))
    board.with_panel(
        curve(
            "Entries, counted and corrected",
            "Entries as the cameras counted them, and as the count checks of all doors correct them, with the ends of "
            "the 95 % interval of these.",
            q.figure("entries"),
        )
    )
    board.with_panel(
        curve(
            "People who came in again",
            "Who left by a door and entered by it within 7 minutes: an estimate from the times of entries and exits "
            f"alone; {_ENDS}. Choose 28d: a day tells little of it.",
            q.figure("re_entries"),
            lowest=None,
        )
    )
    board.with_panel(
        curve(
            "Staff left out",
            "The share of staff among everybody who was followed. Staff are in no other number.",
            [q.STAFF],
            unit=SHARE,
            highest=1,
            span=8,
        )
    )
    board.with_panel(
        curve("Members", "Visits in which somebody showed the code of a member.", [q.MEMBERS], span=8)
    )
    board.with_panel(
        curve(
            "Share of members",
            "Members among the visits in groups that tell them.",
            [q.MEMBER_SHARE],
            unit=SHARE,
            highest=1,
            span=8,
        )
    )


def _clips(board: Dashboard) -> None:
    board.with_row(Row("Clips"))
    board.with_panel(
        rows(
            "Clips",
            "All days shown. A clip that suits is held out of some shows (side held); the rotation runs there. Visits "
            "belong to a show; watched: the share of them who looked; seconds: of looking, for each visit.",
            q.CLIPS,
            {
                "device": [],
                "clip": [],
                "side": [],
                "shows": [],
                "visits": [],
                "watched": unit(SHARE, 0),
                "seconds": unit("s", 1),
            },
            hidden=["Time"],
            no_value="no clip was shown, or no group is large enough yet",
            span=12,
            height=8,
        )
    )
    board.with_panel(
        rows(
            "Effect of clips",
            f"With the clip against without it, over {EFFECT_DAYS} days: attention (seconds of looking for each visit) "
            "and, of a clip that is held out for whole hours, entries, sales and conversion. low and high: an interval "
            "that holds on every day. compared and needed (for an effect of 10 %): visits or hours.",
            q.EFFECTS,
            {
                "device": [],
                "clip": [],
                "outcome": [],
                "verdict": told(_VERDICTS),
                "change": unit(SHARE, 1),
                "low": unit(SHARE, 1),
                "high": unit(SHARE, 1),
                "compared": [],
                "needed": [],
            },
            hidden=["Time"],
            no_value="no clip is held out",
            span=12,
            height=8,
        )
    )


def _figures(board: Dashboard) -> None:
    board.with_row(Row("Every figure"))
    board.with_panel(
        curve(
            "The chosen figure",
            f"The figure that is chosen above, also a metric of the chain file. A share is in 0..1; {_ENDS}.",
            q.CHOSEN,
            lowest=None,
            span=24,
        )
    )
    board.with_panel(
        rows(
            "Newest figures",
            "The newest of each figure. A share (unit %) is in 0..1.",
            q.ALL_FIGURES,
            {"role": [], "metric": [], **FIGURE_COLUMNS},
            hidden=["Time"],
            no_value="no finished day tells one",
            span=24,
        )
    )
    board.with_panel(
        rows(
            "Cannot be told",
            "Figures that have no number for the newest days, and why.",
            q.ALL_REFUSED,
            {"role": [], "metric": [], **REFUSED_COLUMNS},
            hidden=["Time"],
            span=14,
            height=8,
        )
    )
    board.with_panel(
        rows(
            "Beyond a limit",
            "Limits of the chain file that are passed now, with the figure of the newest day. Managers are told.",
            q.PASSED,
            {"role": [], "alert": [], "value": unit("short", 3)},
            hidden=["Time"],
            span=10,
            height=8,
        )
    )
