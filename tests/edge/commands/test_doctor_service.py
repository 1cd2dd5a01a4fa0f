"""What the doctor tells of the running service: its figures, outbox, unit and sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.commands.doctor import camera, service
from edge.commands.doctor.checks import State, run_checks
from edge.service.status_line import Figures, Sampler
from edge.types import Frame
from edge.uplink.outbox import Outbox
from tests.support.messages import MORNING

amounts = st.floats(0, 1e4)


@given(
    st.builds(
        Figures,
        camera_fps=amounts,
        step_ms=amounts,
        slow_ms=amounts,
        luma=st.floats(0, 255),
        burnt=st.floats(0, 1),
        waiting=st.integers(0, 10**6),
        lost=st.integers(0, 10**6),
        delivered=st.integers(0, 10**6),
        moved=st.booleans(),
    )
)
def test_the_line_of_the_service_is_read_as_it_was_written(figures: Figures) -> None:
    read = Figures.read(str(figures))
    assert read is not None
    assert str(read) == str(figures)
    assert (read.waiting, read.lost, read.delivered) == (figures.waiting, figures.lost, figures.delivered)
    assert read.moved == figures.moved
    assert read.camera_fps == pytest.approx(figures.camera_fps, abs=0.051)
    assert read.luma == pytest.approx(figures.luma, abs=0.51)
    assert read.burnt == pytest.approx(figures.burnt, abs=0.0051)


@pytest.mark.parametrize("line", ["", "14.8 frames/s, 0 messages wait", "starting"])
def test_any_other_line_is_none_of_it(line: str) -> None:
    assert Figures.read(line) is None


def frame(sequence: int, monotonic_s: float) -> Frame:
    return Frame(np.full((48, 64, 3), 100, np.uint8), MORNING, monotonic_s, sequence)


def test_frames_that_nobody_looked_at_count_for_the_rate_of_the_camera() -> None:
    sampler = Sampler()
    for sequence in (10, 11, 14, 20):
        sampler.frame(frame(sequence, sequence / 12.5))
    figures = sampler.figures(step_ms=1, slow_ms=2, waiting=3, lost=4, delivered=5, moved=False)
    assert figures.camera_fps == pytest.approx(12.5)
    assert figures.luma == 100
    assert sampler.figures(step_ms=1, slow_ms=2, waiting=3, lost=4, delivered=5, moved=False).camera_fps == 0


def test_a_moved_camera_is_red_where_it_stops_counting() -> None:
    assert camera.moved(counts=True).state == "amber"
    found = camera.moved(counts=False)
    assert (found.state, found.value) == (
        "red",
        "shows another view than when the service started; nobody is counted",
    )
    assert "footlight-edge zones draw" in found.fix


FIGURES = Figures(15, 40, 60, 120, 0, waiting=1, lost=0, delivered=9)


def test_the_outbox_is_told_by_the_service_or_counted_without_touching_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "footlight.db"
    assert service.outbox(path, None, running=False, most=20).state == "green"
    opened = Outbox(path, max_messages=20)
    for number in range(8):
        opened.put("topic", b"payload", MORNING + timedelta(minutes=number))
    crashed = tmp_path / "crashed"
    shutil.copytree(path.parent, crashed)  # as a process leaves it that is killed
    opened.close()
    for folder in (path.parent, crashed):
        before = {file.name: file.read_bytes() for file in folder.iterdir()}
        found = service.outbox(folder / path.name, None, running=False, most=20)
        assert (found.state, found.value) == (
            "amber",
            "8 of at most 20 messages wait, the service is not running",
        )
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    told = service.outbox(path, FIGURES, running=True, most=20)
    assert (told.state, told.value) == ("green", "1 of at most 20 messages wait, 0 lost, 9 windows delivered")
    assert service.outbox(path, None, running=True, most=20).state == "amber"
    lossy = Figures(15, 40, 60, 120, 0, waiting=1, lost=3, delivered=9)
    assert service.outbox(path, lossy, running=True, most=20).state == "red"


def test_an_outbox_that_is_none_is_red(tmp_path: Path) -> None:
    path = tmp_path / "footlight.db"
    path.write_bytes(b"no database" * 1000)
    (check,) = run_checks([("outbox", lambda: service.outbox(path, None, running=False, most=20))])
    assert (check.state, check.fix) == ("red", "the service creates an empty one when it starts")


UNIT = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "ExecMainStatus": "0",
    "NRestarts": "0",
    "WatchdogUSec": "30s",
    "ActiveEnterTimestamp": "Mon 2026-03-02 08:00:00 UTC",
    "IPAddressAllow": "127.0.0.0/8 ::1/128 192.0.2.10/32",
    "IPAddressDeny": "0.0.0.0/0 ::/0",
    **service.LOCKS,
}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "green"),
        ({"NRestarts": "3"}, "amber"),
        ({"WatchdogUSec": "0"}, "amber"),
        ({"ActiveState": "failed", "Result": "exit-code"}, "red"),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, "red"),
        ({"ActiveState": "inactive"}, "red"),
        ({"LoadState": "not-found"}, "amber"),
    ],
)
def test_a_service_that_fell_or_lies_is_told(changes: Mapping[str, str], state: State) -> None:
    assert service.service("footlight-edge.service", {**UNIT, **changes}).state == state


@pytest.mark.parametrize(
    ("changes", "figure", "addresses", "state"),
    [
        ({}, 1.2, ["192.0.2.10"], "green"),
        ({}, 1.2, [], "green"),
        ({}, 2.1, ["192.0.2.10"], "amber"),
        ({"NoNewPrivileges": "no"}, 1.2, ["192.0.2.10"], "amber"),
        ({"IPAddressDeny": ""}, 1.2, ["198.51.100.7"], "amber"),
        ({}, 1.2, ["198.51.100.7"], "red"),
        ({}, 1.2, ["2001:db8::1", "192.0.2.10"], "green"),
        ({"LoadState": "not-found"}, None, ["192.0.2.10"], "amber"),
    ],
)
def test_the_sandbox_must_hold_and_leave_the_way_to_the_broker(
    changes: Mapping[str, str], figure: float | None, addresses: list[str], state: State
) -> None:
    assert service.sandbox({**UNIT, **changes}, figure, addresses).state == state


def test_without_systemd_there_is_no_service_to_tell_of() -> None:
    assert service.service("footlight-edge.service", {}).state == "amber"
    assert not service.runs({})
