"""``python -m benchmarks.wear``: bytes that the outbox writes to the card in a day, with and without a broker.

Use a folder on a separate file system, because its device counts the journal, too:

    truncate --size=256M card.img && mkfs.ext4 -q card.img && mount -o loop,noatime card.img /mnt
    python -m benchmarks.wear --folder /mnt

Each window is one minute of the service: stored, sent, acknowledged, deleted, and then written to the disk, as the
kernel would do within that minute.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN
from common.wire import WindowMessage, encode
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from edge.vision.pool import Pool
from edge.vision.waiting import Waiting
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.messages import BOOT, MORNING, cohort, window

A_DAY = 1440
COHORT_EVERY = 3
"""Windows per cohort in a shop with a hundred visits an hour; the windows between have totals only."""

CHECKPOINTS, CHECKPOINT_WINDOWS = 5, 4
"""Number of writes in every fourth window, 1,800 a day: about as many as in a shop with 1,000 visits in ten hours."""

_SECTOR = 512


def full_pool() -> Pool:
    """Return the pool before a large cohort, with every cell filled."""
    cells = [(g, b, e) for g in (*GENDERS, UNKNOWN) for b in (*AGE_BANDS, UNKNOWN) for e in EXPRESSIONS[:3]]
    return Pool(since=MORNING, visits=199, viewers=120, breakdown=Counter(dict.fromkeys(cells, 3)))


def by_process() -> int:
    """Return the bytes that this process has caused to be written."""
    return int(psutil.Process().io_counters().write_bytes)


def by_device(folder: Path) -> int | None:
    """Return the bytes written to the block device of ``folder`` by all processes, or None without such a device."""
    number = folder.stat().st_dev
    try:
        fields = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat").read_text().split()
    except OSError:
        return None
    return int(fields[6]) * _SECTOR


def message(minute: int) -> WindowMessage:
    return window(minute, cohort=cohort() if minute % COHORT_EVERY == 0 else None)


def measure(folder: Path, windows: int, port: int, acknowledged: bool) -> dict[str, Any]:
    """Write ``windows`` windows, and compute the bytes a day at one window a minute."""
    outbox = Outbox(folder / "footlight.db", max_messages=20_000)
    uplink = Uplink(
        outbox,
        Broker("127.0.0.1", port),
        site="shop",
        device="door",
        boot_id=BOOT,
        software="0.1.0",
        clock=SystemClock(),
        late_after_s=1e9,
    )
    uplink.start()
    subprocess.run(["sync", "--file-system", folder], check=True)
    process, device = by_process(), by_device(folder)
    waiting = Waiting(full_pool())
    for minute in range(windows):
        for _ in range(CHECKPOINTS if minute % CHECKPOINT_WINDOWS == 0 else 0):
            uplink.remember(waiting.dump())
        uplink.send(message(minute), waiting=waiting.dump())
        if acknowledged:
            until(lambda: outbox.depth == 0, "it is acknowledged")
        subprocess.run(["sync", "--file-system", folder], check=True)
    process_bytes, now = by_process() - process, by_device(folder)
    size_kib = sum(path.stat().st_size for path in folder.glob("footlight.db*")) / 1024
    uplink.stop(0)

    def daily_mb(total: float) -> float:
        return round(total / windows * A_DAY / 1e6, 1)

    return {
        "windows": windows,
        "process_mb_a_day": daily_mb(process_bytes),
        "device_mb_a_day": None if now is None or device is None else daily_mb(now - device),
        "message_bytes": round(sum(len(encode(message(minute))) for minute in range(windows)) / windows),
        "file_kib": round(size_kib),
    }


def table(rows: dict[str, dict[str, Any]]) -> Table:
    shown = Table(title="Windows of 60 s: megabytes written a day", box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("broker")
    for heading in ("windows", "by the process", "by its device", "bytes a message", "files KiB"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for name, row in rows.items():
        shown.add_row(name, *("" if value is None else str(value) for value in row.values()))
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wear", description="Disk wear of the outbox.")
    parser.add_argument(
        "--folder", type=Path, help="folder on the file system to measure (default: a temporary folder)"
    )
    parser.add_argument("--windows", type=int, default=240, help="minutes of service (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    rows: dict[str, dict[str, Any]] = {}
    with (
        tempfile.TemporaryDirectory() as elsewhere,
        Mosquitto(Path(elsewhere)) as mosquitto,
        Listener(mosquitto.port),  # without a receiver, a window would not leave the outbox
    ):
        for name, port, acknowledged in (
            ("there", mosquitto.port, True),
            ("away", free_port(), False),
        ):
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                rows[name] = measure(Path(folder), options.windows, port, acknowledged)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        Console().print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
