"""What a camera is, whatever it is made of."""

from __future__ import annotations

from typing import Protocol

from common.errors import UserError
from edge.types import Frame


class CameraError(UserError):
    """The camera cannot be opened or read.

    ``permanent`` is true for what no waiting can mend: a missing file, a missing library, no such device.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class Camera(Protocol):
    """One source of frames. It need not be thread-safe: one thread opens, reads and closes it at a time."""

    @property
    def live(self) -> bool:
        """True when a frame not taken in time is worthless; false for files, where each one counts."""
        ...

    def open(self) -> None:
        """Make it ready to read; again after ``close``. Raises ``CameraError``."""
        ...

    def read(self) -> Frame | None:
        """The next frame; waits for it. None when a finite source is over. Raises ``CameraError``.

        ``sequence`` grows by one a frame. For a live source both times are those of the moment the frame was
        grabbed; for a file ``monotonic_s`` is its presentation time, 0 at the start, and ``captured_at`` that
        much after the moment of opening.
        """
        ...

    def close(self) -> None:
        """Release the device. Harmless when it is not open."""
        ...

    def describe(self) -> str:
        """Its name for people and logs; credentials are masked."""
        ...
