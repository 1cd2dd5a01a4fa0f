"""The seeds of a benchmark: one that cannot be made spoils no other."""

from __future__ import annotations

import io
from functools import partial

import pytest
from rich.console import Console

from benchmarks import seeds
from common.errors import UserError
from edge.scene.script import DoesNotFit


def play(seed: int) -> seeds.Json:
    if seed % 2:
        raise DoesNotFit(f"seed {seed}: too many people")
    return {"seed": seed}


def test_a_seed_that_cannot_be_made_is_told_in_one_line_and_left_out() -> None:
    shown = io.StringIO()
    made = seeds.results([partial(play, seed) for seed in range(3)], Console(file=shown))
    assert made == [{"seed": 0}, {"seed": 2}]
    assert shown.getvalue().split("\n").count("left out: seed 1: too many people") == 1


def test_no_figures_are_made_of_no_seed() -> None:
    with pytest.raises(UserError, match="--first"):
        seeds.results([partial(play, 1)], Console(file=io.StringIO()))
