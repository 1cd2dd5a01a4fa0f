"""*Chain compare*: compares shops with each other, for head office."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from cloud.analysis.comparable import LEAST_DAYS
from cloud.domain.thresholds import LEAST_COVERAGE, SMALL_SAMPLE
from cloud.rollup.comparisons import PERIOD_DAYS
from dashboards import figure_queries as figures
from dashboards import queries as q
from dashboards.frame import annotate, frame, query_variable
from dashboards.looks import BLUE, GREY, ORANGE, coloured, headed, told, unit
from dashboards.panels import curve, number, place_map, rows, words
from dashboards.sales_figures import COVERAGE, FIGURE_COLUMNS, REFUSED_COLUMNS, SHARE

_REAL = {"true": ("really different", BLUE), "false": ("may be chance", GREY)}
_VERSUS = ((None, ORANGE), (0.95, GREY), (1.05, BLUE))

HOW_TO_READ = f"""\
Shops are compared over the last {PERIOD_DAYS} days, using only the time when they were **open** and **watched**. Each
shop is compared with the others on the same dates, and only cameras with the same purpose: **entrance** (the entrances
of one shop are added up), **area** and **display** (the average camera), **unassigned** (not in the chain file: compare
with care). The interval (low to high) contains the true value in 95 of 100 cases. Of the shops marked **really
different**, at most one in twenty is chance; **grey may be chance**, whatever the rank. A shop is not compared if a
camera watched less than {LEAST_COVERAGE:.0%} of the opening time, if it has fewer than {LEAST_DAYS} days, or if its
models differ from the rest; the reasons are below."""


def dashboard() -> Dashboard:
    board = frame(
        "chain-compare", "Chain compare", "Shops in a ranking and on a map, and which differences are real."
    )
    board.time("now-28d", "now").refresh("1h")
    board.with_variable(query_variable("chain", "Chain", q.CHAINS))
    board.with_variable(query_variable("region", "Region", q.REGIONS, several=True))
    board.with_variable(query_variable("site", "Shop", q.REGION_SITES, several=True))
    # Backwards, so that entrances come first: most people ask how many come into a shop.
    board.with_variable(query_variable("role", "Cameras", q.ROLES, backwards=True))
    # Also those of the till and of the chain file. Backwards, visits come first.
    board.with_variable(query_variable("metric", "Compared on", q.METRICS, backwards=True))
    board.with_variable(query_variable("figure", "Figure", figures.METRICS))
    board.with_variable(query_variable("period", "Days of each point", figures.PERIODS, backwards=True))
    annotate(board)

    board.with_panel(words("How to read this", HOW_TO_READ, height=5))
    board.with_row(Row("At a glance"))
    for title, description, query in (
        ("Compared", "Shops that were watched well enough to be compared.", q.STORES_COMPARED),
        (
            "Really different",
            "Compared shops that differ from the others by more than chance explains.",
            q.STORES_DIFFERENT,
        ),
        ("Not compared", "Shops that cannot be compared fairly; the reasons are below.", q.STORES_APART),
    ):
        board.with_panel(number(title, description, query, no_value="none", span=6))
    board.with_panel(
        number(
            "Visits per watched opening hour",
            "All selected shops together, over the time shown.",
            q.CHAIN_VISITS,
            decimals=1,
            span=6,
        )
    )

    board.with_row(Row("Shops"))
    board.with_panel(
        rows(
            "Ranking",
            "By the selected metric, highest first. Blue: a real difference; grey: may be chance.",
            q.RANKED,
            {
                "site": [],
                "title": [],
                "rate": unit("short", 3),
                "low": unit("short", 3),
                "high": unit("short", 3),
                "versus": coloured(_VERSUS, *unit(SHARE, 0)),
                "real": told(_REAL),
                "q": unit("short", 3),
                "coverage": coloured(COVERAGE, *unit(SHARE, 0)),
                "days": [],
                "models": [],
                "calibrations": [],
            },
            hidden=["Time"],
            sort=("rate", True),
            height=14,
            span=16,
        )
    )
    board.with_panel(
        place_map(
            "Map",
            "The compared shops: blue is higher than the others, orange lower, grey about the same.",
            q.MAP,
            colour_by="versus",
            steps=_VERSUS,
        )
    )
    board.with_panel(
        rows(
            "Why not compared",
            "These shops are not ranked. Otherwise a blind camera would look like an empty shop, or a different model "
            "like different customers.",
            q.APART,
            {
                "site": [],
                "title": [],
                "apart_because": headed("why"),
                "coverage": coloured(COVERAGE, *unit(SHARE, 0)),
                "models": [],
                "calibrations": [],
            },
            hidden=["Time"],
            sort=("coverage", False),
            height=8,
        )
    )

    board.with_row(Row("Day by day"))
    board.with_panel(
        curve(
            "Visits per watched opening hour, by day",
            "A gap is a day on which no camera was watching.",
            [q.DAILY_RATE],
        )
    )
    board.with_panel(
        curve(
            "Coverage of the opening hours, by day",
            "The share of the opening time that was watched. A gap: closed, or no data arrived.",
            [q.DAILY_COVERAGE],
            unit=SHARE,
            highest=1,
        )
    )
    board.with_panel(
        rows(
            "Raw and corrected shares",
            "The newest day of each shop. Models confuse some labels. The corrected share removes the known mistakes; "
            "its 95 % interval includes chance and the uncertainty about these mistakes.",
            q.CORRECTED,
            {
                "site": [],
                "attribute": [],
                "label": [],
                "raw": unit(SHARE, 1),
                "corrected": unit(SHARE, 1),
                "low": unit(SHARE, 1),
                "high": unit(SHARE, 1),
                "visits": coloured(((None, GREY), (SMALL_SAMPLE, "text"))),
            },
            hidden=["Time"],
            no_value="no day with ages, genders or expressions",
        )
    )
    _figures(board)
    return board


def _figures(board: Dashboard) -> None:
    board.with_row(Row("Sales and figures"))
    board.with_panel(
        curve(
            "The chosen figure of each shop",
            "The figure that is chosen above, such as the conversion rate or a metric of the chain file, as counted. A "
            "gap is a figure that cannot be told; a share is in 0..1.",
            [figures.OF_SHOPS],
            lowest=None,
            span=24,
        )
    )
    board.with_panel(
        rows(
            "Newest of each shop",
            "The newest of the chosen figure; a share (unit %) is in 0..1. *Ranking* says which shops really differ.",
            figures.SHOPS_FIGURES,
            {"site": [], **FIGURE_COLUMNS},
            hidden=["Time"],
            no_value="no finished day tells it",
            sort=("value", True),
            height=8,
        )
    )
    board.with_panel(
        rows(
            "Cannot be told",
            "Shops that have no number for the newest days, and why.",
            figures.SHOPS_REFUSED,
            {"site": [], **REFUSED_COLUMNS},
            hidden=["Time"],
            span=12,
            height=8,
        )
    )
    board.with_panel(
        rows(
            "Beyond a limit",
            "Limits of the chain file that are passed now, with the figure of the newest day. Managers are told.",
            figures.SHOPS_PASSED,
            {"site": [], "alert": [], "value": unit("short", 3)},
            hidden=["Time"],
            span=12,
            height=8,
        )
    )
