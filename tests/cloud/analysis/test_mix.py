"""The mix of a tally: corrected where its calibration is known, wider by what was withheld, and never made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from cloud.analysis.confusion import shipped_confusions
from cloud.analysis.mix import mix, mixes, withheld
from cloud.domain.labels import JOINT_LABELS, LABELS
from cloud.domain.tally import Tally

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
    gender={**dict.fromkeys(LABELS["gender"], 0), "female": 250, "male": 90, "unknown": 30},
    age_band={**dict.fromkeys(LABELS["age_band"], 0), "25-34": 300, "35-44": 100},
    gender_age_band={**dict.fromkeys(JOINT_LABELS, 0), ("female", "25-34"): 180},
    expression={},
    demographics_visits=400,
    expression_visits=0,
    described=400,
    described_of=400,
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
    all_told = mix(replace(TALLY, demographics_visits=370, described_of=370), "gender")
    assert all_told is not None
    assert all_told.withheld == 0
    assert all_told.shares[0].high - all_told.shares[0].low < female.high - female.low


def test_visits_that_were_not_seen_say_nothing_about_the_mix() -> None:
    seen = mix(TALLY, "gender")
    backs = replace(
        TALLY, gender={**TALLY.gender, "not_seen": 500}, demographics_visits=900, described_of=900
    )
    beside = mix(backs, "gender")
    assert seen == beside


def test_unknown_verdicts_are_not_used_where_they_are_mixed_with_visits_not_seen() -> None:
    """Backs would look like doubt, and doubt is not the same for all labels."""
    counts = {**TALLY.gender, "unknown": None, "no_verdict": 330}
    found = mix(replace(TALLY, gender=counts, demographics_visits=700, described_of=0), "gender")
    told = mix(TALLY, "gender")
    assert found is not None
    assert told is not None
    assert (found.n, found.withheld, found.uncorrected) == (340, 30, None)
    for one, other in zip(found.shares, told.shares, strict=True):
        assert one.raw == other.raw
        assert one.corrected == pytest.approx(other.corrected, abs=0.01)
        assert one.high - one.low == pytest.approx(other.high - other.low, abs=0.02)


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
