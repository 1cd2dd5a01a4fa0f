"""From the faces and bodies of one frame to people: each face belongs to at most one body, and each body has one face.

Proportions are those of a standing adult: a face is about a tenth of the body's height, shoulders with arms are three
faces wide. A body that is cut off by a counter or by the picture has the same width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from edge.proportions import FACES_HIGH, FACES_WIDE, HAIR
from edge.types import Body, Box, Face, Sight, Sighting
from edge.vision.assignment import assign

LOWEST_CUT = 4.0
"""A body shows at least this many face sizes of its height below the hair, or the width says nothing."""

RAISED = 3.0
"""With raised arms, the centre of the face is this many face sizes below the upper edge of the body."""

ABOVE, HEADLESS, SLENDER = 0.5, 1.5, 2.0
"""The face may stick out of its body's box by this much, in face sizes: boxes are not exact. The second holds above a
box that is higher than wide by the third factor: that of somebody who stands far away may begin on the chest."""

WORST_FIT = 4.0

Find = TypeVar("Find", Face, Body)

SAME_BODY = 0.75
"""A body without a face that shares this part of the smaller box with a better one is a part of the same person."""

SAME_IN_LOOKS, UPPER_PART = 0.5, 0.4
"""Bodies of two looks that overlap more than this are one. So are two of which the upper one shares the second part of
the smaller box: a near look cuts off the legs of those whose head the wide look misses."""

SAME_HEAD = 0.7
"""Heads closer than this, in face sizes, are one."""

FACE_ASPECT = 1.15
"""Height of a face over its size."""


def head_of(body: Box) -> Box:
    """Return where the face of a body is expected. It is exact to about half a face; see ``Person.head_in``."""
    side = max(body.height / FACES_HIGH, min(body.width / FACES_WIDE, body.height / LOWEST_CUT))
    x, y = body.centre[0], body.y1 + HAIR * side
    half_width, half_height = side / FACE_ASPECT / 2, side * FACE_ASPECT / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def fit(head: Box, body: Box) -> float:
    """Return how badly a face fits a body: 0 is perfect, infinite is impossible."""
    side = max(head.side, 1e-6)
    x, y = head.centre
    drop = (y - body.y1) / side
    above = HEADLESS if body.height >= SLENDER * body.width else ABOVE
    if not -above <= drop <= RAISED or not body.x1 - ABOVE * side <= x <= body.x2 + ABOVE * side:
        return math.inf
    if body.width < side or body.height < side or body.height > 2 * FACES_HIGH * side:
        return math.inf
    aside = abs(x - body.centre[0]) / side
    growth = abs(math.log(side / max(head_of(body).side, 1e-6)))
    return 0.5 * aside + 0.7 * abs(drop - HAIR) + growth


def sightings(sight: Sight) -> list[Sighting]:
    """Return the people of one frame, each once."""
    faces, bodies = sight.faces, sight.bodies
    costs = [[fit(face.box, body.box) for body in bodies] for face in faces]
    of_body = {column: faces[row] for row, column in assign(costs, WORST_FIT)} if faces and bodies else {}
    taken = {id(face) for face in of_body.values()}
    people = [_alone(face) for face in faces if id(face) not in taken]
    people += [_whole(face, bodies[column]) for column, face in of_body.items()]
    kept = [bodies[column].box for column in of_body]
    for column in sorted(range(len(bodies)), key=lambda column: -bodies[column].score):
        body = bodies[column]
        if column in of_body or _is_known(body.box, kept, list(of_body.values())):
            continue
        kept.append(body.box)
        people.append(Sighting(head_of(body.box), body.score, body=body))
    return people


def joined(sights: Sequence[Sight], *, small_px: float) -> Sight:
    """Return what several looks at one frame found, each once, by the look that is surest of it.

    The first look is the whole view. Of people, the others add those up to ``small_px`` high: near looks cut larger
    ones.
    """
    faces = sorted((face for sight in sights for face in sight.faces), key=lambda face: -face.score)
    wide, *others = sights
    near = [body for sight in others for body in sight.bodies if body.box.height <= small_px]
    cut = [body for body in near if _is_cut(body, wide.bodies, near)]
    bodies = [*wide.bodies, *(body for body in near if body not in cut)]
    bodies.sort(key=lambda body: -body.score)
    return Sight(_each_once(faces, same_head), _each_once(bodies, _same_body))


def _is_cut(part: Body, wide: Sequence[Body], near: Sequence[Body]) -> bool:
    """Return whether a body of a near look is the upper part of one that only the wide look shows."""
    return any(
        part.box.y1 < whole.box.y1
        and part.box.y2 < whole.box.y2
        and part.box.cover(whole.box) > UPPER_PART
        and not any(_same_body(whole.box, other.box) for other in near)
        for whole in wide
    )


def _each_once(finds: Sequence[Find], same: Callable[[Box, Box], bool]) -> tuple[Find, ...]:
    kept: list[Find] = []
    for find in finds:
        if not any(same(find.box, other.box) for other in kept):
            kept.append(find)
    return tuple(kept)


def _same_body(one: Box, other: Box) -> bool:
    return one.iou(other) > SAME_IN_LOOKS


def same_head(one: Box, other: Box) -> bool:
    """Return whether two boxes show one head: they cover each other, or are closer than two heads can be."""
    near = SAME_HEAD * max(one.side, other.side)
    return one.cover(other) >= 0.5 or math.dist(one.centre, other.centre) < near


def _alone(face: Face) -> Sighting:
    return Sighting(face.box, face.score, face=face)


def _whole(face: Face, body: Body) -> Sighting:
    """Both were found independently of each other, so both must be wrong if this is nobody."""
    return Sighting(face.box, 1 - (1 - face.score) * (1 - body.score), face=face, body=body)


def _is_known(box: Box, others: Sequence[Box], faces: Sequence[Face]) -> bool:
    """Return whether a body without a face is one of ``others``, or two of them together."""
    if any(box.cover(other) > SAME_BODY for other in others):
        return True
    return any(fit(face.box, box) <= 1.0 for face in faces)
