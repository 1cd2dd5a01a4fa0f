"""What systemd hears, on a real datagram socket, and what makes it hear nothing."""

from __future__ import annotations

import configparser
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.reports.printing import BROWSERS
from edge.service.systemd import Notifier, Watchdog
from tests.support.clock import ManualClock
from tests.support.paths import ROOT
from tests.support.programs import require_program
from tests.support.service_manager import Manager

pytestmark = pytest.mark.systemd

UNIT = ROOT / "systemd" / "footlight-edge.service"


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    found = Manager(str(tmp_path / "notify") if request.param == "file" else f"@footlight-test-{os.getpid()}")
    yield found
    found.close()


def test_each_word_is_one_datagram(manager: Manager) -> None:
    notifier = Notifier(manager.environ)
    notifier.ready()
    notifier.status("counting,\n3 in view")
    notifier.watchdog()
    notifier.stopping()
    assert manager.heard() == ["READY=1", "STATUS=counting, 3 in view", "WATCHDOG=1", "STOPPING=1"]


def test_the_interval_is_ours_only(manager: Manager) -> None:
    assert Notifier(manager.environ).watchdog_s == 30.0
    assert Notifier({**manager.environ, "WATCHDOG_PID": "1"}).watchdog_s is None
    without_pid = {name: value for name, value in manager.environ.items() if name != "WATCHDOG_PID"}
    assert Notifier(without_pid).watchdog_s == 30.0
    assert Notifier({"NOTIFY_SOCKET": manager.environ["NOTIFY_SOCKET"]}).watchdog_s is None


def test_without_a_manager_nothing_happens() -> None:
    notifier = Notifier({})
    for call in (notifier.ready, notifier.watchdog, notifier.stopping):
        call()
    assert notifier.watchdog_s is None
    watchdog = Watchdog(notifier, ManualClock())
    assert watchdog.feed()


def test_it_is_fed_while_everything_moves_and_not_oftener_than_needed(manager: Manager) -> None:
    clock, frames = ManualClock(), 0
    watchdog = Watchdog(Notifier(manager.environ), clock)
    watchdog.watch("camera", lambda: frames, limit_s=10)
    for _ in range(600):
        clock.elapsed_s += 0.1
        frames += 1
        assert watchdog.feed()
    fed = manager.heard()
    assert set(fed) == {"WATCHDOG=1"}
    # Twice within systemd's 30 s at the least, and not with every frame.
    assert 4 <= len(fed) <= 10


def test_one_thing_that_stands_still_stops_the_feed_until_it_moves(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    camera, uplink = [0, 0], 0
    watchdog = Watchdog(Notifier(manager.environ), clock)
    watchdog.watch("camera", lambda: tuple(camera), limit_s=10)
    watchdog.watch("uplink", lambda: uplink, limit_s=60)

    def run(seconds: int, *, frames: int = 0, attempts: int = 0) -> list[str]:
        nonlocal uplink
        for _ in range(seconds):
            clock.elapsed_s += 1
            uplink += 1
            camera[0] += frames
            camera[1] += attempts
            watchdog.feed()
        return manager.heard()

    assert run(60, frames=1)
    # Unplugged: no frame comes, and every attempt at opening shows that the thread lives.
    assert run(60, attempts=1)
    # Hung in a read: neither.
    run(10)
    assert run(60) == []
    assert watchdog.stuck == {"camera"}
    assert run(20, frames=1)
    assert watchdog.stuck == frozenset()
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_logging_is_one_line_on_stderr_where_there_is_no_journal() -> None:
    code = """
import logging
from edge.service.systemd import configure_logging
configure_logging("info")
logging.getLogger("edge.x").debug("unsaid")
logging.getLogger("edge.x").warning("said")
"""
    for stream in ({}, {"JOURNAL_STREAM": "1:1"}):  # the second names some other stream than stderr
        environ = {**os.environ, **stream}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
        )
        (line,) = done.stderr.splitlines()
        assert line.endswith("WARNING edge.x: said")


def test_the_device_is_watched_and_started_again() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    service = dict(unit["Service"])
    assert (service["Type"], service["Restart"], service["WatchdogSec"]) == ("notify", "always", "30")


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Copies that name a program which is here; everything else is as it ships, the template of the device too."""
    folder = tmp_path_factory.mktemp("units")
    for unit in sorted([*UNIT.parent.glob("*.service"), *UNIT.parent.glob("*.timer")]):
        text = re.sub(r"^(Exec\w+)=/opt/\S+", rf"\1={sys.executable}", unit.read_text(), flags=re.MULTILINE)
        (folder / unit.name).write_text(text)
    (folder / "footlight-edge@.service").write_text((folder / "footlight-edge.service").read_text())
    return sorted(folder.iterdir())


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = require_program("systemd-analyze", "apt-get install systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_systemd_finds_nothing_wrong_with_any_unit(units: list[Path]) -> None:
    assert {"footlight-edge@.service", "footlight-rollup.timer"} <= {unit.name for unit in units}
    done = analyze("verify", "--man=no", "--recursive-errors=no", *map(str, units))
    assert (done.returncode, done.stderr) == (0, "")


def test_every_service_is_locked_in(units: list[Path]) -> None:
    services = [unit for unit in units if unit.suffix == ".service"]
    assert UNIT.name in {unit.name for unit in services}
    for unit in services:
        # In tenths: an exposure of 2.0 at most, of 10. The doctor looks into the service's process for leaks, for
        # which it needs a capability and a kind of socket more.
        most = 23 if unit.name.startswith("footlight-doctor@") else 20
        done = analyze("security", "--offline=true", "--no-pager", f"--threshold={most}", str(unit))
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("name", ["rollup", "report"])
def test_what_sums_and_reports_reads_the_files_of_the_page(name: str) -> None:
    """Takings and count checks lie there, readable for the user of the page alone."""
    page, unit = (
        dict(
            re.findall(
                "^(StateDirectory|User|DynamicUser)=(.*)$", (UNIT.parent / one).read_text(), re.MULTILINE
            )
        )
        for one in ("footlight-page.service", f"footlight-{name}.service")
    )
    # files beside the store lie in the first folder of a service
    assert unit["StateDirectory"].split()[0] == page["StateDirectory"] == "footlight-page"
    # a dynamic user of a service without User= has the name of the service
    assert (unit["User"], unit["DynamicUser"], page["DynamicUser"]) == ("footlight-page", "yes", "yes")
    assert page.get("User", "footlight-page") == unit["User"]


def test_a_service_that_prints_reports_sees_no_browser_that_its_sandbox_would_break() -> None:
    for name in ("footlight-serve", "footlight-page"):
        text = (UNIT.parent / f"{name}.service").read_text()
        hidden = " ".join(re.findall("^InaccessiblePaths=(.*)$", text, flags=re.MULTILINE)).split()
        assert {f"-/usr/bin/{browser}" for browser in BROWSERS} <= set(hidden)


def test_a_secret_that_is_not_there_keeps_no_service_from_starting() -> None:
    for unit in sorted(UNIT.parent.glob("*.service")):
        loaded = dict(re.findall(r"^LoadCredential=([^:]+):(.*)$", unit.read_text(), flags=re.MULTILINE))
        kept = set(re.findall(r"^SetCredential=([^:]+):\\n$", unit.read_text(), flags=re.MULTILINE))
        assert {name for name, path in loaded.items() if not path.endswith(".yaml")} == kept, unit.name
        # by hand the folder of the secrets stands for that of the credentials, so they have the same names
        assert all(Path(loaded[name]).name == name for name in kept), unit.name
