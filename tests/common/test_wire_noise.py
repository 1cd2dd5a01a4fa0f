"""Verdicts with noise on the wire: any number in bounds, and nothing else about verdicts beside them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import wire
from common.wire import Cohort, Noise, WireError, decode, encode, topic
from common.wire.fields import MOST
from tests.support.messages import window, with_noise

numbers = st.integers(-MOST, MOST)
CELLS = {
    name: st.fixed_dictionaries(dict.fromkeys(labels, numbers)) for name, labels in wire.NOISY_LABELS.items()
}


@pytest.mark.parametrize(
    ("profile", "attributes"),
    [("demographics", ["gender", "age_band"]), ("expression", ["gender", "age_band", "expression"])],
)
@given(data=st.data(), budget=st.floats(*wire.BUDGETS))
def test_any_number_comes_back_as_it_was(
    profile: str, attributes: list[str], data: st.DataObject, budget: float
) -> None:
    lists = {name: data.draw(CELLS[name]) for name in attributes}
    message = window(0, profile=profile, cohort=with_noise(budget=budget, cells=lists))
    assert decode(topic(message), encode(message)) == message
    assert message.cohort is not None
    assert message.cohort.noise == Noise.model_validate({"budget": budget, **lists})


def sent(cohort: Cohort, change: dict[str, Any], **window_changes: Any) -> str:
    """Why a bridge refuses a cohort that was changed on its way."""
    message = window(0, cohort=cohort)
    changed = message.model_copy(
        update={"cohort": Cohort.model_construct(**{**vars(cohort), **change}), **window_changes}
    )
    with pytest.raises(WireError) as refused:
        decode(topic(message), encode(changed))
    return str(refused.value)


def noise(**changes: Any) -> dict[str, Any]:
    told = with_noise(cells={"gender": {"female": -3}}).noise
    assert told is not None
    return {"noise": Noise.model_construct(**{**vars(told), **changes})}


GENDER = {"female": 1, "male": 2, "unknown": 0, "not_seen": 0}
FACES = dict.fromkeys(wire.NOISY_LABELS["expression"], 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (noise(budget=0.001), "cohort.noise.budget: Input should be greater than or equal to 0.01"),
        (noise(budget=11.0), "cohort.noise.budget: Input should be less than or equal to 10"),
        (noise(gender={**GENDER, "female": MOST + 1}), "cohort.noise.gender.female: Input should be less"),
        (noise(gender={**GENDER, "female": -MOST - 1}), "cohort.noise.gender.female: Input should be greater"),
        (noise(gender={**GENDER, "female": None}), "cohort.noise.gender.female: Input should be a valid integer"),
        (noise(gender={"female": 1, "male": 2}), "gender: label 'not_seen' is unknown or missing"),
        (noise(gender={**GENDER, "other": 0}), "gender: label 'other' is unknown or missing"),
        (noise(expression=FACES), "cohort.expression: not in profile demographics"),
        ({"gender": {"female": 8, "male": 0, "no_verdict": 0}}, "gender: is told beside noise"),
        ({"age_band": {"25-34": 0, "no_verdict": None}}, "age_band: is told beside noise"),
        ({"gender_age_band": {"female": {"25-34": 8}}}, "gender_age_band: is told beside noise"),
        ({"described": 8, "gender": None, "age_band": None}, "described: is told beside noise"),
        (
            {"targets": {"tea": wire.Target(
                passers=8, viewers=8, attention_sum_s=None, attention={}, expression={"happy": 8}
            )}},
            "targets.tea.expression: is told beside noise",
        ),
    ],
)  # fmt: skip
def test_what_would_break_the_bound_is_refused(change: dict[str, Any], why: str) -> None:
    assert why in sent(with_noise(), change)


def test_a_device_that_only_counts_has_no_noise() -> None:
    change = dict.fromkeys(("gender", "age_band"))
    assert "cohort.age_band: not in profile count" in sent(with_noise(), change, profile="count")


@pytest.mark.parametrize("cell", [-1, 1, 4])
def test_everywhere_else_a_small_or_negative_cell_is_refused(cell: int) -> None:
    told = {
        "described": 8,
        "gender": {"female": cell, "male": None, "unknown": None, "not_seen": 0},
        "noise": None,
    }
    assert "gender" in sent(with_noise(), {**told, "age_band": None})
