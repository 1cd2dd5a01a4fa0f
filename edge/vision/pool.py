"""The visits that wait for their cohort, as sums."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from common.wire import DWELL_BINS_S
from edge.types import WindowAggregate


@dataclass(slots=True)
class Pool:
    """The sums since the last cohort; ``covered_s`` and ``occupancy_max`` cover all windows since then. ``zones_of`` is
    a hash of the zones. If they changed, the zones of this cohort are withheld: a person who can change them could
    make a zone count only one visit.
    """

    since: datetime | None = None
    visits: int = 0
    viewers: int = 0
    covered_s: float = 0.0
    occupancy_max: int = 0
    dwell_sum_s: float = 0.0
    attention_sum_s: float = 0.0
    dwell: list[int] = field(default_factory=lambda: [0] * len(DWELL_BINS_S))
    attention: list[int] = field(default_factory=lambda: [0] * len(DWELL_BINS_S))
    breakdown: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    zones: Counter[str] = field(default_factory=Counter)
    zones_of: str | None = None
    zones_changed: bool = False

    def add(self, window: WindowAggregate, zones_of: str) -> None:
        """Add the visits of one more window."""
        self.covered_s += window.coverage.covered_s
        self.occupancy_max = max(self.occupancy_max, window.occupancy_max)
        if not window.visits:
            return
        self.since = self.since or window.start
        self.zones_changed |= self.zones_of not in (None, zones_of)
        self.zones_of = zones_of
        self.visits += window.visits
        self.viewers += window.viewers
        self.dwell_sum_s += window.dwell_sum_s
        self.attention_sum_s += window.attention_sum_s
        self.dwell = [a + b for a, b in zip(self.dwell, window.dwell_histogram, strict=True)]
        self.attention = [a + b for a, b in zip(self.attention, window.attention_histogram, strict=True)]
        self.breakdown.update(window.breakdown)
        self.zones.update(window.zones)
