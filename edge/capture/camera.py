"""The interface of every camera."""

from __future__ import annotations

from typing import Protocol

from common.errors import UserError
from edge.types import Frame


class CameraError(UserError):
    """The camera cannot be opened or read.

    ``permanent`` is true if a retry cannot help: a missing file, a missing library, no such device.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class Camera(Protocol):
    """One source of frames. It does not have to be thread-safe: only one thread at a time uses it."""

    @property
    def live(self) -> bool:
        """True for a camera, where a late frame is useless; false for a file, where every frame counts."""
        ...

    def open(self) -> None:
        """Open the camera, also again after ``close``. Raises ``CameraError``."""
        ...

    def read(self) -> Frame | None:
        """Wait for the next frame and return it; None at the end of a finite source. Raises ``CameraError``.

        ``sequence`` grows by one a frame. For a live source both times are the moment of capture. For a file,
        ``monotonic_s`` is the presentation time, 0 at the start, and ``captured_at`` is the time of opening plus
        ``monotonic_s``.
        """
        ...

    def close(self) -> None:
        """Release the device; do nothing if it is not open."""
        ...

    def describe(self) -> str:
        """Return the name for people and logs, with credentials masked."""
        ...
