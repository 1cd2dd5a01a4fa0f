"""What stands beside the visits of a day: staff who were left out, members, and people who came in again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloud.domain.beside_tally import beside_tally
from cloud.domain.re_entries import re_entries
from common.wire import Cohort, WindowMessage


@dataclass(frozen=True, slots=True)
class Again:
    """Estimate of the people who left by a door and came in again: its 95 % interval, of so many entries."""

    low: float
    high: float
    of: int


@dataclass(frozen=True, slots=True)
class Beside:
    staff_excluded: float | None
    """Share of staff among everybody who was followed; None if no cohort tells it."""
    members: int | None
    """Visits of ``members_of`` that showed the code of a member; None if no cohort tells it."""
    members_of: int
    re_entries: Again | None
    """None if no entry could be judged."""


def beside_of(cohorts: Sequence[Cohort], windows: Sequence[WindowMessage]) -> Beside:
    """Add up the ``cohorts`` of a day, and estimate who came in again from its ``windows``."""
    found = beside_tally(cohorts, re_entries(windows).values())
    interval = found.came_again.interval
    return Beside(
        staff_excluded=found.staff_excluded,
        members=found.members if found.members_of else None,
        members_of=found.members_of,
        re_entries=Again(*interval, found.re_entries_of) if interval else None,
    )
