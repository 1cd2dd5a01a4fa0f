"""All places of one camera, drawn for pictures of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edge.places.doors import Door, Doorway
from edge.places.geometry import Polygon
from edge.places.heat import Grid
from edge.places.plan import Plan, PlanPoints
from edge.places.targets import Aim, Target
from edge.places.zones import Zone


class Area(NamedTuple):
    """A zone and its polygon, in heights of the picture."""

    zone: Zone
    polygon: Polygon


class Drawn:
    """All places, drawn for pictures of one shape."""

    def __init__(
        self,
        aspect: float,
        doors: Sequence[Door],
        zones: Sequence[Zone],
        targets: Sequence[Target],
        plan: PlanPoints | None,
    ) -> None:
        self.plan = None if plan is None else Plan(plan, aspect)
        self.doors = [Doorway(door, aspect, self.plan) for door in doors]
        self.areas = [Area(zone, zone.drawn(aspect)) for zone in zones]
        self.aims = [Aim.of(target) for target in targets]
        corners = (
            ((0.0, 0.0), (aspect, 1.0)) if self.plan is None else (self.plan.corner, self.plan.far_corner)
        )
        self.grid = Grid(*corners)
