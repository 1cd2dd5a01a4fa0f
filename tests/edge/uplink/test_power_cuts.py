"""Five hundred power cuts: the outbox starts again, and has every message that it took."""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.uplink.outbox import Outbox, Progress
from tests.edge.uplink.boxes import pending
from tests.support.power_cut import cuts, record

pytestmark = pytest.mark.slow

AT = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
CUTS = 500
MESSAGES = 60


def fill(folder: Path, seed: int) -> None:
    """Use an outbox as a device does, and print each step before and after it."""
    rng = random.Random(seed)
    path = folder / "outbox.db"
    box = Outbox(path, max_messages=1000)
    for number in range(MESSAGES):
        say(f"putting {number}")
        payload = b"%d " % number + rng.randbytes(rng.randint(10, 3000))
        progress = Progress(at(number - 1), at(number), waiting=b"%d" % number)
        assert box.put("t", payload, at(number), progress=progress)
        say(f"put {number}")
        if rng.random() < 0.3:
            box.remember(b"%d more" % number)
            say(f"remembered {number}")
        if rng.random() < 0.4:
            items = pending(box, rng.randint(1, 8))
            say("delivering " + " ".join(item.payload.split()[0].decode() for item in items))
            assert box.delivered([item.id for item in items], at(number))
        if rng.random() < 0.1:
            box.resend(at(number - 5))
        if rng.random() < 0.1:
            box.forget_history()
        if rng.random() < 0.1:
            box.close()
            box = Outbox(path, max_messages=1000)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - read by the test


def at(number: int) -> datetime:
    return AT + timedelta(minutes=number)


@pytest.mark.parametrize("seed", range(2))
def test_a_power_cut_loses_no_message_that_the_outbox_took(tmp_path: Path, seed: int) -> None:
    folder, found = tmp_path / "device", tmp_path / "after"
    folder.mkdir()
    events = record([__name__, str(folder), str(seed)], folder, tmp_path / "trace")
    survived = 0
    for said in cuts(events, folder, found, seed, CUTS // 2):
        steps = [line.split() for line in said]
        begun = {int(number) for step, number, *_ in steps if step == "putting"}
        taken = {int(number) for step, number, *_ in steps if step == "put"}
        delivered = {int(number) for step, *numbers in steps if step == "delivering" for number in numbers}
        box = Outbox(found / "outbox.db", max_messages=1000)
        messages = [int(item.payload.split()[0]) for item in pending(box, 1000)]
        assert sorted(set(messages)) == messages, "each once, in order"
        assert taken - delivered <= set(messages) <= begun
        if taken:
            ((first, until),) = box.counted
            assert first == at(-1)
            counted = round((until - AT) / timedelta(minutes=1))
            assert max(taken) <= counted
            assert set(range(counted + 1)) - delivered <= set(messages), "counted, and its message is there"
            held = {b"%d" % counted, b"%d more" % counted}
            if "remembered" in steps[-1]:
                held = {b"%d more" % counted}
            assert box.waiting in held
        assert box.lost == 0
        assert not list(found.glob("*.damaged*"))
        assert box.put("t", b"next", at(MESSAGES)), "it goes on"
        box.close()
        survived += bool(taken)
    assert survived > CUTS / 3


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
