"""The service as a whole: scene frames in, messages at a real broker out, and what must go on when something fails."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from common.clock import SystemClock
from common.vocabulary import DWELL_BINS_S
from common.wire import (
    HealthMessage,
)
from edge.types import Coverage, Image, Sight, WindowAggregate
from edge.uplink.outbox import Outbox
from edge.vision.pool import Pool
from edge.vision.tracker import LIKELY_SCORE
from edge.vision.waiting import Waiting
from tests.edge.service.runs import (
    WINDOW_S,
    HeldCamera,
    LiveCamera,
    SlowFile,
    alerts,
    heard,
    play_stretch,
    running,
    service,
    settings,
    statuses,
    windows,
)
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.short_scene import models, stretch

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


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
    failing = FailingDetector() if crashes else None
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        app = service(settings(tmp_path, privacy={"k": 3}), mosquitto.port, detector=failing)
        with pytest.raises(RuntimeError, match="a bug") if crashes else nullcontext():
            app.run()
        until(lambda: statuses(listener) == [True, False], "the service has come and gone")
        came = windows(listener)
    assert sum(window.totals.visits for window in came) == len(stretch().truth.visits)
    released = sum(window.cohort.visits for window in came if window.cohort is not None)
    assert released == (0 if crashes else 3 + len(stretch().truth.visits))


def test_a_file_that_is_slow_to_read_is_counted_as_if_it_were_not(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        service(settings(tmp_path), mosquitto.port, SlowFile()).run()
        until(lambda: statuses(listener) == [True, False], "the service has come and gone")
        came = windows(listener)
    assert sum(window.totals.visits for window in came) == len(stretch().truth.visits)
    assert {after.start - before.start for before, after in pairwise(came)} == {timedelta(seconds=WINDOW_S)}
    assert all(window.coverage.share == 1 for window in came[1:-1])


def test_while_it_runs_it_is_retained_as_online_and_afterwards_as_offline(tmp_path: Path) -> None:
    clock = SystemClock()
    with Mosquitto(tmp_path) as mosquitto:
        app = service(settings(tmp_path), mosquitto.port, LiveCamera(clock), clock=clock)
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
        app = service(
            settings(tmp_path, window={"seconds": 3, "max_gap_s": 2.0}),  # a gap is no hiccup of this machine
            mosquitto.port,
            camera,
            clock=clock,
            detector=detector,
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
        app = service(
            settings(tmp_path, window={"seconds": 1, "max_gap_s": 0.5}), mosquitto.port, camera, clock=clock
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
        app = service(settings(tmp_path), mosquitto.port, camera)
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
