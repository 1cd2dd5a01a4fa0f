"""What the benchmarks see of the product while it follows people: tracks and visits, held against the truth of a scene.

All access to the pipeline is in ``play``; the rest is arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from common.clock import SystemClock
from common.vocabulary import NOT_SEEN, UNKNOWN
from edge.config import Settings
from edge.places.places import Live
from edge.scene.decoys import DecoyTruth
from edge.scene.ground_truth import PersonTruth
from edge.service.build import Models, build_pipeline
from edge.types import Box, Frame, Image, Track, TrackState, Visit, WindowAggregate

AFTER_S = 8.0
"""Time without a picture after the last frame, so that every visit ends before the source does."""

NO_TRACK = 0
"""In place of the track of a visit that ended because the source did."""

HEAD_SEEN = 0.3
"""A head of which less than this is visible is not what a track lies on, if another is there."""

REACH = 0.25
"""A track is on a head if its middle is on the head's box, widened by this share of the box to every side."""
LEAST_SIZE, MOST_SIZE = 0.4, 2.5
"""... and its height is between these shares of the head's."""


@dataclass(frozen=True, slots=True)
class Held:
    """A track in one frame: the box of the head, whether it is a visit by now, the box of the body if it was found in
    this frame, and whether anything of the person was."""

    track_id: int
    head: Box
    confirmed: bool
    body: Box | None = None
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Counted:
    """A visit and the track that it was, or ``NO_TRACK``."""

    track_id: int
    visit: Visit

    @property
    def described(self) -> bool:
        return is_described(self.visit)


def is_described(visit: Visit) -> bool:
    """Return whether the face of the visit gave a verdict on anything."""
    return any(verdict.label not in (UNKNOWN, NOT_SEEN) for verdict in visit.attributes.values())


@dataclass(frozen=True, slots=True)
class Played:
    """What the product made of a clip: the tracks of every frame, the visits, and the windows."""

    frames: tuple[tuple[Held, ...], ...]
    visits: tuple[Counted, ...]
    windows: tuple[WindowAggregate, ...] = ()


def play(
    images: Iterable[Image],
    fps: float,
    settings: Settings,
    models: Models,
    *,
    ends_empty: bool = True,
    watch: Callable[[Live, float], None] | None = None,
) -> Played:
    """Show the pictures to the product, without a limit of time for a frame. ``ends_empty``: nobody is there after the
    last picture; otherwise the source ends with it, as a file does in the product. ``watch`` is given the people at
    each place after every frame, and its second."""
    pipeline = build_pipeline(settings, models, SystemClock(), budget_s=None)
    began = datetime(2026, 1, 5, 12, tzinfo=UTC)
    frames: list[tuple[Held, ...]] = []
    visits: list[Counted] = []
    windows: list[WindowAggregate] = []
    at_s = 0.0

    def ended(tracks: Sequence[Track], finished: Sequence[Visit]) -> Iterator[Counted]:
        for track, visit in zip(tracks, finished, strict=True):
            yield Counted(track.track_id, visit)

    for index, image in enumerate(images):
        at_s = index / fps
        step = pipeline.step(Frame(image, began + timedelta(seconds=at_s), at_s, index))
        visits += ended(step.tracks.ended, step.visits)
        windows += step.windows
        if watch is not None:
            watch(pipeline.live(at_s), at_s)
        frames.append(
            tuple(
                Held(
                    track.track_id,
                    track.box,
                    track.state is TrackState.CONFIRMED,
                    None if track.body is None else track.body.box,
                    track.sighting is not None,
                )
                for track in step.tracks.active
                if track.state is not TrackState.LOST
            )
        )
    if not ends_empty:
        last = pipeline.finish(at_s)
        visits += [Counted(NO_TRACK, visit) for visit in last.visits]
        return Played(tuple(frames), tuple(visits), (*windows, *last.windows))
    for later in np.arange(0.5, AFTER_S, 0.5):
        then_s = at_s + float(later)
        step = pipeline.idle(began + timedelta(seconds=then_s), then_s)
        visits += ended(step.tracks.ended, step.visits)
        windows += step.windows
    last = pipeline.finish(at_s + AFTER_S)
    if last.visits:
        raise RuntimeError(f"{len(last.visits)} visits have not ended {AFTER_S} s after the last frame")
    return Played(tuple(frames), tuple(visits), (*windows, *last.windows))


def on_whom(held: Sequence[Held], people: Sequence[PersonTruth]) -> dict[int, int]:
    """Return the person on whose head each track lies, one to one, the best fitting pair first."""
    pairs = []
    for track in held:
        for person in people:
            off = distance(track.head, person.head)
            if person.head_visible >= HEAD_SEEN and off is not None:
                pairs.append((off, track.track_id, person.person))
    result: dict[int, int] = {}
    for _, track_id, who in sorted(pairs):
        if track_id not in result and who not in result.values():
            result[track_id] = who
    return result


def distance(box: Box, head: Box) -> float | None:
    """Return how far the middle of a box is from that of a head, in halves of the widened head, and None if the box is
    beside the head or of another size."""
    share = box.height / head.height
    across = abs(box.centre[0] - head.centre[0]) / ((0.5 + REACH) * head.width)
    down = abs(box.centre[1] - head.centre[1]) / ((0.5 + REACH) * head.height)
    if max(across, down) >= 1 or not LEAST_SIZE <= share <= MOST_SIZE:
        return None
    return max(across, down)


def on_what(box: Box, decoys: Sequence[DecoyTruth]) -> str:
    """Return the kind of decoy that a track's box lies on, or ``nothing``."""
    x, y = box.centre
    for decoy in decoys:
        if decoy.box.x1 <= x < decoy.box.x2 and decoy.box.y1 <= y < decoy.box.y2:
            return decoy.kind.value
    return "nothing"
