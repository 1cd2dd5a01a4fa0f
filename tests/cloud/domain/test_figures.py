"""Limits of figures in the chain file: what is understood, and that a mistake is one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloud.domain.chain import Chain
from common.errors import UserError

METRICS = {"minutes": {"title": "Staff minutes", "formula": "60 * staff_hours / entries", "unit": "min"}}


def loaded(folder: Path, *alerts: dict[str, Any]) -> Chain:
    site = {"title": "Shop", "timezone": "Europe/Berlin", "opening": "09:00-20:00"}
    path = folder / "chain.yaml"
    told = {"name": "c", "sites": {"a": site, "b": site}, "metrics": METRICS, "alerts": list(alerts)}
    path.write_text(json.dumps(told))
    return Chain.load(path)


@pytest.mark.parametrize(
    ("alert", "title", "unit", "words"),
    [
        (
            {"metric": "conversion_rate", "below": 0.2},
            "Conversion rate",
            "%",
            "Conversion rate below 20 % for 3 days",
        ),
        (
            {"metric": "conversion_rate", "below": 0.125, "days": 5},
            "Conversion rate",
            "%",
            "Conversion rate below 12.5 % for 5 days",
        ),
        (
            {"metric": "minutes", "above": 4.5, "days": 1},
            "Staff minutes",
            "min",
            "Staff minutes above 4.5 min for a day",
        ),
        ({"metric": "entries", "below": 50}, "Entries", "", "Entries below 50 for 3 days"),
    ],
)
def test_a_limit_says_what_it_is(
    tmp_path: Path, alert: dict[str, Any], title: str, unit: str, words: str
) -> None:
    (limit,) = loaded(tmp_path, alert).alerts
    assert limit.said(title, unit) == words


@pytest.mark.parametrize(
    ("alerts", "line"),
    [
        (
            [{"metric": "conversion", "below": 0.2}],
            "alerts.0: unknown metric 'conversion'; did you mean 'conversion_rate'?",
        ),
        (
            [{"metric": "happiness", "below": 0.2}],
            "alerts.0: unknown metric 'happiness'; known are entries, re_entries,",
        ),
        (
            [{"metric": "conversion_rate", "below": 20}],
            "alerts.0: conversion_rate is a share in 0 to 1; write 0.2 for 20 %, not 20",
        ),
        ([{"metric": "entries"}], "alerts.0: needs either below or above"),
        ([{"metric": "entries", "below": 1, "above": 2}], "alerts.0: needs either below or above"),
        ([{"metric": "entries", "below": 1, "days": 29}], "alerts.0.days: must be at most 28; found 29"),
        ([{"metric": "entries", "blow": 1}], "alerts.0.blow: unknown key; did you mean 'below'?"),
        ([{"metric": "entries", "below": 1, "sites": ["c"]}], "alerts.0: names 'c', which is not a site of this file"),
        (
            [{"metric": "entries", "below": 1}, {"metric": "entries", "below": 1, "sites": ["a"]}],
            "alerts.1: is there twice for the same shop; keep one",
        ),
    ],
)  # fmt: skip
def test_a_wrong_limit_is_one_line(tmp_path: Path, alerts: list[dict[str, Any]], line: str) -> None:
    with pytest.raises(UserError) as refused:
        loaded(tmp_path, *alerts)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_same_limit_may_be_of_several_shops(tmp_path: Path) -> None:
    one, other = ({"metric": "entries", "below": 1, "sites": [site]} for site in ("a", "b"))
    first, second = loaded(tmp_path, one, other).alerts
    assert [limit.is_about("a") for limit in (first, second)] == [True, False]


def test_no_metric_of_a_chain_has_the_name_of_a_count(tmp_path: Path) -> None:
    path = tmp_path / "chain.yaml"
    site = {"title": "Shop", "timezone": "Europe/Berlin", "opening": "09:00-20:00"}
    own = {"turnover": {"title": "T", "formula": "turnover / items"}}
    path.write_text(json.dumps({"name": "c", "sites": {"a": site}, "metrics": own}))
    with pytest.raises(UserError, match="turnover is a metric that every chain has; choose another name"):
        Chain.load(path)
