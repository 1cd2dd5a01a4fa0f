"""The entries of a site, corrected by its count checks. The raw figures stay what they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, hypot, log

from cloud.analysis.compare import Comparison
from cloud.analysis.recall import Estimate, corrected, ratio_of, recall_of
from cloud.domain.chain import Interval, Role, Site
from cloud.domain.tally import Tally
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import Correction, correction


@dataclass(frozen=True, slots=True)
class Corrected:
    """What count checks say of the entries in some days."""

    entries: Estimate | None
    """None if a door has no check that holds on these days, or too few people in its checks."""
    counted: int
    checks: int
    without: tuple[str, ...]
    """Doors without a check that holds, as ``device/camera/door``."""


def corrected_entries(
    file: CheckFile | None, site: Site, role: Role, tallies: Sequence[Tally]
) -> Corrected | None:
    """Correct the entries in ``tallies`` of one site and role; None if no door of that role was checked.

    Raises ``StoreUnavailable``.
    """
    found = _correction(file, site, role, tallies)
    if found is None:
        return None
    counted = sum(one.doors.entries for one in tallies if one.doors)
    return _corrected(counted, found)


def corrected_today(file: CheckFile, site: str, day: Interval, counted: int) -> Corrected | None:
    """Correct the entries of one day that is not over, at all doors. Raises ``StoreUnavailable``."""
    found = correction(file, site, (day, day))
    return None if found is None else _corrected(counted, found)


def corrected_rates(
    comparison: Comparison, tallies: Iterable[Tally], sites: Mapping[str, Site], file: CheckFile | None
) -> dict[str, Estimate]:
    """Correct the rates of a comparison of entries, by site; those that cannot be corrected are missing.

    Raises ``StoreUnavailable``.
    """
    if file is None or comparison.metric != "entries_per_open_hour":
        return {}
    by_site: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_site.setdefault(tally.site, []).append(tally)
    found = {}
    for row in comparison.rows:
        if row.rate is None or row.low is None or row.high is None:
            continue
        rate = Estimate(row.rate, row.low, row.high)
        right = _corrected_rate(file, sites[row.site], comparison.role, by_site[row.site], rate)
        if right is not None:
            found[row.site] = right
    return found


def _corrected_rate(
    file: CheckFile, site: Site, role: Role, tallies: Sequence[Tally], rate: Estimate
) -> Estimate | None:
    """Correct a rate of entries, whose interval is about the days of the site; None if it cannot be corrected.

    Both intervals are joined by MOVER on the logarithms: a rate divided by a ratio.
    """
    found = _correction(file, site, role, tallies)
    if found is None or found.without:
        return None
    ratio = ratio_of([recall_of(door.entries, door.seconds) for door in found.doors])
    if ratio is None or rate.value <= 0:
        return None
    value = rate.value / ratio.value
    low = 0.0
    if rate.low > 0:
        low = value * exp(-hypot(log(rate.value / rate.low), log(ratio.high / ratio.value)))
    return Estimate(value, low, value * exp(hypot(log(rate.high / rate.value), log(ratio.value / ratio.low))))


def _correction(
    file: CheckFile | None, site: Site, role: Role, tallies: Sequence[Tally]
) -> Correction | None:
    watched = [one.day for one in tallies if one.doors and one.doors.watched_s > 0]
    if file is None or not watched:
        return None
    days = site.local_day(min(watched)), site.local_day(max(watched))
    return correction(
        file,
        site.name,
        days,
        lambda door: site.role_of_camera(f"{door.device}/{door.camera}") == role,
    )


def _corrected(counted: int, found: Correction) -> Corrected:
    recalls = [recall_of(door.entries, door.seconds) for door in found.doors]
    return Corrected(
        entries=None if found.without else corrected(counted, recalls),
        counted=counted,
        checks=sum(door.checks for door in found.doors),
        without=tuple(f"{door.device}/{door.camera}/{door.name}" for door in found.without),
    )
