"""The mix of a site's visitors by one attribute, from its tallies: raw, corrected, and how much was withheld."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloud.analysis.confusion import Confusions, confusion_for, shipped_confusions
from cloud.analysis.quantify import Share, corrected_shares
from cloud.domain.labels import Counts
from cloud.domain.messages import gettext as _
from cloud.domain.tally import Tally, readable
from common.vocabulary import ATTRIBUTES, UNKNOWN


@dataclass(frozen=True, slots=True)
class Mix:
    """The shares of all labels of one attribute in one tally."""

    attribute: str
    shares: tuple[Share, ...]
    """In the order of the vocabulary."""
    n: int
    """Visits with a known verdict, and the unknown ones where they are told from those that were not seen."""
    withheld: int
    """Visits whose verdict the privacy rules withheld; the intervals allow for every possible verdict of them."""
    uncorrected: str | None
    """Why the shares are not corrected; None if they are."""

    @property
    def told(self) -> int:
        """The number of shares that are certain enough to show."""
        return sum(not share.vague for share in self.shares)


def mix(tally: Tally, attribute: str, confusions: Confusions | None = None) -> Mix | None:
    """Compute the mix by ``gender``, ``age_band`` or ``expression``; None if nothing of it was released.

    ``confusions`` defaults to the matrices shipped with Footlight.
    """
    counts = verdicts(tally, attribute)
    if not any(counts.values()):
        return None
    known = shipped_confusions() if confusions is None else confusions
    confusion, why = confusion_for(tally.calibrations, attribute, known)
    if confusion is not None and not any(counts.get(label) for label in confusion.labels):
        why = _("no visit has a known verdict")
    hidden = withheld(tally, attribute)
    shares = corrected_shares(counts, confusion, withheld=hidden)
    return Mix(attribute, tuple(shares), sum(counts.values()), hidden, why)


def verdicts(tally: Tally, attribute: str) -> Mapping[str, int]:
    """Return visits by verdict. Raises ``ValueError`` for an unknown attribute.

    "unknown" is included if every cohort tells it from the visits that were not seen; these say nothing about the mix.
    """
    counts = _counts(tally, attribute)
    names = (*ATTRIBUTES[attribute], UNKNOWN) if tally.tells_unknown else ATTRIBUTES[attribute]
    return {label: counts[label] or 0 for label in names if label in counts}


def withheld(tally: Tally, attribute: str) -> int:
    """Return the number of visits in cohorts with ``attribute`` that are in none of its readable cells."""
    whole = tally.expression_visits if attribute == "expression" else tally.demographics_visits
    return whole - readable(_counts(tally, attribute))


def _counts(tally: Tally, attribute: str) -> Counts:
    if attribute not in ATTRIBUTES:
        raise ValueError(f"{attribute!r} is not one of {', '.join(ATTRIBUTES)}")
    counts: Counts = getattr(tally, attribute)
    return counts


def mixes(tallies: Sequence[Tally], confusions: Confusions | None = None) -> list[Mix]:
    """Compute the mixes of the sum of ``tallies`` of one site, in the order of the attributes."""
    if not tallies:
        return []
    total = sum(tallies[1:], tallies[0])
    found = (mix(total, attribute, confusions) for attribute in ATTRIBUTES)
    return [one for one in found if one is not None]
