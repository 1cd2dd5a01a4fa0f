"""The settings of places: floor plan, doors, zones, targets and notices, and the rules that combine them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from common.settings import Section
from common.wire import Name, NoticeRule, Share
from common.wire.places import ENTRY, EXIT, MOST_DOORS, MOST_TARGETS
from edge.places.geometry import area
from edge.places.notices import Rule
from edge.places.plan import Plan, PlanPoints
from edge.places.targets import apart
from edge.places.zones import Zone
from edge.proportions import EYES_M
from edge.vision.pose import POSE_ERROR_DEG

Metres = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]
SharePoint = tuple[Share, Share]

LEAST_APART_DEG = 2 * POSE_ERROR_DEG
"""Targets that are closer to each other cannot be told apart."""

ANY_ASPECT = 16 / 9
"""Whether a plan can be calculated does not depend on the shape of the picture."""


def _turns(points: Sequence[tuple[float, float]]) -> list[float]:
    """Return twice the area of the triangle at each corner, with its direction."""
    triples = zip(points, (*points[1:], *points[:1]), (*points[2:], *points[:2]), strict=True)
    return [(x2 - x1) * (y3 - y2) - (y2 - y1) * (x3 - x2) for (x1, y1), (x2, y2), (x3, y3) in triples]


class PlanSettings(Section):
    points: Annotated[tuple[SharePoint, ...], Field(min_length=4, max_length=4)]
    metres: Annotated[tuple[tuple[Metres, Metres], ...], Field(min_length=4, max_length=4)]

    @model_validator(mode="after")
    def _is_a_floor(self) -> Self:
        for key, points, least in (("points", self.points, 1e-3), ("metres", self.metres, 1e-2)):
            turns = _turns(points)
            if not (all(turn > least for turn in turns) or all(turn < -least for turn in turns)):
                raise ValueError(
                    f"{key} must be the corners of a four-sided area, in order around it, with no three on one line"
                )
        return self

    def given(self) -> PlanPoints:
        return PlanPoints(self.points, self.metres)


class DoorSettings(Section):
    name: Name
    line: tuple[SharePoint, SharePoint]
    inside: SharePoint

    @model_validator(mode="after")
    def _has_two_sides(self) -> Self:
        (x1, y1), (x2, y2) = self.line
        length = math.dist(*self.line)
        if length < 0.01:
            raise ValueError(f"line of door {self.name!r} has no length; give two different points")
        x, y = self.inside
        if abs((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) / length < 0.01:
            raise ValueError(
                f"inside of door {self.name!r} is on its line; give a point on the inner side of it"
            )
        return self


class ZoneSettings(Section):
    name: Name
    polygon: Annotated[tuple[SharePoint, ...], Field(min_length=3, max_length=32)]
    exclude: bool = False
    where: Literal["floor", "shelf"] = "floor"
    stop_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
    queue: bool = False
    front: Name | None = None

    @model_validator(mode="after")
    def _encloses_something(self) -> Self:
        if area(self.polygon) < 5e-7:
            raise ValueError(f"the polygon of zone {self.name!r} has no area; give its corners in order")
        return self

    def value(self) -> Zone:
        return Zone(self.name, self.polygon, self.where == "shelf", self.stop_s, self.front)

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        if self.queue and self.front is None:
            raise ValueError(
                f"zone {self.name!r} is a queue; add front: the name of the zone where people are served"
            )
        if self.front is not None and not self.queue:
            raise ValueError(
                f"zone {self.name!r} has a front but is no queue; add queue: true, or delete front"
            )
        if self.exclude and (self.queue or self.where == "shelf"):
            raise ValueError(
                f"zone {self.name!r} counts nobody, so it cannot be a queue or a shelf; delete exclude"
            )
        if self.name in {ENTRY, EXIT}:
            raise ValueError(
                f"a zone cannot be named {self.name!r}, which is where ways begin or end; use another name"
            )
        return self


class TargetSettings(Section):
    name: Name
    yaw: Annotated[float, Field(ge=-90, le=90)] | None = None
    pitch: Annotated[float, Field(ge=-60, le=60)] | None = None
    half_angle: Annotated[float, Field(gt=0, le=60)] = 15.0
    at: Annotated[tuple[Metres, ...], Field(min_length=2, max_length=3)] | None = None
    zone: Name | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        angles = [self.yaw, self.pitch]
        if (self.at is None and None in angles) or (self.at is not None and angles != [None, None]):
            raise ValueError(
                f"target {self.name!r} needs yaw and pitch, or at: [x, y] in metres on the plan, not both"
            )
        return self

    @property
    def direction(self) -> tuple[float, float] | None:
        """Yaw and pitch in degrees, if they are given."""
        return None if self.yaw is None or self.pitch is None else (self.yaw, self.pitch)

    @property
    def place(self) -> tuple[float, float, float] | None:
        """The place in metres with its height, which is that of the eyes if none is given."""
        return None if self.at is None else (*self.at, EYES_M)[:3]  # type: ignore[return-value]


_NEEDS: dict[NoticeRule, tuple[str, ...]] = {
    "queue_over": ("zone", "limit", "seconds"),
    "nobody_at_desk": ("zone", "desk", "seconds"),
    "inside_over": ("limit",),
    "zone_empty": ("zone", "seconds", "hours"),
}


class NoticeSettings(Section):
    name: Name
    rule: NoticeRule
    zone: Name | None = None
    desk: Name | None = None
    limit: Annotated[int, Field(ge=0, le=10_000)] | None = None
    seconds: Annotated[float, Field(ge=1, le=86_400)] | None = None
    hours: tuple[Annotated[int, Field(ge=0, le=24)], Annotated[int, Field(ge=0, le=24)]] | None = None

    @model_validator(mode="after")
    def _has_what_its_rule_needs(self) -> Self:
        needs = _NEEDS[self.rule]
        for key in ("zone", "desk", "limit", "seconds", "hours"):
            given = getattr(self, key) is not None
            if given != (key in needs):
                what = f"does not use {key}; delete it" if given else f"needs {key}"
                raise ValueError(f"notice {self.name!r} with the rule {self.rule} {what}")
        if self.hours is not None and self.hours[0] >= self.hours[1]:
            raise ValueError(f"hours of notice {self.name!r} must be the first and the last, as in [9, 20]")
        return self

    def value(self) -> Rule:
        return Rule(
            self.name,
            self.rule,
            zone=self.zone or "",
            desk=self.desk or "",
            limit=self.limit,
            seconds=self.seconds or 0.0,
            hours=self.hours or (0, 24),
        )


class PlaceSettings(Section):
    """The settings of all places: a part of the settings of a device."""

    plan: PlanSettings | None = None
    doors: Annotated[tuple[DoorSettings, ...], Field(max_length=MOST_DOORS)] = ()
    zones: Annotated[tuple[ZoneSettings, ...], Field(max_length=32)] = ()
    targets: Annotated[tuple[TargetSettings, ...], Field(max_length=MOST_TARGETS)] = ()
    notices: Annotated[tuple[NoticeSettings, ...], Field(max_length=16)] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        places = [door.name for door in self.doors] + [zone.name for zone in self.zones]
        places += [target.name for target in self.targets]
        notices = [notice.name for notice in self.notices]
        for what, names in (("doors, zones and targets", places), ("notices", notices)):
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"the name {twice!r} is used twice; {what} need different names")
        return self

    @property
    def has_places(self) -> bool:
        """Whether something is drawn on the picture, or depends on where the camera looks."""
        return bool(self.plan or self.doors or self.zones or self.targets)

    @property
    def counted_zones(self) -> list[Zone]:
        """The zones in which people are counted."""
        return [zone.value() for zone in self.zones if not zone.exclude]

    @model_validator(mode="after")
    def _zones_exist(self) -> Self:
        known = {zone.name for zone in self.zones if not zone.exclude}
        for zone in self.zones:
            if zone.front is not None and zone.front not in known - {zone.name}:
                raise _no_zone(f"front of zone {zone.name!r}", zone.front, known - {zone.name})
        for target in self.targets:
            if target.zone is not None and target.zone not in known:
                raise _no_zone(f"zone of target {target.name!r}", target.zone, known)
        for notice in self.notices:
            for key, name in (("zone", notice.zone), ("desk", notice.desk)):
                if name is not None and name not in known:
                    raise _no_zone(f"{key} of notice {notice.name!r}", name, known)
            if notice.rule == "inside_over" and not self.doors:
                raise ValueError(f"notice {notice.name!r} needs doors, which tell how many people are inside")
        return self

    @model_validator(mode="after")
    def _targets_can_be_told_apart(self) -> Self:
        for target in self.targets:
            if target.at is not None and self.plan is None:
                raise ValueError(
                    f"target {target.name!r} is in metres, so it needs the plan; or give yaw and pitch"
                )
        for one, other in itertools.combinations(self.targets, 2):
            if one.zone is not None and other.zone is not None and one.zone != other.zone:
                continue
            angle = self._apart(one, other)
            if angle < LEAST_APART_DEG:
                raise ValueError(
                    f"targets {one.name!r} and {other.name!r} are {angle:.0f} degrees apart, but the direction of a"
                    f" head is only known to {POSE_ERROR_DEG:g} degrees; move them at least {LEAST_APART_DEG:g} apart,"
                    " or use one target for both"
                )
        return self

    def _apart(self, one: TargetSettings, other: TargetSettings) -> float:
        """Return the angle between two targets; with a plan, as seen from the middle of the zone or of the plan."""
        directions = [self._direction(target, one.zone or other.zone) for target in (one, other)]
        return apart(directions[0], directions[1])

    def _direction(self, target: TargetSettings, zone_name: str | None) -> tuple[float, float]:
        if target.direction is not None:
            return target.direction
        assert self.plan is not None
        assert target.place is not None
        plan = Plan(self.plan.given(), ANY_ASPECT)
        corners: Iterable[SharePoint] = next(
            (zone.polygon for zone in self.zones if zone.name == zone_name), self.plan.points
        )
        floor = [plan.floor((x * ANY_ASPECT, y)) for x, y in corners]
        known = [point for point in floor if point is not None] or list(self.plan.metres)
        middle = [sum(values) / len(known) for values in zip(*known, strict=True)]
        return plan.direction((middle[0], middle[1], EYES_M), target.place)


def _no_zone(what: str, name: str, known: Iterable[str]) -> ValueError:
    names = ", ".join(sorted(known)) or "none"
    return ValueError(f"{what}: there is no zone {name!r} in which people are counted; zones: {names}")
