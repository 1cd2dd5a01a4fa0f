"""An hour or two of the service on a fast clock: nobody is lost, it says little, and what it keeps does not grow."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pytest

from benchmarks.soak import soak

pytestmark = pytest.mark.slow


def test_with_every_fault_at_once_nobody_is_lost_and_little_is_logged(tmp_path: Path) -> None:
    result = soak(tmp_path, 2, every_h=1, outages=[(0.2, 1.4)], away=[0.4], configs=[1.45])
    assert result.people > 10
    assert result.tally.visits == result.people
    assert (result.tally.lost, result.tally.runs) == (0, 2)
    assert result.lines <= 12


def test_what_it_holds_does_not_grow(tmp_path: Path) -> None:
    held = []

    def note(_hour: float) -> None:
        gc.collect()  # garbage is not held; after many other tests, it is collected seldom
        held.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        soak(tmp_path, 0.8, every_h=0.2, progress=note)
    finally:
        tracemalloc.stop()
    # one number kept of each frame would be more
    assert held[-1] - held[0] < 100_000, held
