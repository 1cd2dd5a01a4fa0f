"""What a device tells at most with its settings, in the words of the sign at the door."""

from __future__ import annotations

from common.sign import MEASURES, Measure, Told, measures_of_zones
from edge.config import Settings


def told_by_settings(settings: Settings) -> Told:
    """Return what a device with these settings tells at most. Heat and ways need no settings of their own."""
    found: dict[Measure, object] = {
        "doors": settings.doors,
        "targets": settings.targets,
        "clips": settings.signage,
        "heat": True,
        "ways": True,
        "staff": settings.staff.is_used,
        "members": settings.loyalty.key_file,
        "notices": settings.notices,
    }
    zones = measures_of_zones(zone.queue for zone in settings.zones if not zone.exclude)
    return Told(
        settings.privacy.profile,
        settings.privacy.k,
        settings.window.seconds,
        frozenset(measure for measure in MEASURES if found.get(measure) or measure in zones),
    )
