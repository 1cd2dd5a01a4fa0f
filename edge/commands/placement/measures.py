"""From sights to figures: plain sums over numbers, no picture, no clock."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from common.vocabulary import NOT_SEEN, UNKNOWN
from edge.commands.placement.sights import Closeup, Edge, Glance, Outline, SeenFace
from edge.types import Visit
from edge.vision.light import DIM
from edge.vision.pose import attending

FEWEST = 2
"""Number of people needed before head angles are reported: a single person may have looked aside."""

UNDECIDED_S = 1.0
"""A face that appeared less than this long ago may still become a visit."""

MISSED_SIGHTS = 3
MISSED_WALK = 0.3
"""A face that never became a visit was a person if it was seen this often and moved this far, in face sizes, from each
third of its sights to the next: patterns on a wall flicker, also from place to place, but do not walk."""

BACKLIT_RATIO = 2.0
BACKLIT_EXPOSURE = 0.75
"""A face is against the light if its surroundings are this much brighter, and it is dark or has little contrast. Bright
surroundings alone are not enough: dark skin in front of a white wall is darker than the wall, but well lit."""

TURNED_FACES = 3
"""This many sure faces in turned pictures, and twice as many as upright, show that the camera hangs turned."""

_ROLL = {90: -90.0, 180: 180.0, 270: 90.0}
"""How faces lean, clockwise, in a picture that has to be turned by this angle."""

FEWEST_CLOSEUPS = 3
STUCK = 0.25
STUCK_S = 2.0
"""Faces in enlarged parts of the picture: with fewer nothing is reported. A face that is still there later, within a
quarter of its size, is ignored: it is a picture of a face or somebody who waits, not somebody who passes."""

RATE_S = 1.0
"""A frame rate over less time is only a guess."""

SLOW = 1.0
"""In face sizes a second: up to this speed, only the lens blurs a face."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the settings need from a position: faces of at least ``face_px`` pixels, turned by less than the angles of
    the attention cone, in degrees; the requested ``fps`` and ``rotate`` of the camera; the attributes that may be
    published."""

    face_px: float
    cone_yaw: float
    cone_pitch: float
    fps: float
    rotate: int
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was measured. None where nothing could be measured; shares are 0..1, angles degrees.

    ``people`` are the faces that walked by: ``counted`` as visits, or ``missed`` because they were not seen well.
    ``closeups`` are faces in enlarged parts of the picture, ``unseen`` is the share of them that was not found in the
    whole picture and is too small for the service to describe, and ``unseen_px`` the median of their sizes. For each
    person we take the face size reached in a quarter of the time: ``side_px`` is the median of these sizes,
    ``too_small`` the share of people for whom it is too small, and ``small_px`` the median of those. ``roll``,
    ``pitch`` and ``yaw`` are medians over people. They describe the camera, because people on average hold their heads
    straight. ``turned`` is the median of the yaw without its sign. ``hangs`` is for a camera on its side or upside
    down: by how many degrees clockwise its picture must be turned. ``unknown`` counts, for each attribute, the visits
    without a verdict among ``judged`` finished visits.
    """

    seconds: float
    frames: int
    width: int
    height: int
    fps: float | None
    camera_fps: float | None
    dropped: int
    luma: float
    burnt: float
    frame_sharpness: float | None
    people: int
    counted: int
    missed: int
    closeups: int
    unseen: float | None
    unseen_px: float | None
    side_px: float | None
    side_px_range: tuple[float, float] | None
    too_small: float | None
    small_px: float | None
    sharpness: float | None
    slow_sharpness: float | None
    backlit: float | None
    hangs: int | None
    roll: float | None
    pitch: float | None
    yaw: float | None
    turned: float | None
    facing: float | None
    cut: float | None
    cut_edge: Edge | None
    excluded: float | None
    judged: int
    unknown: Mapping[str, int]


class _Person:
    """The sights of one face, in order of time."""

    def __init__(self, sights: Sequence[SeenFace]) -> None:
        self.sights = sights
        self.counted = any(sight.counted for sight in sights)
        self.side_px = sorted(sight.side_px for sight in sights)[3 * len(sights) // 4]

    @property
    def walked(self) -> float:
        """How far the face moved in one direction, in face sizes: from the first third of its sights to the second, or
        from the second to the last, whichever is less; 0 if it turned back."""
        third = max(1, len(self.sights) // 3)
        steps = []
        for way in self._ways():
            first, middle, last = median(way[:third]), median(way[third:-third] or way), median(way[-third:])
            onwards = (middle - first) * (last - middle) > 0
            steps.append(min(abs(middle - first), abs(last - middle)) if onwards else 0.0)
        return max(steps)

    def _ways(self) -> tuple[list[float], list[float]]:
        """Return the centre along each axis, sight by sight, in face sizes."""
        outlines = [sight.outline for sight in self.sights]
        across = max(2 * median(outline.x2 - outline.x1 for outline in outlines), 1e-6)
        down = max(2 * median(outline.y2 - outline.y1 for outline in outlines), 1e-6)
        return [(o.x1 + o.x2) / across for o in outlines], [(o.y1 + o.y2) / down for o in outlines]

    @property
    def cut(self) -> Edge | None:
        """The edge of the picture that cuts the face off in more than half of its sights."""
        edges = Counter(sight.cut for sight in self.sights)
        edge, often = edges.most_common(1)[0]
        return edge if 2 * often > len(self.sights) else None

    @property
    def is_backlit(self) -> bool:
        luma = median(sight.luma for sight in self.sights)
        ratio = median(sight.around / max(sight.luma, 1.0) for sight in self.sights)
        is_lost = luma < DIM or median(sight.exposure for sight in self.sights) < BACKLIT_EXPOSURE
        return is_lost and ratio >= BACKLIT_RATIO

    def faces(self, needs: Needs) -> bool:
        return any(
            attending(sight.pose, yaw_limit=needs.cone_yaw, pitch_limit=needs.cone_pitch)
            for sight in self.sights
        )


def measure(glances: Sequence[Glance], visits: Sequence[Visit], needs: Needs) -> Figures:
    """Compute the figures from at least one glance, in order of time, and the visits that have ended."""
    first, last = glances[0], glances[-1]
    seconds = last.at_s - first.at_s
    dropped = sum(glance.dropped for glance in glances[1:])
    people = _people(glances)
    counted = [person for person in people if person.counted]
    sights = [sight for person in people for sight in person.sights]
    sides = sorted(person.side_px for person in people)
    edges = Counter(person.cut for person in people if person.cut is not None)
    excluded = sum(glance.excluded for glance in glances)
    hangs, closeups = _hangs(glances), _passing_closeups(glances)
    closeup_px = [(one, _side_px(one.outline, last)) for one in closeups]
    unseen_px = [side for one, side in closeup_px if not one.found and side < needs.face_px]
    return Figures(
        seconds=seconds,
        frames=len(glances),
        width=last.width,
        height=last.height,
        fps=(len(glances) - 1) / seconds if seconds >= RATE_S else None,
        camera_fps=(len(glances) - 1 + dropped) / seconds if seconds >= RATE_S else None,
        dropped=dropped,
        luma=median(glance.luma for glance in glances),
        burnt=median(glance.burnt for glance in glances),
        frame_sharpness=_median([each.sharpness for each in glances if each.sharpness is not None]),
        people=len(people),
        counted=len(counted),
        missed=len(people) - len(counted),
        closeups=len(closeups),
        unseen=len(unseen_px) / len(closeups) if len(closeups) >= FEWEST_CLOSEUPS else None,
        unseen_px=_median(unseen_px),
        side_px=_median(sides),
        side_px_range=(sides[0], sides[-1]) if sides else None,
        too_small=_share(side < needs.face_px for side in sides),
        small_px=_median([side for side in sides if side < needs.face_px]),
        sharpness=_median([median(s.sharpness for s in person.sights) for person in people]),
        slow_sharpness=_median([sight.sharpness for sight in sights if sight.speed < SLOW]),
        backlit=_share(person.is_backlit for person in people),
        hangs=hangs,
        roll=_ROLL[hangs] if hangs else _typical([median(s.pose.roll for s in p.sights) for p in people]),
        pitch=_typical([median(s.pose.pitch for s in person.sights) for person in people]),
        yaw=_typical([median(s.pose.yaw for s in person.sights) for person in people]),
        turned=_typical([median(abs(s.pose.yaw) for s in person.sights) for person in people]),
        facing=_share(person.faces(needs) for person in counted) if len(counted) >= FEWEST else None,
        cut=_share(person.cut is not None for person in people),
        cut_edge=edges.most_common(1)[0][0] if edges else None,
        excluded=excluded / (excluded + len(sights)) if excluded else _share(False for _ in sights),
        judged=len(visits),
        unknown={name: _unknown(visits, name) for name in needs.attributes},
    )


def interval(found: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share from a sample of ``found`` in ``of`` (Wilson 1927); 0..1 without a sample."""
    if of == 0:
        return 0.0, 1.0
    share, spread = found / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    reach = z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    # The interval always includes the share itself; rounding could exclude it at 0 and 1.
    return max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach))


def _people(glances: Sequence[Glance]) -> list[_Person]:
    """Return everybody who walked by, without posters and patterns: faces that never move, and those that flicker."""
    pictures = {track for glance in glances for track in glance.pictures}
    tracks: dict[int, list[tuple[float, SeenFace]]] = {}
    for glance in glances:
        for sight in glance.sights:
            tracks.setdefault(sight.track, []).append((glance.at_s, sight))
    people = []
    for track, seen in tracks.items():
        person = _Person([sight for _, sight in seen])
        if person.counted:
            is_nobody = track in pictures
        else:
            came_late = seen[-1][0] > glances[-1].at_s - UNDECIDED_S
            is_nobody = came_late or len(seen) < MISSED_SIGHTS or person.walked < MISSED_WALK
        if not is_nobody:
            people.append(person)
    return people


def _passing_closeups(glances: Sequence[Glance]) -> list[Closeup]:
    """Return the faces in enlarged parts that were found only once in their place."""
    seen = [(glance.at_s, closeup) for glance in glances for closeup in glance.closeups]
    return [
        closeup
        for at_s, closeup in seen
        if not any(
            abs(then_s - at_s) >= STUCK_S and _stuck(closeup.outline, other.outline) for then_s, other in seen
        )
    ]


def _side_px(outline: Outline, glance: Glance) -> float:
    across, down = abs(outline.x2 - outline.x1) * glance.width, abs(outline.y2 - outline.y1) * glance.height
    return math.sqrt(across * down)


def _stuck(one: Outline, other: Outline) -> bool:
    across = abs(one.x1 + one.x2 - other.x1 - other.x2) / 2
    down = abs(one.y1 + one.y2 - other.y1 - other.y2) / 2
    return across < STUCK * (one.x2 - one.x1) and down < STUCK * (one.y2 - one.y1)


def _hangs(glances: Sequence[Glance]) -> int | None:
    """Return by how many degrees clockwise the picture must be turned, because more faces are found then."""
    upright: Counter[int] = Counter()
    turned: Counter[int] = Counter()
    for look in (glance.turned for glance in glances if glance.turned is not None):
        upright[look.degrees] += look.upright
        turned[look.degrees] += look.turned
    if not turned:
        return None
    degrees, faces = turned.most_common(1)[0]
    if faces < TURNED_FACES or faces < 2 * upright[degrees]:
        return None
    return degrees


def _unknown(visits: Sequence[Visit], attribute: str) -> int:
    return sum(visit.attributes[attribute].label in (UNKNOWN, NOT_SEEN) for visit in visits)


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _typical(values: Sequence[float]) -> float | None:
    return median(values) if len(values) >= FEWEST else None


def _share(which: Iterable[bool]) -> float | None:
    flags = list(which)
    return sum(flags) / len(flags) if flags else None
