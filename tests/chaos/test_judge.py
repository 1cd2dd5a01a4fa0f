"""The judge finds every kind of loss: a run that it calls good has lost nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.judge import Stored, Verdict, judge
from tests.chaos.truth import Counts, Made, TruthFile, read_truth

ONE, TWO = Counts(3, 1, 2, 1), Counts(4, 0, 1, 1, cohort=7)
TRUTH = {"shop/door": [Made(0, ONE, kept=True), Made(2, TWO, kept=True)]}
STORED: Stored = {("shop/door", 0): [ONE], ("shop/door", 2): [TWO]}


def test_what_is_stored_once_with_its_counts_is_good() -> None:
    assert judge(TRUTH, STORED) == Verdict(kept=2, stored=2, people=7, people_stored=7)
    assert judge(TRUTH, STORED).good


@pytest.mark.parametrize(
    ("stored", "what"),
    [
        ({("shop/door", 0): [ONE]}, "lost"),
        ({**STORED, ("shop/door", 2): [TWO, TWO]}, "double"),
        ({**STORED, ("shop/door", 2): [replace(TWO, exits=2)]}, "wrong"),
        ({**STORED, ("shop/door", 2): [replace(TWO, cohort=None)]}, "wrong"),
        ({**STORED, ("shop/door", 4): [TWO]}, "wrong"),
        ({**STORED, ("shop/shelf", 0): [ONE]}, "wrong"),
    ],
)
def test_everything_else_is_told(stored: Stored, what: str) -> None:
    verdict = judge(TRUTH, stored)
    assert not verdict.good
    assert getattr(verdict, what) == 1
    assert verdict.examples[0].startswith(what)


def test_a_window_that_a_second_one_overwrites_is_lost() -> None:
    truth = {"shop/door": [*TRUTH["shop/door"], Made(2, ONE, kept=True)]}
    assert judge(truth, STORED).lost == 1


def test_what_an_outbox_refused_may_be_stored_or_not() -> None:
    truth = {"shop/door": [*TRUTH["shop/door"], Made(4, ONE, kept=False)]}
    assert judge(truth, STORED).good
    verdict = judge(truth, {**STORED, ("shop/door", 4): [ONE]})
    assert verdict.good
    assert (verdict.refused, verdict.refused_stored) == (1, 1)
    assert judge(truth, {**STORED, ("shop/door", 4): [TWO]}).wrong == 1


def test_a_window_that_an_outbox_refused_comes_without_its_cohort() -> None:
    truth = {"shop/door": [Made(4, TWO, kept=False)]}
    assert judge(truth, {("shop/door", 4): [replace(TWO, cohort=None)]}).good
    assert judge(truth, {("shop/door", 4): [replace(TWO, cohort=3)]}).wrong == 1


def test_the_truth_of_a_device_outlives_its_runs(tmp_path: Path) -> None:
    for start in (0, 4):
        file = TruthFile(tmp_path / "truth")
        file.made(start, ONE)
        file.kept()
        file.made(start + 2, TWO)
        file.close()
    assert list(read_truth(tmp_path / "truth")) == [
        Made(0, ONE, kept=True),
        Made(2, TWO, kept=False),
        Made(4, ONE, kept=True),
        Made(6, TWO, kept=False),
    ]
