"""A shop with a door, a shelf with two products, and a desk with a queue, as two cameras see it.

The camera ``DOOR`` hangs inside and looks out through the door, an opening to a hall in which people pass by. The
camera ``SHELF`` hangs above the shelf and watches it and the desk. Both look at the same people:
``edge.scene.shop_script`` plans what they do, ``edge.scene.places_truth`` computes what happens at the places.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.scene.floor_plan import FloorPlan
from edge.scene.layout import EYES_ABOVE_FLOOR, Layout
from edge.scene.places import PlacesTruth
from edge.scene.places_truth import places_truth
from edge.scene.render import Scene
from edge.scene.route import face_at
from edge.scene.shop_plan import COUNTER_X, DOOR_PLAN, DOOR_XS, DOOR_Z, QUEUE_Z, SHELF_PLAN, WIDE
from edge.scene.shop_script import ShopScript
from edge.scene.viewpoint import Viewpoint
from edge.scene.walk import FOCAL, HORIZON, LINES, Pillar, PillarKind, Walk

SECONDS = 120.0
DOOR_CAMERA_X, DOOR_CAMERA_M = -2.6, 5.0
"""The camera at the door: its place beside the way, and its distance from the door line."""

_FLOOR_FROM_M = 3.85
"""A camera at this height sees the floor from here on."""


@dataclass(frozen=True, slots=True)
class ShopView:
    """What one camera sees: ``plan`` has the places that it watches, in its own metres."""

    name: str
    point: Viewpoint
    layout: Layout
    plan: FloorPlan
    pillars: tuple[Pillar, ...] = ()

    def scene(
        self, seed: int, width: int = 1280, height: int = 720, fps: float = 10, *, seconds: float = SECONDS
    ) -> Scene:
        """Build the scene. Raises ``ValueError`` if the picture is not 16:9 wide, ``DoesNotFit`` if the people do not
        fit into ``seconds``."""
        if abs(width * LINES / height - WIDE) > 1:
            raise ValueError(f"the shop needs a picture of 16:9, not {width} x {height}")
        walks = tuple(seen for walk in shop_walks(seed, seconds) for seen in self.point.walks(walk))
        return Scene(seed, width, height, fps, seconds, walks=walks, pillars=self.pillars, layout=self.layout)

    def truth(self, scene: Scene) -> PlacesTruth:
        """Compute what happens at the places of such a scene."""
        return places_truth(scene.walks, self.plan, WIDE, scene.seconds)


def shop_walks(seed: int, seconds: float = SECONDS) -> tuple[Walk, ...]:
    """Return the walks of everybody, as the camera at the shelf sees them, by the time at which they start. Raises
    ``DoesNotFit`` if the people do not fit into ``seconds``."""
    return ShopScript(seed, WIDE, seconds, 22, DOOR.point).walks()


def door_view(metres: float = DOOR_CAMERA_M) -> ShopView:
    """Return the view of a camera so far from the door line, at least 4 m: nearer, the floor is below the picture. Who
    is nearer than to the usual camera is not drawn, so that nobody stands between."""
    point = Viewpoint(DOOR_CAMERA_X, DOOR_Z - metres, WIDE)
    point = replace(point, nearest=max(point.nearest, metres - DOOR_CAMERA_M + point.nearest))
    plan = DOOR_PLAN.seen_from(point.x, point.z)
    (door,), half = plan.doors, WIDE / 2 / FOCAL * metres
    (left, far), (right, _) = door.line  # as much of it as is in the picture
    inside = door.inside[0], max(far - 0.9, _FLOOR_FROM_M)
    door = replace(door, line=((max(left, -half), far), (min(right, half), far)), inside=inside)
    return ShopView("door", point, _layout(point), replace(plan, doors=(door,)))


def _shelf_view() -> ShopView:
    point, face = Viewpoint(0.0, 0.0, WIDE), face_at(QUEUE_Z)
    counter = Pillar(
        WIDE / 2 + FOCAL * COUNTER_X / QUEUE_Z,
        WIDE,
        HORIZON + 2.9 * face,
        HORIZON + EYES_ABOVE_FLOOR * face,
        face,
        kind=PillarKind.COUNTER,
    )
    return ShopView("shelf", point, _layout(point), SHELF_PLAN, (counter,))


def _layout(point: Viewpoint) -> Layout:
    """Return the back wall with its opening. It is bare: what is counted here are places, and the busy shop shows
    whether people are found."""
    wall = DOOR_Z - point.z
    left, right = (min(1.0, max(0.0, 0.5 + FOCAL * (x - point.x) / wall / WIDE)) for x in DOOR_XS)
    return Layout(
        window=None,
        shelves=(),
        smiley=None,
        skull=None,
        opening=(left, right),
        fronts=False,
        floor=HORIZON + EYES_ABOVE_FLOOR * face_at(wall),
    )


DOOR = door_view()
SHELF = _shelf_view()
VIEWS = {view.name: view for view in (DOOR, SHELF)}
