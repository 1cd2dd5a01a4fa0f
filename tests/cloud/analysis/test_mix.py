"""The mix of a tally: corrected where its calibration is known, wider by what was withheld, and never made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from cloud.analysis.confusion import shipped_confusions
from cloud.analysis.mix import mix, mixes, withheld
from cloud.domain.tally import AGE_BAND_LABELS, GENDER_LABELS, JOINT_LABELS, Tally

NEWEST = max(shipped_confusions())
TALLY = Tally(
    site="shop",
    role="unassigned",
    day=date(2026, 10, 1),
    open_s=36_000.0,
    watched_s={"door/front": 36_000.0},
    visits=420,
    viewers=200,
    dwell_sum_s=4000.0,
    attention_sum_s=900.0,
    dwell_visits=400,
    attention_visits=400,
    attention_dwell_s=4000.0,
    cohort_visits=400,
    gender={**dict.fromkeys(GENDER_LABELS, 0), "female": 250, "male": 90, "unknown": 30},
    age_band={**dict.fromkeys(AGE_BAND_LABELS, 0), "25-34": 300, "35-44": 100},
    gender_age_band={**dict.fromkeys(JOINT_LABELS, 0), ("female", "25-34"): 180},
    expression={},
    described=400,
    described_expression=0,
    models=frozenset({NEWEST}),
    calibrations=frozenset({NEWEST}),
)


def test_a_mix_is_corrected_and_knows_what_was_withheld() -> None:
    found = mix(TALLY, "gender")
    assert found is not None
    assert (found.n, found.withheld, found.uncorrected) == (370, 30, None)
    female, male = found.shares
    assert female.raw == pytest.approx(250 / 340)
    assert female.corrected is not None
    assert female.corrected > 250 / 340  # mistakes draw shares towards the middle
    assert male.raw == pytest.approx(90 / 340)
    all_told = mix(replace(TALLY, described=370), "gender")
    assert all_told is not None
    assert all_told.withheld == 0
    assert all_told.shares[0].high - all_told.shares[0].low < female.high - female.low


def test_each_attribute_misses_its_own_visits() -> None:
    assert [withheld(TALLY, attribute) for attribute in ("gender", "age_band")] == [30, 0]


def test_nobody_described_is_no_mix() -> None:
    assert mix(TALLY, "expression") is None
    assert [one.attribute for one in mixes([TALLY, TALLY])] == ["gender", "age_band"]
    assert mixes([TALLY, TALLY])[0].n == 740
    assert mixes([]) == []


@pytest.mark.parametrize(
    ("calibrations", "why"),
    [
        ({"1999.1"}, "the mistakes of calibration 1999.1 are not known for gender"),
        ({"1999.1", NEWEST}, "2 different calibrations"),
        (set(), "no calibration is known"),
    ],
)
def test_without_its_matrix_a_mix_is_raw_and_says_why(calibrations: set[str], why: str) -> None:
    found = mix(replace(TALLY, calibrations=frozenset(calibrations)), "gender")
    assert found is not None
    assert found.uncorrected == why
    for share in found.shares:
        assert share.corrected is None
        assert share.raw is not None
        assert share.low < share.raw < share.high


def test_all_unknown_says_nothing() -> None:
    found = mix(replace(TALLY, gender={"female": 0, "male": 0, "unknown": 40}), "gender")
    assert found is not None
    assert found.uncorrected == "no visit has a known verdict"
    assert [(share.corrected, share.low, share.high) for share in found.shares] == [(None, 0.0, 1.0)] * 2


def test_what_is_no_attribute_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="'race' is not one of gender, age_band, expression"):
        mix(TALLY, "race")
