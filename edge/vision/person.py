"""One person over time: position, expected position, and the cost of matching the person with a sighting.

A person is followed by the head: it is where the face is, or where the body says that it must be. So a person who turns
away, or whose body is hidden, is still followed. Motion is a constant-velocity Kalman filter in seconds and face sizes,
never in frames and pixels, so that neither the frame rate nor the distance to the camera changes what is counted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from edge.proportions import FACES_HIGH
from edge.types import Box, Image, Sighting, Track, TrackState
from edge.vision.clothing import FORGOTTEN_S, Wardrobe
from edge.vision.face_place import FacePlace
from edge.vision.kalman import Axis
from edge.vision.leaving import Leaving
from edge.vision.sightings import WORST_FIT, fit
from edge.vision.stationary import LifeSigns

BLINK_S = 0.5
"""If the detector misses a person for at most this long, the person still counts as in view."""

SCORES = 60
"""Number of last sights by which a track is judged: some seconds."""

MEASUREMENT_SIGMA = 0.1
GUESS_SIGMA = 0.25
"""Jitter of the centre of a face that was seen, and of one that was guessed from a body, in face sizes."""

CUT_SIGMA = 2.0
"""The same for each factor of e between the size of a guessed head and the last size of this person."""

GUESS_WEIGHT = 0.25
"""Weight of the newest guess in the size of a head."""

GUESS_REACH, GUESS_GROWTH = 0.7, 1.0
"""A guessed head may be further away than a face by this many face sizes, and its size may differ by this logarithm."""

KNOWN_BODY_S, JUST_S = 1.0, 0.3
"""For this long, a body that is not seen any more still tells where the face may be, and a face where it is on it."""

OTHER_KIND = 0.3
"""Cost of matching a face with a track of which only the body was seen, or the other way round."""

NEWCOMER = 0.4
"""Cost of a match with somebody who is no person yet: patterns and doubles do not take the sightings of people."""

MORE_THAN_SHOULDERS = 5.0
"""Height of a body, in face sizes, of which more shows than head and shoulders."""

LONGEST = 1.7
"""Somebody whose face was seen has no body longer than this many times what the face says: it is somebody in front."""

NEAR_BY = 1.5
"""Somebody within this distance of a head, in its sizes, changes the picture of it."""

SETTLED_S, SETTLED_REACH, SETTLED_GROWTH = 3.0, 0.8, 0.25
"""Something that has been at its first place for so long is found only this near, in face sizes, and with a size that
differs by less than this logarithm: nobody who walks by is that thing."""

LEAST_SIDE, COARSE_SIDE = 2.2, 8.0
"""From this size of the face on, in pixels as the network sees them, the body of a person is found; from the second on,
its upper edge is exact enough to tell where the head is in one frame."""

NEAR_REACH = (0.7, 3.0)
"""Smallest and largest distance, in face sizes, between where a face is expected and where it is found."""

DOUBT = 1.5
"""Cost of a score lower than the usual one of a face, for a difference of 1."""

UNLIKE = 1.0
"""Cost of clothes that are surely others: less than a match may cost, because light changes colours, too."""


class Person:
    """One active track and its state."""

    def __init__(self, track_id: int, sighting: Sighting, at_s: float) -> None:
        self.track_id = track_id
        self.first_seen_s = self.last_seen_s = self._at_s = at_s
        self.sighting: Sighting | None = sighting
        self.first_box = self.last_box = sighting.head
        self.last_side = sighting.head.side
        self.confirmed = False
        self.hits = self.frames = 1
        self.faces, self.bodies = int(sighting.face is not None), int(sighting.body is not None)
        self.scores = deque([sighting.score], maxlen=SCORES)
        self._usual_score = sighting.score
        self._by_face = sighting.face is not None
        self._body, self._body_s = sighting.body, at_s
        self._face_place = FacePlace()
        self._expected, self._scale = True, 1.0
        self._leaving = Leaving()
        self.life = LifeSigns(sighting.head, at_s)
        self.candidates: list[Person] = []
        """Lost tracks that may be the same person, the most likely first, chosen when this person appeared."""
        self.others: set[int] = set()
        """The tracks that were seen in one frame with this one: they are somebody else."""
        self.merged = False
        self._wears = Wardrobe()
        x, y = sighting.head.centre
        self._x, self._y = Axis(x, self.last_side), Axis(y, self.last_side)
        self._learn_face_place(sighting)

    @property
    def unseen_s(self) -> float:
        return self._at_s - self.last_seen_s

    @property
    def age_s(self) -> float:
        return self._at_s - self.first_seen_s

    @property
    def is_far(self) -> bool:
        """Whether the person is too small to be found in the whole view."""
        return self.last_side * self._scale < LEAST_SIDE

    def merge(self, other: Person) -> None:
        """Take over the state of ``other``, which is this person, found again."""
        self._x, self._y = other._x, other._y
        self.last_box, self.last_side, self.last_seen_s = other.last_box, other.last_side, other.last_seen_s
        self.sighting, self._by_face = other.sighting, other._by_face
        self._body, self._body_s = other._body, other._body_s
        self._face_place = other._face_place
        self.faces += other.faces
        self.bodies += other.bodies
        self.hits += other.hits
        self.scores.extend(other.scores)
        self.life.join(other.life)
        other.merged = True

    def predict(self, at_s: float, *, scale: float | None) -> None:
        """Move on to ``at_s``. ``scale``: how much smaller than the picture the whole view is looked at now, None if
        it is not. A person too small to be seen at that scale does not count as missed."""
        dt = max(0.0, at_s - self._at_s)
        self._x.predict(dt, self.last_side)
        self._y.predict(dt, self.last_side)
        self._at_s = at_s
        if self.unseen_s > FORGOTTEN_S:
            self._wears.forget()
        self._scale = self._scale if scale is None else scale
        self._expected = scale is not None and not self.is_far
        self.frames += self._expected
        self.sighting = None

    def see(self, sighting: Sighting, at_s: float) -> None:
        head = self.head_in(sighting)
        (x, y), jitter = head.centre, MEASUREMENT_SIGMA
        same_place = self._face_place.known or self._by_face == (sighting.face is not None)
        self._learn_face_place(sighting)
        if sighting.face is None:
            # Half a body beside a pillar looks narrow, and its middle is not the middle of the person.
            growth = math.log(max(head.side, 1e-3) / max(self.last_side, 1e-3))
            jitter = GUESS_SIGMA + CUT_SIGMA * abs(growth)
            head = head.scaled(math.exp((GUESS_WEIGHT - 1) * growth))
        self.last_box, self.last_side = head, head.side
        jitter *= self.last_side
        if same_place:
            self._x.correct(x, jitter)
            self._y.correct(y, jitter)
        else:  # from a guess to the face, or back, is no movement
            self._x.jump(x, jitter)
            self._y.jump(y, jitter)
        if sighting.face is None and self.last_side * self._scale < COARSE_SIDE:
            # The upper edge of a far body jumps by a head from frame to frame; the filter knows better.
            self.last_box = head.moved(0.0, self._y.position - y)
        self.last_seen_s = at_s
        self.sighting = sighting
        self._by_face = sighting.face is not None
        self.faces += self._by_face
        if sighting.body is not None:
            self._body, self._body_s = sighting.body, at_s
            self.bodies += 1
        self.hits += 1
        self.frames += not self._expected  # a near look found whom nobody expected
        self.scores.append(sighting.score)
        self._usual_score += 0.2 * (sighting.score - self._usual_score)

    def head_in(self, sighting: Sighting) -> Box:
        """Return the head of a sighting. A body tells less exactly where the head is than the body and the place of
        this person's face on it, seen earlier."""
        if sighting.face is not None or sighting.body is None:
            return sighting.head
        return self._face_place.head(sighting.body.box)

    def _learn_face_place(self, sighting: Sighting) -> None:
        """Learn where the face is on the body: on this one, or the last one if a near look cuts it off."""
        body = None if sighting.body is None else sighting.body.box
        if body is None and self._at_s - self._body_s <= JUST_S:
            body = self.expected_body
        if sighting.face is None or body is None or fit(sighting.face.box, body) > WORST_FIT:
            return
        if self._face_place.learn(sighting.face.box, body):
            self.life.guess_anew()

    def look_alive(self, image: Image | None, at_s: float, others: Sequence[Person]) -> None:
        """Note whether this sighting shows that the person is no picture, and the clothes. What changes while one of
        ``others`` is near says nothing."""
        disturbed = any(other is not self and other.is_near(self) for other in others)
        if not disturbed and self.sighting is not None:
            self._wears.see(self.sighting.clothes, at_s)
        self.life.see(self.last_box, at_s, image, guessed=not self._by_face, disturbed=disturbed)

    @property
    def is_whole(self) -> bool:
        """Whether more of the body shows than head and shoulders, in most sights: a screen shows no more than these."""
        if self._body is None or 2 * self.bodies < self.hits:
            return False
        return self._body.box.height >= MORE_THAN_SHOULDERS * self.last_side

    def is_near(self, other: Person) -> bool:
        """Return whether this person is so near that the picture of the ``other``'s head may change by it."""
        (x, y), side = other.last_box.centre, other.last_side
        box, room = self.expected_body or self.expected, NEAR_BY * side
        return box.x1 - room <= x <= box.x2 + room and box.y1 - room <= y <= box.y2 + room

    def note_edge(self, width: int) -> None:
        """Note whether the person is leaving a picture of this ``width``."""
        by_body = self._body is not None and self._body_s >= self._at_s
        box = self._body.box if by_body and self._body is not None else self.last_box
        self._leaving.see(box, self._x.velocity, width, by_body=by_body)

    def is_outside(self, width: int, height: int) -> bool:
        """Return whether the head is expected outside the picture by now."""
        return not (0 <= self._x.position <= width and 0 <= self._y.position <= height)

    @property
    def expected(self) -> Box:
        """The last head, moved to the position that the filter expects now."""
        return self._moved(self.last_box)

    @property
    def expected_body(self) -> Box | None:
        """The last body, moved like the head; None if there was none lately."""
        if self._body is None or self._at_s - self._body_s > KNOWN_BODY_S:
            return None
        return self._moved(self._body.box)

    def _moved(self, box: Box) -> Box:
        x, y = self.last_box.centre
        return box.moved(self._x.position - x, self._y.position - y)

    def reach(self) -> float:
        """Return the largest distance of the head from its expected position, in face sizes: 2.5 sigma, bounded."""
        sigma = math.sqrt(max(self._x.position_var, self._y.position_var, 0.0)) / max(self.last_side, 1e-6)
        least, most = NEAR_REACH
        return min(least + 2.5 * sigma, most)

    def cost(self, sighting: Sighting, reach: float, *, may_have_stopped: bool = False) -> float:
        """Return the cost of matching ``sighting`` with this person; infinite if impossible.

        The cost is the sum of distance and size difference, each relative to what is possible after the time unseen,
        the missing overlap, and how much the score is lower than usual: when a person is hidden, a pattern close by
        scores lower; and clothes of other colours. Somebody who ``may_have_stopped`` is also expected at the last
        position. Where only the face is seen, and before only the body was, or the other way round, the two must fit
        each other.
        """
        head = self.head_in(sighting)
        centre, side = head.centre, head.side
        distance = math.dist((self._x.position, self._y.position), centre)
        if may_have_stopped:
            distance = min(distance, math.dist(self.last_box.centre, centre))
        distance /= math.sqrt(max(self.last_side * side, 1e-6))
        if self._leaving.turns_back((centre[0] - self.last_box.centre[0]) / max(self.last_side, 1e-6)):
            return math.inf  # somebody who comes in where another one leaves is a different person
        guessed = sighting.face is None
        if guessed and self._is_too_long(sighting):
            return math.inf
        # A body alone scores lower than with its face, which says nothing about who it is.
        doubt = 0.0 if guessed and self._by_face else DOUBT * self.doubt(sighting)
        doubt += 0.0 if self.confirmed else NEWCOMER
        misfit = self._misfit(sighting)
        growth = abs(math.log(max(side, 1e-3) / max(self.last_side, 1e-3)))
        tolerance = GUESS_GROWTH if guessed else min(0.4 + self.unseen_s, 0.75)
        if self.is_settled:
            tolerance, reach = min(tolerance, SETTLED_GROWTH), min(reach, SETTLED_REACH)
        reach += GUESS_REACH if guessed else 0.0
        is_apart = distance > reach or growth > tolerance
        if is_apart and misfit == math.inf:
            return math.inf
        doubt += UNLIKE * self._wears.unlike(sighting.clothes)
        by_fit = OTHER_KIND + misfit + doubt
        if is_apart:
            return by_fit
        missing = 1 - self._overlap(sighting, head)
        by_head = distance / reach + 0.5 * growth / tolerance + 0.5 * missing + doubt
        return min(by_head, by_fit)

    def _is_too_long(self, sighting: Sighting) -> bool:
        """Return whether a body is longer than that of this person can be, who was in sight a moment ago."""
        if sighting.body is None or not self._face_place.known or self.unseen_s > BLINK_S:
            return False
        return sighting.body.box.height > LONGEST * FACES_HIGH * self.last_side

    @property
    def is_settled(self) -> bool:
        """Whether this has been at its first place for so long that it is most likely a thing."""
        return not self.confirmed and self.age_s >= SETTLED_S and not self.life.has_left_its_place

    def _overlap(self, sighting: Sighting, head: Box) -> float:
        """Return the intersection over union of the expected head and the one found, or of the bodies where a head is
        only guessed."""
        body = self.expected_body
        if body is None or sighting.body is None or (self._by_face and sighting.face is not None):
            return self.expected.iou(head)
        return body.iou(sighting.body.box)

    def _misfit(self, sighting: Sighting) -> float:
        """Return how badly a face fits the body of this track, or a body its face; infinite if both are known."""
        if self.unseen_s > KNOWN_BODY_S:
            return math.inf
        if sighting.body is None and not self._by_face:
            body = self.expected_body
            misfit = math.inf if body is None else fit(sighting.head, body)
        elif sighting.face is None and sighting.body is not None and self._by_face:
            misfit = fit(self.expected, sighting.body.box)
        else:
            return math.inf
        return misfit / WORST_FIT if misfit <= WORST_FIT else math.inf

    def doubt(self, sighting: Sighting) -> float:
        """Return by how much ``sighting`` scores lower than usual for this person, 0..1."""
        return max(0.0, self._usual_score - sighting.score)

    def track(self) -> Track:
        if not self.confirmed:
            state = TrackState.TENTATIVE
        else:
            state = TrackState.LOST if self.unseen_s > BLINK_S else TrackState.CONFIRMED
        box = self.last_box if self.sighting is not None or self.unseen_s > BLINK_S else self.expected
        return Track(
            self.track_id,
            box,
            state,
            self.first_seen_s,
            self.last_seen_s,
            self.sighting,
            (self._x.velocity, self._y.velocity),
        )
