"""*Shop today*: one shop in plain words, for its manager."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from cloud.domain.thresholds import FULL_COVERAGE, SMALL_SAMPLE
from cloud.stores import layout
from common.vocabulary import GENDERS
from dashboards import queries as q
from dashboards.frame import annotate, frame, query_variable
from dashboards.panels import GREEN, GREY, ORANGE, RED, bars, busiest, by_hour, number, rows, states, words

_COVERAGE = ((None, RED), (0.01, ORANGE), (FULL_COVERAGE, GREEN))
_NO_GROUP = "no group is together yet"
_FEW = f"Grey: it rests on fewer than {SMALL_SAMPLE} visits, and chance alone moves a share by more than ten points."

HOW_TO_READ = f"""\
A **visit** is one face from first to last sight, not everybody who walks past. **0 means that nobody came; a gap
means that nobody watched.** Age and gender are estimates; they come in groups of visits, so the newest ones are
still missing. **Several cameras are added up: who was seen by two of them is two visits.** Choose the devices at the
top, for instance those at the doors. **Grey** bars rest on fewer than {SMALL_SAMPLE} visits: read nothing from them
yet."""


def dashboard() -> Dashboard:
    board = frame(
        "store-today",
        "Shop today",
        "One shop: how many came, when, who, and whether the camera was watching.",
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
        number("Viewers", "Those of them that faced the camera or display at least once.", q.VIEWERS)
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
            "The share of the time in which frames were really processed.",
            q.COVERAGE,
            unit="percentunit",
            decimals=0,
            steps=_COVERAGE,
        )
    )
    board.with_panel(
        number(
            "Described visits",
            f"Visits whose gender may be shown: those that were in a group large enough. Grey below {SMALL_SAMPLE}.",
            q.DESCRIBED,
            steps=((None, GREY), (SMALL_SAMPLE, "text")),
            no_value="none yet",
        )
    )
    board.with_panel(
        by_hour(
            "Visits by hour",
            "Each hour beside the same weekday one week before. Grey hours were watched only in part and are too low; "
            "an hour without any bar or number was not watched at all.",
            [q.HOURS, q.HOURS_PARTLY, q.HOURS_BEFORE],
        )
    )
    board.with_panel(
        states(
            "Was the camera watching?",
            "Coverage by camera and quarter of an hour: green all the time, orange in part, red not at all. Nothing is "
            "drawn where no message came.",
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
            "As the chain file says: how many came is told by the entrances alone.",
            q.CAMERAS,
            {"device": [], "camera": [], "role": []},
            hidden=["Time", "title"],
            span=8,
            height=5,
            no_value="the chain file does not say",
        )
    )

    board.with_row(Row("Who"))
    pyramid = [query for gender in GENDERS for query in q.age_by_gender(gender)]
    board.with_panel(
        bars(
            "Age and gender",
            "Visits by age band, women on the left, men on the right, on one scale. A bar that is missing was "
            f"withheld: too few to show. {_FEW}",
            pyramid,
            no_value="no group is together yet, or this shop counts only",
            span=16,
        )
    )
    board.with_panel(
        bars(
            "Expression",
            f"What faces showed, not what people felt; only where the shop's profile allows it. {_FEW}",
            q.breakdown("cohort_expression", layout.BREAKDOWNS["expression"].labels),
            no_value="not turned on in this shop, or no group is together yet",
        )
    )

    board.with_row(Row("How long and where"))
    board.with_panel(
        number(
            "Dwell time",
            "First to last sight of a visit, on average.",
            q.DWELL_MEAN,
            no_value=_NO_GROUP,
            unit="s",
            decimals=0,
        )
    )
    board.with_panel(
        number(
            "Attention time",
            "Of it, facing the camera or display, on average.",
            q.ATTENTION_MEAN,
            no_value=_NO_GROUP,
            unit="s",
            decimals=0,
        )
    )
    board.with_panel(
        number(
            "Attraction ratio",
            "Attention time / dwell time.",
            q.ATTRACTION,
            no_value=_NO_GROUP,
            unit="percentunit",
            decimals=0,
        )
    )
    board.with_panel(
        bars(
            "Visits by dwell time",
            f"Each bar begins at so many seconds. {_FEW}",
            q.breakdown("cohort_dwell", layout.BREAKDOWNS["dwell"].labels, named="{} s"),
            no_value=_NO_GROUP,
            span=12,
        )
    )
    board.with_panel(
        bars(
            "Zones",
            "Visits that were in each zone; one may be in several.",
            [q.ZONES],
            no_value="no zones, or no group is together yet",
            upright=False,
            span=12,
        )
    )
    return board
