"""The cohort rule: what of a window may be read by others, decided before anything is queued.

Totals are published of every window. Breakdowns wait until at least k visits are together (their cohort), and
are then released once, so that cohorts never overlap and no two of them can be subtracted. See
docs/privacy.md and docs/decisions/0010-privacy-rule.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from edge import wire
from edge.types import WindowAggregate
from edge.vision.disclosure import withhold_in_histogram, withhold_in_joint, withhold_in_table
from edge.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN

_GENDERS = (*GENDERS, UNKNOWN)
_BANDS = (*AGE_BANDS, UNKNOWN)
_EXPRESSIONS = (*EXPRESSIONS, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Release:
    """What may leave of one window. ``pending`` visits wait for a cohort; at closing time they are those
    that never get one."""

    totals: wire.Totals
    cohort: wire.Cohort | None
    pending: int


@dataclass(slots=True)
class _Pool:
    """The visits that wait for their cohort, as sums."""

    since: datetime | None = None
    visits: int = 0
    viewers: int = 0
    dwell_sum_s: float = 0.0
    attention_sum_s: float = 0.0
    dwell: list[int] = field(default_factory=lambda: [0] * len(wire.DWELL_BINS_S))
    attention: list[int] = field(default_factory=lambda: [0] * len(wire.DWELL_BINS_S))
    breakdown: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    zones: Counter[str] = field(default_factory=Counter)

    def add(self, window: WindowAggregate) -> None:
        if not window.visits:
            return
        self.since = self.since or window.start
        self.visits += window.visits
        self.viewers += window.viewers
        self.dwell_sum_s += window.dwell_sum_s
        self.attention_sum_s += window.attention_sum_s
        self.dwell = [a + b for a, b in zip(self.dwell, window.dwell_histogram, strict=True)]
        self.attention = [a + b for a, b in zip(self.attention, window.attention_histogram, strict=True)]
        self.breakdown.update(window.breakdown)
        self.zones.update(window.zones)


class CohortRule:
    """Turns windows, in order, into what may be published of them.

    ``k``: smallest cohort and smallest readable cell; 1 withholds nothing. ``profile``: which breakdowns may
    be released at all. ``max_cohort``: the number of visits at which a cohort is released even though cells
    of it have to be withheld; 8 k unless given.
    """

    def __init__(self, *, k: int, profile: wire.Profile, max_cohort: int | None = None) -> None:
        self._k, self._profile = k, profile
        self._max_cohort = 8 * k if max_cohort is None else max_cohort
        self._pool = _Pool()
        self._undecided = 0

    def release(self, window: WindowAggregate) -> Release:
        """Decide on one window. Its cohort may hold visits of earlier windows as well."""
        self._pool.add(window)
        self._undecided += window.visits
        totals = wire.Totals(
            visits=window.visits,
            viewers=window.viewers,
            occupancy_mean=round(window.occupancy_mean, 3),
            occupancy_max=window.occupancy_max,
        )
        cohort = self._cohort(must=window.closing or self._pool.visits >= self._max_cohort)
        pending = 0 if cohort else self._pool.visits
        if cohort or window.closing:
            self._pool, self._undecided = _Pool(), 0
        return Release(totals, cohort, pending)

    def _cohort(self, *, must: bool) -> wire.Cohort | None:
        if self._pool.visits < self._k:
            return None
        # That a cohort was carried on tells that a small cell was in it, so that a release right after one
        # visit more could tell what that visit was. The question is put again only after k visits more.
        if not must and self._undecided < self._k:
            return None
        self._undecided = 0
        cohort = self._margins()
        return self._with_joint(cohort) if must or _complete(cohort) else None

    def _margins(self) -> wire.Cohort:
        """All but the joint table, which takes most of the time and has no part in whether to wait."""
        pool, k = self._pool, self._k
        assert pool.since is not None
        dwell_sum_s, attention_sum_s = round(pool.dwell_sum_s, 1), round(pool.attention_sum_s, 1)
        demographics = self._profile in ("demographics", "expression")
        gender = {g: sum(n for (a, _, _), n in pool.breakdown.items() if a == g) for g in _GENDERS}
        band = {b: sum(n for (_, a, _), n in pool.breakdown.items() if a == b) for b in _BANDS}
        expression = {e: sum(n for (_, _, a), n in pool.breakdown.items() if a == e) for e in _EXPRESSIONS}
        return wire.Cohort(
            since=pool.since,
            visits=pool.visits,
            dwell_sum_s=dwell_sum_s,
            attention_sum_s=min(attention_sum_s, dwell_sum_s),
            dwell=_bins(pool.dwell, withhold_in_histogram(pool.dwell, wire.DWELL_BINS_S, dwell_sum_s, k)),
            attention=_bins(
                pool.attention,
                withhold_in_histogram(
                    pool.attention,
                    wire.DWELL_BINS_S,
                    attention_sum_s,
                    k,
                    # whoever was no viewer has no attention time, and the totals tell how many those are
                    floor_of_first=pool.visits - pool.viewers,
                ),
            ),
            gender=_cells(gender, withhold_in_table(gender, k)) if demographics else None,
            age_band=_cells(band, withhold_in_table(band, k)) if demographics else None,
            expression=(
                _cells(expression, withhold_in_table(expression, k))
                if self._profile == "expression"
                else None
            ),
            zones=_cells(
                pool.zones, {zone for zone, n in pool.zones.items() if 0 < n < k or 0 < pool.visits - n < k}
            ),
        )

    def _with_joint(self, cohort: wire.Cohort) -> wire.Cohort:
        if cohort.gender is None or cohort.age_band is None:
            return cohort
        joint = {(g, b): 0 for g in _GENDERS for b in _BANDS}
        for (g, b, _), count in self._pool.breakdown.items():
            joint[g, b] += count
        hidden = withhold_in_joint(
            joint,
            {g: sum(joint[g, b] for b in _BANDS) for g in _GENDERS},
            {b: sum(joint[g, b] for g in _GENDERS) for b in _BANDS},
            self._k,
            rows_withheld={g for g, count in cohort.gender.items() if count is None},
            columns_withheld={b for b, count in cohort.age_band.items() if count is None},
        )
        if hidden is None or all(key in hidden for key, count in joint.items() if count):
            return cohort
        table = {g: {b: None if (g, b) in hidden else joint[g, b] for b in _BANDS} for g in _GENDERS}
        return wire.Cohort.model_validate({**dict(cohort), "gender_age_band": table})


def _cells(counts: Mapping[str, int], hidden: AbstractSet[str]) -> wire.Cells:
    return {label: None if label in hidden else count for label, count in counts.items()}


def _bins(counts: list[int], hidden: AbstractSet[int]) -> wire.Cells:
    return {
        wire.bin_label(edge): None if index in hidden else counts[index]
        for index, edge in enumerate(wire.DWELL_BINS_S)
    }


def _complete(cohort: wire.Cohort) -> bool:
    """Nothing is withheld outside the joint table, whose cells are too many to wait for."""
    tables = (cohort.dwell, cohort.attention, cohort.zones, cohort.gender, cohort.age_band, cohort.expression)
    return all(None not in table.values() for table in tables if table is not None)
