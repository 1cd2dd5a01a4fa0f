"""Decide where to look in a frame: at the whole view some times a second, and at one part of it where that pays most.

A near look sees one part of the picture at its own resolution, so it finds faces that are too small in the whole view.
Each person who needs one gives a score to every part that holds the head, and the part with the largest sum wins.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edge.types import Track, TrackState
from edge.vision.motion import Point

CALM_FPS, TANGLED_FPS = 8.0, 20.0
"""Looks at the whole view in a second, at most: usually, and while somebody is hidden or people pass one another, when
it is easiest to mistake one for another."""

CLOSE, APPROACH = 3.0, 1.0
"""People pass one another when they are this close, in face sizes, and move this fast relative to each other, in face
sizes a second."""

JUST_SEEN_S = 0.2
"""Who was not seen for longer, but was a person before, is hidden."""

SEEN_WIDE_PX = 16.0
"""A face of this size, as the network sees it, is found in the whole view: if it is not, it does not show."""

FOLLOWED_WIDE_PX = 4.5
"""A person with a smaller face, as the network sees it, is hardly found in the whole view."""

FOLLOW_S = 0.12
"""A person who is followed by near looks alone needs one this often."""

ATTENTION_S = 0.25
"""The direction of a head is measured this often."""

FRUITLESS_S = (0.12, 1.5)
"""Waiting time after a near look that did not find the face; it doubles each time, up to the second value."""

LEAVING_S = 0.5
"""Somebody who leaves within this time counts twice as much as somebody who stays."""

FOLLOW, ATTENTION = 0.6, 0.25
"""Scores of a look that keeps following a far person, or measures a known person's direction; a look for a first
description has a score of 1 to 2."""

WHOLE_IN_NEAR = 0.5
"""A near look adds people up to this share of its height: it cuts off many of the larger ones."""

REACH = 2.0
"""Room around a head that a near look needs, in face sizes: the network must see that this is a person."""


class Budget:
    """Time for near looks: ``per_frame_s`` seconds a frame on average, None for any. Unused time is kept for a few
    frames, because one look takes longer than a frame's share."""

    KEPT_FRAMES = 4

    def __init__(self, per_frame_s: float | None) -> None:
        self._per_frame_s = per_frame_s
        self._left_s = 0.0

    def next_frame(self) -> bool:
        """Begin a frame; return whether there is time for a look."""
        if self._per_frame_s is not None:
            self._left_s = min(self._left_s + self._per_frame_s, self.KEPT_FRAMES * self._per_frame_s)
        return self.has_time

    @property
    def has_time(self) -> bool:
        """Whether there is time for another look."""
        return self._per_frame_s is None or self._left_s > 0

    def spend(self, seconds: float) -> None:
        """Take the time of one look."""
        self._left_s -= seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """The looks at one frame: whether at the whole view, and the upper left corner of the near look, if any."""

    wide: bool
    corner: tuple[int, int] | None


NO_LOOK = Plan(wide=False, corner=None)


@dataclass(slots=True)
class _Memory:
    """What near looks brought for one person."""

    looked_s: float = -math.inf
    fruitless: int = 0

    def rests_until_s(self) -> float:
        if not self.fruitless:
            return -math.inf
        least, most = FRUITLESS_S
        return self.looked_s + float(min(most, least * 2.0 ** (self.fruitless - 1)))


class Scheduler:
    """Plans the looks. ``size``: width and height of a near look; ``least_px``: the smallest face that can be
    described; ``spacing_s``: the time between two looks that describe the same person.
    """

    def __init__(self, size: tuple[int, int], *, least_px: float, spacing_s: float) -> None:
        self._size, self._least_px, self._spacing_s = size, least_px, spacing_s
        self._wide_s = self._last_s = -math.inf
        self._people: dict[int, _Memory] = {}
        self._still: list[tuple[Point, float]] = []

    def plan(
        self,
        at_s: float,
        view: tuple[int, int],
        tracks: Sequence[Track],
        described: Collection[int],
        motion: Sequence[Point],
        *,
        may_look_near: bool,
    ) -> Plan:
        """Plan the frame of ``at_s``. ``view``: its width and height. ``tracks``: the people after the last frame.
        ``described``: ids of those who need no more looks. ``motion``: places where something moves."""
        period_s, self._last_s = at_s - self._last_s, at_s
        interval_s = 1 / (TANGLED_FPS if _tangled(tracks, at_s) else CALM_FPS)
        each_frame = period_s * 1.5 > interval_s
        wide = at_s - self._wide_s + min(period_s, 1.0) / 2 > interval_s
        if wide:
            self._wide_s = at_s
        self._people = {track.track_id: self._people.get(track.track_id, _Memory()) for track in tracks}
        if not may_look_near or (wide and not each_frame):
            return Plan(wide, None)
        scale = wide_scale(self._size, view)
        if scale >= 1:  # the whole view is at its own resolution already
            return Plan(wide, None)
        scores = {track.track_id: self._score(track, at_s, scale, view, described) for track in tracks}
        wanted = [(track, scores[track.track_id]) for track in tracks if scores[track.track_id] > 0]
        if not wanted:
            return Plan(wide, self._where_it_moves(at_s, view, tracks, motion))
        return Plan(wide, self._best(wanted, view))

    def looked(self, corner: tuple[int, int], tracks: Sequence[Track], at_s: float) -> None:
        """Learn what the near look at ``corner`` brought; ``tracks`` are the people after it."""
        for track in tracks:
            if self._holds(corner, track):
                memory = self._people.setdefault(track.track_id, _Memory())
                memory.looked_s = at_s
                memory.fruitless = 0 if track.face is not None else memory.fruitless + 1

    def _score(
        self, track: Track, at_s: float, scale: float, view: tuple[int, int], described: Collection[int]
    ) -> float:
        memory, side = self._people[track.track_id], track.box.side
        if side * scale < FOLLOWED_WIDE_PX and at_s - track.last_seen_s >= FOLLOW_S:
            return FOLLOW
        if side * scale >= SEEN_WIDE_PX or side < self._least_px or at_s < memory.rests_until_s():
            return 0.0
        since_s = at_s - memory.looked_s
        if track.track_id in described:
            return ATTENTION if since_s >= ATTENTION_S else 0.0
        if since_s < self._spacing_s and not memory.fruitless:
            return 0.0
        return 1 + LEAVING_S / (LEAVING_S + _leaves_in_s(track, view))

    def _best(self, wanted: Sequence[tuple[Track, float]], view: tuple[int, int]) -> tuple[int, int]:
        """Return the corner of the part with the largest sum of scores: around one head, or between two."""
        centres = [track.box.centre for track, _ in wanted]
        middles = [
            ((x1 + x2) / 2, (y1 + y2) / 2)
            for place, (x1, y1) in enumerate(centres)
            for x2, y2 in centres[place:]
            if abs(x1 - x2) < self._size[0] and abs(y1 - y2) < self._size[1]
        ]
        corners = {self._corner(middle, view): None for middle in middles}
        return max(
            corners, key=lambda corner: sum(score for track, score in wanted if self._holds(corner, track))
        )

    def _corner(self, middle: Point, view: tuple[int, int]) -> tuple[int, int]:
        """Return the corner of the part around ``middle``, moved into the view."""
        return (
            max(0, min(round(middle[0] - self._size[0] / 2), view[0] - self._size[0])),
            max(0, min(round(middle[1] - self._size[1] / 2), view[1] - self._size[1])),
        )

    def _holds(self, corner: tuple[int, int], track: Track) -> bool:
        """Return whether the part holds the head with some room, or as much room as the picture gives."""
        x, y = track.box.centre
        room = min(REACH * track.box.side, self._size[1] / 2)
        return (
            (corner[0] + room <= x or corner[0] == 0)
            and (corner[1] + room <= y or corner[1] == 0)
            and x <= corner[0] + self._size[0]
            and y <= corner[1] + self._size[1]
            and corner[0] <= x
            and corner[1] <= y
        )

    def _where_it_moves(
        self, at_s: float, view: tuple[int, int], tracks: Sequence[Track], motion: Sequence[Point]
    ) -> tuple[int, int] | None:
        """Return the corner of a part where something moves that is nobody known; not twice within a second."""
        self._still = [(place, until_s) for place, until_s in self._still if until_s > at_s]
        strange = [
            point
            for point in motion
            if not any(_near(point, track) for track in tracks)
            and not any(math.dist(point, place) < self._size[1] / 2 for place, _ in self._still)
        ]
        if not strange:
            return None
        middle = (
            sorted(x for x, _ in strange)[len(strange) // 2],
            sorted(y for _, y in strange)[len(strange) // 2],
        )
        nearest = min(strange, key=lambda point: math.dist(point, middle))
        self._still.append((nearest, at_s + FRUITLESS_S[1] / 3))
        return self._corner(nearest, view)


def wide_scale(size: tuple[int, int], view: tuple[int, int]) -> float:
    """Return how much smaller than a picture of ``view`` pixels a network with an input of ``size`` sees it."""
    return min(size[0] / view[0], size[1] / view[1])


def _tangled(tracks: Sequence[Track], at_s: float) -> bool:
    """Return whether somebody is hidden, or two people pass one another."""
    people = [track for track in tracks if track.state is not TrackState.TENTATIVE]
    if any(at_s - track.last_seen_s > JUST_SEEN_S for track in people):
        return True
    sides = [track.box.side for track in people]
    return any(
        math.dist(one.box.centre, other.box.centre) < CLOSE * (side := max(sides[place], other_side))
        and math.dist(one.velocity, other.velocity) > APPROACH * side
        for place, one in enumerate(people)
        for other, other_side in zip(people[place + 1 :], sides[place + 1 :], strict=True)
    )


def _near(point: Point, track: Track) -> bool:
    """Return whether a moving point is a part of this person, judging by the usual size of a body."""
    (x, y), side = track.box.centre, track.box.side
    return abs(point[0] - x) <= 3 * side and -2 * side <= point[1] - y <= 11 * side


def _leaves_in_s(track: Track, view: tuple[int, int]) -> float:
    """Return after how many seconds the head leaves the picture sideways at its present speed."""
    x, speed = track.box.centre[0], track.velocity[0]
    if abs(speed) < 1.0:
        return math.inf
    return max(0.0, (view[0] - x if speed > 0 else x) / abs(speed))
