"""What may be compared: the days on which a store was watched well enough, by the same models as the others.

A store that has too few of them is set apart with the reason, and not ranked: a blind camera must not look like an
empty store, nor a better model like a better location.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from cloud.analysis.metrics import Metric
from cloud.domain.tally import Tally

LEAST_COVERAGE = 0.8
"""Share of its opening time that must have been watched for a day to count."""

LEAST_DAYS = 7
"""Days that must count for a store to be compared: a week, and with fewer the noise of its days is guesswork."""

LEAST_SHARE_OF_DAYS = 0.5
"""Share of its open days that must count: else those that do are a choice of days."""

MOST_WITHHELD = 0.05
"""Share of visits that the privacy rules may withhold: which are withheld depends on how many came, so that more of
it makes quiet and busy stores differ where they do not."""

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


def coverage(tally: Tally) -> float:
    """Share of the opening time that was watched, in 0..1."""
    return min(1.0, tally.covered_s / tally.open_s) if tally.open_s > 0 else 0.0


def _usual_versions(tallies: Iterable[Tally]) -> dict[date, Versions]:
    """On each date, the models and calibrations of most sites: a chain is upgraded one store after the other."""
    seen: dict[date, Counter[Versions]] = {}
    for tally in tallies:
        if coverage(tally) >= LEAST_COVERAGE:
            seen.setdefault(tally.day, Counter())[_versions(tally)] += 1
    return {day: max(counts, key=lambda v: (counts[v], _said(v))) for day, counts in seen.items()}


def _cause(tally: Tally, metric: Metric, usual: Mapping[date, Versions]) -> str | None:
    """Why a day does not count."""
    if tally.covered_s <= 0:
        return "no data"
    if coverage(tally) < LEAST_COVERAGE:
        return f"coverage below {LEAST_COVERAGE:.0%}"
    own, others = _versions(tally), usual[tally.day]
    if own != others:
        return f"{_said(own)}, the others have {_said(others)}"
    if metric.described(tally) + metric.withheld(tally) == 0 and tally.visits > 0:
        return "no such breakdown was released"
    return None


def _why_apart(
    days: list[Tally], good: list[Tally], causes: Collection[str | None], metric: Metric
) -> str | None:
    if not days:
        return "no data"
    if len(good) < max(LEAST_DAYS, LEAST_SHARE_OF_DAYS * len(days)):
        faults = Counter(cause for cause in causes if cause is not None)
        if not faults:
            return f"only {len(good)} days; {LEAST_DAYS} are needed"
        cause, count = faults.most_common(1)[0]
        return f"{cause} on {count} of {len(days)} days"
    described = sum(metric.described(tally) for tally in good)
    hidden = sum(metric.withheld(tally) for tally in good)
    if described + hidden == 0:
        return "nothing was counted"
    if hidden > MOST_WITHHELD * (described + hidden):
        share = hidden / (described + hidden)
        return f"privacy withheld {share:.0%} of its visits; a larger privacy.max_cohort withholds fewer"
    return None


def _versions(tally: Tally) -> Versions:
    return tally.models, tally.calibrations


def _said(versions: Versions) -> str:
    models, calibrations = (", ".join(sorted(names)) or "none" for names in versions)
    return f"model {models}" if models == calibrations else f"model {models} (calibration {calibrations})"
