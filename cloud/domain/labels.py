"""The breakdowns of a cohort with every label: 0 is a fact, None is withheld."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from common.vocabulary import ATTRIBUTES, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire import Cells, Cohort

WITHOUT_VERDICT = (UNKNOWN, NOT_SEEN, NO_VERDICT)
LABELS: Mapping[str, tuple[str, ...]] = {
    name: (*labels, *WITHOUT_VERDICT) for name, labels in ATTRIBUTES.items()
}
"""By attribute, the labels that a cohort or a tally counts."""

JOINT_LABELS = tuple(
    (gender, band)
    for gender in (*ATTRIBUTES["gender"], UNKNOWN)
    for band in (*ATTRIBUTES["age_band"], UNKNOWN)
)
"""The cells of the table by gender and age band. Visits that were not seen are in the lists only."""

Label = TypeVar("Label", str, tuple[str, str])
Counts = Mapping[str, int | None]
JointCounts = Mapping[tuple[str, str], int | None]


def list_counts(cohort: Cohort, attribute: str) -> dict[str, int | None]:
    """Return the count of each of ``LABELS``; all are None if the whole list is withheld.

    A label that is missing in the message means 0, except that ``described`` decides which labels of visits without a
    verdict are told.
    """
    cells: Cells | None = getattr(cohort, attribute)
    if cells is None:
        return dict.fromkeys(LABELS[attribute])
    return {label: cells.get(label, _missing(cohort, label)) for label in LABELS[attribute]}


def joint_counts(cohort: Cohort) -> dict[tuple[str, str], int | None]:
    """Return the count of each of ``JOINT_LABELS`` in the same way."""
    table = cohort.gender_age_band
    if table is None:
        return dict.fromkeys(JOINT_LABELS)
    return {
        (gender, band): table.get(gender, {}).get(band, _missing(cohort, gender) if gender == band else 0)
        for gender, band in JOINT_LABELS
    }


def _missing(cohort: Cohort, label: str) -> int | None:
    return None if cohort.described is None and label in (UNKNOWN, NOT_SEEN) else 0


def added(tables: Iterable[Mapping[Label, int | None]]) -> dict[Label, int | None]:
    """Add up the tables that are not empty, label by label. 0 plus a withheld part is None."""
    sums: dict[Label, int | None] = {}
    for table in filter(None, tables):
        for label, count in table.items():
            known = sums.get(label, 0)
            # 0 plus a withheld part is unknown, not 0
            sums[label] = (known or 0) + (count or 0) or (0 if known == count == 0 else None)
    return sums
