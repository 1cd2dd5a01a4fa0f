"""The check itself: half a minute of frames, with a report every half second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from common.clock import Clock
from common.wire import FLOOR_S, MOST_FLOOR_POINTS
from edge.capture.camera import CameraError
from edge.capture.thread import CameraThread
from edge.commands.placement.assessment import Assessment, assess
from edge.commands.placement.measures import Needs
from edge.commands.placement.sights import Glance
from edge.commands.placement.watch import Watcher
from edge.types import Visit

EVERY_S = 0.5
NO_FRAME_S = 12.0
"""A network camera may take this long for its first picture; after that it counts as missing."""

HELD = "only one program can use a camera: if the service runs, stop it first (systemctl stop footlight-edge)"


@dataclass(frozen=True, slots=True)
class Moment:
    """The result so far. ``glance`` is the newest frame, in numbers; ``left_s`` is 0 in the last moment. ``floor`` are
    the points where people stood within the last minute."""

    assessment: Assessment
    glance: Glance
    left_s: float
    floor: tuple[tuple[float, float], ...] = ()


def stood(glances: Sequence[Glance]) -> tuple[tuple[float, float], ...]:
    """Return where people stood within the last minute, rounded to 0.01 of the picture.

    Each point is there once, sorted by place, so that one message tells nobody's way. Of too many, only every second or
    third one is returned."""
    lately = (glance for glance in glances if glances[-1].at_s - glance.at_s <= FLOOR_S)
    points = sorted({(round(x, 2), round(y, 2)) for glance in lately for x, y in glance.floor})
    return tuple(points[:: -(-len(points) // MOST_FLOOR_POINTS) or 1])


def watch(
    thread: CameraThread, watcher: Watcher, needs: Needs, *, seconds: float, clock: Clock
) -> Iterator[Moment]:
    """Take frames for ``seconds`` of their own time, or until a finite source has ended. Raises ``CameraError`` when
    no frame comes."""
    glances: list[Glance] = []
    visits: list[Visit] = []
    dropped_before = told_s = left_s = 0.0
    heard_s = clock.monotonic()
    while not thread.ended:
        frame = thread.frames.get(EVERY_S)
        if frame is None:
            if clock.monotonic() - heard_s > NO_FRAME_S:
                raise CameraError(f"{thread.fault or 'the camera gives no picture'}; {HELD}")
            continue
        heard_s = clock.monotonic()
        dropped = thread.frames.dropped
        glance, ended = watcher.look(frame, dropped=int(dropped - dropped_before))
        dropped_before = dropped
        glances.append(glance)
        visits += ended
        left_s = seconds - (glance.at_s - glances[0].at_s)
        if left_s <= 0:
            break
        if glance.at_s - told_s >= EVERY_S or len(glances) == 1:
            told_s = glance.at_s
            yield Moment(assess(glances, visits, needs), glance, left_s, stood(glances))
    if not glances:
        raise CameraError("the camera source contains no picture")
    visits += watcher.finish()
    yield Moment(assess(glances, visits, needs), glances[-1], 0.0, stood(glances))
