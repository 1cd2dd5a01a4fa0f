"""The service as a whole: scene frames in, messages at a real broker out, and what must go on when something fails."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import (
    DWELL_BINS_S,
    AlertMessage,
    HealthMessage,
    Message,
    StatusMessage,
    WindowMessage,
    decode,
)
from edge.capture.camera import CameraError
from edge.config import Settings
from edge.scene.camera import SceneCamera
from edge.service.build import build
from edge.service.run import FRAME_WAIT_S, Run
from edge.types import Coverage, Frame, Image, Sight, WindowAggregate
from edge.uplink.outbox import Outbox
from edge.vision.pool import Pool
from edge.vision.tracker import LIKELY_SCORE
from edge.vision.waiting import Waiting
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.clock import ManualClock
from tests.support.service_manager import Manager
from tests.support.shop import NobodyThere
from tests.support.short_scene import clear_frame, models, stretch

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

WINDOW_S = 2


def settings(folder: Path, **sections: Any) -> Settings:
    values: dict[str, Any] = {
        "site": "shop",
        "window": {"seconds": WINDOW_S},
        "outbox": {"path": folder / "outbox.sqlite"},
        "health": {"every_s": 5},
    }
    return Settings.model_validate({**values, **sections})


class HeldCamera(SceneCamera):
    """The stretch; after its last frame the end waits for ``release``."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock(), scene=stretch())
        self.played, self.release = threading.Event(), threading.Event()

    def read(self) -> Frame | None:
        frame = super().read()
        if frame is None:
            self.played.set()
            assert self.release.wait(60)
        return frame


class SlowFile(SceneCamera):
    """The stretch from a disk that stops for a while when somebody stands in view."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock(), scene=stretch())
        self._slow_at = clear_frame()[0]

    def read(self) -> Frame | None:
        frame = super().read()
        if frame is not None and frame.sequence == self._slow_at:
            threading.Event().wait(3 * FRAME_WAIT_S)
        return frame


class LiveCamera:
    """A camera that looks at an empty shop. It fails while ``away`` is set and hangs while ``hung`` is."""

    live = True

    def __init__(self, clock: SystemClock | ManualClock) -> None:
        self.given = 0
        self.away, self.hung = threading.Event(), threading.Event()
        self._moves = threading.Condition()
        self._clock = clock
        self._picture = stretch().render(0)

    def open(self) -> None:
        if self.away.is_set():
            raise CameraError("camera live: gone")

    def read(self) -> Frame:
        if self.away.is_set():
            raise CameraError("camera live: stopped sending pictures")
        with self._moves:
            self._moves.wait_for(lambda: not self.hung.is_set(), 60)
            self._moves.wait(1 / 30)  # its rate
        self.given += 1
        return Frame(self._picture, self._clock.now(), self._clock.monotonic(), self.given)

    def go_on(self) -> None:
        with self._moves:
            self.hung.clear()
            self._moves.notify_all()

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "live"


@contextmanager
def running(app: Run) -> Iterator[Future[bool]]:
    """The service in a thread, stopped and ended at the end."""
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(app.run)
        try:
            yield run
        finally:
            app.stop.set()
            run.result(30)


def heard(listener: Listener, channel: str) -> list[Message]:
    return [decode(message.topic, bytes(message.payload)) for message in listener.on(channel)]


def windows(listener: Listener) -> list[WindowMessage]:
    """As they came; one that was delivered twice is there once."""
    found = [message for message in heard(listener, "window") if isinstance(message, WindowMessage)]
    return list({(message.boot_id, message.seq): message for message in found}.values())


def statuses(listener: Listener) -> list[bool]:
    return [message.online for message in heard(listener, "status") if isinstance(message, StatusMessage)]


def alerts(listener: Listener, fault: str) -> list[AlertMessage]:
    found = [message for message in heard(listener, "alert") if isinstance(message, AlertMessage)]
    return [message for message in found if message.fault == fault]


def play_stretch(folder: Path, port: int, **sections: Any) -> None:
    build(
        settings(folder, **sections),
        clock=SystemClock(),
        camera=SceneCamera(clock=SystemClock(), scene=stretch()),
        broker=Broker("127.0.0.1", port),
        models=models(),
    ).run()


def test_a_stretch_of_the_scene_arrives_as_windows_without_a_gap(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        play_stretch(tmp_path, mosquitto.port)
        until(lambda: statuses(listener) == [True, False], "the service has come and gone")
        came = windows(listener)
    assert [window.seq for window in came] == list(range(len(came)))
    assert len({window.boot_id for window in came}) == 1
    assert {after.start - before.start for before, after in pairwise(came)} == {timedelta(seconds=WINDOW_S)}
    assert sum(window.totals.visits for window in came) == len(stretch().truth.visits)
    assert all(window.coverage.share == 1 for window in came[1:-1])
    # two visits are no cohort of five: nothing but totals leaves, and what waited is not told later either
    assert [window.cohort for window in came] == [None] * len(came)


@pytest.mark.parametrize("broker_is_there", [True, False])
def test_a_source_that_ends_is_told_with_what_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broker_is_there: bool
) -> None:
    caplog.set_level(logging.INFO)
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#"):
        play_stretch(tmp_path, mosquitto.port if broker_is_there else free_port())
    (told,) = (record for record in caplog.records if "the source has ended" in record.getMessage())
    text = told.getMessage()
    assert text.startswith("camera scene:")
    if broker_is_there:
        assert (told.levelname, text.split("; ")[1]) == ("INFO", "every message was delivered")
    else:
        with closing(Outbox(tmp_path / "outbox.sqlite", max_messages=100)) as outbox:
            waiting = outbox.depth
        assert told.levelname == "WARNING"
        assert text.endswith(f"; {waiting} messages wait in the outbox for the next run")
        assert waiting > 0


def test_with_a_cohort_of_one_every_visit_is_described(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        play_stretch(tmp_path, mosquitto.port, privacy={"k": 1, "max_cohort": 1, "profile": "expression"})
        until(lambda: statuses(listener) == [True, False], "the service has come and gone")
        cohorts = [window.cohort for window in windows(listener) if window.cohort is not None]
    assert sum(cohort.visits for cohort in cohorts) == len(stretch().truth.visits)
    for cells in ("gender", "age_band", "expression"):
        assert sum(sum(getattr(cohort, cells).values()) for cohort in cohorts) == len(stretch().truth.visits)


class WatchedDetector:
    """The real one; ``looks`` counts how often it looked at a whole frame."""

    def __init__(self) -> None:
        self._detector = models().detector
        self.looks = 0

    @property
    def near_size(self) -> tuple[int, int]:
        return self._detector.near_size

    def look(self, image: Image) -> Sight:
        self.looks += 1
        return self._detector.look(image)

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        return self._detector.look_near(image, corner)


class FailingDetector(WatchedDetector):
    """Works until everybody has gone, and ends in a fault that nobody named."""

    GONE_LOOKS = 5

    def __init__(self) -> None:
        super().__init__()
        self._somebody_came, self._empty = False, 0

    def look(self, image: Image) -> Sight:
        sight = super().look(image)
        scores = [face.score for face in sight.faces] + [body.score for body in sight.bodies]
        is_empty = max(scores, default=0.0) < LIKELY_SCORE
        self._somebody_came |= not is_empty
        self._empty = self._empty + 1 if is_empty else 0
        if self._somebody_came and self._empty == self.GONE_LOOKS:
            raise RuntimeError("a bug")
        return sight


def keep_waiting(folder: Path, count: int) -> None:
    """What a run before this one left behind: visits that wait for their cohort."""
    pool = Pool()
    started = datetime(2026, 3, 2, 8, tzinfo=UTC)
    pool.add(
        WindowAggregate(
            start=started,
            end=started + timedelta(seconds=WINDOW_S),
            visits=count,
            viewers=0,
            occupancy_mean=1.0,
            occupancy_max=1,
            dwell_sum_s=3.0 * count,
            attention_sum_s=0.0,
            dwell_histogram=(count - 1, 1, *[0] * (len(DWELL_BINS_S) - 2)),
            attention_histogram=(count, *[0] * (len(DWELL_BINS_S) - 1)),
            breakdown={("female", "25-34", "neutral"): 1, ("male", "35-44", "happy"): count - 1},
            coverage=Coverage(float(WINDOW_S), 10, 0),
            closing=False,
        ),
        places_of="",
    )
    outbox = Outbox(settings(folder).outbox.location(), max_messages=10)
    outbox.remember(Waiting(pool).dump())
    outbox.close()


@pytest.mark.parametrize("crashes", [False, True])
def test_a_crash_releases_no_visit_that_waits_for_its_cohort(tmp_path: Path, crashes: bool) -> None:
    keep_waiting(tmp_path, 3)
    failing = replace(models(), detector=FailingDetector())
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        app = build(
            settings(tmp_path, privacy={"k": 3}),
            clock=SystemClock(),
            camera=SceneCamera(clock=SystemClock(), scene=stretch()),
            broker=Broker("127.0.0.1", mosquitto.port),
            models=failing if crashes else models(),
        )
        with pytest.raises(RuntimeError, match="a bug") if crashes else nullcontext():
            app.run()
        until(lambda: statuses(listener) == [True, False], "the service has come and gone")
        came = windows(listener)
    assert sum(window.totals.visits for window in came) == len(stretch().truth.visits)
    released = sum(window.cohort.visits for window in came if window.cohort is not None)
    assert released == (0 if crashes else 3 + len(stretch().truth.visits))


def test_a_file_that_is_slow_to_read_is_counted_as_if_it_were_not(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        build(
            settings(tmp_path),
            clock=SystemClock(),
            camera=SlowFile(),
            broker=Broker("127.0.0.1", mosquitto.port),
            models=models(),
        ).run()
        until(lambda: statuses(listener) == [True, False], "the service has come and gone")
        came = windows(listener)
    assert sum(window.totals.visits for window in came) == len(stretch().truth.visits)
    assert {after.start - before.start for before, after in pairwise(came)} == {timedelta(seconds=WINDOW_S)}
    assert all(window.coverage.share == 1 for window in came[1:-1])


def test_while_it_runs_it_is_retained_as_online_and_afterwards_as_offline(tmp_path: Path) -> None:
    clock = SystemClock()
    with Mosquitto(tmp_path) as mosquitto:
        app = build(
            settings(tmp_path),
            clock=clock,
            camera=LiveCamera(clock),
            broker=Broker("127.0.0.1", mosquitto.port),
            models=models(),
        )
        with Listener(mosquitto.port, "footlight/#", client_id="early") as early:
            with running(app):
                until(lambda: windows(early), "a window is over")
                with Listener(mosquitto.port, "footlight/+/+/+/status", client_id="midway") as midway:
                    until(lambda: statuses(midway) == [True], "it is retained as online")
                until(lambda: heard(early, "health"), "it says how it does")
                health = heard(early, "health")[0]
                before = len(windows(early))
            assert isinstance(health, HealthMessage)
            assert (health.boot_id, health.model) == (windows(early)[1].boot_id, models().manifest.version)
            # the first one too tells the rate of some seconds and not that of the first frame
            assert health.fps > 5
            until(lambda: statuses(early) == [True, False], "it says that it goes")
            # the window that was open when it was told to stop is published, though it is not over
            assert len(windows(early)) > before
            last = windows(early)[-1]
            assert 0 < last.coverage.share < 1
        with Listener(mosquitto.port, "footlight/+/+/+/status", client_id="late") as late:
            until(lambda: statuses(late) == [False], "it is retained as offline")


def test_an_empty_shop_is_not_looked_at_in_every_frame_and_counts_as_watched(tmp_path: Path) -> None:
    clock, detector = SystemClock(), WatchedDetector()
    camera = LiveCamera(clock)
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        app = build(
            settings(tmp_path, window={"seconds": 3, "max_gap_s": 2.0}),  # a gap is no hiccup of this machine
            clock=clock,
            camera=camera,
            broker=Broker("127.0.0.1", mosquitto.port),
            models=replace(models(), detector=detector),
        )
        with running(app):
            until(lambda: len(windows(listener)) == 3, "some windows are over")
        until(lambda: statuses(listener) == [True, False], "it has gone")
        came = windows(listener)
    assert [window.coverage.share for window in came[1:-1]] == pytest.approx([1] * (len(came) - 2), abs=0.001)
    assert 0 < detector.looks < 0.7 * camera.given  # the rest was neither looked at nor missed


def test_a_camera_that_goes_away_is_one_alert_and_time_without_coverage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SystemClock()
    camera = LiveCamera(clock)
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        app = build(
            settings(tmp_path, window={"seconds": 1, "max_gap_s": 0.5}),
            clock=clock,
            camera=camera,
            broker=Broker("127.0.0.1", mosquitto.port),
            models=models(),
        )
        with running(app):
            until(lambda: windows(listener), "a window is over")
            camera.away.set()
            until(lambda: len(alerts(listener, "camera")) == 2, "the alert begins")
            until(lambda: windows(listener)[-1].coverage.share == 0, "a window saw nothing")
            camera.away.clear()
            until(lambda: len(alerts(listener, "camera")) == 3, "the alert ends")
            until(lambda: windows(listener)[-1].coverage.share > 0, "frames are counted again")
        until(lambda: statuses(listener) == [True, False], "it has gone")
        first, began, ended = alerts(listener, "camera")
        came = windows(listener)
    assert not first.active, "the first word on it: an earlier run may have left one open"
    # Which of the two depends on whether it was asked again before the loop looked.
    assert began.active
    assert began.text in ("camera live: stopped sending pictures", "camera live: gone")
    assert (ended.active, ended.text) == (False, f"over: {began.text}")
    assert [window.seq for window in came] == list(range(len(came)))
    blind = [window for window in came if window.coverage.share == 0]
    assert blind
    told = [record for record in caplog.records if record.name == "edge.capture.thread"]
    assert [record.levelname for record in told] == [
        "WARNING"
    ]  # the end is information, below caplog's level


def test_while_the_broker_is_away_counting_goes_on_and_everything_is_delivered_later(tmp_path: Path) -> None:
    camera = HeldCamera()
    mosquitto = Mosquitto(tmp_path).start()
    with Listener(mosquitto.port, "footlight/#") as listener:
        mosquitto.stop()
        app = build(
            settings(tmp_path),
            clock=SystemClock(),
            camera=camera,
            broker=Broker("127.0.0.1", mosquitto.port),
            models=models(),
        )
        try:
            with running(app) as run:
                assert camera.played.wait(60)
                assert windows(listener) == []
                mosquitto.start()
                until(lambda: windows(listener), "what waited is delivered", timeout_s=60)
                camera.release.set()
                run.result(30)
                until(lambda: statuses(listener) == [True, False], "the service has come and gone")
                came = windows(listener)
        finally:
            camera.release.set()
            mosquitto.kill()
    assert [window.seq for window in came] == list(range(len(came)))
    assert sum(window.totals.visits for window in came) == len(stretch().truth.visits)


def test_a_restart_within_a_window_says_no_window_twice(tmp_path: Path) -> None:
    """The stretch plays faster than time, so the second run begins long before the first one's last window ends."""
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        play_stretch(tmp_path, mosquitto.port)
        play_stretch(tmp_path, mosquitto.port)
        until(lambda: statuses(listener) == [True, False] * 2, "both runs have come and gone")
        came = windows(listener)
    assert len({window.boot_id for window in came}) == 2
    assert len({window.start for window in came}) == len(came)
    assert sum(window.totals.visits for window in came) == 2 * len(stretch().truth.visits)


# What systemd hears


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
    app = build(
        settings(tmp_path),
        clock=clock,
        camera=camera,
        broker=Broker("127.0.0.1", free_port()),
        models=models(),
    )

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
    app = build(
        settings(tmp_path),
        clock=clock,
        camera=camera,
        broker=Broker("127.0.0.1", free_port()),
        models=replace(models(), detector=detector),
    )
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


# The process


def test_sigterm_ends_the_service_cleanly_with_its_last_window(tmp_path: Path) -> None:
    config, log = tmp_path / "edge.yaml", tmp_path / "log"
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        chosen = settings(
            tmp_path,
            camera={"source": "scene", "realtime": True},
            mqtt={"host": "127.0.0.1", "port": mosquitto.port},
        )
        config.write_text(yaml.safe_dump(json.loads(chosen.model_dump_json())))
        command = [sys.executable, "-W", "error", "-m", "edge", "run", "--config", str(config)]
        environ = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        with log.open("wb") as stderr, subprocess.Popen(command, stderr=stderr, env=environ) as process:
            try:
                until(lambda: len(windows(listener)) >= 2, "windows are published", timeout_s=60)
                before = len(windows(listener))
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == 0, log.read_text()
            finally:
                process.kill()
        until(lambda: statuses(listener) == [True, False], "it says that it goes")
        came = windows(listener)
    assert len(came) > before
    assert [window.seq for window in came] == list(range(len(came)))
    assert came[-1].coverage.share > 0
    said = log.read_text()
    assert "Traceback" not in said
    assert "ERROR" not in said
