"""Build the camera for a source."""

from __future__ import annotations

from pathlib import Path

from common.clock import Clock
from common.masking import masked
from edge.capture.camera import Camera, CameraError
from edge.capture.source import PICTURE_SUFFIXES, Device, File, Ribbon, SampleScene, Stream, parse_source


def open_camera(
    source: int | str,
    *,
    width: int,
    height: int,
    fps: float,
    clock: Clock,
    rotate: int = 0,
    realtime: bool = False,
) -> Camera:
    """Build the camera of ``source``, not opened yet.

    ``source`` is a camera number or a path below /dev (V4L2), a URL (rtsp, http), ``csi`` or ``csi:N``
    (libcamera), ``scene`` or ``scene:SEED`` (the sample scene), ``scene:door`` or ``scene:shelf``, with or without
    ``:SEED`` (its second act), a video, a picture, or a folder of pictures, in order of name. ``width``, ``height``
    (pixels) and ``fps`` are requested from V4L2 and CSI cameras; pictures, and videos without a rate, play at ``fps``.
    ``rotate`` turns every picture clockwise by 90, 180 or 270 degrees. ``realtime`` plays a finite source at its own
    speed, as if it were live. Raises ``CameraError`` for an invalid source.
    """
    camera = _camera(source, width=width, height=height, fps=fps, clock=clock)
    if rotate:
        from edge.capture.rotation import Rotated

        camera = Rotated(camera, rotate)
    if realtime and not camera.live:
        from edge.capture.replay import Paced

        camera = Paced(camera, clock=clock)
    return camera


def _camera(source: int | str, *, width: int, height: int, fps: float, clock: Clock) -> Camera:
    # Each adapter is imported only when it is needed, because not every machine has all their libraries.
    try:
        meaning = parse_source(str(source))
    except ValueError as error:
        raise CameraError(f"camera source {masked(str(source))}: {error}", permanent=True) from None
    match meaning:
        case Device(path):
            from edge.capture.live import v4l2_camera

            return v4l2_camera(path, width=width, height=height, fps=fps, clock=clock)
        case Stream(url):
            from edge.capture.live import stream_camera

            return stream_camera(url, clock=clock)
        case Ribbon(index):
            from edge.capture.picamera import PiCamera

            return PiCamera(index, width=width, height=height, fps=fps, clock=clock)
        case SampleScene(seed, name):
            from edge.scene.camera import SceneCamera
            from edge.scene.render import DEFAULT_SEED
            from edge.scene.shop import VIEWS

            seed = DEFAULT_SEED if seed is None else seed
            if name is None:
                return SceneCamera(seed, clock=clock)
            return SceneCamera(clock=clock, scene=VIEWS[name].scene(seed), act=name)
        case File(path):
            return _file(path.expanduser(), fps=fps, clock=clock)


def _file(path: Path, *, fps: float, clock: Clock) -> Camera:
    is_folder = path.is_dir()
    if not is_folder and not path.exists():
        raise CameraError(
            f"camera source {path}: no such file; give a camera number, an rtsp:// address, csi, scene, "
            "a video, a picture or a folder of pictures",
            permanent=True,
        )
    if is_folder or path.suffix.lower() in PICTURE_SUFFIXES:
        from edge.capture.pictures import PictureFiles

        return PictureFiles(path, fps=fps, clock=clock)
    from edge.capture.video import VideoFile

    return VideoFile(path, fps=fps, clock=clock)
