"""The mix of a site's visitors by one attribute, from its tallies: raw, corrected, and how much was withheld."""

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
    """Visits whose verdict the privacy rules withheld; the intervals allow for every possible verdict of them."""
    uncorrected: str | None
    """Why the shares are not corrected; None if they are."""

    @property
    def told(self) -> int:
        """The number of shares that are certain enough to show."""
        return sum(not share.vague for share in self.shares)


def mix(tally: Tally, attribute: str, confusions: Confusions | None = None) -> Mix | None:
    """Compute the mix by ``gender``, ``age_band`` or ``expression``; None if no visit was described by it.

    ``confusions`` defaults to the matrices shipped with Footlight.
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
    """Return visits by verdict, "unknown" included. Raises ``ValueError`` for an unknown attribute."""
    if attribute not in ATTRIBUTES:
        raise ValueError(f"{attribute!r} is not one of {', '.join(ATTRIBUTES)}")
    counts: Mapping[str, int | None] = getattr(tally, attribute)
    return {label: count or 0 for label, count in counts.items()}


def withheld(tally: Tally, attribute: str) -> int:
    """Return the number of visits in cohorts with ``attribute`` that are in none of its readable cells."""
    described = tally.described_expression if attribute == "expression" else tally.described
    return described - sum(verdicts(tally, attribute).values())


def mixes(tallies: Sequence[Tally], confusions: Confusions | None = None) -> list[Mix]:
    """Compute the mixes of the sum of ``tallies`` of one site, in the order of the attributes."""
    if not tallies:
        return []
    total = sum(tallies[1:], tallies[0])
    found = (mix(total, attribute, confusions) for attribute in ATTRIBUTES)
    return [one for one in found if one is not None]
