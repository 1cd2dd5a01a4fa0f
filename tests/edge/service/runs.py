"""The service as tests run it: its settings, cameras, and what a listener hears of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.clock import Clock, SystemClock
from common.mqtt.broker import Broker
from common.wire import (
    AlertMessage,
    Message,
    StatusMessage,
    WindowMessage,
    decode,
)
from edge.capture.camera import Camera, CameraError
from edge.config import Settings
from edge.scene.camera import SceneCamera
from edge.scene.render import Scene
from edge.service.build import build
from edge.service.host import clock_trusted
from edge.service.run import FRAME_WAIT_S, Run
from edge.types import Detector, Frame
from tests.support.brokers import Listener
from tests.support.short_scene import clear_frame, models, stretch

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

    def __init__(self, clock: Clock) -> None:
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


def service(
    asked: Settings,
    port: int,
    camera: Camera | None = None,
    *,
    clock: Clock | None = None,
    detector: Detector | None = None,
    is_clock_set: Callable[[], bool] = clock_trusted,
) -> Run:
    """The service with a broker on this machine and the models that ship. Unless told otherwise, it looks at the
    stretch by the clock of this machine."""
    clock, found = clock or SystemClock(), models()
    return build(
        asked,
        clock=clock,
        camera=camera or SceneCamera(clock=clock, scene=stretch()),
        broker=Broker("127.0.0.1", port),
        models=replace(found, detector=detector) if detector else found,
        is_clock_set=is_clock_set,
    )


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


def play_stretch(folder: Path, port: int, *, scene: Scene | None = None, **sections: Any) -> None:
    service(
        settings(folder, **sections), port, SceneCamera(clock=SystemClock(), scene=scene or stretch())
    ).run()
