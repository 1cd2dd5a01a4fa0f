"""The tally: what the cameras of one role counted at one site on one local day while it was open. Every analysis
uses it; ``cloud.domain.day_tallies`` makes it from windows.

- Time in which no camera was watching is missing from ``watched_s`` and never counts as zero visits.
- Cameras of different roles are never added up: a person at the door and then at the shelf is one visitor.
- A withheld label is None, a label about which nothing was released is missing, and 0 is a real count.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeVar

from cloud.domain.beside_tally import BesideTally
from cloud.domain.chain import Role
from cloud.domain.labels import Counts, JointCounts, Label, added
from cloud.domain.place_tally import DoorTally, PlaceTally, both_doors
from cloud.domain.thresholds import FULL_COVERAGE
from cloud.domain.till import TillTally, till_sum

_Key = TypeVar("_Key", bound=Hashable)
State = Literal["closed", "no_data", "partial", "full"]
"""How much of the opening time was watched: ``partial`` is some, ``no_data`` is nothing."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one site, role and local day, opening hours only. ``+`` adds tallies.

    A mapping is empty if no cohort was broken down by it; otherwise it has every label. None means withheld by the
    privacy rules. If a part was withheld, a count contains only the other parts, so a breakdown adds up to
    ``cohort_visits`` at most; a 0 with a withheld part is unknown and therefore None.
    """

    site: str
    """Empty in a sum over several sites."""
    role: Role
    """The role of the cameras that are counted."""
    day: date
    """The first day in a sum over several days."""
    open_s: float
    """Opening time. A sum over sites adds it up."""
    watched_s: Mapping[str, float]
    """How much of it each camera watched, by ``device/camera``. The chain file lists the cameras that must report; if
    it does not, they are those that reported on this day."""
    visits: int
    viewers: int
    dwell_sum_s: float
    """For the visits in cohorts, as all fields below."""
    attention_sum_s: float
    dwell_visits: int
    """Visits whose dwell times are in ``dwell_sum_s``; a cohort may withhold them."""
    attention_visits: int
    """Visits whose attention times are in ``attention_sum_s``."""
    attention_dwell_s: float
    """Sum of the dwell times of these visits, the denominator of the attraction ratio."""
    cohort_visits: int
    demographics_visits: int
    """Visits in cohorts with gender and age band, as far as the privacy rules allow."""
    expression_visits: int
    """Visits in cohorts with expression."""
    described: int
    """Visits whose face was surely seen and classified, of those in ``described_of``."""
    described_of: int
    """Visits in the cohorts that tell how many were described; the privacy rules may withhold it."""
    gender: Counts
    age_band: Counts
    gender_age_band: JointCounts
    expression: Counts
    models: frozenset[str]
    """Versions of the models that were in use; ``calibrations`` is the same for calibrations."""
    calibrations: frozenset[str]
    doors: DoorTally | None = None
    """None if no camera has a door."""
    places: PlaceTally = field(default_factory=PlaceTally)
    till: TillTally | None = None
    """What the till told of the same day, also outside opening hours; None if it told nothing."""
    beside: BesideTally = field(default_factory=BesideTally)

    @property
    def covered_s(self) -> float:
        """How much of the opening time was watched: the mean over the cameras that must report."""
        return sum(self.watched_s.values()) / max(1, len(self.watched_s))

    @property
    def coverage(self) -> float | None:
        """The share of the opening time that was watched, in 0..1; None if the site was closed."""
        return min(1.0, self.covered_s / self.open_s) if self.open_s > 0 else None

    @property
    def state(self) -> State:
        if self.coverage is None:
            return "closed"
        if self.covered_s <= 0:
            return "no_data"
        return "full" if self.coverage >= FULL_COVERAGE else "partial"

    @property
    def exposure_s(self) -> float:
        """The time that visits are divided by. Entrances share the visitors of one shop, so their time counts once.
        Other cameras see the same people again, so the time of each one counts."""
        return self.covered_s if self.role == "entrance" else sum(self.watched_s.values())

    @property
    def tells_unknown(self) -> bool:
        """Whether all cohorts tell visits that are unknown from those that were not seen."""
        return self.described_of == self.demographics_visits

    def __add__(self, other: Tally) -> Tally:
        if self.role != other.role:
            raise ValueError(f"tallies of the roles {self.role} and {other.role} must not be added up")
        return Tally(
            site=self.site if self.site == other.site else "",
            role=self.role,
            day=min(self.day, other.day),
            open_s=self.open_s + other.open_s,
            watched_s={
                camera: self.watched_s.get(camera, 0.0) + other.watched_s.get(camera, 0.0)
                for camera in sorted({*self.watched_s, *other.watched_s})
            },
            visits=self.visits + other.visits,
            viewers=self.viewers + other.viewers,
            dwell_sum_s=self.dwell_sum_s + other.dwell_sum_s,
            attention_sum_s=self.attention_sum_s + other.attention_sum_s,
            dwell_visits=self.dwell_visits + other.dwell_visits,
            attention_visits=self.attention_visits + other.attention_visits,
            attention_dwell_s=self.attention_dwell_s + other.attention_dwell_s,
            cohort_visits=self.cohort_visits + other.cohort_visits,
            demographics_visits=self.demographics_visits + other.demographics_visits,
            expression_visits=self.expression_visits + other.expression_visits,
            described=self.described + other.described,
            described_of=self.described_of + other.described_of,
            gender=added((self.gender, other.gender)),
            age_band=added((self.age_band, other.age_band)),
            gender_age_band=added((self.gender_age_band, other.gender_age_band)),
            expression=added((self.expression, other.expression)),
            models=self.models | other.models,
            calibrations=self.calibrations | other.calibrations,
            doors=both_doors(self.doors, other.doors),
            beside=self.beside + other.beside,
            places=self.places + other.places,
            till=till_sum((self.till, other.till)),
        )


def readable(counts: Mapping[Label, int | None]) -> int:
    """Add up the visits of a breakdown that are not withheld."""
    return sum(count or 0 for count in counts.values())


def added_by(parts: Mapping[datetime, Tally], key: Callable[[datetime], _Key]) -> dict[_Key, Tally]:
    """Add up the quarters of an hour for whose start ``key`` returns the same, in the order of ``parts``."""
    found: dict[_Key, Tally] = {}
    for at, part in parts.items():
        group = key(at)
        found[group] = found[group] + part if group in found else part
    return found
