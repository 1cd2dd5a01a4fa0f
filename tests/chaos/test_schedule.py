"""The schedule of faults is the same for the same seed, touches everything, and ends in time."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.schedule import KINDS, SERVERS, schedule

_ANY = st.fixed_dictionaries(
    {
        "length_s": st.floats(30, 90_000),
        "window_s": st.sampled_from((2.0, 60.0)),
        "rounds": st.integers(1, 3),
        "machine_faults": st.integers(0, 30),
    }
)


@given(st.integers(), _ANY, st.integers(1, 30))
def test_every_part_suffers_one_fault_at_a_time_and_all_end_in_time(
    seed: int, run: dict[str, float], count: int
) -> None:
    devices = [f"device-{number}" for number in range(count)]
    faults = schedule(seed, **run, devices=devices, machines=devices)  # type: ignore[arg-type]
    assert list(faults) == sorted(faults, key=lambda fault: fault.at_s)
    assert all(0 <= fault.at_s < fault.end_s <= run["length_s"] * 1.000001 for fault in faults)
    for one, other in combinations(faults, 2):
        if one.touches & other.touches:
            assert one.end_s <= other.at_s or other.end_s <= one.at_s


@given(st.integers())
def test_every_kind_comes_and_every_kind_of_server_is_touched(seed: int) -> None:
    faults = schedule(
        seed, length_s=60, window_s=2, rounds=1, devices=["one", "two"], machines=["one", "two"]
    )
    assert {fault.kind for fault in faults} == {*KINDS}
    targets = {fault.target for fault in faults}
    assert {"broker", "store"} <= targets
    assert targets <= {*SERVERS, "one", "two"}


def test_the_seed_decides() -> None:
    def drawn(seed: int) -> object:
        return schedule(
            seed, length_s=600, window_s=2, rounds=2, devices=["one"], machines=["one"], machine_faults=5
        )

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
