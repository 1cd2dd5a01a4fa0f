"""From the camera to the pipeline: the hand-off between their threads, and the thread of the camera."""

from __future__ import annotations

import logging
import math
import random
import threading
from collections.abc import Callable
from typing import TypeVar

from common.backoff import Backoff
from common.clock import Clock
from edge.capture.camera import Camera, CameraError
from edge.types import Frame

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0

RELAPSE_S = 3600.0
"""A fault that comes so soon after the last one is likely that one still: a loose plug, a supply too weak."""

PROOF_S = (5.0, 600.0)
"""For so long a camera that relapses must deliver before its fault is said to be over: at first, and at most. A plug
that is loose all day fills neither the log nor the outbox with alerts."""

_log = logging.getLogger(__name__)
_FAULT = {"FOOTLIGHT_FAULT": "camera"}
_Result = TypeVar("_Result")


class LatestFrame:
    """Room for one frame between two threads.

    Lossy by design: a new frame replaces one that was not taken, and the loss is counted. With ``lossless``
    ``put`` waits until there is room instead.
    """

    def __init__(self, *, lossless: bool = False) -> None:
        self._lossless = lossless
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._closed = False
        self._error: BaseException | None = None
        self._dropped = 0

    def put(self, frame: Frame) -> None:
        """Hand over ``frame``. After ``close`` it goes nowhere."""
        with self._changed:
            if self._lossless:
                self._changed.wait_for(lambda: self._frame is None or self._closed)
            if self._closed:
                return
            if self._frame is not None:
                self._dropped += 1
            self._frame = frame
            self._changed.notify_all()

    def get(self, timeout_s: float) -> Frame | None:
        """Return the newest frame, once; None when none came within ``timeout_s``, or none will come (see ``ended``).

        Raises the error given to ``close`` once the last frame is taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closed, timeout_s)
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def close(self, error: BaseException | None = None) -> None:
        """No more frames; one that waits can still be taken. ``error`` is raised to the taker.

        Only the first call counts.
        """
        with self._changed:
            if not self._closed:
                self._closed, self._error = True, error
            self._changed.notify_all()

    @property
    def dropped(self) -> int:
        """Frames that were replaced before anybody took them."""
        return self._dropped

    @property
    def ended(self) -> bool:
        """True once it is closed and the last frame was taken."""
        with self._changed:
            return self._closed and self._frame is None


class CameraThread:
    """Reads a camera into ``frames``, and opens it again after every fault that time may mend.

    A finite source is read once, without loss unless it plays as live. What cannot be mended, and whatever
    else goes wrong in the thread, is raised by ``frames.get``.

    ``wait`` sleeps for some seconds or until ``stop`` and answers whether it was stopped; ``jitter`` gives
    0..1, so that twenty devices do not all knock at one recorder at the same moment.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        clock: Clock,
        wait: Callable[[float], bool] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.frames = LatestFrame(lossless=not camera.live)
        self._camera = camera
        self._clock = clock
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait
        self._backoff = Backoff(first_s=FIRST_RETRY_S, longest_s=LONGEST_RETRY_S, clock=clock, jitter=jitter)
        self._pause_s = 0.0
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._is_open = False
        self._fault: str | None = None
        self._fault_since_s = 0.0
        self._mended_s = -math.inf
        self._proof_s = 0.0
        self._delivers_since_s: float | None = None
        self._called_at: float | None = None

    def start(self) -> None:
        """Open the camera, then read it in a thread. Raises ``CameraError`` when the first opening fails for
        good (a mistake of the configuration); any other fault is retried in the thread."""
        try:
            self._open()
        except CameraError as error:
            if error.permanent:
                raise
            self._fail(error)
        self._thread.start()

    def stop(self, timeout_s: float = 12.0) -> bool:
        """End the thread and close the camera; true when that was done in ``timeout_s``.

        A read from a frozen stream returns only after its own timeout, about 9 s. The thread is a daemon: one
        that hangs for longer dies with the process.
        """
        self._stopped.set()
        self.frames.close()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def describe(self) -> str:
        """Return the camera's name for people and logs; credentials are masked."""
        return self._camera.describe()

    @property
    def live(self) -> bool:
        """Whether the camera's times are those of the clock; those of a file are its own."""
        return self._camera.live

    @property
    def is_open(self) -> bool:
        """Whether the camera is open now."""
        return self._is_open

    @property
    def ended(self) -> bool:
        """True once a finite source is over, or the thread stopped, and every frame was taken."""
        return self.frames.ended

    @property
    def fault(self) -> str | None:
        """Why no frames come, in one line without credentials; None while they do.

        It lasts until a frame came: a camera that only opens again is not mended yet. Of one that relapses it lasts
        until frames have come for a while.
        """
        return self._fault

    @property
    def stalled_s(self) -> float:
        """For how long the camera has held the thread in one call; 0 while the thread waits by its own will.

        This is for the watchdog: a camera that is away shows as a fault, one that hangs shows here.
        """
        called_at = self._called_at
        return 0.0 if called_at is None else self._clock.monotonic() - called_at

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            try:
                self._read_all()
            finally:
                self._close()
        except BaseException as caught:  # noqa: BLE001  Not handled, only carried to the thread that ends the process.
            error = caught
        self.frames.close(error)

    def _read_all(self) -> None:
        while not self._stopped.is_set():
            if self._fault is not None and not self._is_open and self._wait(self._pause_s):
                return
            try:
                if not self._is_open:
                    self._open()
                frame = self._call(self._camera.read)
            except CameraError as error:
                if error.permanent and self._is_open:
                    raise
                self._close()
                self._fail(error)
                continue
            if frame is None:
                return
            self._mend()
            self.frames.put(frame)

    def _open(self) -> None:
        self._call(self._camera.open)
        self._is_open = True

    def _close(self) -> None:
        self._is_open = False
        self._call(self._camera.close)

    def _call(self, action: Callable[[], _Result]) -> _Result:
        self._called_at = self._clock.monotonic()
        try:
            return action()
        finally:
            self._called_at = None

    def _fail(self, error: CameraError) -> None:
        self._pause_s = self._backoff.failed()
        self._delivers_since_s = None
        if self._fault is None:
            now_s = self._clock.monotonic()
            first_s, most_s = PROOF_S
            relapsed = now_s - self._mended_s < RELAPSE_S
            self._proof_s = min(max(2 * self._proof_s, first_s), most_s) if relapsed else 0.0
            self._fault_since_s = now_s
            _log.warning("%s; trying again until it is back", error, extra=_FAULT)
        self._fault = str(error)

    def _mend(self) -> None:
        self._backoff.succeeded()
        if self._fault is None:
            return
        now_s = self._clock.monotonic()
        if self._delivers_since_s is None:
            self._delivers_since_s = now_s
        if now_s - self._delivers_since_s >= self._proof_s:
            away_s = self._delivers_since_s - self._fault_since_s
            _log.info("camera %s: back after %.0f s", self._camera.describe(), away_s, extra=_FAULT)
            self._fault, self._mended_s = None, now_s
