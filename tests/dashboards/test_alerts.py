"""The alert rules, with Grafana's expressions worked out in Python, against the real engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from tests.dashboards import shops
from tests.dashboards.expect_sales import passed
from tests.dashboards.panels import DASHBOARDS, LEVEL_OF, Scene, rules, statement
from tests.dashboards.world import World, noon
from tests.support.influxdb import InfluxDB

pytestmark = pytest.mark.influxdb

RULES = {rule["uid"]: rule for rule in rules()}
LABELS = ("site", "role", "device", "camera", "alert")
Labels = frozenset[tuple[str, str]]
Fires = set[tuple[str, ...]]


def last_values(filled: InfluxDB, query: Mapping[str, Any], now: datetime) -> dict[Labels, float]:
    """The last value of each series, by its labels."""
    since, until = (timedelta(seconds=query["relativeTimeRange"][end]) for end in ("from", "to"))
    text = statement(query["model"]["query"], Scene(now - since, now - until, {}))
    values: dict[Labels, float] = {}
    for row in filled.query(text, LEVEL_OF[query["datasourceUid"]]):
        labels = frozenset((k, v) for k, v in row.items() if k in LABELS)
        (value,) = (v for k, v in row.items() if k not in ("time", *LABELS))
        if value is not None:
            values[labels] = value
    return values


def fires(filled: InfluxDB, rule: Mapping[str, Any], now: datetime) -> Fires:
    """The values of the labels of all series for which the rule holds at this instant."""
    series: dict[str, dict[Labels, float]] = {}
    for query in rule["data"]:
        model, ref_id = query["model"], query["refId"]
        if query["datasourceUid"] != "__expr__":
            series[ref_id] = last_values(filled, query, now)
        elif model["type"] == "reduce":
            assert model["reducer"] == "last"
            series[ref_id] = series[model["expression"]]
        else:
            assert model["type"] == "math"
            series[ref_id] = _math(model["expression"], series)
    held = [labels for labels, value in series[rule["condition"]].items() if value]
    return {tuple(value for _, value in sorted(labels, reverse=True)) for labels in held}


def _math(expression: str, series: Mapping[str, Mapping[Labels, float]]) -> dict[Labels, float]:
    used = sorted(set(re.findall(r"\$([A-Z])", expression)))
    together = set.intersection(*({*series[name]} for name in used))
    python = re.sub(r"\$([A-Z])", r"\1", expression).replace("&&", "and")
    assert re.fullmatch(r"[A-D0-9 .()<>=*+-]+", re.sub(r"\b(?:abs|and)\b", "", python)), python
    code = compile(python, "rule", "eval")
    return {
        labels: float(eval(code, {"abs": abs}, {name: series[name][labels] for name in used}))  # noqa: S307
        for labels in together
    }


def _silent(world: World, now: datetime) -> Fires:
    newest: dict[tuple[str, str], datetime] = {}
    for message in world.health:
        key = message.site, message.device
        newest[key] = max(message.at, newest.get(key, message.at))
    return {key for key, at in newest.items() if at < now - timedelta(minutes=10)}


def _coverage(minutes: int, least: float) -> Callable[[World, datetime], Fires]:
    def found(world: World, now: datetime) -> Fires:
        shares: dict[tuple[str, ...], list[float]] = {}
        for window in world.windows:
            if now - timedelta(minutes=minutes) <= window.start <= now:
                shares.setdefault((window.site, window.device, window.camera), []).append(
                    window.coverage.share
                )
        return {key for key, values in shares.items() if sum(values) / len(values) < least}

    return found


def _queue(world: World, now: datetime) -> Fires:
    recent = [m for m in world.health if now - timedelta(minutes=15) <= m.at <= now]
    return {(m.site, m.device) for m in recent if m.outbox_depth > 60}


def _mix(world: World, now: datetime) -> Fires:
    """Shares and their difference as they are taught, with divisions."""
    found: Fires = set()
    for site, role in ((name, role) for name, of in shops.CHAIN.sites.items() for role in of.roles):
        counts = []
        for first, last in (
            (now - timedelta(days=3), now),
            (now - timedelta(days=31), now - timedelta(days=3)),
        ):
            own = [t for t in world.tallies if (t.site, t.role) == (site, role)]
            days = [t for t in own if first <= noon(t) <= last]
            women = sum(t.gender.get("female") or 0 for t in days)
            without = ("unknown", "not_seen", "no_verdict")
            known = sum(t.demographics_visits - sum(t.gender.get(n) or 0 for n in without) for t in days)
            counts.append([women, known - women])
        (a, rest_a), (c, rest_c) = counts
        b, d = a + rest_a, c + rest_c
        if min(b, d) >= 200:
            pooled = (a + c) / (b + d)
            z = (a / b - c / d) / (pooled * (1 - pooled) * (1 / b + 1 / d)) ** 0.5
            if abs(a / b - c / d) > 0.1 and abs(z) > 4:
                found.add((site, role))
    return found


def _told(fault: str) -> Callable[[World, datetime], Fires]:
    """Devices whose last word on this fault is that it goes on."""

    def hold(world: World, now: datetime) -> Fires:
        told = sorted((one for one in world.alerts if one.fault == fault), key=lambda one: one.at)
        return {key for key, active in {(one.site, one.device): one.active for one in told}.items() if active}

    return hold


def _limits(world: World, now: datetime) -> Fires:
    return {(site, role, words) for site in shops.CHAIN.sites for role, words, _ in passed(world, site)}


EXPECTED: Mapping[str, Callable[[World, datetime], Fires]] = {
    "footlight-device-silent": _silent,
    "footlight-camera-blind": _coverage(15, 0.01),
    "footlight-camera-moved": _told("moved"),
    "footlight-camera-picture": _told("picture"),
    "footlight-privacy-leak": _told("privacy"),
    "footlight-outbox-queue": _queue,
    "footlight-coverage-low": _coverage(60, 0.8),
    "footlight-mix-changed": _mix,
    "footlight-figure-limit": _limits,
}


def test_every_rule_has_an_expectation() -> None:
    assert RULES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_rule_holds_for_those_who_are_meant_and_nobody_else(
    filled: InfluxDB, world: World, name: str
) -> None:
    wanted = EXPECTED[name](world, shops.NOW)
    assert wanted
    assert fires(filled, RULES[name], shops.NOW) == wanted


@pytest.mark.parametrize("seconds", [0, 1, 60, 119])
def test_a_device_that_sends_is_at_no_instant_taken_for_silent(
    filled: InfluxDB, world: World, seconds: int
) -> None:
    now = shops.NOW - timedelta(minutes=5) + timedelta(seconds=seconds)  # a new interval has just begun
    assert fires(filled, RULES["footlight-device-silent"], now) == {("baixa", "door")}


def test_the_provisioning_file_says_the_same() -> None:
    document = yaml.safe_load((DASHBOARDS / "provisioning" / "alerting" / "footlight.yaml").read_text())
    (group,) = document["groups"]
    renamed = {"missingSeriesEvalsToResolve": "missing_series_evals_to_resolve"}
    assert group["rules"] == [{renamed.get(k, k): v for k, v in rule.items()} for rule in rules()]
