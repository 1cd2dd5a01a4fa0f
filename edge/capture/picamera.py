"""CSI cameras of a Raspberry Pi, through libcamera."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.clock import Clock
from edge.capture.camera import CameraError
from edge.types import Frame


class PiCamera:
    """Camera number ``index`` at the ribbon connectors.

    picamera2 cannot stop waiting for a frame, so a sensor that stops sending blocks ``read`` forever. Then the watchdog
    ends the process.
    """

    live = True

    def __init__(self, index: int, *, width: int, height: int, fps: float, clock: Clock) -> None:
        self._index = index
        self._size = (width, height)
        self._fps = fps
        self._clock = clock
        self._device: Any = None
        self._sequence = 0

    def open(self) -> None:
        self.close()
        try:
            # From the system's packages, because it is built for the system's libcamera: there is no wheel.
            from picamera2 import Picamera2
        except ImportError as error:
            raise CameraError(
                f"camera {self.describe()}: picamera2 cannot be loaded ({error}); run 'sudo apt install "
                "python3-picamera2' and create the environment with --system-site-packages",
                permanent=True,
            ) from None
        found = len(Picamera2.global_camera_info())
        if self._index >= found:
            raise CameraError(
                f"camera {self.describe()}: {found} found; check the ribbon cable, then reboot",
                permanent=True,
            )
        try:
            self._device = Picamera2(self._index)
            # libcamera names formats by the machine word, not the byte order: RGB888 is B, G, R in memory.
            stream = {"size": self._size, "format": "RGB888"}
            self._device.configure(
                self._device.create_video_configuration(main=stream, controls={"FrameRate": self._fps})
            )
            self._device.start()
        except (RuntimeError, OSError) as error:
            self.close()
            raise CameraError(
                f"camera {self.describe()}: cannot be started ({error}); stop the program that uses it"
            ) from None

    def read(self) -> Frame | None:
        if self._device is None:
            raise CameraError(f"camera {self.describe()}: not open")
        try:
            image = self._device.capture_array("main")
        except (RuntimeError, OSError) as error:
            raise CameraError(f"camera {self.describe()}: stopped sending pictures ({error})") from None
        self._sequence += 1
        return Frame(
            np.ascontiguousarray(image), self._clock.now(), self._clock.monotonic(), self._sequence - 1
        )

    def close(self) -> None:
        if self._device is not None:
            device, self._device = self._device, None
            device.close()

    def describe(self) -> str:
        return f"csi:{self._index}"
