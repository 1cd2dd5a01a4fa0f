"""Selects what can be compared: the days on which a site was watched enough, with the same models as the others.

A site with too few such days is not ranked but listed with the reason ("set apart"). Otherwise a blind camera would
look like an empty shop, or a different model like different customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from cloud.analysis.metrics import Metric
from cloud.domain.messages import Percent
from cloud.domain.messages import gettext as _
from cloud.domain.tally import Tally
from cloud.domain.thresholds import LEAST_COVERAGE

LEAST_DAYS = 7
"""Days that must count for a site to be compared: with less than a week, the variance of its days is a guess."""

LEAST_SHARE_OF_DAYS = 0.5
"""Share of a site's open days that must count; otherwise the remaining days may be a biased selection."""

MOST_WITHHELD = 0.05
"""Largest share of visits that the privacy rules may withhold. What is withheld depends on the number of visits, so a
larger share would make quiet and busy sites look different when they are not."""

NO_DATA = _("no data")

Versions = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Comparable:
    """``kept``: the tallies to compare; ``set_apart``: the reason for each site that is not compared."""

    kept: tuple[Tally, ...]
    set_apart: Mapping[str, str]


def comparable(tallies: Iterable[Tally], sites: Collection[str], metric: Metric) -> Comparable:
    """Select the comparable ``tallies``, at most one for each site and day."""
    by_site: dict[str, list[Tally]] = {site: [] for site in sites}
    for tally in tallies:
        if tally.site in by_site and tally.open_s > 0:
            by_site[tally.site].append(tally)
    usual = _usual_versions(tally for days in by_site.values() for tally in days)
    kept: list[Tally] = []
    set_apart: dict[str, str] = {}
    for site, days in by_site.items():
        causes = {tally.day: _cause(tally, metric, usual) for tally in days}
        good = [tally for tally in days if causes[tally.day] is None]
        why = _why_apart(days, good, causes.values(), metric)
        if why is None:
            kept += good
        else:
            set_apart[site] = why
    return Comparable(tuple(kept), set_apart)


def since_heard(tallies: Iterable[Tally]) -> list[Tally]:
    """Remove the days of a site before its first data, because it may be new. A site without data keeps all days."""
    found = list(tallies)
    first: dict[str, date] = {}
    for tally in found:
        if tally.covered_s > 0:
            first[tally.site] = min(tally.day, first.get(tally.site, tally.day))
    return [tally for tally in found if tally.day >= first.get(tally.site, tally.day)]


def coverage(tally: Tally) -> float:
    """Return the share of the opening time that was watched, in 0..1; 0 if the site was closed."""
    return tally.coverage or 0.0


def camera_coverage(tally: Tally) -> dict[str, float]:
    """Return the share of the opening time that each camera watched, in 0..1."""
    return {
        camera: min(1.0, watched_s / tally.open_s) if tally.open_s else 0.0
        for camera, watched_s in tally.watched_s.items()
    }


def blind_cameras(tally: Tally) -> list[str]:
    """Return the cameras that watched too little of the day."""
    least = LEAST_COVERAGE * tally.open_s
    return [camera for camera, watched_s in tally.watched_s.items() if watched_s < least]


def why_unwatched(tally: Tally) -> str | None:
    """Return why a day was not watched enough to count; None if it was."""
    if tally.covered_s <= 0:
        return NO_DATA
    if blind := blind_cameras(tally):
        least = Percent(LEAST_COVERAGE)
        if len(tally.watched_s) == 1:
            return _("watched less than %(share)s", share=least)
        return _("%(cameras)s watched less than %(share)s", cameras=" and ".join(blind), share=least)
    return None


def _usual_versions(tallies: Iterable[Tally]) -> dict[date, Versions]:
    """Return the models and calibrations of most sites by date, because a chain is upgraded site by site."""
    seen: dict[date, Counter[Versions]] = {}
    for tally in tallies:
        if why_unwatched(tally) is None:
            seen.setdefault(tally.day, Counter())[_versions(tally)] += 1
    return {day: max(counts, key=lambda v: (counts[v], _said(v))) for day, counts in seen.items()}


def _cause(tally: Tally, metric: Metric, usual: Mapping[date, Versions]) -> str | None:
    """Return why a day does not count; None if it does."""
    if why := why_unwatched(tally):
        return why
    if tally.role == "unassigned" and len(tally.watched_s) > 1:
        return f"the chain file does not say what its {len(tally.watched_s)} cameras are for,"
    own, others = _versions(tally), usual[tally.day]
    if own != others:
        return f"{_said(own)}, but the others have {_said(others)}"
    if metric.told(tally) + metric.withheld(tally) == 0 and tally.visits > 0:
        return metric.lacking
    return None


def _why_apart(
    days: list[Tally], good: list[Tally], causes: Collection[str | None], metric: Metric
) -> str | None:
    if all(cause == NO_DATA for cause in causes):
        return NO_DATA
    if len(good) < max(LEAST_DAYS, LEAST_SHARE_OF_DAYS * len(days)):
        faults = Counter(cause for cause in causes if cause is not None)
        if not faults:
            return f"only {len(good)} days; {LEAST_DAYS} are needed"
        cause, count = faults.most_common(1)[0]
        return f"{cause} on {count} of {len(days)} days"
    told = sum(metric.told(tally) for tally in good)
    hidden = sum(metric.withheld(tally) for tally in good)
    if told + hidden == 0:
        return "no visits"
    if hidden > MOST_WITHHELD * (told + hidden):
        share = hidden / (told + hidden)
        return f"{share:.0%} of its visits were withheld to protect privacy; raise privacy.max_cohort to withhold fewer"
    return None


def _versions(tally: Tally) -> Versions:
    return tally.models, tally.calibrations


def _said(versions: Versions) -> str:
    models, calibrations = (", ".join(sorted(names)) or "none" for names in versions)
    return f"model {models}" if models == calibrations else f"model {models} (calibration {calibrations})"
