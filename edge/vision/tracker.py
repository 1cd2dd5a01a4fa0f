"""Follow people over time, so that each person is one visit even if the detector misses some frames.

The order of matching is that of ByteTrack (Zhang et al. 2022): sure sightings first, then doubtful ones. A doubtful
one may begin a track too, which will hardly be confirmed: so a pattern has its own track and does not take that of a
person. Nobody is recognised: a person who comes back after ``lost_s`` is a new visit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from edge.types import Image, Sighting, Track, TrackState
from edge.vision.clothing import clothes_of
from edge.vision.matching import candidates, match, match_far
from edge.vision.person import BLINK_S, Person
from edge.vision.sightings import same_head
from edge.vision.stationary import StationaryPlaces

LIKELY_SCORE = 0.7
"""Nothing that scores lower becomes a visit: a shop is full of patterns that look like a face for one frame."""

BODY_SCORE = 0.4
"""The same for somebody whose body was found in at least half of the sights."""

SURE_SCORE = 0.95
"""Score of a person that the detector is sure about."""

THING_PRICE = 0.8
"""Cost of a match of somebody in sight with what is at the place of a thing: who passes it is seen there, too."""

CLAIM_S = 1.5
"""A lost track waits this much longer than ``lost_s`` while somebody who may be the same is not confirmed yet."""

MOMENT_S, EDGE, NEAR = 1.2, 3.0, 1 / 30
"""People whose face has at least this share of the view's height come into view and leave it within so many face sizes
of an edge, or stay for longer than this. Those far away are found now and then."""

CLOSE = 0.2
"""A face of this share of the view's height hides the body, or pushes it out of the view."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """All active tracks after a frame, and the confirmed ones that have ended, each exactly once.

    ``pictures`` are tracks that have ended because they are not a person: a poster, a mannequin, a screen. A face found
    at such a place is not an active track until it shows life. ``fragments`` were confirmed and have ended, too, but
    appeared and vanished in the middle of the picture within a moment, as nobody does: pieces of somebody else's way.
    """

    active: tuple[Track, ...]
    ended: tuple[Track, ...]
    pictures: tuple[Track, ...] = ()
    fragments: tuple[Track, ...] = ()

    @property
    def occupancy(self) -> int:
        """Visits in view at this moment: confirmed, and seen a moment ago."""
        return sum(track.state is TrackState.CONFIRMED for track in self.active)


class Tracker:
    """Sightings in, tracks out.

    A track is a person once it was seen ``confirm_hits`` times, in at least half of the looks since it began, over at
    least ``confirm_s`` seconds, and has left the place where it was first seen. Lower scores need more time: patterns
    and hands that the detector takes for a person flicker and score low. The score of a track is the mean of the better
    half of its scores, because a person who turns away scores low for a while, but a pattern hardly ever scores high. A
    mean of ``SURE_SCORE`` needs ``confirm_s``, a mean half way down to ``confirm_score`` needs twice as long, and a
    track below ``confirm_score`` is never a person. Scores from ``high_score`` up choose their track first, those from
    ``low_score`` up get the rest. A track ends when it was not seen for more than ``lost_s`` seconds. Raises
    ``ValueError`` for a ``confirm_score`` that is not below ``SURE_SCORE``.
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
        self._people: list[Person] = []
        self._places = StationaryPlaces()
        self._last_s, self._began_s = -math.inf, math.inf
        self._close_px = 0.0
        self._view: tuple[int, int] | None = None

    def update(
        self,
        sightings: Sequence[Sighting],
        at_s: float,
        *,
        view: tuple[int, int] | None = None,
        image: Image | None = None,
        scale: float | None = 1.0,
    ) -> Tracks:
        """Take the sightings of the frame at ``at_s`` (monotonic seconds, never backwards).

        ``view`` is the picture's width and height: a person who was leaving it ends at once.
        ``image`` is the picture; without it, a person who hardly moves looks like a poster.
        ``scale``: how much smaller than the picture the whole view was looked at; None if only a part was looked at,
        so that nobody is missed because of this frame.
        """
        claimed = [lost for person in self._people if person.age_s < CLAIM_S for lost in person.candidates]
        gone = self._remove(lambda person: at_s - person.last_seen_s > self._lost_s and person not in claimed)
        for person in self._people:
            person.predict(at_s, scale=scale)
        if view is not None:
            self._view, self._close_px = view, CLOSE * view[1]
            gone += self._remove(lambda person: person.unseen_s > BLINK_S and person.is_outside(*view))
        # A person seen in the previous look at the whole view is in sight at any frame rate.
        previous_s = self._last_s
        self._began_s = min(self._began_s, at_s)
        if scale is not None:
            self._last_s = at_s
        if image is not None:
            sightings = [replace(one, clothes=clothes_of(image, one, sightings)) for one in sightings]
        self._assign(sightings, at_s, previous_s, everywhere=scale is not None)
        seen = {person.track_id for person in self._people if person.sighting is not None}
        for person in self._people:
            if person.sighting is not None:
                person.others |= seen
                person.look_alive(image, at_s, self._people)
                if view is not None:
                    person.note_edge(view[0])
            if not person.confirmed and self._is_likely(person):
                self._confirm(person, view)
        self._forget(at_s)
        left, pictures = self._end_pictures(at_s)
        active = (
            person.track() for person in self._people if person.confirmed or not self._may_be_picture(person)
        )
        pieces = [person for person in gone if self._is_fragment(person)]
        ended = tuple(person.track() for person in gone if person not in pieces)
        return Tracks(tuple(active), ended + left, pictures, tuple(person.track() for person in pieces))

    def _assign(
        self, sightings: Sequence[Sighting], at_s: float, previous_s: float, *, everywhere: bool
    ) -> None:
        """Give each sighting to somebody known, or make it somebody new. ``previous_s`` is the time of the last look at
        the whole view; ``everywhere``: this is one too."""
        in_sight_since = min(previous_s, at_s - BLINK_S)
        in_sight = [person for person in self._people if person.last_seen_s >= in_sight_since]
        lost = [person for person in self._people if person.last_seen_s < in_sight_since]
        high = [d for d in sightings if d.score >= self._high_score]
        low = [d for d in sightings if self._low_score <= d.score < self._high_score]

        in_sight, high = match(in_sight, high, at_s, elsewhere=self._are_parted, price=THING_PRICE)
        in_sight, low = match(in_sight, low, at_s, elsewhere=self._are_parted, price=THING_PRICE)
        high = self._without_duplicates(high)
        lost, high = match(lost, high, at_s, may_have_stopped=True, elsewhere=self._are_parted)
        # Somebody too small for the wide look is found now and then only, and seldom with a high score.
        far = [person for person in lost if person.confirmed and person.is_far]
        low = self._without_duplicates(low)
        _, low = match(far, low, at_s, may_have_stopped=True, elsewhere=self._are_parted)
        if everywhere:
            jumped = [person for person in in_sight if person.last_seen_s >= previous_s]
            high = match_far(jumped, high, at_s)
        # A doubtful one begins a track too: it will hardly be confirmed, but a pattern with its own track does not
        # take that of a person.
        for sighting in self._without_duplicates([*high, *low]):
            newborn = Person(next(self._ids), sighting, at_s)
            # Also somebody at whose head it is: two looks may see a far face in two sizes, which no match allows.
            unseen = [f for f in self._people if f.confirmed and f.sighting is None]
            doubles = [f for f in unseen if same_head(f.expected, sighting.head)]
            newborn.candidates = [*candidates(sighting, unseen), *doubles]
            self._places.see(sighting.head, at_s)
            self._people.append(newborn)

    def _forget(self, at_s: float) -> None:
        """Forget who was found again as somebody else, and who was seen for a moment only."""
        self._people = [person for person in self._people if not person.merged]
        gone = [person for person in self._people if not person.confirmed and person.unseen_s > BLINK_S]
        for person in gone:
            if not person.life.has_left_its_place:
                self._places.suspect(person.last_box, at_s)
            self._people.remove(person)

    def finish(self, at_s: float) -> tuple[Track, ...]:
        """End all tracks, as at the end of a file; return the confirmed ones that were still active at ``at_s``."""
        for person in self._people:
            person.predict(at_s, scale=None)
            if not person.confirmed and self._was_there_first(person) and self._is_likely(person):
                person.confirmed = True
        return tuple(person.track() for person in self._remove(lambda _: True))

    def _was_there_first(self, person: Person) -> bool:
        """Return whether this person was in view when the first frame came and to the end, with face and body: in a
        short clip, nobody has to come or go."""
        began = person.first_seen_s - self._began_s <= BLINK_S and person.unseen_s <= BLINK_S
        whole = 2 * min(person.faces, person.bodies) >= person.hits
        return began and whole and not person.life.is_still

    def _confirm(self, person: Person, view: tuple[int, int] | None) -> None:
        """Confirm somebody new, who must have shown life, or somebody who was hidden and has shown it before."""
        hidden = [
            f
            for f in self._people
            if f.confirmed
            and f.track_id not in person.others
            and not (view is not None and f.is_outside(*view))
        ]
        # Compare the place where it appeared, then the present one: a half hidden person looked too small at first.
        for lost in (*person.candidates, *(candidates(person.sighting, hidden) if person.sighting else ())):
            if lost in hidden and not self._places.part(lost.last_box, person.last_box, person.last_seen_s):
                lost.merge(person)
                return
        person.confirmed = self._shows_life(person)

    def _may_be_picture(self, person: Person) -> bool:
        return self._places.hide(person.last_box, person.life, person.last_seen_s)

    def _are_parted(self, person: Person, sighting: Sighting) -> bool:
        things = (other for other in self._people if other is not person and other.is_settled)
        return self._places.part(person.last_box, sighting.head, person.last_seen_s) or any(
            same_head(thing.last_box, sighting.head) for thing in things
        )

    def _end_pictures(self, at_s: float) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
        """End the tracks that are pictures of a person. Return first those that were a person before, whose visit has
        ended, then the others, which are not a visit however sure the detector is.

        Each one continues as a new track that must show life, so that its sightings do not go to another track.
        """
        left: list[Track] = []
        pictures: list[Track] = []
        for person in [person for person in self._people if person.life.is_still or person.life.is_on_screen]:
            is_screen = person.life.is_on_screen
            self._places.learn(person.last_box, at_s, is_screen=is_screen)
            was_person = person.confirmed and person.life.has_moved and not is_screen
            (left if was_person else pictures).append(person.track())
            self._people.remove(person)
            if person.sighting is not None:
                self._people.append(Person(next(self._ids), person.sighting, at_s))
        return tuple(left), tuple(pictures)

    def _remove(self, over: Callable[[Person], bool]) -> list[Person]:
        """Remove people; return the confirmed ones."""
        gone = [person for person in self._people if over(person)]
        self._people = [person for person in self._people if person not in gone]
        return [person for person in gone if person.confirmed]

    def _is_fragment(self, person: Person) -> bool:
        """Return whether somebody who has ended was seen for a moment only and did not both come in and leave at an
        edge. Who was there when the source began may have come in before."""
        lasted_s = person.last_seen_s - person.first_seen_s
        if self._view is None or lasted_s >= MOMENT_S or person.first_seen_s <= self._began_s:
            return False
        ends = person.first_box, person.last_box
        is_near = all(box.side >= NEAR * self._view[1] for box in ends)
        return is_near and any(box.room(*self._view) > EDGE * box.side for box in ends)

    def _is_likely(self, person: Person) -> bool:
        if person.hits < self._confirm_hits or person.hits * 2 < person.frames:
            return False
        if self._may_be_picture(person):
            return False
        better = sorted(person.scores)[len(person.scores) // 2 :]
        # A body that walks is a person more surely than its score says: furniture does not walk.
        least = BODY_SCORE if 2 * person.bodies >= person.hits else self._confirm_score
        certainty = (sum(better) / len(better) - least) / (SURE_SCORE - least)
        seen_s = person.last_seen_s - person.first_seen_s
        return seen_s * min(certainty, 1.0) >= self._confirm_s - 1e-6

    def _shows_life(self, person: Person) -> bool:
        """Return whether this is no furniture, poster, mannequin or screen.

        People come into view or go, so sooner or later they leave the place where they were first seen. Who stays is a
        person after several signs of life that nobody else near can have caused, if more than head and shoulders shows:
        screens show these. A face that is so close that it hides the body is believed at once.
        """
        if person.life.has_left_its_place or (person.faces > 0 and person.last_side >= self._close_px):
            return True
        return person.is_whole and person.life.is_surely_alive

    def _without_duplicates(self, found: list[Sighting]) -> list[Sighting]:
        """Return the sightings whose person is not matched yet; of two that show the same person, the better one."""
        matched = [person for person in self._people if person.sighting is not None]
        kept: list[Sighting] = []
        for sighting in sorted(found, key=lambda sighting: -sighting.score):
            # Body and face of somebody far away may come apart: the person knows where on the body the face is.
            known = any(same_head(person.head_in(sighting), person.last_box) for person in matched)
            if not known and not any(same_head(sighting.head, other.head) for other in kept):
                kept.append(sighting)
        return kept
