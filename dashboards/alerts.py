"""The alert rules, in the form of Grafana's API and of its provisioning files.

A rule runs InfluxQL queries, takes the last value of each series and compares it. It says what is wrong and where to
look; who is notified is configured in Grafana. Devices also report their own faults over MQTT: these rules find what a
device cannot report itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from grafana_foundation_sdk.builders import alerting, expr
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.alerting import RelativeTimeRange
from grafana_foundation_sdk.models.common import DataSourceRef

from dashboards.fleet_queries import QUEUE
from dashboards.panels import Target
from dashboards.queries import Query

FOLDER = "Footlight"
GROUP = "footlight"
EVERY_S = 60
HOUR_S, DAY_S = 3600, 86_400
WEEK = 7 * DAY_S // EVERY_S
"""Evaluations in a week: how long an alert stays on after its series has disappeared from the queried data."""

LOW_COVERAGE = 0.8
MIX_POINTS, MIX_DEVIATIONS, MIX_VISITS = 0.10, 4, 200
"""A mix has changed if the share of women moved by more than ten points and by more than four standard deviations of
the difference of two shares, each of at least 200 visits. People visit in groups, so a smaller change may be chance."""

_EXPRESSION, _CONDITION = "__expr__", "CONDITION"

# These queries read all sites and have their own time range.
_HEARD = Query(
    'SELECT moving_average(count("fps"), 2) FROM "health" WHERE $timeFilter'
    ' GROUP BY time(5m), "site", "device" fill(0)',
    alias="$tag_site $tag_device",
)
"""Messages in the current five minutes and the five before, so that a new interval does not look like silence."""
_COVERAGE = Query(
    'SELECT mean("coverage") FROM "window" WHERE $timeFilter GROUP BY "site", "device", "camera"',
    alias="$tag_site $tag_device $tag_camera",
)


def _with_fault(fault: str) -> Query:
    """Ask for devices whose last word on a fault is that it goes on; they send one when it begins and when it ends."""
    text = (
        'SELECT count("text") FROM (SELECT last("active") AS "active", "text" FROM "alert" WHERE $timeFilter'
        f" AND \"fault\" = '{fault}'"
        ' GROUP BY "site", "device") WHERE "active" = true GROUP BY "site", "device"'
    )
    return Query(text, alias="$tag_site $tag_device")


_MOVED = _with_fault("moved")
_PICTURE = _with_fault("picture")
"""Not ``dark``: a shop without people is dark at night."""
_LEAKS = _with_fault("privacy")
"""Devices on which the last privacy audit found a leak."""
_QUEUED = Query(
    'SELECT max("outbox_depth") FROM "health" WHERE $timeFilter GROUP BY "site", "device"',
    alias="$tag_site $tag_device",
)
_FEMALE = Query(
    'SELECT sum("gender_female") FROM "day" WHERE $timeFilter GROUP BY "site", "role"',
    "day",
    alias="$tag_site $tag_role",
)
_WITH_GENDER = Query(
    'SELECT sum("with_gender") FROM "day" WHERE $timeFilter GROUP BY "site", "role"',
    "day",
    alias="$tag_site $tag_role",
)
_PASSED = Query(
    'SELECT count("holds") FROM (SELECT last("holds") AS "holds" FROM "figure_alert" WHERE $timeFilter'
    ' GROUP BY "site", "role", "alert") WHERE "holds" = true GROUP BY "site", "role", "alert"',
    "day",
    alias="$tag_site $tag_alert",
)
"""Limits of the chain file that are passed. The rollup decides it, so that a limit needs no rule of its own here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and its time range, in seconds before now."""

    query: Query
    since_s: int
    until_s: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule. ``condition`` is a Grafana expression over the last values of ``asked``, named ``$A``, ``$B`` and so
    on; the alert fires where it is not 0."""

    name: str
    title: str
    asked: Sequence[Asked]
    condition: str
    lasting: str
    audience: str
    summary: str
    look: str
    stays: int | None = None
    """Evaluations until the alert ends after its series has disappeared."""


def alerts() -> list[Alert]:
    # Shares A/B and C/D, compared without a division, because B or D may be 0.
    apart = "($A * $D - $C * $B)"
    points = f"abs{apart} > {MIX_POINTS} * $B * $D"
    chance = "$B * $D * ($A + $C) * ($B + $D - $A - $C)"
    deviations = f"{apart} ** 2 * ($B + $D) > {MIX_DEVIATIONS**2} * {chance}"
    return [
        Alert(
            "device-silent",
            "Device silent",
            [Asked(_HEARD, DAY_S)],
            "$A < 0.1",
            "5m",
            "installer",
            "{{ $labels.site }}: no message from {{ $labels.device }} for more than five minutes",
            "Check power, network and broker. If the device still runs, its counts wait there and arrive later.",
            stays=WEEK,
        ),
        Alert(
            "camera-blind",
            "Camera blind",
            [Asked(_COVERAGE, HOUR_S // 4)],
            "$A < 0.01",
            "0s",
            "installer",
            "{{ $labels.site }}: {{ $labels.device }} counts nothing with {{ $labels.camera }} for 15 minutes",
            "Check the cable, the stream and the camera, unless it was moved. Nothing is counted until it works again; "
            "this time is a gap.",
        ),
        Alert(
            "camera-moved",
            "Camera moved",
            [Asked(_MOVED, 7 * DAY_S)],
            "$A > 0",
            "0s",
            "installer",
            "{{ $labels.site }}: the camera of {{ $labels.device }} shows another view than before",
            "It was turned, pushed or covered, or the shop was rebuilt. With doors or zones nobody is counted. Put it "
            "back, or check its position, draw the places again and restart the device.",
        ),
        Alert(
            "camera-picture",
            "Camera picture",
            [Asked(_PICTURE, 7 * DAY_S)],
            "$A > 0",
            "0s",
            "installer",
            "{{ $labels.site }}: the picture of {{ $labels.device }} is frozen, washed out or blurred",
            "The page of the device says which. Restart the camera, turn it from the light, clean or focus the lens. "
            "While it is frozen nobody is counted.",
        ),
        Alert(
            "privacy-leak",
            "Privacy leak",
            [Asked(_LEAKS, 7 * DAY_S)],
            "$A > 0",
            "0s",
            "installer",
            "{{ $labels.site }}: the privacy audit of {{ $labels.device }} found a leak",
            "Log in to the device and run footlight-edge privacy-audit: it names the file, connection or setting, and "
            "what to do. Stop the service until that is done.",
        ),
        Alert(
            "outbox-queue",
            "Messages waiting",
            [Asked(_QUEUED, HOUR_S // 4)],
            f"$A > {QUEUE}",
            "15m",
            "installer",
            "{{ $labels.site }}: more than an hour of messages is waiting in {{ $labels.device }}",
            "The device counts but cannot deliver. Check broker, certificate and network. A full outbox loses data.",
        ),
        Alert(
            "coverage-low",
            "Coverage low",
            [Asked(_COVERAGE, HOUR_S)],
            f"$A < {LOW_COVERAGE}",
            "1h",
            "installer",
            "{{ $labels.site }}: {{ $labels.device }} watches less than 80 % of the time",
            "Check for heat, a weak power supply or an unstable camera. The counts of this time are too low.",
        ),
        Alert(
            "mix-changed",
            "Sudden change of mix",
            [
                Asked(_FEMALE, 3 * DAY_S),
                Asked(_WITH_GENDER, 3 * DAY_S),
                Asked(_FEMALE, 31 * DAY_S, 3 * DAY_S),
                Asked(_WITH_GENDER, 31 * DAY_S, 3 * DAY_S),
            ],
            f"({points}) && ({deviations}) && ($B >= {MIX_VISITS}) && ($D >= {MIX_VISITS})",
            "0s",
            "hq",
            "{{ $labels.site }}, {{ $labels.role }}: the share of women in the last three days differs strongly from "
            "the four weeks before",
            "Check the camera first (moved, dirty, new light), then the model versions, then the customers.",
        ),
        Alert(
            "figure-limit",
            "Figure beyond its limit",
            [Asked(_PASSED, 3 * DAY_S)],
            "$A > 0",
            "0s",
            "manager",
            "{{ $labels.site }}: {{ $labels.alert }}",
            "Look at Sales and figures: at the coverage first, then at the figure. The limit is in the chain file, in "
            "alerts.",
        ),
    ]


def rules() -> list[dict[str, Any]]:
    """Return the rules in the form of Grafana's API, without folder and group."""
    return [_rule(alert) for alert in alerts()]


def provisioning() -> dict[str, Any]:
    """Return the same rules as the content of a provisioning file."""
    group = {"orgId": 1, "name": GROUP, "folder": FOLDER, "interval": f"{EVERY_S}s"}
    written = [{_FILE_KEYS.get(key, key): value for key, value in rule.items()} for rule in rules()]
    return {"apiVersion": 1, "groups": [{**group, "rules": written}]}


_FILE_KEYS: Mapping[str, str] = {"missingSeriesEvalsToResolve": "missing_series_evals_to_resolve"}
_ELSEWHERE = ("folderUID", "ruleGroup", "orgID")
"""Keys that both forms set for the whole group."""


def _rule(alert: Alert) -> dict[str, Any]:
    rule = (
        alerting.Rule(alert.title)
        .uid(f"footlight-{alert.name}")
        .condition(_CONDITION)
        .for_val(alert.lasting)
        .no_data_state("OK")
        .exec_err_state("Error")
        .labels({"product": "footlight", "audience": alert.audience})
        .annotations({"summary": alert.summary, "description": alert.look})
    )
    if alert.stays is not None:
        rule.missing_series_evals_to_resolve(alert.stays)
    for letter, asked in zip("ABCD", alert.asked, strict=False):
        rule.with_query(
            alerting.Query(f"{letter}_SERIES")
            .datasource_uid(asked.query.source)
            .relative_time_range(RelativeTimeRange(asked.since_s, asked.until_s))
            .model(Target(asked.query, f"{letter}_SERIES"))
        )
        last = expr.TypeReduce().reducer("last").expression(f"{letter}_SERIES")
        rule.with_query(alerting.Query(letter).datasource_uid(_EXPRESSION).model(_expression(last, letter)))
    holds = expr.TypeMath().expression(alert.condition)
    rule.with_query(
        alerting.Query(_CONDITION).datasource_uid(_EXPRESSION).model(_expression(holds, _CONDITION))
    )
    encoded: dict[str, Any] = json.loads(JSONEncoder().encode(rule.build()))
    return {key: value for key, value in encoded.items() if key not in _ELSEWHERE}


Expression = TypeVar("Expression", expr.TypeMath, expr.TypeReduce)


def _expression(expression: Expression, ref_id: str) -> Expression:
    return expression.ref_id(ref_id).datasource(DataSourceRef(_EXPRESSION, _EXPRESSION))
