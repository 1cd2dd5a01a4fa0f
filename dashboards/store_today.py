"""*Shop today*: one shop in plain words, for the store manager."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from cloud.domain.thresholds import FULL_COVERAGE, SMALL_SAMPLE
from cloud.stores import layout
from common.vocabulary import EXPRESSIONS, GENDERS, UNKNOWN
from dashboards import queries as q
from dashboards.frame import annotate, frame, query_variable
from dashboards.looks import GREEN, GREY, ORANGE, RED
from dashboards.noise_queries import BUDGET, RANGE, SUMS
from dashboards.panels import bars, busiest, by_hour, number, rows, states, words
from dashboards.store_places import add_places

_COVERAGE = ((None, RED), (0.01, ORANGE), (FULL_COVERAGE, GREEN))
_NO_GROUP = "no group is large enough yet"
_NO_BUDGET = "no device here adds noise"
_FEW = f"Grey: fewer than {SMALL_SAMPLE} visits, so chance alone can move a share by more than ten points."

HOW_TO_READ = f"""\
A **visit** is one person on one camera, from the first to the last moment in view; the face may never be seen.
**0 means that nobody came; a gap means that no camera was watching.** Age and gender are estimates for groups of visits
whose face was seen, so the newest visits are still missing there. **Several cameras are added up: a person seen by two
of them counts as two visits.** Select devices at the top, for example those at the doors. **Grey** bars have fewer than
{SMALL_SAMPLE} visits: do not draw conclusions from them yet."""


def dashboard() -> Dashboard:
    board = frame(
        "store-today",
        "Shop today",
        "One shop: how many people came, when and who, and whether the camera was watching.",
    )
    board.time("now/d", "now").refresh("1m")
    board.with_variable(query_variable("site", "Shop", q.SITE_NAMES))
    board.with_variable(query_variable("device", "Devices", q.SITE_DEVICES, several=True))
    board.with_variable(query_variable("timezone", "Time zone", q.SITE_ZONE))
    annotate(board)

    board.with_panel(words("How to read this", HOW_TO_READ))

    board.with_row(Row("How many"))
    board.with_panel(number("Visits", "Visits that ended in the time shown.", q.VISITS))
    board.with_panel(
        number("Viewers", "Visits whose face looked at the camera or display at least once.", q.VIEWERS)
    )
    board.with_panel(
        number(
            "Just now",
            "Visits that ended in the newest minute, all cameras together.",
            q.JUST_NOW,
            recent="5m",
        )
    )
    board.with_panel(busiest("Busiest hour", "The hour with the most visits, and how many.", q.BUSIEST))
    board.with_panel(
        number(
            "Coverage",
            "The share of the time in which the cameras really watched.",
            q.COVERAGE,
            unit="percentunit",
            decimals=0,
            steps=_COVERAGE,
        )
    )
    board.with_panel(
        number(
            "Visits with a gender",
            f"Visits whose gender is estimated and shown. Grey below {SMALL_SAMPLE}.",
            q.WITH_GENDER,
            steps=((None, GREY), (SMALL_SAMPLE, "text")),
            no_value="none yet",
        )
    )
    board.with_panel(
        by_hour(
            "Visits by hour",
            "Each hour beside the same weekday one week before. Grey hours were only partly watched, so their number "
            "is too low. An hour without a bar or number was not watched at all.",
            [q.HOURS, q.HOURS_PARTLY, q.HOURS_BEFORE],
        )
    )
    board.with_panel(
        states(
            "Was the camera watching?",
            "Coverage (the share of the time that was watched) of each camera in steps of 15 minutes. Green: all the "
            "time; orange: part of it; red: not at all; empty: no message arrived.",
            q.COVERAGE_TIMES,
            steps=_COVERAGE,
            unit="percentunit",
            span=16,
            height=5,
        )
    )
    board.with_panel(
        rows(
            "What each camera is for",
            "From the chain file. Only the entrances show how many people came in.",
            q.CAMERAS,
            {"device": [], "camera": [], "role": []},
            hidden=["Time", "title"],
            span=8,
            height=5,
            no_value="not in the chain file",
        )
    )

    board.with_row(Row("Who"))
    board.with_panel(
        number(
            "Share described",
            "The share of the visits whose face was seen well enough to be classified. Age and gender are about these.",
            q.DESCRIBED,
            no_value="too few to tell, or this shop only counts",
            unit="percentunit",
            decimals=0,
            height=6,
        )
    )
    pyramid = [query for gender in GENDERS for query in q.age_by_gender(gender)]
    board.with_panel(
        bars(
            "Age and gender",
            "Visits by age band, women above, men below, on one scale. A missing bar was withheld: too "
            f"few visits to show without risk to privacy. {_FEW}",
            pyramid,
            no_value="no group is large enough yet, or this shop only counts",
            span=12,
            height=12,
        )
    )
    board.with_panel(
        bars(
            "Expression",
            f"What faces showed, not what people felt; only if the shop's privacy profile allows it. {_FEW}",
            q.breakdown("cohort_expression", (*EXPRESSIONS, UNKNOWN), of="known"),
            no_value="not turned on in this shop, or no group is large enough yet",
            height=12,
        )
    )

    board.with_panel(
        bars(
            "Verdicts with noise",
            "Only of devices with a budget for noise: sums to which each device added random noise before it told "
            "them, so that they tell little of any single visit. They are no counts: one may be negative, and is drawn "
            "as 0. Choose weeks at the top: over a day, noise is most of what is drawn.",
            SUMS,
            no_value=_NO_BUDGET,
            span=16,
            height=13,
        )
    )
    board.with_panel(
        number(
            "Noise of each number",
            "The true number lies within so many visits of the one beside, above or below, in about 19 of 20 cases.",
            RANGE,
            no_value=_NO_BUDGET,
            decimals=0,
            height=6,
        )
    )
    board.with_panel(
        number(
            "Budget for noise",
            "All that is told of a day changes the odds of the verdicts on one visit at most by e to this; the largest "
            "of the devices and days shown.",
            BUDGET,
            no_value=_NO_BUDGET,
            decimals=2,
            height=6,
        )
    )

    board.with_row(Row("How long"))
    board.with_panel(
        number(
            "Dwell time",
            "How long a person stays in view, on average.",
            q.DWELL_MEAN,
            no_value=_NO_GROUP,
            unit="s",
            decimals=0,
        )
    )
    board.with_panel(
        number(
            "Attention time",
            "How long a face is turned to the camera or display, on average; of one visit at most 30 s count.",
            q.ATTENTION_MEAN,
            no_value=_NO_GROUP,
            unit="s",
            decimals=0,
        )
    )
    board.with_panel(
        number(
            "Attraction ratio",
            "Attention time / dwell time: the part of their time in view that people face the camera or display; of "
            "one visit at most 30 s of facing it count.",
            q.ATTRACTION,
            no_value=_NO_GROUP,
            unit="percentunit",
            decimals=0,
        )
    )
    board.with_panel(
        bars(
            "Visits by dwell time",
            f"Visits by the time in view; the number beside a bar is its shortest time. {_FEW}",
            q.breakdown("cohort_dwell", layout.BREAKDOWNS["dwell"].labels, named="{} s"),
            no_value=_NO_GROUP,
            span=12,
        )
    )
    add_places(board)
    return board
