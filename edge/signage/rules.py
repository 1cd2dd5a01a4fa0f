"""Rules that choose a clip for those who are before the display now, taken together.

A rule sees how many they are, where, at what hour, and which share of those whose faces were seen is of a gender and of
some age bands. It never sees one person: below ``LEAST_DESCRIBED`` described people, no rule about gender or age holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.vocabulary import LEAST_DESCRIBED


@dataclass(frozen=True, slots=True)
class Person:
    """One person before the display, as far as is known by now; None where nothing is."""

    gender: str | None = None
    age_band: str | None = None
    zones: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """When ``clip`` suits. Every condition that is given must hold.

    ``zone``: only people in it are looked at. ``people``: fewest and most of them. ``hours``: first hour and the one
    after the last, of local time. ``gender`` and ``ages``: of those who are described, at least ``share`` are of both.
    """

    clip: str
    zone: str | None = None
    people: tuple[int, int] | None = None
    hours: tuple[int, int] | None = None
    gender: str | None = None
    ages: frozenset[str] = frozenset()
    share: float = 0.5

    @property
    def about_attributes(self) -> bool:
        """Whether it asks for gender or age."""
        return self.gender is not None or bool(self.ages)

    def holds(self, audience: Sequence[Person], hour: int) -> bool:
        """Return whether the clip suits ``audience`` at this hour, 0 to 23."""
        if self.hours is not None and not self.hours[0] <= hour < self.hours[1]:
            return False
        here = [person for person in audience if self.zone is None or self.zone in person.zones]
        if self.people is not None and not self.people[0] <= len(here) <= self.people[1]:
            return False
        return not self.about_attributes or self._suits(here)

    def _suits(self, here: Sequence[Person]) -> bool:
        described = [person for person in here if self._is_described(person)]
        if len(described) < LEAST_DESCRIBED or 2 * len(described) < len(here):
            return False
        suited = sum(
            self.gender in (None, person.gender) and (not self.ages or person.age_band in self.ages)
            for person in described
        )
        return suited >= self.share * len(described) - 1e-9

    def _is_described(self, person: Person) -> bool:
        return (self.gender is None or person.gender is not None) and (
            not self.ages or person.age_band is not None
        )


def chosen(rules: Sequence[Rule], audience: Sequence[Person], hour: int) -> str | None:
    """Return the clip of the first rule that holds, None if there is none."""
    return next((rule.clip for rule in rules if rule.holds(audience, hour)), None)
