"""The cohort rule: what of a window may be read by others, decided before anything is queued.

Totals are published of every window. Breakdowns wait until at least k visits are together (their cohort), and
are then released once, so that cohorts never overlap and no two of them can be subtracted. See
docs/privacy.md and docs/decisions/0010-privacy-rule.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from common import wire
from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN
from edge.types import WindowAggregate
from edge.vision.disclosure import withhold_in_histogram, withhold_in_joint, withhold_in_table

_GENDERS = (*GENDERS, UNKNOWN)
_BANDS = (*AGE_BANDS, UNKNOWN)
_EXPRESSIONS = (*EXPRESSIONS, UNKNOWN)

MAX_COHORT = 200
"""At 40 more than a third of the verdicts on gender are withheld, at 200 one in a hundred: docs/decisions/0019."""


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

    def marginal(self, place: int, labels: Sequence[str]) -> dict[str, int]:
        """Visits by the label that stands at ``place`` of the breakdown, zeros included."""
        counts = dict.fromkeys(labels, 0)
        for key, count in self.breakdown.items():
            counts[key[place]] += count
        return counts


class CohortRule:
    """Turns windows, in order, into what may be published of them.

    ``k``: smallest cohort and smallest readable cell; 1 withholds nothing. ``profile``: which breakdowns may
    be released at all. ``max_cohort``: the number of visits at which a cohort is released even though cells
    of it have to be withheld.
    """

    def __init__(self, *, k: int, profile: wire.Profile, max_cohort: int = MAX_COHORT) -> None:
        self._k, self._profile = k, profile
        self._max_cohort = max_cohort
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
        return self._draft() if must or not self._has_small_cells() else None

    def _has_small_cells(self) -> bool:
        """Whether anything would be withheld: only beside a small cell is any other. The joint table is left out,
        whose cells are too many to wait for."""
        pool = self._pool
        tables: list[Iterable[int]] = [pool.dwell, pool.attention, pool.zones.values()]
        tables.append(pool.visits - count for count in pool.zones.values())
        if self._profile != "count":
            tables += [pool.marginal(0, _GENDERS).values(), pool.marginal(1, _BANDS).values()]
        if self._profile == "expression":
            tables.append(pool.marginal(2, _EXPRESSIONS).values())
        return any(0 < count < self._k for table in tables for count in table)

    def _draft(self) -> wire.Cohort:
        pool, k = self._pool, self._k
        assert pool.since is not None
        dwell_sum_s, attention_sum_s = round(pool.dwell_sum_s, 1), round(pool.attention_sum_s, 1)
        demographics = self._profile in ("demographics", "expression")
        gender, band = pool.marginal(0, _GENDERS), pool.marginal(1, _BANDS)
        expression = pool.marginal(2, _EXPRESSIONS)
        hidden_gender, hidden_band = withhold_in_table(gender, k), withhold_in_table(band, k)
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
            gender=_cells(gender, hidden_gender) if demographics else None,
            age_band=_cells(band, hidden_band) if demographics else None,
            gender_age_band=self._joint(gender, band, hidden_gender, hidden_band) if demographics else None,
            expression=(
                _cells(expression, withhold_in_table(expression, k))
                if self._profile == "expression"
                else None
            ),
            zones=_cells(
                pool.zones, {zone for zone, n in pool.zones.items() if 0 < n < k or 0 < pool.visits - n < k}
            ),
        )

    def _joint(
        self,
        gender: Mapping[str, int],
        band: Mapping[str, int],
        hidden_gender: AbstractSet[str],
        hidden_band: AbstractSet[str],
    ) -> dict[str, wire.Cells] | None:
        joint = {(g, b): 0 for g in _GENDERS for b in _BANDS}
        for (g, b, _), count in self._pool.breakdown.items():
            joint[g, b] += count
        hidden = withhold_in_joint(
            joint, gender, band, self._k, rows_withheld=hidden_gender, columns_withheld=hidden_band
        )
        if hidden is None or all(key in hidden for key, count in joint.items() if count):
            return None
        return {g: {b: None if (g, b) in hidden else joint[g, b] for b in _BANDS} for g in _GENDERS}


def _cells(counts: Mapping[str, int], hidden: AbstractSet[str]) -> wire.Cells:
    return {label: None if label in hidden else count for label, count in counts.items()}


def _bins(counts: list[int], hidden: AbstractSet[int]) -> wire.Cells:
    return {
        wire.bin_label(edge): None if index in hidden else counts[index]
        for index, edge in enumerate(wire.DWELL_BINS_S)
    }
