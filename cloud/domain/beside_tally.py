"""The part of the tally that stands beside the visits: staff, who were left out, people who
came in again, and members.

Each is told in cohorts, or withheld; each sum says of how many it is, so a sum of none is not known, and is no 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cloud.domain.re_entries import ReEntries
from common.wire import Cohort


@dataclass(frozen=True, slots=True)
class BesideTally:
    """Sums over the cohorts that tell them."""

    staff: int = 0
    """Tracks of staff that were left out; of a cohort with 1 to k-1, the middle."""
    staff_of: int = 0
    """These, and the visits of the cohorts that tell them."""
    re_entries: float = 0.0
    """The estimate of people who came in again; by chance it may be negative."""
    re_entries_variance: float = 0.0
    re_entries_of: int = 0
    """Entries that could be judged."""
    members: int = 0
    """Visits that showed the code of a member."""
    members_of: int = 0
    """Visits of the cohorts that tell them."""

    def __add__(self, other: BesideTally) -> BesideTally:
        # Not astuple, which copies each value deeply: a day adds up a hundred of these.
        return BesideTally(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def staff_excluded(self) -> float | None:
        """The share of staff among everybody who was followed, in 0..1; None if it is not told."""
        return self.staff / self.staff_of if self.staff_of else None

    @property
    def came_again(self) -> ReEntries:
        """The estimate of people who came in again, with its interval."""
        return ReEntries(self.re_entries, self.re_entries_variance, self.re_entries_of)


def beside_tally(cohorts: Iterable[Cohort], again: Iterable[ReEntries] = ()) -> BesideTally:
    """Add up what cohorts tell beside the visits, and the estimates of people who came in again."""
    found = sum(again, ReEntries())
    known = BesideTally(
        re_entries=found.people, re_entries_variance=found.variance, re_entries_of=found.entries
    )
    return sum((_of_cohort(cohort) for cohort in cohorts), known)


def _of_cohort(cohort: Cohort) -> BesideTally:
    staff = cohort.staff
    return BesideTally(
        staff=staff or 0,
        staff_of=0 if staff is None else cohort.visits + staff,
        members=cohort.members or 0,
        members_of=0 if cohort.members is None else cohort.visits,
    )
