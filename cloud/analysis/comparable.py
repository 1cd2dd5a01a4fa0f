"""What may be compared: the days on which a site was watched well enough, by the same models as the others.

A site that has too few of them is set apart with the reason, and not ranked: a blind camera must not look like an
empty shop, two cameras like two shops, nor a better model like a better location.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from cloud.analysis.metrics import Metric
from cloud.domain.tally import Tally

LEAST_COVERAGE = 0.8
"""Share of its opening time that each camera must have watched for a day to count."""

LEAST_DAYS = 7
"""Days that must count for a site to be compared: a week, and with fewer the noise of its days is guesswork."""

LEAST_SHARE_OF_DAYS = 0.5
"""Share of its open days that must count: else those that do are a choice of days."""

MOST_WITHHELD = 0.05
"""Share of visits that the privacy rules may withhold: which are withheld depends on how many came, so that more of
it makes quiet and busy sites differ where they do not."""

NO_DATA = "no data"

Versions = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Comparable:
    """``kept``: what is compared; ``set_apart``: the other sites, each with the reason."""

    kept: tuple[Tally, ...]
    set_apart: Mapping[str, str]


def comparable(tallies: Iterable[Tally], sites: Collection[str], metric: Metric) -> Comparable:
    """Choose among ``tallies``, at most one for each site and day."""
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
    """Without the days of a site before the first of which anything came: then it may be new. Where nothing came at
    all, they stay."""
    found = list(tallies)
    first: dict[str, date] = {}
    for tally in found:
        if tally.covered_s > 0:
            first[tally.site] = min(tally.day, first.get(tally.site, tally.day))
    return [tally for tally in found if tally.day >= first.get(tally.site, tally.day)]


def coverage(tally: Tally) -> float:
    """Share of the opening time that was watched, in 0..1."""
    return min(1.0, tally.covered_s / tally.open_s) if tally.open_s > 0 else 0.0


def blind_cameras(tally: Tally) -> list[str]:
    """The cameras that watched too little of the day."""
    least = LEAST_COVERAGE * tally.open_s
    return [camera for camera, watched_s in tally.watched_s.items() if watched_s < least]


def why_unwatched(tally: Tally) -> str | None:
    """Why a day does not tell how many came; None where it does."""
    if tally.covered_s <= 0:
        return NO_DATA
    if blind := blind_cameras(tally):
        named = f"{' and '.join(blind)} " if len(tally.watched_s) > 1 else ""
        return f"{named}watched less than {LEAST_COVERAGE:.0%}"
    return None


def _usual_versions(tallies: Iterable[Tally]) -> dict[date, Versions]:
    """On each date, the models and calibrations of most sites: a chain is upgraded one site after the other."""
    seen: dict[date, Counter[Versions]] = {}
    for tally in tallies:
        if why_unwatched(tally) is None:
            seen.setdefault(tally.day, Counter())[_versions(tally)] += 1
    return {day: max(counts, key=lambda v: (counts[v], _said(v))) for day, counts in seen.items()}


def _cause(tally: Tally, metric: Metric, usual: Mapping[date, Versions]) -> str | None:
    """Why a day does not count."""
    if why := why_unwatched(tally):
        return why
    if tally.role == "unassigned" and len(tally.watched_s) > 1:
        return f"the chain file does not say what its {len(tally.watched_s)} cameras are for,"
    own, others = _versions(tally), usual[tally.day]
    if own != others:
        return f"{_said(own)}, the others have {_said(others)}"
    if metric.described(tally) + metric.withheld(tally) == 0 and tally.visits > 0:
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
    described = sum(metric.described(tally) for tally in good)
    hidden = sum(metric.withheld(tally) for tally in good)
    if described + hidden == 0:
        return "nobody came"
    if hidden > MOST_WITHHELD * (described + hidden):
        share = hidden / (described + hidden)
        return f"privacy withheld {share:.0%} of its visits; a larger privacy.max_cohort withholds fewer"
    return None


def _versions(tally: Tally) -> Versions:
    return tally.models, tally.calibrations


def _said(versions: Versions) -> str:
    models, calibrations = (", ".join(sorted(names)) or "none" for names in versions)
    return f"model {models}" if models == calibrations else f"model {models} (calibration {calibrations})"
