"""From the settings of places to the places themselves."""

from __future__ import annotations

from edge.config import Settings
from edge.places.doors import Door
from edge.places.notices import Notices
from edge.places.places import Places
from edge.places.targets import Target
from edge.places.zones import ExcludedZones, Zone


def build_places(settings: Settings, *, least_look_s: float) -> Places:
    """Return the places of the settings. A look at a target counts from ``least_look_s`` on."""
    return Places(
        doors=[Door(door.name, door.line, door.inside) for door in settings.doors],
        zones=[
            Zone(zone.name, zone.polygon, zone.where == "shelf", zone.stop_s, zone.front)
            for zone in settings.zones
            if not zone.exclude
        ],
        targets=[
            Target(target.name, target.half_angle, target.direction, target.place, target.zone)
            for target in settings.targets
        ],
        plan=None if settings.plan is None else settings.plan.given(),
        least_look_s=least_look_s,
        waits=[wait for notice in settings.notices if (wait := notice.value().wait) is not None],
    )


def build_notices(settings: Settings) -> Notices:
    """Return the rules about which staff are told."""
    return Notices([notice.value() for notice in settings.notices])


def excluded_zones(settings: Settings) -> ExcludedZones:
    """Return the zones in which nobody is counted."""
    return ExcludedZones([Zone(zone.name, zone.polygon) for zone in settings.zones if zone.exclude])
