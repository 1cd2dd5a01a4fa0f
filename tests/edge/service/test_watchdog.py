"""What systemd hears of the service: it is fed as long as frames come and are looked at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.service.run import Run
from edge.types import Image, Sight
from tests.edge.service.runs import LiveCamera, running, service, settings
from tests.support.brokers import free_port, until
from tests.support.clock import ManualClock
from tests.support.service_manager import Manager
from tests.support.shop import NobodyThere

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    found = Manager(str(tmp_path / "notify"))
    for name, value in found.environ.items():
        monkeypatch.setenv(name, value)
    yield found
    found.close()


class Journal:
    """All that systemd heard, and what it heard since a moment."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._words: list[str] = []
        self._mark = 0

    def mark(self) -> None:
        self._words += self._manager.heard()
        self._mark = len(self._words)

    def since(self) -> list[str]:
        self._words += self._manager.heard()
        return [word.partition("=")[0] for word in self._words[self._mark :]]


def test_a_camera_that_hangs_stops_the_feed_although_the_loop_turns(tmp_path: Path, manager: Manager) -> None:
    clock, journal = ManualClock(), Journal(manager)
    camera = LiveCamera(clock)
    app = service(settings(tmp_path), free_port(), camera, clock=clock)

    def turn(seconds: float) -> list[str]:
        """Let time pass; the status line, said after feeding, tells that the loop has turned since."""
        journal.mark()
        clock.elapsed_s += seconds
        until(lambda: "STATUS" in journal.since(), "the loop turns")
        return journal.since()

    with running(app):
        try:
            until(lambda: "READY" in journal.since(), "it is ready")
            assert "WATCHDOG" in turn(10)
            assert "WATCHDOG" in turn(10)
            camera.hung.set()
            until(lambda: camera_stalls(app, clock), "the camera is in the call that hangs")
            turn(21)
            turn(10)
            assert [word for _ in range(4) for word in turn(10) if word == "WATCHDOG"] == []
        finally:
            camera.go_on()
        given = camera.given
        until(lambda: camera.given > given, "frames come again")
        until(lambda: "WATCHDOG" in turn(10), "the feed goes on")
    assert journal.since()[-1] == "STOPPING"


def camera_stalls(app: Run, clock: ManualClock) -> bool:
    """Whether the camera thread stands in one call while time passes."""
    clock.elapsed_s += 0.01
    return app._camera.stalled_s > 0.1


class HangingDetector(NobodyThere):
    """Finds nobody, and does not return while ``hung`` is set."""

    def __init__(self) -> None:
        self.hung, self.inside = threading.Event(), threading.Event()
        self.release = threading.Event()

    def look(self, image: Image) -> Sight:
        if self.hung.is_set():
            self.inside.set()
            assert self.release.wait(60)
        return super().look(image)


def test_a_frame_loop_that_stands_still_stops_the_feed_although_the_camera_lives(
    tmp_path: Path, manager: Manager
) -> None:
    clock, journal, detector = ManualClock(), Journal(manager), HangingDetector()
    camera = LiveCamera(clock)
    app = service(settings(tmp_path), free_port(), camera, clock=clock, detector=detector)
    with running(app):
        try:
            clock.elapsed_s += 10
            until(lambda: "WATCHDOG" in journal.since(), "it is fed")
            detector.hung.set()
            clock.elapsed_s += 1  # an empty shop is not looked at in every frame
            assert detector.inside.wait(20)
            journal.mark()
            given = camera.given
            clock.elapsed_s += 30
            until(lambda: camera.given > given + 60, "the camera goes on for two seconds")
            assert journal.since() == []
        finally:
            detector.hung.clear()
            detector.release.set()
        until(lambda: "WATCHDOG" in journal.since(), "it is fed again")
