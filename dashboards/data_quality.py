"""*Data quality and privacy*: how reliable the figures are, and what was withheld for privacy."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from cloud.domain.thresholds import FULL_COVERAGE
from dashboards import fleet_queries as q
from dashboards.frame import annotate, frame, query_variable
from dashboards.looks import GREEN, ORANGE, RED, coloured, unit
from dashboards.panels import curve, number, rows
from dashboards.queries import DEVICE_NAMES, SITE_NAMES, SITE_ZONE

_SHARE = "percentunit"
_COVERAGE = ((None, RED), (0.5, ORANGE), (FULL_COVERAGE, GREEN))


def dashboard() -> Dashboard:
    board = frame(
        "data-quality",
        "Data quality and privacy",
        "How much was watched, how much is unknown, and what was withheld for privacy.",
    )
    board.time("now-7d", "now").refresh("15m")
    board.with_variable(query_variable("site", "Shop", SITE_NAMES, several=True))
    board.with_variable(query_variable("device", "Device", DEVICE_NAMES, several=True))
    board.with_variable(query_variable("timezone", "Time zone", SITE_ZONE))
    annotate(board)

    board.with_row(Row("Was it watched?"))
    board.with_panel(
        number(
            "Coverage",
            "The share of the time in which the cameras really watched, all cameras together.",
            q.QUALITY_COVERAGE,
            unit=_SHARE,
            decimals=1,
            steps=_COVERAGE,
        )
    )
    board.with_panel(
        number(
            "Blind windows",
            "Windows in which the camera did not watch. They are no data and are not counted as zero visits.",
            q.BLIND_WINDOWS,
        )
    )
    board.with_panel(
        number(
            "Clock not set",
            "Windows from a device whose clock was not synchronised: they may show in the wrong hour.",
            q.UNTRUSTED_WINDOWS,
            no_value="none",
        )
    )
    board.with_panel(
        number(
            "Delivered late",
            "Windows that were delivered after an outage. They are complete.",
            q.LATE_WINDOWS,
            no_value="none",
        )
    )
    board.with_panel(
        number(
            "Dead letters",
            "Invalid messages that could not be stored. They are kept for inspection.",
            q.DEAD_LETTERS,
            steps=((None, GREEN), (1, RED)),
            no_value="none",
            span=8,
        )
    )
    board.with_panel(
        curve(
            "Coverage by shop",
            "A gap in a line means that no data arrived.",
            [q.COVERAGE_BY_SITE],
            unit=_SHARE,
            highest=1,
        )
    )
    board.with_panel(
        rows(
            "Coverage by camera",
            "The lowest coverage is on top.",
            q.COVERAGE_BY_CAMERA,
            {"site": [], "device": [], "camera": [], "coverage": coloured(_COVERAGE, *unit(_SHARE, 1))},
            hidden=["Time"],
            sort=("coverage", False),
            span=12,
            height=8,
            no_value="no window arrived",
        )
    )

    board.with_row(Row("Was it recognised?"))
    board.with_panel(
        curve(
            "Share of visits described",
            "The share of the visits whose face was seen well enough to be classified. The others were backs, hidden "
            "or too far away. A gap means that too few visits of one kind came to tell, or that the shop only counts.",
            [q.DESCRIBED_BY_SITE],
            unit=_SHARE,
            highest=1,
            span=6,
        )
    )
    for attribute in ("gender", "age_band", "expression"):
        board.with_panel(
            curve(
                f"Unknown {attribute.replace('_', ' ')}",
                "The share of the described visits on which the models are not sure. If it jumps after a change of "
                "camera, light or model, do not trust the mix.",
                [q.unknown_share(attribute)],
                unit=_SHARE,
                highest=1,
                span=6,
            )
        )

    board.with_row(Row("What was withheld"))
    board.with_panel(
        number(
            "Never broken down",
            "The share of the visits that are in no group: the group was still too small at closing time, or they "
            "still wait for one.",
            q.NOT_BROKEN_DOWN,
            unit=_SHARE,
            decimals=1,
        )
    )
    board.with_panel(
        number(
            "Waiting now",
            "Visits that wait for a group, from the newest window of each camera.",
            q.PENDING,
            recent="15m",
        )
    )
    board.with_panel(
        number(
            "Smallest group",
            "The smallest k in use: fewer than k visits are never broken down.",
            q.SMALLEST_K,
        )
    )
    for attribute in ("gender", "age_band", "expression"):
        board.with_panel(
            number(
                f"Withheld: {attribute.replace('_', ' ')}",
                "The share of the visits in groups whose value was withheld, because somebody could be recognised.",
                q.withheld_share(attribute),
                unit=_SHARE,
                decimals=1,
                no_value="not estimated here",
            )
        )
    board.with_panel(
        rows(
            "Privacy in force",
            "What each camera may estimate and publish (its privacy profile), and the size of the smallest group (k).",
            q.VERSIONS,
            {
                "site": [],
                "device": [],
                "camera": [],
                "profile": [],
                "k": [],
                "model": [],
                "calibration": [],
                "software": [],
            },
            hidden=["Time"],
            span=12,
            height=8,
        )
    )
    board.with_panel(
        rows(
            "Dead letters by device",
            "Why messages could not be stored.",
            q.DEAD_LETTER_REASONS,
            {"Time": unit("dateTimeAsIso"), "site": [], "device": [], "reason": []},
            sort=("Time", True),
            span=12,
            height=8,
        )
    )
    return board
