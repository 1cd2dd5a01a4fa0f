"""The camera: whether it opens, its real frame rate, and the light in the picture."""

from __future__ import annotations

from dataclasses import dataclass

from common.clock import Clock
from edge.capture.camera import Camera, CameraError
from edge.capture.thread import CameraThread
from edge.commands.doctor.checks import Finding, amber, green, red
from edge.types import Image
from edge.vision.light import DARK, DIM, GLARING, Light, light_of

WATCH_S = 3.0
FIRST_FRAME_S = 12.0
"""A network camera may take this long for its first picture."""

ENOUGH = 0.8
"""From this share of the requested rate on, the rate is good."""
LEAST_FPS = 3.0
"""A visit needs three detections: at a lower rate, a person who is in view for one second may not be counted."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The result of watching the camera for a few seconds. ``fps`` is None for a file, which has no frame rate here.
    ``image`` is the last picture; it is neither stored nor sent."""

    name: str
    fps: float | None
    light: Light
    image: Image


def watch(
    camera: Camera, clock: Clock, *, seconds: float = WATCH_S, patience_s: float = FIRST_FRAME_S
) -> Watched:
    """Open ``camera``, watch it, and close it. Raises ``CameraError`` if no picture comes in time."""
    thread = CameraThread(
        camera, clock=clock
    )  # in a thread, because a camera that hangs must not block the doctor
    thread.start()
    try:
        first = newest = thread.frames.get(patience_s)
        if first is None:
            raise CameraError(
                thread.fault or f"camera {camera.describe()}: gives no picture; check cable and power"
            )
        until_s = clock.monotonic() + seconds
        while (left_s := until_s - clock.monotonic()) > 0:
            frame = thread.frames.get(left_s)
            if frame is None:
                break
            newest = frame
    finally:
        thread.stop(timeout_s=2.0)
    assert newest is not None
    elapsed_s = newest.monotonic_s - first.monotonic_s
    fps = (newest.sequence - first.sequence) / elapsed_s if elapsed_s > 0 else 0.0
    return Watched(camera.describe(), fps if camera.live else None, light_of(newest.image), newest.image)


def moved(*, counts: bool) -> Finding:
    """Say that the running service found the camera moved, and whether it ``counts`` nevertheless."""
    value = "shows another view than when the service started"
    if counts:
        return amber(
            value, "put it back, or check its position (footlight-edge place) and restart the service"
        )
    return red(
        f"{value}; nobody is counted",
        "put it back, or check its position (footlight-edge place), draw the places again (footlight-edge zones draw)"
        " and restart the service",
    )


def rate(name: str, fps: float | None, *, asked_fps: float) -> Finding:
    """Compare ``fps``, the real rate of the camera ``name``, with the requested one."""
    if fps is None:
        return amber(f"{name}: a file, not a camera", "set camera.source to the camera of the shop")
    value = f"{name}: {fps:.1f} of {asked_fps:g} frames/s"
    if fps < LEAST_FPS:
        return red(
            value, "add light, use a USB port for this camera alone, or a smaller picture (camera.width)"
        )
    if fps < ENOUGH * asked_fps:
        return amber(
            value, "more light (dark pictures take longer), a smaller picture, or a lower camera.fps"
        )
    return green(value)


def light(seen: Light) -> Finding:
    value = f"brightness {seen.luma:.0f} of 255, {seen.burnt:.0%} burnt out"
    if seen.luma < DARK:
        return red(
            value, "too dark to see a face: turn on light, or remove the lens cap; see footlight-edge place"
        )
    if seen.luma < DIM:
        return amber(value, "dark: faces will be blurred; add light, or use a camera with a larger lens")
    if seen.burnt > GLARING:
        return amber(value, "a window or lamp is in the picture: turn the camera away from it")
    return green(value)
