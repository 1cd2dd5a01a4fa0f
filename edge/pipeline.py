"""The pipeline from a frame to a window: detect, track, classify, fuse, aggregate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from common.clock import Clock
from edge.types import (
    Classifier,
    Detector,
    FaceObservation,
    Frame,
    Pose,
    Track,
    TrackState,
    Visit,
    WindowAggregate,
)
from edge.vision.aggregate import Aggregator
from edge.vision.pose import attending
from edge.vision.quality import QualityGate
from edge.vision.refinement import Refinement
from edge.vision.tracker import Tracker, Tracks
from edge.vision.visits import Visits
from edge.vision.zones import Zones


@dataclass(frozen=True, slots=True)
class AttentionCone:
    """Head directions that count as looking at the camera, degrees to either side."""

    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Looks:
    """Limits for the number of forward passes. ``per_visit`` good faces describe a visit. More are classified only if
    the face is better by the factor ``gain``, and never more than twice as many. ``spacing_s`` is the time between two
    looks at one visit, because two frames in a row repeat the same mistake. ``budget_s`` limits the classification
    time of one frame."""

    per_visit: int
    spacing_s: float
    gain: float
    budget_s: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """The visits and windows that ended with one frame, and the head pose of each track in view."""

    tracks: Tracks
    visits: tuple[Visit, ...]
    windows: tuple[WindowAggregate, ...]
    poses: Mapping[int, Pose] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Candidate:
    track: Track
    pose: Pose
    quality: float


class Pipeline:
    """Call ``step(frame)`` for each frame and ``finish()`` at the end. It has no thread, file or socket."""

    def __init__(
        self,
        *,
        detector: Detector,
        refinement: Refinement,
        classifier: Classifier,
        tracker: Tracker,
        visits: Visits,
        gate: QualityGate,
        zones: Zones,
        aggregator: Aggregator,
        cone: AttentionCone,
        looks: Looks,
        clock: Clock,
    ) -> None:
        self._detector, self._refinement = detector, refinement
        self._classifier, self._tracker = classifier, tracker
        self._visits, self._gate, self._zones, self._aggregator = visits, gate, zones, aggregator
        self._cone, self._looks, self._clock = cone, looks, clock
        self._looked_s: dict[int, float] = {}

    def step(self, frame: Frame, *, dropped: int = 0) -> Step:
        """Process one frame; ``dropped`` is the number of stale frames since the last one."""
        height, width = frame.image.shape[:2]
        detections = [
            found
            for found in self._detector.detect(frame.image)
            if not self._zones.excluded(found.box, width, height)
        ]
        tracks = self._tracker.update(detections, frame.monotonic_s, view=(width, height), image=frame.image)
        windows = self._aggregator.observe(frame.captured_at, frame.monotonic_s, tracks.occupancy, dropped)
        in_view = [track for track in tracks.active if track.detection is not None]
        poses = {
            track.track_id: self._refinement.pose(track, frame.image, frame.monotonic_s) for track in in_view
        }
        self._classify(frame, self._see(frame, in_view, poses))
        self._forget(tracks)
        return Step(tracks, self._end(tracks.ended), tuple(windows), poses)

    def idle(self, at: datetime, monotonic_s: float) -> Step:
        """Let time pass without a frame: visits and windows still end, so that a blind camera gives windows without
        coverage instead of no windows at all."""
        tracks = self._tracker.update((), monotonic_s)
        windows = self._aggregator.advance(at, monotonic_s)
        return Step(tracks, self._end(tracks.ended), tuple(windows))

    def finish(self, at_s: float) -> Step:
        """End every visit and close the last window, because the source has ended or the service stops."""
        visits = self._end(self._tracker.finish(at_s))
        return Step(Tracks((), ()), visits, tuple(self._aggregator.close()))

    @property
    def open_window(self) -> WindowAggregate | None:
        """The open window so far."""
        return self._aggregator.open_window

    def _see(self, frame: Frame, in_view: Sequence[Track], poses: Mapping[int, Pose]) -> list[_Candidate]:
        """Record every face in view and return those that are worth a look, best first."""
        height, width = frame.image.shape[:2]
        candidates = []
        for track in in_view:
            assert track.detection is not None
            pose = poses[track.track_id]
            looks_here = attending(pose, yaw_limit=self._cone.yaw, pitch_limit=self._cone.pitch)
            zones = self._zones.of(track.box, width, height)
            self._visits.seen(track, looks_here, zones, frame.monotonic_s, frame.captured_at)
            if track.state is TrackState.CONFIRMED and self._may_look(track.track_id, frame.monotonic_s):
                quality = self._gate.assess(
                    frame.image, track.detection, pose, above=self._good_enough(track.track_id)
                )
                if quality is not None:
                    candidates.append(_Candidate(track, pose, quality))
        # the visit that was looked at least comes first, then the best face
        return sorted(candidates, key=lambda c: (self._visits.observations(c.track.track_id), -c.quality))

    def _forget(self, tracks: Tracks) -> None:
        """Delete all data of tracks that ended without becoming a visit."""
        alive = {track.track_id for track in (*tracks.active, *tracks.ended)}
        self._visits.drop(alive)
        self._refinement.keep(alive)
        self._looked_s = {track_id: at_s for track_id, at_s in self._looked_s.items() if track_id in alive}

    def _may_look(self, track_id: int, at_s: float) -> bool:
        return (
            self._visits.observations(track_id) < 2 * self._looks.per_visit
            and at_s - self._looked_s.get(track_id, -math.inf) >= self._looks.spacing_s
        )

    def _good_enough(self, track_id: int) -> float:
        """Return the quality that a face must exceed to be worth another look at this visit."""
        if self._visits.observations(track_id) < self._looks.per_visit:
            return 0.0
        return self._visits.best_quality(track_id) * self._looks.gain

    def _classify(self, frame: Frame, candidates: Sequence[_Candidate]) -> None:
        deadline = None if self._looks.budget_s is None else self._clock.monotonic() + self._looks.budget_s
        for candidate in candidates:
            if deadline is not None and self._clock.monotonic() > deadline:
                return
            track = candidate.track
            self._looked_s[track.track_id] = frame.monotonic_s
            # Every second look uses the mirror image: the errors on a face and its mirror image are less similar than
            # on two frames of the same face, and this needs no extra pass.
            mirrored = self._visits.observations(track.track_id) % 2 == 1
            detection = self._refinement.detection(track, frame.image, frame.monotonic_s)
            scores = self._classifier.classify(frame.image, detection, mirrored=mirrored)
            self._visits.observe(
                FaceObservation(track.track_id, frame.monotonic_s, scores, candidate.pose, candidate.quality)
            )

    def _end(self, ended: Sequence[Track]) -> tuple[Visit, ...]:
        visits = tuple(self._visits.finish(track) for track in ended)
        for visit in visits:
            self._aggregator.add(visit)
        return visits
