"""The visits that wait for their cohort, as sums."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from common.vocabulary import DWELL_BINS_S
from edge.place_types import PlaceCounts
from edge.types import WindowAggregate


@dataclass(slots=True)
class Pool:
    """The sums since the last cohort; ``covered_s``, ``occupancy_max``, ``staff``, and the doors and the most people of
    ``places`` cover all windows since then. ``places_of`` is a hash of the places. If they changed while visits wait,
    all places of this cohort are withheld: a person who can change them could make a zone count only one visit.
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
    places: PlaceCounts = field(default_factory=PlaceCounts)
    places_of: str | None = None
    places_changed: bool = False
    staff: int = 0
    members: int = 0

    def add(self, window: WindowAggregate, places_of: str) -> None:
        """Add the visits of one more window."""
        if self.places_of not in (None, places_of):
            self.places_changed |= self.visits > 0
            self.places = PlaceCounts()
        self.places_of = places_of
        self.places += window.places
        self.staff += window.staff
        self.covered_s += window.coverage.covered_s
        self.occupancy_max = max(self.occupancy_max, window.occupancy_max)
        if not window.visits:
            return
        self.since = self.since or window.start
        self.visits += window.visits
        self.viewers += window.viewers
        self.members += window.members
        self.dwell_sum_s += window.dwell_sum_s
        self.attention_sum_s += window.attention_sum_s
        self.dwell = [a + b for a, b in zip(self.dwell, window.dwell_histogram, strict=True)]
        self.attention = [a + b for a, b in zip(self.attention, window.attention_histogram, strict=True)]
        self.breakdown.update(window.breakdown)
