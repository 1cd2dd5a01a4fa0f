"""Corrected shares: nearer the truth than raw ones, in intervals that hold the truth as often as they say."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from cloud.analysis.confusion import Confusion, confusion_for, parse_confusions, shipped_confusions
from cloud.analysis.quantify import Estimate, corrected_shares, estimate, unbiased_weights
from common.vocabulary import ATTRIBUTES
from edge.vision.disclosure import withhold

pytestmark = pytest.mark.slow

RUNS = 1000
MIXES: Mapping[str, tuple[tuple[float, ...], ...]] = {
    "gender": ((0.5, 0.5), (0.38, 0.62), (0.9, 0.1), (0.02, 0.98), (0.995, 0.005)),
    "age_band": (
        (0.08, 0.12, 0.22, 0.20, 0.17, 0.12, 0.09),
        (0.02, 0.05, 0.10, 0.15, 0.20, 0.23, 0.25),
        (0.05, 0.30, 0.35, 0.15, 0.10, 0.03, 0.02),
        (0.60, 0.20, 0.10, 0.05, 0.03, 0.01, 0.01),
        (0.02, 0.02, 0.02, 0.02, 0.02, 0.10, 0.80),
    ),
    "expression": (
        (0.60, 0.30, 0.03, 0.02, 0.03, 0.01, 0.01),
        (0.35, 0.50, 0.04, 0.03, 0.05, 0.02, 0.01),
        (0.90, 0.05, 0.01, 0.01, 0.01, 0.01, 0.01),
        (0.15, 0.15, 0.14, 0.14, 0.14, 0.14, 0.14),
    ),
}
"""Ordinary ones, and some that no shop has."""

NONE = np.zeros(RUNS)


def newest(attribute: str) -> Confusion:
    """The matrix of the models that ship."""
    return shipped_confusions()[max(shipped_confusions())][attribute]


def simulated(
    confusion: Confusion, mix: tuple[float, ...], n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stores of a known mix: verdicts (RUNS, verdicts) and, each time anew, labelled visits (RUNS, labels, verdicts).
    The devices mistake labels as often as the matrix says, and nobody but the simulation knows how often that is."""
    columns = confusion.counts.shape[1]
    visits = confusion.counts.sum(1).astype(int)
    matrix = (confusion.counts + 1 / columns) / (visits + 1)[:, None]
    labelled = np.stack(
        [rng.multinomial(m, row, RUNS) for m, row in zip(visits, matrix, strict=True)], axis=1
    )
    verdicts = rng.multinomial(n, np.array(mix) @ matrix, RUNS)
    known = verdicts[:, :-1]
    return verdicts.astype(float), labelled.astype(float), known / known.sum(1, keepdims=True)


def root_mean_square(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).mean()))


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("attribute", MIXES)
def test_intervals_hold_the_truth_and_corrected_shares_are_nearer_to_it(attribute: str, n: int) -> None:
    rng = np.random.default_rng(20261121)
    before, after = [], []
    for mix in MIXES[attribute]:
        verdicts, labelled, raw = simulated(newest(attribute), mix, n, rng)
        found = estimate(verdicts, labelled, NONE)
        held = ((found.low <= mix) & (mix <= found.high)).mean(0)
        assert 0.93 <= held.mean() <= 0.97, (mix, held)
        assert held.min() >= 0.9, (mix, held)
        before.append(root_mean_square(raw - mix))
        after.append(root_mean_square(found.shares - mix))
        if root_mean_square(raw.mean(0) - mix) > raw.std(0).mean():  # else mistakes happen to cancel
            assert after[-1] < before[-1], mix
    assert np.mean(after) < 0.9 * np.mean(before)


def test_with_many_visits_and_labels_the_mix_is_found() -> None:
    for attribute, mixes in MIXES.items():
        matrix = newest(attribute).counts / newest(attribute).counts.sum(1, keepdims=True)
        found = estimate(1e7 * (np.array(mixes) @ matrix), 1e9 * matrix, np.zeros(len(mixes)))
        assert np.abs(found.shares - mixes).max() < 0.01, attribute


def test_without_mistakes_it_is_wilsons_interval() -> None:
    for share in corrected_shares({"female": 17, "male": 63, "unknown": 20}, None):
        known = binomtest(round((share.raw or 0) * 80), 80).proportion_ci(method="wilson")
        assert (share.low, share.high) == pytest.approx((known.low, known.high))
        assert share.corrected is None
    perfect = np.append(np.eye(2) * 1e9, [[0], [0]], axis=1)
    found = estimate(np.array([17.0, 63.0, 0.0]), perfect, np.array(0.0))
    known = binomtest(17, 80).proportion_ci(method="wilson")
    assert (found.low[0], found.high[0]) == pytest.approx((known.low, known.high), abs=1e-6)


def test_the_unknown_tell_something_too() -> None:
    """Women are recognised rarely here, men always: the unknown are women."""
    labelled = np.array([[300.0, 0.0, 700.0], [0.0, 1000.0, 0.0]])
    found = estimate(np.array([30.0, 100.0, 70.0]), labelled, np.array(0.0))
    assert found.shares[0] == pytest.approx(0.5, abs=0.01)
    assert found.low[0] > 30 / 130


def test_more_visits_and_more_labels_say_more() -> None:
    labelled = newest("gender").counts
    few = width(estimate(np.array([60.0, 130.0, 10.0]), labelled, np.array(0.0)))
    many = width(estimate(np.array([600.0, 1300.0, 100.0]), labelled, np.array(0.0)))
    best = width(estimate(np.array([600.0, 1300.0, 100.0]), 100 * labelled, np.array(0.0)))
    assert few > many > best


def width(found: Estimate) -> float:
    return float((found.high - found.low).max())


attributes = st.sampled_from(sorted(MIXES))


@settings(max_examples=50)
@given(st.data(), attributes, st.integers(0, 50))
def test_whatever_was_counted_shares_are_shares(data: st.DataObject, attribute: str, withheld: int) -> None:
    confusion = newest(attribute)
    counts = {verdict: data.draw(st.integers(0, 300)) for verdict in confusion.verdicts}
    shares = corrected_shares(counts, confusion, withheld=withheld)
    assert [share.label for share in shares] == list(ATTRIBUTES[attribute])
    for share in shares:
        assert 0 <= share.low <= share.high <= 1
        assert share.corrected is None or share.low <= share.corrected <= share.high
    corrected = [share.corrected for share in shares]
    if any(counts[label] for label in confusion.labels):
        assert sum(value or 0 for value in corrected) == pytest.approx(1)
        assert sum(share.raw or 0 for share in shares) == pytest.approx(1)
    else:
        assert corrected == [None] * len(shares)
        assert all((share.raw, share.low, share.high) == (None, 0.0, 1.0) for share in shares)


@settings(max_examples=50)
@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 200), st.integers(0, 200), st.integers(0, 9))
def test_an_interval_holds_whatever_the_withheld_visits_are(
    female: int, male: int, of_female: int, of_male: int, of_unknown: int
) -> None:
    counts = {"female": female, "male": male, "unknown": 5}
    really = {"female": female + of_female, "male": male + of_male, "unknown": 5 + of_unknown}
    withheld = of_female + of_male + of_unknown
    for confusion in (newest("gender"), None):
        told = corrected_shares(counts, confusion, withheld=withheld)
        for some_withheld, all_told in zip(told, corrected_shares(really, confusion), strict=True):
            assert some_withheld.low <= all_told.low + 0.01
            assert some_withheld.high >= all_told.high - 0.01


def test_what_the_privacy_rule_withholds_costs_certainty_and_not_truth() -> None:
    """Small cells are withheld, so that what is released leans towards the large ones."""
    rng = np.random.default_rng(3)
    confusion = newest("gender")
    matrix = confusion.counts / confusion.counts.sum(1, keepdims=True)
    truth, runs = 0.6, 60
    held = {"as if it were all": 0, "with what is withheld": 0}
    for _ in range(runs):
        told, hidden = dict.fromkeys(confusion.verdicts, 0), 0
        for cohort in rng.multinomial(40, np.array([truth, 1 - truth]) @ matrix, 25):
            cells = dict(zip(confusion.verdicts, cohort.tolist(), strict=True))
            secret = withhold(cells, 5, confusion.verdicts)
            hidden += sum(cells[verdict] for verdict in secret)
            told = {verdict: told[verdict] + (verdict not in secret) * cells[verdict] for verdict in told}
        for name, withheld in zip(held, (0, hidden), strict=True):
            share = corrected_shares(told, confusion, withheld=withheld)[0]
            held[name] += share.low <= truth <= share.high
    assert held["as if it were all"] < 0.5 * runs
    assert held["with what is withheld"] >= 0.95 * runs


def test_labels_that_look_alike_are_not_told_apart() -> None:
    alike = np.array([[60.0, 60.0, 10.0], [60.0, 60.0, 10.0]])
    found = estimate(np.array([150.0, 40.0, 10.0]), alike, np.array(0.0))
    assert (found.low == 0).all()
    assert (found.high == 1).all()


def test_a_label_nobody_ever_labelled_leaves_everything_open() -> None:
    labelled = np.array([[90.0, 5.0, 5.0], [0.0, 0.0, 0.0]])
    found = estimate(np.array([80.0, 15.0, 5.0]), labelled, np.array(0.0))
    assert width(found) > 0.9


def test_one_visit_says_next_to_nothing() -> None:
    (female, _) = corrected_shares({"female": 1, "male": 0, "unknown": 0}, newest("gender"))
    assert (female.raw, female.n) == (1.0, 1)
    assert female.low < 0.25
    assert female.high == 1.0


def test_a_verdict_of_no_label_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="'women' is not one of female, male"):
        corrected_shares({"women": 3}, newest("gender"))


def test_weights_turn_shares_of_verdicts_into_shares_of_labels() -> None:
    for attribute in MIXES:
        confusion = newest(attribute)
        columns = confusion.counts.shape[1]
        matrix = (confusion.counts + 1 / columns) / (confusion.counts.sum(1, keepdims=True) + 1)
        weights = unbiased_weights(confusion.counts.sum(0), confusion)
        assert weights @ matrix.T == pytest.approx(np.eye(len(confusion.labels)), abs=1e-6)


def test_a_count_is_corrected_only_by_the_matrix_of_its_own_calibration() -> None:
    known = {"a": {"gender": newest("gender")}}
    assert confusion_for({"a"}, "gender", known) == (newest("gender"), None)
    assert confusion_for({"old"}, "gender", known) == (
        None,
        "the mistakes of calibration old are not known for gender",
    )
    assert confusion_for({"a"}, "age_band", known)[0] is None
    assert confusion_for({"a", "old"}, "gender", known) == (None, "2 different calibrations")
    assert confusion_for(set(), "gender", known) == (None, "no calibration is known")


def test_the_shipped_matrices_speak_the_words_of_the_wire() -> None:
    for attributes_of in shipped_confusions().values():
        for attribute, confusion in attributes_of.items():
            assert confusion.labels == ATTRIBUTES[attribute]
            assert confusion.verdicts == (*ATTRIBUTES[attribute], "unknown")
            assert (confusion.counts.sum(1) > 0).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"verdicts": ["unknown", "a", "b"]}, "verdicts must be the labels"),
        ({"counts": [[1, 2, 3]]}, "a row for each label"),
        ({"weights": []}, "weights"),
    ],
)
def test_a_file_of_another_form_is_refused(change: dict[str, object], says: str) -> None:
    entry = {"labels": ["a", "b"], "verdicts": ["a", "b", "unknown"], "counts": [[1, 2, 3], [4, 5, 6]]}
    assert parse_confusions(json.dumps({"v": {"gender": entry}}))["v"]["gender"].counts[1, 2] == 6
    with pytest.raises(ValueError, match=says):
        parse_confusions(json.dumps({"v": {"gender": {**entry, **change}}}))
