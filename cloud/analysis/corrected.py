"""The entries of a site, corrected by its count checks. The raw figures stay what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import exp, hypot, log

from cloud.analysis.compare import Comparison
from cloud.analysis.corrected_figures import is_corrected
from cloud.analysis.estimates import estimate, terms_of
from cloud.analysis.recall import Estimate, Recall, corrected, ratio_of, recall_of
from cloud.domain.chain import Interval, Role, Site
from cloud.domain.formula import Formula
from cloud.domain.tally import Tally
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import Correction, DoorChecks, door_checks


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


def checked_doors(
    file: CheckFile | None, site: Site, role: Role, tallies: Sequence[Tally]
) -> tuple[Recall, ...]:
    """Return what the checks say of each door of that role; empty unless each has one that holds on all these days.

    Raises ``StoreUnavailable``.
    """
    return _recalls(_correction(file, site, role, tallies))


def checked_by_day(
    file: CheckFile | None, site: Site, role: Role, tallies: Sequence[Tally]
) -> dict[date, tuple[Recall, ...]]:
    """Return the same for each of these days alone. Raises ``StoreUnavailable``."""
    checks = _checks_of(file, site, role)
    if checks is None:
        return {one.day: () for one in tallies}
    recalls = cache(_recalls)  # most days have the same checks
    bounds = {one.day: site.local_day(one.day) for one in tallies}
    return {day: recalls(checks.correction(ends, ends)) for day, ends in bounds.items()}


def checked_today(file: CheckFile, site: str, day: Interval) -> tuple[Recall, ...]:
    """Return the same for one day that is not over, of all doors. Raises ``StoreUnavailable``."""
    checks = door_checks(file, site)
    return _recalls(checks.correction(day, day)) if checks else ()


def corrected_rates(
    comparison: Comparison,
    tallies: Iterable[Tally],
    sites: Mapping[str, Site],
    file: CheckFile | None,
    formula: Formula | None = None,
) -> dict[str, Estimate]:
    """Correct the rates of a comparison of entries, or of a ``formula`` with entries, by site; those that cannot be
    corrected are missing.

    Raises ``StoreUnavailable``.
    """
    if formula is None and comparison.metric != "entries_per_open_hour":
        return {}
    if formula is not None and not is_corrected(formula):
        return {}
    by_site: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_site.setdefault(tally.site, []).append(tally)
    found = {}
    for row in comparison.rows:
        if row.rate is None or row.low is None or row.high is None:
            continue
        own = by_site[row.site]
        ratio = ratio_of(checked_doors(file, sites[row.site], comparison.role, own))
        if ratio is None:
            continue
        rate = Estimate(row.rate, row.low, row.high)
        right = _corrected_rate(rate, ratio, _scale(formula, own))
        if right is not None:
            found[row.site] = right
    return found


def _scale(formula: Formula | None, tallies: Sequence[Tally]) -> Callable[[float], float]:
    """Return by how much a rate of these days changes if the device counts so often for each person."""
    if formula is None:
        return lambda ratio: 1 / ratio
    days = [terms_of(formula, one) for one in tallies if estimate(formula, [one]).value is not None]

    def value(ratio: float) -> float:
        right = [one.with_entries(formula, one.entries / ratio) for one in days]
        return sum(one.above for one in right) / sum(one.below for one in right)

    return lambda ratio: value(ratio) / value(1.0)


def _corrected_rate(rate: Estimate, ratio: Estimate, scale: Callable[[float], float]) -> Estimate | None:
    """Correct a rate whose interval is about the days of the site; None if it is not above 0.

    Both intervals are joined by MOVER on the logarithms: a rate times a factor.
    """
    if rate.value <= 0:
        return None
    factor = scale(ratio.value)
    least, most = sorted((scale(ratio.low), scale(ratio.high)))
    value = rate.value * factor
    low = 0.0
    if rate.low > 0:
        low = value * exp(-hypot(log(rate.value / rate.low), log(factor / least)))
    return Estimate(value, low, value * exp(hypot(log(rate.high / rate.value), log(most / factor))))


def _correction(
    file: CheckFile | None, site: Site, role: Role, tallies: Sequence[Tally]
) -> Correction | None:
    watched = [one.day for one in tallies if one.doors and one.doors.watched_s > 0]
    checks = _checks_of(file, site, role) if watched else None
    if checks is None:
        return None
    return checks.correction(site.local_day(min(watched)), site.local_day(max(watched)))


def _checks_of(file: CheckFile | None, site: Site, role: Role) -> DoorChecks | None:
    if file is None:
        return None
    return door_checks(
        file, site.name, lambda door: site.role_of_camera(f"{door.device}/{door.camera}") == role
    )


def _recalls(found: Correction | None) -> tuple[Recall, ...]:
    if found is None or found.without:
        return ()
    return tuple(recall_of(door.entries, door.seconds) for door in found.doors)


def _corrected(counted: int, found: Correction) -> Corrected:
    return Corrected(
        entries=corrected(counted, _recalls(found)),
        counted=counted,
        checks=sum(door.checks for door in found.doors),
        without=tuple(f"{door.device}/{door.camera}/{door.name}" for door in found.without),
    )
