"""From the settings of places to the places themselves."""

from __future__ import annotations

from common.clock import Clock
from common.wire import short_hash
from common.wire.places import HEAT_COLUMNS, HEAT_ROWS
from edge.config import Settings
from edge.members import Members
from edge.places.doors import Door
from edge.places.notices import Notices
from edge.places.overlap import cells_inside, overlapping
from edge.places.places import Places
from edge.places.staff import StaffPlaces, StaffTimes
from edge.places.targets import Target
from edge.places.zones import ExcludedZones
from edge.staff import Staff
from edge.vision.badge import BadgeReader
from edge.vision.clip_privacy import ClipPlan
from edge.vision.code import CodeReader
from edge.vision.place_privacy import Plan
from edge.vision.scheduler import Budget

STAFF_HOLD_S = 60.0
"""A crossing of a door waits so long whether the person turns out to be staff."""

BADGE_BUDGET_S = 0.004
"""Time for looks for the badge, in seconds for each frame on average: one or two looks on a Raspberry Pi 4."""

CODE_BUDGET_S = 0.004
"""The same for looks for the code of a member."""


def timed_zones(settings: Settings) -> frozenset[str]:
    """Return the zones that overlap none of the others: only their times may be told."""
    return frozenset(name for name, others in overlapping(settings.counted_zones).items() if not others)


def place_plan(settings: Settings) -> Plan:
    """Return what the privacy rule must know of the places."""
    zones, camera = settings.counted_zones, settings.camera
    given = None if settings.plan is None else settings.plan.given()
    places = (
        settings.plan,
        settings.doors,
        settings.zones,
        settings.targets,
        settings.staff,
        *_programme_of(settings),
    )
    return Plan(
        zones=tuple(zone.name for zone in zones),
        timed=timed_zones(settings),
        queues=frozenset(zone.name for zone in zones if zone.front is not None),
        targets={target.name: target.zone for target in settings.targets},
        heat=(HEAT_COLUMNS, HEAT_ROWS),
        inside=cells_inside(zones, given, camera.width / camera.height),
        leaves_out_staff=settings.staff.is_used,
        counts_members=settings.loyalty.key_file is not None,
        display=_clip_plan(settings),
        version=short_hash(repr(places).encode()),
    )


def _programme_of(settings: Settings) -> tuple[object, ...]:
    """Return what decides which show a visit belongs to; nothing without a display."""
    asked = settings.signage
    if asked is None:
        return ()
    return asked.clips, asked.rules, asked.rotation, asked.holdout, asked.holdout_by, asked.zone, asked.target


def _clip_plan(settings: Settings) -> ClipPlan:
    asked = settings.signage
    if asked is None:
        return ClipPlan()
    about = {label for rule in asked.rules for label in (rule.gender, *rule.ages) if label is not None}
    return ClipPlan(
        clips=tuple(clip.name for clip in asked.clips),
        suited=frozenset(rule.clip for rule in asked.rules),
        about=frozenset(about),
        target=asked.target,
        holdout_hours=asked.holdout if asked.holdout_by == "hour" else None,
    )


def build_places(settings: Settings, *, least_look_s: float) -> Places:
    """Return the places of the settings. A look at a target counts from ``least_look_s`` on."""
    return Places(
        doors=[Door(door.name, door.line, door.inside) for door in settings.doors],
        zones=settings.counted_zones,
        targets=[
            Target(target.name, target.half_angle, target.direction, target.place, target.zone)
            for target in settings.targets
        ],
        plan=None if settings.plan is None else settings.plan.given(),
        least_look_s=least_look_s,
        waits=[wait for notice in settings.notices if (wait := notice.value().wait) is not None],
        hold_s=STAFF_HOLD_S if settings.staff.is_found_later else 0.0,
    )


def build_staff(settings: Settings, clock: Clock, *, has_budget: bool) -> Staff:
    """Return who is left out as staff. Without ``has_budget``, looks for the badge have no time limit."""
    staff = settings.staff
    has_places = staff.zones or staff.lines
    return Staff(
        times=StaffTimes([one.value() for one in staff.times]),
        places=StaffPlaces([zone.value() for zone in staff.zones], staff.doors()) if has_places else None,
        badge=BadgeReader() if staff.badge else None,
        budget=Budget(BADGE_BUDGET_S if has_budget else None),
        clock=clock,
    )


def build_members(settings: Settings, clock: Clock, *, has_budget: bool) -> Members:
    """Return who shows the code of a member. Without ``has_budget``, looks for it have no time limit. Raises
    ``UserError`` for a file of keys that cannot be read."""
    keys, budget = settings.loyalty.keys(), Budget(CODE_BUDGET_S if has_budget else None)
    return Members(keys=keys, reader=CodeReader(), budget=budget, clock=clock)


def build_notices(settings: Settings) -> Notices:
    """Return the rules about which staff are told."""
    return Notices([notice.value() for notice in settings.notices])


def excluded_zones(settings: Settings) -> ExcludedZones:
    """Return the zones in which nobody is counted."""
    return ExcludedZones([zone.value() for zone in settings.zones if zone.exclude])
