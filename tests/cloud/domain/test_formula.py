"""A formula is one sum of fields divided by another; anything else is one line that says where and what to do."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cloud.analysis.estimates import READ
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Chain
from cloud.domain.figures import COUNTS
from cloud.domain.formula import BUILT_IN, FIELDS, TAKEN, FormulaError, formula, parsed
from common.errors import UserError


@pytest.mark.parametrize(
    ("text", "above", "below"),
    [
        ("transactions / entries", {"transactions": 1}, {"entries": 1}),
        ("60 * staff_hours / (entries + passers)", {"staff_hours": 60}, {"entries": 1, "passers": 1}),
        ("(entries - exits) / 2 / watched_hours", {"entries": 0.5, "exits": -0.5}, {"watched_hours": 1}),
        ("-(1 + 1) * visits / (3 * visits)", {"visits": -2}, {"visits": 3}),
        ("turnover / entries * 100", {"turnover": 100}, {"entries": 1}),
    ],
)
def test_a_formula_becomes_the_factors_of_two_sums(
    text: str, above: dict[str, float], below: dict[str, float]
) -> None:
    found = parsed(text)
    assert (found.above.factors, found.below.factors) == (above, below)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "transactoins / entries",
            "unknown field 'transactoins' at character 1; did you mean 'transactions'?",
        ),
        ("visits / (1 * zzz)", "unknown field 'zzz' at character 15; known are visits,"),
        ("entries", "is not divided by anything"),
        ("entries * visits / visits", "two fields are multiplied at character 1"),
        ("visits / (entries + 5)", "a number is added to a field"),
        ("entries / visits / viewers", "only one division of fields is possible"),
        ("1 / entries", "only one division of fields is possible"),
        ("entries / visits + 1", "something is added to a division"),
        ("entries / 0", "something is divided by 0"),
        ("entries ** 2 / visits", "something else is at character 1"),
        ("open('x') / visits", "something else is at character 1"),
        ("entries.__class__ / visits", "something else is at character 1"),
        ("entries[0] / visits", "something else is at character 1"),
        ("(entries if 1 else exits) / visits", "something else is at character 2"),
        ("'entries' / visits", "only numbers and fields"),
        ("1e999 * entries / visits", "only numbers and fields"),
        ("entries / (", "cannot be read at character 11"),
        ("x = entries / visits", "cannot be read"),
        ("entries / visits; exits / visits", "cannot be read"),
        ("", "cannot be read"),
        ("(" * 300, "is longer than 200 characters"),
    ],
)
def test_a_wrong_formula_is_one_line_with_the_place_and_the_way_out(text: str, said: str) -> None:
    with pytest.raises(FormulaError) as error:
        parsed(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(alphabet="entrisvdo_+-*/()0129. =,'[]{}:;@!\\\n", max_size=60))
def test_no_text_does_anything_but_fail_or_give_two_sums(text: str) -> None:
    with suppress(FormulaError):
        found = parsed(text)
        assert found.above.factors.keys() | found.below.factors.keys() <= FIELDS.keys()


def chain_file(folder: Path, metrics: object) -> Path:
    path = folder / "chain.yaml"
    shop = {"title": "Shop", "timezone": "UTC", "opening": "09:00-19:00"}
    path.write_text(yaml.safe_dump({"name": "c", "sites": {"shop": shop}, "metrics": metrics}))
    return path


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (
            {"help": {"title": "Help", "formula": "staff_hour / entries"}},
            "metrics.help.formula: unknown field 'staff_hour' at character 1; did you mean 'staff_hours'?",
        ),
        ({"help": {"title": "Help"}}, "metrics.help.formula: is required"),
        (
            {"help": {"title": "Help", "formula": "visits / entries", "better": "up"}},
            "metrics.help.better: must be 'more' or 'less'; found 'up'",
        ),
        (
            {"capture_rate": {"title": "Help", "formula": "visits / entries"}},
            "metrics: capture_rate is a metric that every chain has; choose another name",
        ),
        ({"a b": {"title": "Help", "formula": "visits / entries"}}, "metrics.a b: must be letters, digits"),
    ],
)
def test_a_wrong_metric_of_the_chain_file_is_one_line_that_names_it(
    tmp_path: Path, metrics: object, said: str
) -> None:
    with pytest.raises(UserError) as error:
        Chain.load(chain_file(tmp_path, metrics))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_chain_has_its_own_metrics_beside_those_of_every_chain(tmp_path: Path) -> None:
    own = {
        "help": {"title": "Help", "formula": "60 * staff_hours / entries", "unit": "min", "better": "less"}
    }
    chain = Chain.load(chain_file(tmp_path, own))
    assert [one.name for one in chain.formulas] == [*(one.name for one in BUILT_IN), "help"]
    assert chain.formulas[-1] == formula("help", "Help", "60 * staff_hours / entries", "min", "less")
    assert metric_named("help", formulas=chain.formulas).unit == "min"


def test_every_field_is_read_and_every_taken_name_is_a_metric() -> None:
    assert READ.keys() == FIELDS.keys()
    for name in TAKEN - COUNTS.keys():
        assert metric_named(name, formulas=BUILT_IN).name == name
