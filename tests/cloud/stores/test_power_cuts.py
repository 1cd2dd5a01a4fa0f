"""Five hundred power cuts: the store of one box starts again, and has every window that it acknowledged, once."""

from __future__ import annotations

import random
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.stores.embedded import EmbeddedStore
from common.wire import WindowMessage
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, health, window
from tests.support.power_cut import cuts, record

pytestmark = pytest.mark.slow

CUTS = 500
WINDOWS = 120
DAY = (MORNING, MORNING + timedelta(days=1))


def opened(folder: Path, clock: ManualClock) -> EmbeddedStore:
    return EmbeddedStore(folder / "store.db", retention_days=30, clock=clock, repair=True)


def counted(number: int) -> WindowMessage:
    return window(number, visits=number + 3)


def fill(folder: Path, seed: int) -> None:
    """Write windows in batches as the bridge does, some of them twice, and print each batch before and after it."""
    rng, clock = random.Random(seed), ManualClock()
    store = opened(folder, clock)
    number = 0
    while number < WINDOWS:
        batch = range(max(0, number - rng.randint(0, 3)), number + rng.randint(1, 6))
        say("writing", batch)
        store.write([*map(counted, batch), health()])
        say("acknowledged", batch)
        number = batch.stop
        clock.advance(60 * len(batch))
        if rng.random() < 0.1:
            store.close()
            store = opened(folder, clock)


def say(step: str, batch: range) -> None:
    print(step, *batch, flush=True)  # noqa: T201 - read by the test


def named(steps: list[list[str]], wanted: str) -> set[int]:
    return {int(number) for step, *numbers in steps if step == wanted for number in numbers}


@pytest.mark.parametrize("seed", range(2))
def test_a_power_cut_loses_no_window_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    folder, found = tmp_path / "box", tmp_path / "after"
    folder.mkdir()
    events = record([__name__, str(folder), str(seed)], folder, tmp_path / "trace")
    survived = 0
    for said in cuts(events, folder, found, seed, CUTS // 2):
        steps = [line.split() for line in said]
        begun, acknowledged = named(steps, "writing"), named(steps, "acknowledged")
        store = opened(found, ManualClock())
        windows = store.windows("shop", *DAY)
        minutes = [round((one.start - MORNING) / timedelta(minutes=1)) for one in windows]
        assert len(set(minutes)) == len(minutes), "each once"
        assert acknowledged <= set(minutes) <= begun
        assert windows == [counted(minute) for minute in minutes]
        assert not list(found.glob("*.damaged*"))
        store.write([counted(WINDOWS)])
        store.close()
        survived += bool(acknowledged)
    assert survived > CUTS / 3


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
