"""Follow faces over time, so that each person is one visit even if the detector misses some frames.

The order of matching is that of ByteTrack (Zhang et al. 2022): sure detections first, then doubtful ones. A doubtful
one may begin a track too, which will hardly be confirmed: so a pattern has its own track and does not take that of a
person. Nobody is recognised: a person who comes back after ``lost_s`` is a new visit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from edge.types import Box, Detection, Image, Track, TrackState
from edge.vision.assignment import assign
from edge.vision.face import BLINK_S, Face
from edge.vision.stationary import StationaryPlaces

LIKELY_SCORE = 0.7
"""Nothing that scores lower becomes a visit: a shop is full of patterns that look like a face for one frame."""

SURE_SCORE = 0.95
"""Score of a face that the detector is sure about."""

FAR_REACH = (1.5, 10.0, 6.0)
"""The jump allowed if there is no other candidate: at least, per second, at most; in face sizes."""

FAR_DOUBT = 0.3
"""A jump to a score lower than usual by this much is not accepted."""

DUPLICATE_COVER = 0.5
"""A new detection that shares this part of the smaller box with a matched face is that face again."""

CLAIM_S = 1.5
"""A lost track waits this much longer than ``lost_s`` while a face that may be the same is not confirmed yet."""

UNMATCHED_COST = 2.0
"""Cost of leaving a track without a detection; no pair may cost more."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """All active tracks after a frame, and the confirmed ones that have ended, each exactly once.

    ``pictures`` are tracks that have ended because they are not a person: a poster, a mannequin, a screen. A face found
    at such a place is not an active track until it shows life.
    """

    active: tuple[Track, ...]
    ended: tuple[Track, ...]
    pictures: tuple[Track, ...] = ()

    @property
    def occupancy(self) -> int:
        """Visits in view at this moment: confirmed, and seen a moment ago."""
        return sum(track.state is TrackState.CONFIRMED for track in self.active)


class Tracker:
    """Detections in, tracks out.

    A track is a person once it was seen ``confirm_hits`` times, in at least half of the frames since it began, over at
    least ``confirm_s`` seconds. Lower scores need more time: patterns and hands that the detector takes for a face
    flicker and score low. The score of a track is the mean of the better half of its scores, because a face that turns
    away scores low for a while, but a pattern hardly ever scores high. A mean of ``SURE_SCORE`` needs ``confirm_s``, a
    mean half way down to ``confirm_score`` needs twice as long, and a track below ``confirm_score`` is never a person.
    Scores from ``high_score`` up choose their track first, those from ``low_score`` up get the rest. A track ends
    when it was not seen for more than ``lost_s`` seconds. Raises ``ValueError`` for a ``confirm_score`` that
    is not below ``SURE_SCORE``.
    """

    def __init__(
        self,
        *,
        confirm_s: float = 0.25,
        confirm_hits: int = 3,
        confirm_score: float = LIKELY_SCORE,
        lost_s: float = 2.0,
        high_score: float = 0.5,
        low_score: float = 0.25,
    ) -> None:
        if confirm_score >= SURE_SCORE:
            raise ValueError(f"confirm_score must be below {SURE_SCORE}, got {confirm_score}")
        self._confirm_s = confirm_s
        self._confirm_hits = confirm_hits
        self._confirm_score = confirm_score
        self._lost_s = lost_s
        self._high_score = high_score
        self._low_score = low_score
        self._ids = count(1)
        self._faces: list[Face] = []
        self._places = StationaryPlaces()
        self._last_s = -math.inf

    def update(
        self,
        detections: Sequence[Detection],
        at_s: float,
        *,
        view: tuple[int, int] | None = None,
        image: Image | None = None,
    ) -> Tracks:
        """Take the detections of the frame at ``at_s`` (monotonic seconds, never backwards).

        ``view`` is the picture's width and height: a face that was leaving it ends at once.
        ``image`` is the picture; without it, a person who hardly moves looks like a poster.
        """
        claimed = [lost for face in self._faces if face.age_s < CLAIM_S for lost in face.candidates]
        ended = self._remove(lambda face: at_s - face.last_seen_s > self._lost_s and face not in claimed)
        for face in self._faces:
            face.predict(at_s)
        if view is not None:
            ended += self._remove(lambda face: face.unseen_s > BLINK_S and face.is_outside(*view))
        # A face seen in the previous frame is in sight at any frame rate.
        previous_s, self._last_s = self._last_s, at_s
        in_sight_since = min(previous_s, at_s - BLINK_S)
        in_sight = [face for face in self._faces if face.last_seen_s >= in_sight_since]
        lost = [face for face in self._faces if face.last_seen_s < in_sight_since]
        high = [d for d in detections if d.score >= self._high_score]
        low = [d for d in detections if self._low_score <= d.score < self._high_score]

        in_sight, high = _match(in_sight, high, at_s)
        in_sight, low = _match(in_sight, low, at_s)
        high = self._without_duplicates(high)
        _, high = _match(lost, high, at_s, may_have_stopped=True, barred=self._are_parted)
        high = _match_far([face for face in in_sight if face.last_seen_s >= previous_s], high, at_s)
        # A doubtful one begins a track too: it will hardly be confirmed, but a pattern with its own track does not
        # take that of a person.
        for detection in self._without_duplicates([*high, *low]):
            newborn = Face(next(self._ids), detection, at_s)
            newborn.candidates = _candidates(
                detection, [f for f in self._faces if f.confirmed and f.detection is None]
            )
            self._places.see(detection.box, at_s)
            self._faces.append(newborn)
        for face in self._faces:
            if face.detection is not None:
                face.life.see(face.last_box, at_s, image)
                if view is not None:
                    face.note_edge(view[0])
            if not face.confirmed and self._is_person(face):
                self._confirm(face, view)
        self._faces = [face for face in self._faces if not face.merged]
        self._remove(lambda face: not face.confirmed and face.unseen_s > BLINK_S)
        left, pictures = self._end_pictures(at_s)
        active = (face.track() for face in self._faces if face.confirmed or not self._may_be_picture(face))
        return Tracks(tuple(active), ended + left, pictures)

    def finish(self, at_s: float) -> tuple[Track, ...]:
        """End all tracks, as at the end of a file; return the confirmed ones that were still active at ``at_s``."""
        for face in self._faces:
            face.predict(at_s)
        return self._remove(lambda _: True)

    def _confirm(self, face: Face, view: tuple[int, int] | None) -> None:
        """Confirm a new person or one who was hidden: only a confirmed person may continue a lost track."""
        hidden = [
            f
            for f in self._faces
            if f.confirmed
            and f.last_seen_s <= face.first_seen_s
            and not (view is not None and f.is_outside(*view))
        ]
        # Compare the place where it appeared, then the present one: a half hidden face looked too small at first.
        for lost in (*face.candidates, *(_candidates(face.detection, hidden) if face.detection else ())):
            if lost in hidden:
                lost.merge(face)
                return
        face.confirmed = True

    def _may_be_picture(self, face: Face) -> bool:
        return self._places.hide(face.last_box, face.life, face.last_seen_s)

    def _are_parted(self, face: Face, detection: Detection) -> bool:
        return self._places.part(face.last_box, detection.box, face.last_seen_s)

    def _end_pictures(self, at_s: float) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
        """End the tracks that are pictures of a face. Return first those that were a person before, whose visit has
        ended, then the others, which are not a visit however sure the detector is.

        Each one continues as a new track that must show life, so that its detections do not go to another track.
        """
        left: list[Track] = []
        pictures: list[Track] = []
        for face in [face for face in self._faces if face.life.is_still or face.life.is_on_screen]:
            is_screen = face.life.is_on_screen
            self._places.learn(face.last_box, at_s, is_screen=is_screen)
            was_person = face.confirmed and face.life.has_moved and not is_screen
            (left if was_person else pictures).append(face.track())
            self._faces.remove(face)
            if face.detection is not None:
                self._faces.append(Face(next(self._ids), face.detection, at_s))
        return tuple(left), tuple(pictures)

    def _remove(self, over: Callable[[Face], bool]) -> tuple[Track, ...]:
        gone = [face for face in self._faces if over(face)]
        self._faces = [face for face in self._faces if not over(face)]
        return tuple(face.track() for face in gone if face.confirmed)

    def _is_person(self, face: Face) -> bool:
        if face.hits < self._confirm_hits or face.hits * 2 < face.frames:
            return False
        if self._may_be_picture(face):
            return False
        better = sorted(face.scores)[len(face.scores) // 2 :]
        certainty = (sum(better) / len(better) - self._confirm_score) / (SURE_SCORE - self._confirm_score)
        seen_s = face.last_seen_s - face.first_seen_s
        return seen_s * min(certainty, 1.0) >= self._confirm_s - 1e-6

    def _without_duplicates(self, candidates: list[Detection]) -> list[Detection]:
        """Return the candidates whose face is not matched yet; of two that show the same face, the better one."""
        taken = [face.detection.box for face in self._faces if face.detection is not None]
        kept: list[Detection] = []
        for detection in sorted(candidates, key=lambda d: -d.score):
            if all(_cover(detection.box, box) < DUPLICATE_COVER for box in taken):
                taken.append(detection.box)
                kept.append(detection)
        return kept


def _match(
    faces: list[Face],
    detections: list[Detection],
    at_s: float,
    *,
    may_have_stopped: bool = False,
    barred: Callable[[Face, Detection], bool] = lambda face, detection: False,
) -> tuple[list[Face], list[Detection]]:
    """Match faces near their expected position, at the least total cost, except barred pairs; return the rest."""
    if not faces or not detections:
        return faces, detections
    sides = [detection.box.side for detection in detections]
    costs = [
        [
            math.inf
            if barred(face, detection)
            else face.cost(detection, side, reach, may_have_stopped=may_have_stopped)
            for detection, side in zip(detections, sides, strict=True)
        ]
        for face, reach in ((face, face.reach()) for face in faces)
    ]
    pairs = assign(costs, UNMATCHED_COST)
    for row, column in pairs:
        faces[row].see(detections[column], at_s)
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    return (
        [face for row, face in enumerate(faces) if row not in rows],
        [detection for column, detection in enumerate(detections) if column not in columns],
    )


def _candidates(detection: Detection, lost: list[Face]) -> list[Face]:
    """Return the lost faces that may be this detection, the most likely first. A hidden person may have stopped."""
    side = detection.box.side
    costs = [(face.cost(detection, side, face.reach(), may_have_stopped=True), face) for face in lost]
    return [face for cost, face in sorted(costs, key=lambda pair: pair[0]) if cost < UNMATCHED_COST]


def _match_far(faces: list[Face], detections: list[Detection], at_s: float) -> list[Detection]:
    """Match over a jump, if a face and a detection are each other's only candidate; return the rest.

    At a low frame rate a person moves by more than a face between two frames. If one face disappears and one appears
    between two frames, it is much more often a jump than a coincidence, as long as there is no third candidate and the
    score is about the same.
    """
    least, a_second, most = FAR_REACH
    reaches = [min(least + a_second * face.unseen_s, most) for face in faces]
    candidates = [
        [
            i
            for i, face in enumerate(faces)
            if face.doubt(detection) < FAR_DOUBT
            and face.cost(detection, detection.box.side, reaches[i], may_have_stopped=True) < math.inf
        ]
        for detection in detections
    ]
    wanted = [i for each in candidates for i in each]
    rest = []
    for detection, mine in zip(detections, candidates, strict=True):
        if len(mine) == 1 and wanted.count(mine[0]) == 1:
            faces[mine[0]].see(detection, at_s)
        else:
            rest.append(detection)
    return rest


def _cover(one: Box, other: Box) -> float:
    """Return the intersection over the smaller area, in 0..1: near 1 also if one box contains a much smaller one."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    smaller = min(one.area, other.area)
    return max(0.0, width) * max(0.0, height) / smaller if smaller > 0 else 0.0
