"""An hour or two of the service on a fast clock: nobody is lost, it says little, and what it keeps does not grow."""

from __future__ import annotations

import gc
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import pytest

from benchmarks.soak import soak

pytestmark = pytest.mark.slow


def test_with_every_fault_at_once_nobody_is_lost_and_little_is_logged(tmp_path: Path) -> None:
    result = soak(tmp_path, 2, every_h=1, outages=[(0.2, 1.4)], away=[0.4], configs=[1.45])
    assert result.people > 10
    assert result.tally.visits == result.people
    assert (result.tally.lost, result.tally.runs) == (0, 2)
    assert result.lines <= 12


def _held(folder: Path) -> list[int]:
    """Return the bytes that Python holds every few minutes of the service, from the second time on."""
    held = []

    def note(_hour: float) -> None:
        gc.collect()  # garbage is not held
        held.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    soak(folder, 1.2, every_h=0.06, progress=note)
    return held[1:]


@pytest.mark.timeout(300)  # an hour of pictures on a machine that may be busy
def test_what_it_holds_does_not_grow(tmp_path: Path) -> None:
    # a process of its own, because what other tests left running holds memory too
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as alone:
        held = alone.submit(_held, tmp_path).result()
    half = len(held) // 2
    # The median of many moments, because people in view and an unfinished window come and go.
    # One number kept of each frame would be more.
    assert median(held[half:]) - median(held[:half]) < 200_000, held
