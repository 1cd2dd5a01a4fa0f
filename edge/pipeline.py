"""The pipeline from a frame to a window: look, track, classify, fuse, aggregate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from common.clock import Clock
from edge.display import Display
from edge.members import Members
from edge.places.places import Live, Places
from edge.places.zones import ExcludedZones
from edge.staff import Staff
from edge.types import (
    Classifier,
    Detector,
    FaceObservation,
    Frame,
    Pose,
    Sight,
    Track,
    TrackState,
    Visit,
    WindowAggregate,
)
from edge.vision.aggregate import Aggregator
from edge.vision.motion import Motion
from edge.vision.pose import attending
from edge.vision.quality import QualityGate
from edge.vision.refinement import Refinement
from edge.vision.scheduler import NO_LOOK, SEEN_WIDE_PX, WHOLE_IN_NEAR, Budget, Plan, Scheduler, wide_scale
from edge.vision.sightings import joined, sightings
from edge.vision.tracker import LIKELY_SCORE, Tracker, Tracks
from edge.vision.visits import Visits

STAYS_S = 1.5
"""Who is no visit yet after this time stands still; who walks by is one sooner."""


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
    time of one frame. A face below ``face_score`` may be the back of a head: it helps to follow the person, no more."""

    per_visit: int
    spacing_s: float
    gain: float
    budget_s: float | None
    face_score: float


@dataclass(frozen=True, slots=True)
class Step:
    """The visits and windows that ended with one frame, the head pose of each face in view, and the looks taken."""

    tracks: Tracks
    visits: tuple[Visit, ...]
    windows: tuple[WindowAggregate, ...]
    poses: Mapping[int, Pose] = field(default_factory=dict)
    plan: Plan = NO_LOOK


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
        excluded: ExcludedZones,
        staff: Staff,
        members: Members,
        places: Places,
        aggregator: Aggregator,
        cone: AttentionCone,
        looks: Looks,
        scheduler: Scheduler,
        near_budget: Budget,
        clock: Clock,
        display: Display | None = None,
    ) -> None:
        self._detector, self._refinement = detector, refinement
        self._classifier, self._tracker = classifier, tracker
        self._visits, self._gate, self._aggregator = visits, gate, aggregator
        self._excluded, self._staff, self._places = excluded, staff, places
        self._members = members
        self._cone, self._looks, self._clock = cone, looks, clock
        self._scheduler, self._near_budget, self._motion = scheduler, near_budget, Motion()
        self._looked_s: dict[int, float] = {}
        self._tracks = Tracks((), ())
        self.display = display

    def step(self, frame: Frame, *, dropped: int = 0) -> Step:
        """Process one frame; ``dropped`` is the number of stale frames since the last one."""
        height, width = frame.image.shape[:2]
        plan = self._plan(frame)
        people = [
            found
            for found in sightings(self._look(frame, plan))
            if not self._excluded.hold(found.head, width, height)
        ]
        scale = wide_scale(self._detector.near_size, (width, height))
        tracks = self._tracks = self._tracker.update(
            people,
            frame.monotonic_s,
            view=(width, height),
            image=frame.image,
            scale=scale if plan.wide else None,
        )
        if plan.corner is not None:
            self._scheduler.looked(plan.corner, tracks.active, frame.monotonic_s)
        shows_faces_px = SEEN_WIDE_PX / scale if plan.wide else math.inf
        self._staff.look(frame, tracks.active, shows_faces_px)
        customers = replace(tracks, active=self._without_staff(tracks.active))
        self._members.look(frame, customers.active)
        windows = self._aggregator.observe(frame.captured_at, frame.monotonic_s, customers.occupancy, dropped)
        poses = {
            track.track_id: self._refinement.pose(track, frame.image, frame.monotonic_s)
            for track in customers.active
            if track.face is not None and track.face.score >= self._looks.face_score
        }
        self._classify(frame, self._see(frame, tracks, poses, shows_faces_px))
        self._show(tracks, frame.monotonic_s, frame.captured_at)
        visits = self._end(tracks)
        self._note_places(tracks, windows, frame.monotonic_s)
        step = Step(
            replace(tracks, ended=self._without_staff(tracks.ended)), visits, tuple(windows), poses, plan
        )
        self._forget(tracks)
        return step

    def idle(self, at: datetime, monotonic_s: float) -> Step:
        """Let time pass without a frame: visits and windows still end, so that a blind camera gives windows without
        coverage instead of no windows at all."""
        tracks = self._tracks = self._tracker.update((), monotonic_s)
        windows = self._aggregator.advance(at, monotonic_s)
        self._show(tracks, monotonic_s, at)
        visits = self._end(tracks)
        self._note_places(tracks, windows, monotonic_s)
        return Step(replace(tracks, ended=self._without_staff(tracks.ended)), visits, tuple(windows))

    def finish(self, at_s: float) -> Step:
        """End every visit and close the last window, because the source has ended or the service stops."""
        visits = self._end(Tracks((), self._tracker.finish(at_s)))
        self._note_places(Tracks((), ()), (), math.inf)
        return Step(Tracks((), ()), visits, tuple(self._aggregator.close()))

    def live(self, at_s: float) -> Live:
        """Return the people at each place after the last frame."""
        return replace(self._places.live(at_s), members=self._members.in_view(self._tracks.active))

    @property
    def open_window(self) -> WindowAggregate | None:
        """The open window so far."""
        return self._aggregator.open_window

    def held_until(self, at: datetime) -> datetime | None:
        """Return when the next window is told if the clock was set back and must catch up first; else None."""
        return self._aggregator.held_until(at)

    def _plan(self, frame: Frame) -> Plan:
        height, width = frame.image.shape[:2]
        described = {
            track.track_id
            for track in self._tracks.active
            if self._visits.observations(track.track_id) >= self._looks.per_visit
            or self._staff.is_staff(track.track_id)
        }
        return self._scheduler.plan(
            frame.monotonic_s,
            (width, height),
            self._tracks.active,
            described,
            self._motion.seen(frame.image, frame.monotonic_s),
            may_look_near=self._near_budget.next_frame(),
        )

    def _look(self, frame: Frame, plan: Plan) -> Sight:
        """Take the planned looks at a frame; return what they found together."""
        wide = self._detector.look(frame.image) if plan.wide else Sight()
        if plan.corner is None:
            return wide
        began_s = self._clock.monotonic()
        near = self._detector.look_near(frame.image, plan.corner)
        self._near_budget.spend(self._clock.monotonic() - began_s)
        return joined((wide, near), small_px=WHOLE_IN_NEAR * self._detector.near_size[1])

    def _see(
        self, frame: Frame, tracks: Tracks, poses: Mapping[int, Pose], shows_faces_px: float
    ) -> list[_Candidate]:
        """Record everybody in view and return the faces that are worth a look, best first. In this frame a face of
        ``shows_faces_px`` and more is found if it shows."""
        height, width = frame.image.shape[:2]
        candidates = []
        for track in tracks.active:
            if track.sighting is None:
                continue
            if self._staff.is_staff(track.track_id):
                self._places.seen_staff(track, (width, height), frame.monotonic_s)
                continue
            pose, looks_here = poses.get(track.track_id), None
            if pose is not None:
                looks_here = attending(pose, yaw_limit=self._cone.yaw, pitch_limit=self._cone.pitch)
            elif track.box.side >= shows_faces_px:
                looks_here = False
            self._visits.seen(track, looks_here, frame.monotonic_s, frame.captured_at)
            self._places.seen(track, pose, looks_here, (width, height), frame.monotonic_s)
            if track.face is None or pose is None:
                continue
            if self._may_look(track, frame.monotonic_s):
                quality = self._gate.assess(
                    frame.image, track.face, pose, above=self._good_enough(track.track_id)
                )
                if quality is not None:
                    candidates.append(_Candidate(track, pose, quality))
        # the visit that was looked at least comes first, then the best face
        return sorted(candidates, key=lambda c: (self._visits.observations(c.track.track_id), -c.quality))

    def _forget(self, tracks: Tracks) -> None:
        """Delete all data of tracks that ended without becoming a visit."""
        alive = {track.track_id for track in tracks.active}
        self._visits.drop({one for one in alive if not self._staff.is_staff(one)})
        self._places.drop(alive)
        self._staff.keep(alive)
        self._members.keep(alive)
        if self.display is not None:
            self.display.drop(alive)
        self._refinement.keep(alive)
        self._looked_s = {track_id: at_s for track_id, at_s in self._looked_s.items() if track_id in alive}

    def _may_look(self, track: Track, at_s: float) -> bool:
        """Return whether to look at this face. Somebody who stands and watches may be no visit until the moment of
        leaving, when the face is turned away: so a likely face that stays is looked at before."""
        if not self._staff.may_be_described(track):
            return False
        looks = self._visits.observations(track.track_id)
        if track.state is TrackState.TENTATIVE:
            stays = at_s - track.first_seen_s >= STAYS_S
            is_likely = track.face is not None and track.face.score >= LIKELY_SCORE
            if not stays or not is_likely or looks >= self._looks.per_visit:
                return False
        elif looks >= 2 * self._looks.per_visit:
            return False
        return at_s - self._looked_s.get(track.track_id, -math.inf) >= self._looks.spacing_s

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
            face = self._refinement.face(track, frame.image, frame.monotonic_s)
            scores = self._classifier.classify(frame.image, face, mirrored=mirrored)
            self._visits.observe(
                FaceObservation(track.track_id, frame.monotonic_s, scores, candidate.pose, candidate.quality)
            )

    def _end(self, tracks: Tracks) -> tuple[Visit, ...]:
        """Return the visits that have ended. A piece of somebody's way is no visit, but a door that it went through has
        been gone through."""
        for track in tracks.fragments:
            self._places.finish(track, is_piece=True)
        visits = []
        for track in tracks.ended:
            if self._staff.is_staff(track.track_id):
                self._places.finish(track)
                self._aggregator.leave_out()
                continue
            visits.append(self._finish(track))
            self._aggregator.add(visits[-1])
        return tuple(visits)

    def _without_staff(self, tracks: Sequence[Track]) -> tuple[Track, ...]:
        return tuple(track for track in tracks if not self._staff.is_staff(track.track_id))

    def _finish(self, track: Track) -> Visit:
        shown = None if self.display is None else self.display.finish(track.track_id)
        visit = self._visits.finish(track, self._places.finish(track), shown)
        return replace(visit, member=self._members.is_member(track.track_id))

    def _show(self, tracks: Tracks, at_s: float, at: datetime) -> None:
        if self.display is not None:
            self.display.step(self._without_staff(tracks.active), at_s, at)

    def _note_places(self, tracks: Tracks, windows: Sequence[WindowAggregate], at_s: float) -> None:
        """Count what has happened at the doors, and who is in the zones. When the day has ended, nobody is inside."""
        if any(window.closing for window in windows):
            self._places.close()
        self._places.settle(at_s)
        doors, crowds = self._places.events(), self._places.frame(tracks.active)
        if doors or crowds:
            self._aggregator.note(doors, crowds)
