"""The looks at one visit become one verdict per attribute, and doubt becomes "unknown"."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.vocabulary import AGE_BANDS, AGE_BINS, ATTRIBUTES, EXPRESSIONS, GENDERS, NOT_SEEN, UNKNOWN
from edge.types import FaceObservation, FaceScores, Floats, Pose
from edge.vision.consensus import Consensus

OPEN = Consensus({"gender": 0.0, "age_band": 0.0, "expression": 0.0})
STRICT = Consensus({"gender": 0.7, "age_band": 0.6, "expression": 0.5})


def years(mean: float, spread: float = 3.0) -> Floats:
    weights = np.exp(-0.5 * ((np.arange(AGE_BINS) - mean) / spread) ** 2)
    distribution: Floats = (weights / weights.sum()).astype(np.float32)
    return distribution


def shown(label: str, probability: float) -> Floats:
    scores = np.full(7, (1 - probability) / 6, np.float32)
    scores[EXPRESSIONS.index(label)] = probability
    return scores


def look(
    at_s: float,
    *,
    female: float = 0.9,
    age: float = 30.0,
    spread: float = 3.0,
    expression: str = "neutral",
    sure: float = 0.8,
    quality: float = 0.5,
) -> FaceObservation:
    gender = np.array([female, 1 - female], np.float32)
    scores = FaceScores(years(age, spread), gender, shown(expression, sure))
    return FaceObservation(1, at_s, scores, Pose(0, 0, 0), quality)


@st.composite
def looks(draw: st.DrawFn) -> list[FaceObservation]:
    times = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=6, unique=True))
    return [
        look(
            at / 10,
            female=draw(st.floats(0, 1)),
            age=draw(st.floats(0, 100)),
            expression=draw(st.sampled_from(EXPRESSIONS)),
            sure=draw(st.floats(0.2, 1)),
            quality=draw(st.floats(0, 1)),
        )
        for at in times
    ]


def test_without_looks_nothing_was_seen() -> None:
    verdicts = OPEN.verdicts([])
    assert verdicts.keys() == ATTRIBUTES.keys()
    assert all((v.label, v.confidence) == (NOT_SEEN, 0.0) for v in verdicts.values())


def test_one_clear_look_is_taken_at_its_word() -> None:
    verdicts = STRICT.verdicts([look(0, female=0.05, age=50, expression="happy", sure=0.9)])
    assert [verdicts[name].label for name in ATTRIBUTES] == ["male", "45-54", "happy"]
    assert verdicts["gender"].confidence == pytest.approx(0.95)
    assert verdicts["expression"].confidence == pytest.approx(0.9)


def test_disagreement_is_unknown() -> None:
    verdicts = STRICT.verdicts([look(0, female=0.9, age=20), look(1, female=0.15, age=60)])
    assert verdicts["gender"].label == UNKNOWN
    assert verdicts["gender"].confidence == pytest.approx(0.525)
    assert verdicts["age_band"].label == UNKNOWN


def test_a_good_look_outweighs_a_bad_one() -> None:
    good, bad = look(0, female=0.9, quality=0.9), look(1, female=0.2, quality=0.1)
    assert STRICT.verdicts([good, bad])["gender"].label == "female"


def test_no_single_look_has_a_veto() -> None:
    """What the product rule would give away: three sure looks against one that says impossible."""
    verdicts = STRICT.verdicts([*(look(i, female=0.95) for i in range(3)), look(9, female=0.0)])
    assert verdicts["gender"].label == "female"


@pytest.mark.parametrize(
    ("age", "band"), [(10, "0-17"), (21, "18-24"), (30, "25-34"), (40, "35-44"), (60, "55-64"), (80, "65+")]
)
def test_the_age_band_holds_the_expected_age(age: float, band: str) -> None:
    verdict = OPEN.verdicts([look(0, age=age)])["age_band"]
    assert verdict.label == band
    assert verdict.confidence > 0.85


def test_age_mass_across_a_border_is_no_disagreement_but_a_flat_distribution_is() -> None:
    assert STRICT.verdicts([look(0, age=35.2, spread=2)])["age_band"].confidence > 0.95
    assert STRICT.verdicts([look(0, age=40, spread=40)])["age_band"].label == UNKNOWN


def test_a_visit_shows_what_it_showed_most() -> None:
    """Three mild smiles against one glaring surprise."""
    smiles = [look(i, expression="happy", sure=0.5) for i in range(3)]
    assert OPEN.verdicts([*smiles, look(5, expression="surprised", sure=1.0)])["expression"].label == "happy"


@given(looks(), st.integers(0, 10**6))
@settings(deadline=None)
def test_order_does_not_matter(observations: list[FaceObservation], seed: int) -> None:
    shuffled = observations.copy()
    random.Random(seed).shuffle(shuffled)
    assert OPEN.verdicts(observations) == OPEN.verdicts(shuffled)


@given(looks(), st.data())
@settings(deadline=None)
def test_the_same_look_twice_changes_nothing(
    observations: list[FaceObservation], data: st.DataObject
) -> None:
    again = data.draw(st.sampled_from(observations))
    assert OPEN.verdicts([*observations, again]) == OPEN.verdicts(observations)


@given(looks())
@settings(deadline=None)
def test_verdicts_are_words_of_the_vocabulary_with_a_share(observations: list[FaceObservation]) -> None:
    for name, verdict in OPEN.verdicts(observations).items():
        assert verdict.label in ATTRIBUTES[name]
        assert 0 <= verdict.confidence <= 1
    for name, verdict in STRICT.verdicts(observations).items():
        sure = verdict.confidence >= {"gender": 0.7, "age_band": 0.6, "expression": 0.5}[name]
        assert sure == (verdict.label != UNKNOWN)


@given(looks(), st.floats(0.01, 1))
@settings(deadline=None)
def test_more_agreeing_evidence_never_lowers_confidence(
    observations: list[FaceObservation], quality: float
) -> None:
    before = OPEN.verdicts(observations)
    female = 1.0 if before["gender"].label == GENDERS[0] else 0.0
    more = look(500, female=female, expression=before["expression"].label, sure=1.0, quality=quality)
    after = OPEN.verdicts([*observations, more])
    for name in ("gender", "expression"):
        assert after[name].label == before[name].label
        assert after[name].confidence >= before[name].confidence - 1e-9


def test_the_bands_cover_every_age() -> None:
    labels = [OPEN.verdicts([look(0, age=age, spread=0.1)])["age_band"].label for age in range(AGE_BINS)]
    assert list(dict.fromkeys(labels)) == list(AGE_BANDS)
    assert [labels[age] for age in (17, 18, 64, 65)] == ["0-17", "18-24", "55-64", "65+"]


@pytest.mark.parametrize(
    ("thresholds", "named"),
    [
        ({"gender": 0.5, "age_band": 0.5}, "expression"),
        ({"gender": 0.5, "age_band": 0.5, "expression": 0.5, "mood": 0.5}, "mood"),
        ({"gender": 1.5, "age_band": 0.5, "expression": 0.5}, "gender"),
    ],
)
def test_wrong_thresholds_are_named(thresholds: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Consensus(thresholds)
