"""Refined landmarks: computed only where they are used, and only as often as a head can turn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edge.types import Face, Image, Pose, Refiner, Track, TrackState
from edge.vision.pose import estimate_pose
from edge.vision.tracker import LIKELY_SCORE


@dataclass(frozen=True, slots=True)
class _Look:
    face: Face
    pose: Pose
    at_s: float


class Refinement:
    """The direction of every face in view, and refined landmarks for the classifier.

    The direction of a visit is measured again after ``every_s``. For a track that is most likely a pattern, the
    landmarks of the detector are used, which saves time.
    """

    def __init__(self, refiner: Refiner, *, every_s: float) -> None:
        self._refiner, self._every_s = refiner, every_s
        self._last: dict[int, _Look] = {}

    def pose(self, track: Track, image: Image, at_s: float) -> Pose:
        """Return the direction of the face of a track in view; within ``every_s`` the result is reused."""
        assert track.face is not None
        if track.state is TrackState.TENTATIVE and track.face.score < LIKELY_SCORE:
            return estimate_pose(track.face.landmarks)
        last = self._last.get(track.track_id)
        if last is None or at_s - last.at_s >= self._every_s:
            last = self._look(track.track_id, track.face, image, at_s)
        return last.pose

    def face(self, track: Track, image: Image, at_s: float) -> Face:
        """Return the face of this frame with refined landmarks."""
        assert track.face is not None
        last = self._last.get(track.track_id)
        if last is None or last.at_s < at_s:
            last = self._look(track.track_id, track.face, image, at_s)
        return last.face

    def keep(self, alive: Collection[int]) -> None:
        """Forget all other tracks."""
        self._last = {track_id: look for track_id, look in self._last.items() if track_id in alive}

    def _look(self, track_id: int, face: Face, image: Image, at_s: float) -> _Look:
        refined = self._refiner.refine(image, face)
        look = self._last[track_id] = _Look(refined, estimate_pose(refined.landmarks), at_s)
        return look
