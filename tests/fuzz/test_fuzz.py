"""Some seconds of ``make fuzz``, and what it found worth keeping: nothing from outside breaks a promise."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from tests.fuzz.__main__ import CORPUS, fuzz
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS, seeds

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_kept_and_what_is_right_breaks_nothing(target: str) -> None:
    run = TARGETS[target]()
    kept = sorted((CORPUS / target).glob("*"))
    for data in [*seeds(target), *(file.read_bytes() for file in kept)]:
        run(data)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="atheris has wheels for x86-64 alone")
@pytest.mark.parametrize("target", TARGETS)
def test_some_seconds_of_wrong_inputs_break_nothing(tmp_path: Path, target: str) -> None:
    result = fuzz(target, inputs=100_000, seconds=4, seed=1, build=tmp_path)
    assert result.broken == []
    assert result.inputs > len(seeds(target))
    assert result.branches > 0


@pytest.mark.skipif(platform.machine() != "x86_64", reason="atheris has wheels for x86-64 alone")
def test_a_broken_promise_is_found(tmp_path: Path) -> None:
    result = fuzz("planted", inputs=10_000_000, seconds=60, seed=1, build=tmp_path)
    (file,) = result.broken
    assert b"G" in Path(file).read_bytes()


@pytest.mark.parametrize("seed", range(50))
def test_a_mutated_message_is_another_one(seed: int) -> None:
    for data in seeds("wire"):
        changed = mutated(data[1:], seed)
        assert changed is None or isinstance(changed, bytes)
    assert mutated(b"no json", seed) is None
