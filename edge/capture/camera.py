"""What a camera is, and which one a source means."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from common.clock import Clock
from common.errors import UserError
from common.masking import masked
from edge.types import Frame

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https")


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


def open_camera(
    source: int | str, *, width: int, height: int, fps: float, clock: Clock, realtime: bool = False
) -> Camera:
    """The camera that ``source`` means, built but not opened yet.

    ``source`` is a camera number or a path below /dev (V4L2), a URL (rtsp, http), ``csi`` or ``csi:N``
    (libcamera), ``scene`` or ``scene:SEED`` (the sample scene), a video, a picture, or a folder of pictures,
    taken by name. ``width``, ``height`` (pixels) and ``fps`` are asked of V4L2 and CSI cameras; pictures play
    at ``fps``, and so do videos that state no rate. ``realtime`` plays a finite source at its own pace, as if
    it were live. Raises ``CameraError`` for a source that means nothing.
    """
    # Each adapter is imported only when it is asked for: their libraries are not all on every machine.
    from edge.capture import opencv, picamera, replay

    text = str(source)
    if text.isdecimal() or text.startswith("/dev/"):
        device = f"/dev/video{int(text)}" if text.isdecimal() else text
        return opencv.v4l2_camera(device, width=width, height=height, fps=fps, clock=clock)
    if "://" in text:
        scheme = text.partition("://")[0].lower()
        if scheme not in _STREAM_SCHEMES:
            raise CameraError(
                f"camera source {masked(text)}: cannot read {scheme!r}; use {', '.join(_STREAM_SCHEMES)}",
                permanent=True,
            )
        return opencv.stream_camera(text, clock=clock)
    kind, _, argument = text.partition(":")
    if kind == "csi":
        return picamera.PiCamera(_number(text, argument), width=width, height=height, fps=fps, clock=clock)
    finite: Camera
    path = Path(text).expanduser()
    if kind == "scene":
        seed = _number(text, argument)
        from edge.scene.camera import SceneCamera

        finite = SceneCamera(seed, clock=clock) if argument else SceneCamera(clock=clock)
    elif path.is_dir():
        finite = opencv.PictureFiles(path, fps=fps, clock=clock)
    elif not path.exists():
        raise CameraError(
            f"camera source {text}: no such file; give a camera number, an rtsp:// address, csi, scene, "
            "a video, a picture or a folder of pictures",
            permanent=True,
        )
    elif path.suffix.lower() in PICTURE_SUFFIXES:
        finite = opencv.PictureFiles(path, fps=fps, clock=clock)
    else:
        finite = opencv.VideoFile(path, fps=fps, clock=clock)
    return replay.Paced(finite, clock=clock) if realtime else finite


def _number(source: str, text: str) -> int:
    """The number behind the colon of ``csi:1`` or ``scene:7``; 0 when there is none."""
    if text and not text.isdecimal():
        kind = source.partition(":")[0]
        raise CameraError(f"camera source {source}: {text!r} is no number; write {kind}:0", permanent=True)
    return int(text or 0)
