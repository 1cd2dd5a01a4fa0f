"""What is known of the clips of a site in some days: how they were watched, and what they changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from cloud.analysis.clip_hours import HourEffect, Outcome, clip_effects
from cloud.analysis.clips import Effect, effect
from cloud.analysis.shop_hours import shop_hours
from cloud.domain.chain import Role, Site
from cloud.domain.clips import ClipSums, ToldClips, clips_of, held_by_hours
from cloud.stores.tallies import Tallies, open_quarters


@dataclass(frozen=True, slots=True)
class ClipFigures:
    """One clip of the display of one device."""

    device: str
    clip: str
    sums: ClipSums
    attention: Effect | None
    """None for a clip of the rotation."""
    by_hour: Mapping[Outcome, HourEffect] | None
    """None if chance does not hold it out for whole hours."""


def clip_figures(
    source: Tallies, site: Site, first: date, last: date, role: Role, until: datetime | None = None
) -> list[ClipFigures]:
    """Compute them from the cohorts of these local days, or ``until`` a moment after them, and from the hours of the
    days. ``role`` is that of the cameras whose doors count the entries.

    Raises ``StoreUnavailable``.
    """
    start, end = site.local_day(first)[0], site.local_day(last)[1]
    told = source.clips(site.name, start, until or end)
    effects = _effects(source, site, first, last, role, told)
    devices: dict[str, list[ToldClips]] = {}
    for one in told:
        devices.setdefault(one.device, []).append(one)
    return [
        ClipFigures(
            device=device,
            clip=name,
            sums=sums,
            attention=effect(sums.trials) if sums.suited else None,
            by_hour=effects.get((device, name)),
        )
        for device, cohorts in sorted(devices.items())
        for name, sums in sorted(clips_of(cohorts).items())
    ]


def _effects(
    source: Tallies, site: Site, first: date, last: date, role: Role, told: list[ToldClips]
) -> dict[tuple[str, str], dict[Outcome, HourEffect]]:
    clips = held_by_hours(told)
    if not clips:
        return {}
    kept = source.sales(site.name, site.local_day(first)[0], site.local_day(last)[1])
    hours = shop_hours(open_quarters(source, site, first, last, role), kept, site.zone)
    return {(one.device, one.clip): clip_effects(site.name, one, hours) for one in clips}
