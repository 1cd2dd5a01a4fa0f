"""Several cameras on one device: each an instance of the service, and to everybody else a device of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from common.wire import StatusMessage, WindowMessage, decode
from edge.uplink.outbox import Outbox
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.short_scene import stretch, write_clip

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


@contextmanager
def instance(folder: Path, name: str, clip: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """As systemd starts ``footlight-edge@name``: its own file, its own state directory, the same program."""
    config, state = folder / f"footlight-edge@{name}.yaml", folder / f"state-{name}"
    state.mkdir()
    mqtt = {"host": "127.0.0.1", "port": port}
    said = {"site": "shop", "device": name, "camera": {"source": str(clip)}, "window": {"seconds": 30}}
    config.write_text(yaml.safe_dump(said | {"mqtt": mqtt}))
    environ = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    command = [sys.executable, "-W", "error", "-m", "edge", "run", "--config", str(config)]
    with subprocess.Popen(command, env=environ | {"STATE_DIRECTORY": str(state)}) as process:
        try:
            yield process
        finally:
            process.kill()


def test_two_instances_side_by_side_are_two_devices_and_both_count(tmp_path: Path) -> None:
    names = ("door", "aisle")
    clip = write_clip(tmp_path / "clip.mp4", seconds=6)
    with (
        Mosquitto(tmp_path) as mosquitto,
        Listener(mosquitto.port, "footlight/#") as listener,
        ExitStack() as stack,
    ):
        running = [stack.enter_context(instance(tmp_path, name, clip, mosquitto.port)) for name in names]
        assert [process.wait(90) for process in running] == [0, 0]

        def gone() -> set[str]:
            heard = (decode(found.topic, bytes(found.payload)) for found in listener.on("status"))
            return {one.device for one in heard if isinstance(one, StatusMessage) and not one.online}

        until(lambda: gone() == set(names), "both have come and gone")
        heard = [decode(found.topic, bytes(found.payload)) for found in listener.on("window")]
    counted = []
    for name in names:
        windows = {one.seq: one for one in heard if isinstance(one, WindowMessage) and one.device == name}
        assert list(windows) == list(range(len(windows)))
        counted.append(sum(one.totals.visits for one in windows.values()))
        outbox = Outbox(tmp_path / f"state-{name}" / "footlight.db", max_messages=10)
        assert outbox.depth == 0
        assert outbox.counted[-1][1] == max(one.end for one in windows.values())
        outbox.close()
    there = [visit for visit in stretch().truth.visits if visit.enters_s < 5]
    assert counted == [len(there)] * 2
