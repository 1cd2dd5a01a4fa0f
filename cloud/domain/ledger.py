"""The ledger of a device: how many windows it made, how many are stored, how many came late, how many are missing.

A device numbers its windows from 0 in each run (``boot_id``, ``seq``), so what is missing between two stored ones is
known exactly. What is missing before the first window that is looked at, or after the last one, is not: nobody can tell
it from a device that is off. A device delivers at least once, so a window may come more than once. It is stored and
counted once: a duplicate overwrites its equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.wire import WindowMessage


@dataclass(frozen=True, slots=True)
class Ledger:
    """The windows of one device: ``expected`` is ``received`` and ``lost``; the ``late`` ones are received, too.
    ``duplicates`` came once more and are in no other number."""

    expected: int
    received: int
    late: int
    duplicates: int = 0

    @property
    def lost(self) -> int:
        return self.expected - self.received


def ledgers(windows: Iterable[WindowMessage], duplicates: Mapping[str, int]) -> dict[str, Ledger]:
    """Return the ledger of each device of one site, over all its cameras. ``duplicates`` are by device."""
    runs: defaultdict[tuple[str, str], dict[str, dict[int, WindowMessage]]] = defaultdict(dict)
    for window in windows:
        run = runs[window.device, window.camera].setdefault(window.boot_id, {})
        run[window.seq] = window
    found: dict[str, Ledger] = {}
    for (device, _), of_camera in runs.items():
        # Only the first run may have begun before the windows that are looked at: all others began with 0.
        by_time = sorted(of_camera.values(), key=lambda run: run[min(run)].start)
        expected = sum(max(run) + 1 for run in by_time) - min(by_time[0])
        received = sum(map(len, by_time))
        late = sum(window.is_historical for run in by_time for window in run.values())
        before = found.get(device, Ledger(0, 0, 0))
        found[device] = Ledger(
            before.expected + expected,
            before.received + received,
            before.late + late,
            duplicates.get(device, 0),
        )
    return found
