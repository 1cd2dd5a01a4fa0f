"""The sign at the door of a shop: what it says is measured, and what is really told, in words that can be compared.

The device makes the same values of its settings as anybody makes of its messages, so the sign of a shop can be written
from either, and the privacy audit holds both against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field

from common.settings import Section
from common.wire import WINDOW_S, Cohort, Message, Name, NoticeMessage, Profile, Totals, WindowMessage

Measure = Literal[
    "doors", "zones", "queues", "targets", "clips", "heat", "ways", "staff", "members", "notices"
]  # fmt: skip
"""What a sign must say besides visits and what the profile adds."""
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)
"""Each tells more than the one before."""
LEAST_K: Final = 3
"""Smallest group of a sign; the sample scene may tell less, but nobody walks past it."""

OF_TOTALS: Final[Mapping[str, str]] = {"visits": "visits", "viewers": "visits", "doors": "doors"}
OF_COHORT: Final[Mapping[str, str]] = {
    **dict.fromkeys(("since", "visits", "occupancy_mean", "occupancy_max"), "visits"),
    **dict.fromkeys(("dwell_sum_s", "dwell", "attention_sum_s", "attention"), "visits"),
    **dict.fromkeys(("described", "gender", "age_band", "gender_age_band", "expression", "noise"), "profile"),
    "zones": "zones",
    "targets": "targets",
    "clips": "clips",
    "heat": "heat",
    "ways": "ways",
    "staff_excluded": "staff",
    "members": "members",
}
"""What of a sign each published field belongs to: a measure, the visits that every sign names, or the profile."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a device, or several, tell: the widest profile, the smallest group, the shortest window, all measures."""

    profile: Profile
    k: int
    window_s: int
    measures: frozenset[Measure]

    def __or__(self, other: Told) -> Told:
        return Told(
            max(self.profile, other.profile, key=PROFILES.index),
            min(self.k, other.k),
            min(self.window_s, other.window_s),
            self.measures | other.measures,
        )


def told_by(messages: Iterable[Message]) -> Told | None:
    """Return what these messages tell; None if no window is among them."""
    told, notices = None, False
    for message in messages:
        notices = notices or isinstance(message, NoticeMessage)
        if isinstance(message, WindowMessage):
            one = Told(
                message.profile, message.k, message.duration_s, _measures(message.totals, message.cohort)
            )
            told = one if told is None else told | one
    more = frozenset[Measure](("notices",) if notices else ())
    return told and Told(told.profile, told.k, told.window_s, told.measures | more)


def _measures(totals: Totals, cohort: Cohort | None) -> frozenset[Measure]:
    told = {of for name, of in OF_TOTALS.items() if getattr(totals, name)}
    if cohort is not None:
        # a share or a count of 0 is told, too
        told |= {of for name, of in OF_COHORT.items() if getattr(cohort, name) not in (None, {})}
        queues = [zone.queue is not None for zone in cohort.zones.values()]
        told = told - {"zones"} | measures_of_zones(queues)
    return frozenset(measure for measure in MEASURES if measure in told)


def measures_of_zones(queues: Iterable[bool]) -> set[str]:
    """Return the measures of zones, given for each of them whether people queue in it."""
    return {"queues" if queue else "zones" for queue in queues}


class Statement(Section):
    """What a sign says: the most that may be told. Without ``measures`` it says nothing about places and notices, and
    without ``site`` it is good for any shop."""

    site: Name | None = None
    profile: Profile = "demographics"
    k: Annotated[int, Field(ge=LEAST_K)] = 5
    window_s: Annotated[int, Field(ge=WINDOW_S[0], le=WINDOW_S[1])] = 60
    measures: Annotated[tuple[Measure, ...], Field(max_length=len(MEASURES))] | None = None

    @classmethod
    def of(cls, site: str | None, told: Told) -> Self:
        """Return the statement that allows exactly what is ``told``. Raises ``ValueError`` for groups that are too
        small."""
        return cls(
            site=site,
            profile=told.profile,
            k=told.k,
            window_s=told.window_s,
            measures=tuple(measure for measure in MEASURES if measure in told.measures),
        )

    @property
    def told(self) -> Told:
        """What the sign allows to be told."""
        return Told(self.profile, self.k, self.window_s, frozenset(self.measures or ()))

    def exceeded_by(self, told: Told) -> list[str]:
        """Say in a few words what is told beyond the sign; empty if nothing is."""
        beyond = []
        if PROFILES.index(told.profile) > PROFILES.index(self.profile):
            beyond.append(f"profile {told.profile} tells more than {self.profile}")
        if told.k < self.k:
            beyond.append(f"k {told.k} is less than {self.k}")
        if told.window_s < self.window_s:
            beyond.append(f"windows of {told.window_s} s are shorter than {self.window_s} s")
        if self.measures is not None and (more := told.measures - set(self.measures)):
            beyond.append(f"{', '.join(sorted(more))}: not on the sign")
        return beyond
