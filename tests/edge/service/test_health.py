"""The numbers of a health message and the faults that become alerts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.service.health import Health, HourlyShare
from edge.service.host import clock_trusted, disk_free_mb, temperature_c, throttled
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def health(clock: ManualClock, tmp_path: Path) -> Health:
    return Health(
        site="shop",
        device="door",
        boot_id="0123456789abcdef",
        software="1.0",
        model="2.0",
        clock=clock,
        state=tmp_path,
        thermal=tmp_path,
        platform=tmp_path,
    )


def test_rates_are_those_since_the_last_message(health: Health, clock: ManualClock) -> None:
    for n in range(100):
        clock.elapsed_s += 0.1
        health.step(0.010 if n % 3 else 0.500, near=False)
    first = health.message(
        fps=9.996, camera_open=True, dropped_total=7, outbox_depth=3, outbox_lost=1, clock_trusted=False
    )
    assert first.fps == 10.0
    assert first.step_ms == pytest.approx(10.0)  # the median does not mind a slow third
    assert (first.dropped, first.outbox_depth, first.outbox_lost) == (7, 3, 1)
    assert first.uptime_s == pytest.approx(10.0)
    assert (first.camera_open, first.clock_trusted) == (True, False)
    assert (first.temperature_c, first.throttled) == (None, None)
    clock.elapsed_s += 10
    second = health.message(
        fps=0.0, camera_open=False, dropped_total=9, outbox_depth=0, outbox_lost=1, clock_trusted=True
    )
    assert (second.fps, second.dropped, second.uptime_s) == (0.0, 2, 20.0)


def test_the_share_of_near_looks_is_that_of_the_last_hour_and_coarse(
    health: Health, clock: ManualClock
) -> None:
    def share() -> float | None:
        return health.message(
            fps=10, camera_open=True, dropped_total=0, outbox_depth=0, outbox_lost=0, clock_trusted=True
        ).near_share

    def an_hour(*, near_every: int) -> None:
        for n in range(360):
            health.step(0.01, near=n % near_every == 0)
            clock.elapsed_s += 10

    an_hour(near_every=4)
    first = share()
    an_hour(near_every=1)
    assert (first, share()) == (None, 0.25)
    an_hour(near_every=360)
    assert share() == 1.0
    an_hour(near_every=360)
    assert share() == 0.0


def test_one_person_more_does_not_show_in_the_share_of_near_looks() -> None:
    """Half a minute at 15 frames a second with a near look in every second one, in an hour at three."""
    quiet, visited = HourlyShare(0.0), HourlyShare(0.0)
    for n in range(3 * 3600):
        quiet.add(n / 3, near=False)
        visited.add(n / 3, near=False)
    for _ in range(450 // 2):
        visited.add(3599.9, near=True)
    for share in (quiet, visited):
        share.add(3601.0, near=False)
    assert quiet.value == visited.value == 0.0


def test_a_device_that_never_saw_a_frame_has_health_too(health: Health) -> None:
    message = health.message(
        fps=0.0, camera_open=False, dropped_total=0, outbox_depth=0, outbox_lost=0, clock_trusted=True
    )
    assert (message.fps, message.step_ms) == (0.0, 0.0)


def test_an_alert_is_sent_when_a_fault_begins_and_when_it_ends_and_never_between(
    health: Health, clock: ManualClock
) -> None:
    health.alerts({})
    assert health.alerts({"camera": None, "outbox": None, "clock": None}) == []
    (begun,) = health.alerts({"camera": "no device /dev/video0", "outbox": None})
    assert (begun.fault, begun.active, begun.text) == ("camera", True, "no device /dev/video0")
    clock.elapsed_s += 60
    (other,) = health.alerts({"camera": "still none", "outbox": "full " * 100})
    assert (other.fault, other.active, len(other.text)) == ("outbox", True, 240)
    ended = health.alerts({"camera": None, "outbox": None})
    assert [(alert.fault, alert.active) for alert in ended] == [("camera", False), ("outbox", False)]
    assert "no device /dev/video0" in ended[0].text
    assert ended[0].at == clock.now()
    assert health.alerts({}) == []


def test_the_first_word_on_each_fault_ends_what_an_earlier_run_left_open(health: Health) -> None:
    said = health.alerts({"camera": "no device /dev/video0"})
    assert {alert.fault: alert.active for alert in said} == {
        "camera": True,
        "moved": False,
        "picture": False,
        "dark": False,
        "outbox": False,
        "clock": False,
        "config": False,
    }
    assert health.alerts({"camera": "no device /dev/video0"}) == []


def test_what_a_wrong_clock_dated_is_said_again_when_it_is_right(health: Health, clock: ManualClock) -> None:
    wrong = "the clock is not synchronised"
    assert len(health.alerts({"clock": wrong})) == 7
    assert health.alerts({"clock": wrong}) == []
    clock.elapsed_s += 3600
    (ended,) = health.alerts({"outbox": None})
    assert (ended.fault, ended.active) == ("clock", False)
    again = health.alerts({})
    assert [(alert.fault, alert.active, alert.at) for alert in again] == [
        ("camera", False, clock.now()),
        ("moved", False, clock.now()),
        ("picture", False, clock.now()),
        ("dark", False, clock.now()),
        ("outbox", False, clock.now()),
        ("config", False, clock.now()),
    ]
    assert health.alerts({}) == []


def test_each_refusal_of_a_config_is_said(health: Health) -> None:
    health.alerts({})
    for text in ("config 1 refused", "config 2 refused"):
        (said,) = health.alerts({"config": text})
        assert (said.fault, said.active, said.text) == ("config", True, text)
        assert health.alerts({"config": text}) == []
    (over,) = health.alerts({})
    assert (over.active, over.text) == (False, "over: config 2 refused")


def test_the_hottest_zone_counts_and_one_that_cannot_be_read_does_not(tmp_path: Path) -> None:
    assert temperature_c(tmp_path) is None
    for name, text in (
        ("thermal_zone0", "41234\n"),
        ("thermal_zone1", "61500\n"),
        ("thermal_zone2", "n/a\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "temp").write_text(text)
    (tmp_path / "thermal_zone3").mkdir()
    assert temperature_c(tmp_path) == 61.5


@pytest.mark.parametrize(
    ("word", "slowed"),
    [
        ("0", False),
        ("50000", False),  # it was once, and is no longer
        ("50005", True),
        ("0x8\n", True),
        ("e0008\n", True),
        ("?", None),
    ],
)
def test_what_slows_the_processor_now_counts_and_what_once_did_does_not(
    tmp_path: Path, word: str, slowed: bool | None
) -> None:
    assert throttled(tmp_path) is None
    firmware = tmp_path / "soc" / "soc:firmware"
    firmware.mkdir(parents=True)
    (firmware / "get_throttled").write_text(word)
    assert throttled(tmp_path) is slowed


def test_free_space_is_that_of_the_file_system_of_the_outbox(health: Health, tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    free_mb = found.f_bavail * found.f_frsize / 2**20
    said = health.message(
        fps=0.0, camera_open=True, dropped_total=0, outbox_depth=0, outbox_lost=0, clock_trusted=True
    ).disk_free_mb
    assert said == pytest.approx(free_mb, abs=256)  # others write to the same disk meanwhile
    assert disk_free_mb(tmp_path / "nowhere") is None


MEMORY = """
from edge.service.host import rss_mb
before = rss_mb()
held = bytes([1]) * (50 * 2**20)
print(rss_mb() - before)
"""


def test_resident_memory_grows_with_what_is_held() -> None:
    # Asked in a process of its own: one that ran other tests has freed memory to give before it grows.
    grown = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert 40 < float(grown.stdout) < 80


KERNEL = """
import sys
from pathlib import Path
from edge.service.host import _Timex, clock_trusted
assert (_Timex.status.offset, _Timex.rest.offset) == (40, 44)  # adjtimex(2) on a 64-bit machine
print(clock_trusted(Path(sys.argv[1])))
"""


def test_the_clock_is_trusted_when_timesyncd_says_so_and_else_the_kernel_is_asked(tmp_path: Path) -> None:
    marker = tmp_path / "synchronized"
    # Asked in a process of its own: a wrong layout of the kernel's struct would corrupt memory.
    kernel = subprocess.run(
        [sys.executable, "-c", KERNEL, str(marker)], capture_output=True, text=True, check=True
    )
    assert kernel.stdout.strip() in {"True", "False"}
    marker.touch()
    assert clock_trusted(marker)
