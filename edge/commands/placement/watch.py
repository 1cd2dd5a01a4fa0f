"""How the placement check sees: the service's own pipeline, with measurements added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle

import cv2
import numpy as np

from edge.commands.placement.closer import CloserLook
from edge.commands.placement.sights import Closeup, Edge, Glance, Outline, SeenFace, Turned
from edge.pipeline import Pipeline
from edge.places.floor import Floor
from edge.places.zones import ExcludedZones
from edge.types import Box, Detector, Face, Frame, Image, Pose, Sight, Track, TrackState, Visit
from edge.vision.light import light_of
from edge.vision.quality import exposure, grey_face, sharpness
from edge.vision.tracker import SURE_SCORE

_TURNS = ((90, cv2.ROTATE_90_CLOCKWISE), (180, cv2.ROTATE_180), (270, cv2.ROTATE_90_COUNTERCLOCKWISE))
_LONG_LOOK_S = 1.0
"""Interval of the closer examinations. A camera that hangs upside down or on its side finds hardly any face, so the
picture is turned, one way after the other, and measured as a whole. A camera too far away finds hardly any face either,
so parts of the picture are enlarged. This takes three more passes a second."""
_CLOSER_LOOKS = 2


class Listening:
    """A detector that remembers its last result, so that faces in excluded zones can be reported too."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.found: Sequence[Face] = ()

    @property
    def near_size(self) -> tuple[int, int]:
        return self.detector.near_size

    def look(self, image: Image) -> Sight:
        sight = self.detector.look(image)
        self.found = sight.faces
        return sight

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        return self.detector.look_near(image, corner)


class Watcher:
    """Runs ``pipeline`` over frames and records the result in numbers. ``detector`` is the pipeline's own. ``excluded``
    are the zones where nobody is counted; a detection there with at least ``sure_score`` is a face."""

    def __init__(
        self, pipeline: Pipeline, detector: Listening, excluded: ExcludedZones, *, sure_score: float
    ) -> None:
        self._pipeline, self._detector, self._excluded_zones = pipeline, detector, excluded
        self._sure_score = sure_score
        self._before: dict[int, tuple[float, float, float]] = {}
        self._floors: dict[int, Floor] = {}
        self._last_s = 0.0
        self._long_due_s = -math.inf
        self._turns = cycle(_TURNS)
        self._closer = CloserLook(detector.detector, excluded, sure_score=sure_score)

    def look(self, frame: Frame, *, dropped: int) -> tuple[Glance, Sequence[Visit]]:
        """Process one frame; return its glance and the visits that ended with it. ``dropped`` is the number of stale
        frames since the last one."""
        step = self._pipeline.step(frame, dropped=dropped)
        image, self._last_s = frame.image, frame.monotonic_s
        height, width = image.shape[:2]
        seen = [
            (track, track.face)
            for track in step.tracks.active
            if track.face is not None and track.track_id in step.poses
        ]
        sights = tuple(self._sight(frame, track, face, step.poses[track.track_id]) for track, face in seen)
        self._before = {track.track_id: (frame.monotonic_s, *face.box.centre) for track, face in seen}
        light, takes_long = light_of(image), frame.monotonic_s >= self._long_due_s
        if takes_long:
            self._long_due_s = frame.monotonic_s + _LONG_LOOK_S
        glance = Glance(
            at_s=frame.monotonic_s,
            width=width,
            height=height,
            luma=light.luma,
            burnt=light.burnt,
            sharpness=sharpness(_grey(image)) if takes_long else None,
            sights=sights,
            pictures=tuple(track.track_id for track in step.tracks.pictures),
            excluded=self._excluded(width, height),
            dropped=dropped,
            turned=self._turned(image) if takes_long else None,
            closeups=self._closeups(image) if takes_long else (),
            floor=self._stand(step.tracks.active, (width, height)),
        )
        return glance, step.visits

    def finish(self) -> Sequence[Visit]:
        """Return the visits that are still in view, judged by their looks so far."""
        return self._pipeline.finish(self._last_s).visits

    def _stand(self, tracks: Sequence[Track], view: tuple[int, int]) -> tuple[tuple[float, float], ...]:
        """Return where the people in view stand; what may still be no person is followed, but not returned."""
        self._floors = {track.track_id: self._floors.get(track.track_id, Floor()) for track in tracks}
        found = []
        for track in tracks:
            if track.sighting is not None:
                floor = self._floors[track.track_id]
                floor.see(track, view, self._last_s)
                if track.state is TrackState.CONFIRMED:
                    x, y = floor.point
                    found.append((min(1.0, max(0.0, x * view[1] / view[0])), min(1.0, max(0.0, y))))
        return tuple(found)

    def _excluded(self, width: int, height: int) -> int:
        return sum(
            found.score >= self._sure_score and self._excluded_zones.hold(found.box, width, height)
            for found in self._detector.found
        )

    def _turned(self, image: Image) -> Turned:
        degrees, rotation = next(self._turns)
        upright = _sure(self._detector.found)
        turned = self._detector.detector.look(np.asarray(cv2.rotate(image, rotation), np.uint8))
        return Turned(degrees, upright, _sure(turned.faces))

    def _closeups(self, image: Image) -> tuple[Closeup, ...]:
        looks = (self._closer.look(image, self._detector.found) for _ in range(_CLOSER_LOOKS))
        return tuple(closeup for look in looks for closeup in look)

    def _sight(self, frame: Frame, track: Track, face: Face, pose: Pose) -> SeenFace:
        image, box = frame.image, face.box
        height, width = image.shape[:2]
        grey = grey_face(image, box)
        around = _around(image, box)
        luma = float(grey.mean())
        return SeenFace(
            track=track.track_id,
            counted=track.state is TrackState.CONFIRMED,
            outline=Outline(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height),
            side_px=box.side,
            pose=pose,
            sharpness=sharpness(grey),
            exposure=exposure(grey),
            luma=luma,
            around=float(around.mean()) if around.size else luma,
            speed=self._speed(track.track_id, box, frame.monotonic_s),
            cut=_cut(box, width, height),
        )

    def _speed(self, track: int, box: Box, at_s: float) -> float:
        then_s, *centre = self._before.get(track, (at_s, 0.0, 0.0))
        return math.dist(centre, box.centre) / box.side / (at_s - then_s) if at_s > then_s else 0.0


def _sure(found: Sequence[Face]) -> int:
    return sum(face.score >= SURE_SCORE for face in found)


def _grey(image: np.ndarray) -> Image:
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def _around(image: Image, box: Box) -> Image:
    """Return the grey levels (n,) beside and above the face, one face wide; below is the person's body."""
    left, top = max(0, int(box.x1 - box.width)), max(0, int(box.y1 - box.height))
    grey = _grey(image[top : math.ceil(box.y2), left : math.ceil(box.x2 + box.width)])
    outside = np.ones(grey.shape, bool)
    outside[int(box.y1) - top :, int(box.x1) - left : math.ceil(box.x2) - left] = False
    return grey[outside]


def _cut(box: Box, width: int, height: int) -> Edge | None:
    """Return the edge that cuts the face off: the detector's boxes end at the edge of the picture."""
    reaches: dict[Edge, bool] = {
        "top": box.y1 <= 1,
        "bottom": box.y2 >= height - 1,
        "left": box.x1 <= 1,
        "right": box.x2 >= width - 1,
    }
    return next((edge for edge, reached in reaches.items() if reached), None)
