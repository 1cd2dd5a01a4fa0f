"""The ledger counts what a device made by its numbers, and calls nothing lost that nobody can know of."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.ledger import Ledger, ledgers
from common.wire import WindowMessage
from tests.support.messages import window

RUNS = ("a" * 16, "b" * 16, "c" * 16)


def run(name: str, first_minute: int, seqs: list[int], **changes: Any) -> list[WindowMessage]:
    """Windows of one run that began ``first_minute``, with these numbers."""
    return [window(first_minute + seq, boot_id=name, seq=seq, **changes) for seq in seqs]


def test_a_device_whose_windows_all_arrived_lost_none() -> None:
    assert ledgers(run(RUNS[0], 0, [0, 1, 2]), {}) == {"door": Ledger(3, 3, 0)}


def test_a_hole_in_the_numbers_is_lost() -> None:
    (ledger,) = ledgers(run(RUNS[0], 0, [0, 1, 4]), {}).values()
    assert (ledger.expected, ledger.received, ledger.lost) == (5, 3, 2)


def test_what_came_before_the_first_window_is_not_known() -> None:
    assert ledgers(run(RUNS[0], 0, [700, 701]), {}) == {"door": Ledger(2, 2, 0)}


def test_a_later_run_began_with_0() -> None:
    windows = [*run(RUNS[0], 0, [40, 41]), *run(RUNS[1], 100, [2, 3])]
    (ledger,) = ledgers(windows, {}).values()
    assert (ledger.expected, ledger.lost) == (6, 2)


def test_a_duplicate_is_told_and_counts_nowhere_else() -> None:
    windows = run(RUNS[0], 0, [0, 1, 2])
    assert ledgers(windows, {"door": 2, "off": 1}) == {"door": Ledger(3, 3, 0, duplicates=2)}
    assert ledgers([*windows, *windows], {}) == ledgers(windows, {})


def test_cameras_are_numbered_apart_and_late_windows_are_received() -> None:
    windows = [
        *run(RUNS[0], 0, [0, 1]),
        *run(RUNS[1], 0, [0, 1, 2], camera="back", is_historical=True),
        *run(RUNS[2], 0, [0, 2], device="shelf"),
    ]
    assert ledgers(windows, {}) == {"door": Ledger(5, 5, 3), "shelf": Ledger(3, 2, 0)}


@given(
    lost=st.sets(st.integers(0, 59), max_size=20),
    starts=st.lists(st.integers(1, 59), unique=True, max_size=3).map(sorted),
)
def test_every_window_that_is_missing_between_two_is_counted(lost: set[int], starts: list[int]) -> None:
    """An hour in several runs, of which these minutes were lost."""
    made, begins = [], [0, *starts, 60]
    for number, (begin, end) in enumerate(pairwise(begins)):
        made += run(f"{number:016x}", begin, list(range(end - begin)))
    stored = [one for minute, one in enumerate(made) if minute not in lost]
    known = 0
    for one in lost:
        later = [w for minute, w in enumerate(made) if minute > one and minute not in lost]
        earlier = [w for minute, w in enumerate(made) if minute < one and minute not in lost]
        same = [w for w in later if w.boot_id == made[one].boot_id]
        known += bool(earlier and same)
    assert sum(ledger.lost for ledger in ledgers(stored, {}).values()) == known
