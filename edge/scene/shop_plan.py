"""The places of the shop of ``edge.scene.shop``, in metres, and where people stand at them.

``x`` and ``z`` are as the camera at the shelf sees them: to the right of it, and away from it.
"""

from __future__ import annotations

from edge.scene.floor_plan import Door, FloorPlan, Target, Zone, heading_to
from edge.scene.walk import LINES

WIDE = LINES * 16 / 9
"""Width of the picture in lines."""

DOOR_Z, DOOR_XS = 10.2, (-4.05, 0.0)
"""The back wall, and from where to where it is open to the hall."""
QUEUE_Z, FRONT_X, SPACING = 6.2, 1.555, 0.89
"""The queue: its distance, its front, and the space between two people, in metres."""
PLACES = 3
"""So many people fit into the queue."""
DESK_X, COUNTER_X = 2.44, 3.05
"""Where people are served, and where the desk begins."""
LANE_Z = 8.0
"""Behind the queue people walk to and from the door."""
SHELF_XS, SHELF_Z = (-1.89, -1.55, -1.2, -0.86, -0.52), (4.7, 5.05)
"""Where people stand who look at a product, one at each ``x``."""


def _product(name: str, x: float) -> Target:
    place = (x, 1.6)
    middle = sum(SHELF_XS) / len(SHELF_XS), sum(SHELF_Z) / 2
    return Target(name, place, "shelf", round(heading_to(place, *middle), 1), half_angle=25.0)


DOOR_PLAN = FloorPlan(
    doors=(Door("door", ((DOOR_XS[0], DOOR_Z), (DOOR_XS[1], DOOR_Z)), (-1.85, DOOR_Z - 0.2)),),
    zones=(),
    targets=(),
)
SHELF_PLAN = FloorPlan(
    doors=(),
    zones=(
        Zone("shelf", ((-2.25, 4.0), (-0.2, 4.0), (-0.2, 5.35), (-2.25, 5.35))),
        Zone("queue", ((-0.75, 5.5), (2.0, 5.5), (2.0, 7.1), (-0.75, 7.1)), desk="desk"),
        Zone("desk", ((2.0, 5.5), (2.9, 5.5), (2.9, 7.1), (2.0, 7.1))),
    ),
    targets=(_product("left", -2.45), _product("right", 2.4)),
)
"""The places that each camera watches. Both products stand below the camera at the shelf, out of its picture."""
