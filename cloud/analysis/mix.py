"""The mix of a site's visitors by one attribute, from its tallies: raw and corrected, with what was withheld."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloud.analysis.confusion import Confusions, confusion_for, shipped_confusions
from cloud.analysis.quantify import Share, corrected_shares
from cloud.domain.tally import Tally
from common.vocabulary import ATTRIBUTES


@dataclass(frozen=True, slots=True)
class Mix:
    """The shares of all labels of one attribute in one tally."""

    attribute: str
    shares: tuple[Share, ...]
    """In the order of the vocabulary."""
    n: int
    """Visits with a verdict, "unknown" included."""
    withheld: int
    """Visits whose verdict the privacy rules withheld; the intervals hold for all that they may be."""
    uncorrected: str | None
    """Why the shares are raw only; None where they are corrected."""

    @property
    def told(self) -> int:
        """How many of its shares tell something."""
        return sum(not share.vague for share in self.shares)


def mix(tally: Tally, attribute: str, confusions: Confusions | None = None) -> Mix | None:
    """The mix by ``gender``, ``age_band`` or ``expression``; None where no visit was described by it.

    ``confusions`` are those that come with Footlight unless given.
    """
    counts = verdicts(tally, attribute)
    if not any(counts.values()):
        return None
    known = shipped_confusions() if confusions is None else confusions
    confusion, why = confusion_for(tally.calibrations, attribute, known)
    if confusion is not None and not any(counts.get(label) for label in confusion.labels):
        why = "no visit has a known verdict"
    hidden = withheld(tally, attribute)
    shares = corrected_shares(counts, confusion, withheld=hidden)
    return Mix(attribute, tuple(shares), sum(counts.values()), hidden, why)


def verdicts(tally: Tally, attribute: str) -> Mapping[str, int]:
    """Visits by verdict, "unknown" included. Raises ``ValueError`` for what is no attribute."""
    if attribute not in ATTRIBUTES:
        raise ValueError(f"{attribute!r} is none of {', '.join(ATTRIBUTES)}")
    counts: Mapping[str, int | None] = getattr(tally, attribute)
    return {label: count or 0 for label, count in counts.items()}


def withheld(tally: Tally, attribute: str) -> int:
    """Visits in cohorts that were described by ``attribute`` and are in none of its cells."""
    described = tally.described_expression if attribute == "expression" else tally.described
    return described - sum(verdicts(tally, attribute).values())


def mixes(tallies: Sequence[Tally], confusions: Confusions | None = None) -> list[Mix]:
    """Every mix that the sum of ``tallies`` of one site allows, by attribute."""
    if not tallies:
        return []
    total = sum(tallies[1:], tallies[0])
    found = (mix(total, attribute, confusions) for attribute in ATTRIBUTES)
    return [one for one in found if one is not None]
