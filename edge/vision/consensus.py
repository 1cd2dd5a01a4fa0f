"""Fuse the looks at one visit into one verdict per attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from common.vocabulary import (
    AGE_BAND_STARTS,
    AGE_BANDS,
    AGE_BINS,
    ATTRIBUTES,
    EXPRESSIONS,
    GENDERS,
    NOT_SEEN,
    UNKNOWN,
)
from edge.types import FaceObservation, Verdict

LEAST_WEIGHT = 1e-3
"""A look of quality 0 still counts if it is the only one."""

Probabilities = npt.NDArray[np.float64]


class Consensus:
    """One verdict on each attribute of a visit, or ``UNKNOWN`` where its confidence is below the threshold. Without any
    look, all of them are ``NOT_SEEN``.

    Looks are fused by the sum rule: the mean of their probabilities, weighted by quality (Kittler et al. 1998). The
    product rule would treat looks at one face as independent and grow more certain with every frame, although the
    model repeats its mistakes on the same face. A single look with a probability near 0 would also overrule all
    others. Looks with the same time count as one look.
    """

    def __init__(self, thresholds: Mapping[str, float], *, age_margin: int = 5) -> None:
        """Take ``thresholds``, the least confidence, 0..1, for each of ``ATTRIBUTES``; ``age_margin`` is in years.

        Raises ``ValueError`` when a threshold is missing, unknown or outside 0..1.
        """
        if foreign := thresholds.keys() ^ ATTRIBUTES.keys():
            raise ValueError(
                f"thresholds: {min(foreign)} is missing or unknown; give {', '.join(ATTRIBUTES)}"
            )
        for name, value in thresholds.items():
            if not 0 <= value <= 1:
                raise ValueError(f"thresholds: {name} must be in 0..1, got {value}")
        self._thresholds = dict(thresholds)
        self._age_margin = age_margin

    def verdicts(self, observations: Sequence[FaceObservation]) -> Mapping[str, Verdict]:
        """Return a verdict for each of ``ATTRIBUTES``; the order of ``observations`` does not matter."""
        if not observations:
            return {name: Verdict(NOT_SEEN, 0.0) for name in ATTRIBUTES}
        looks = _one_per_moment(observations)
        weights = np.array([max(look.quality, LEAST_WEIGHT) for look in looks])
        weights /= weights.sum()
        verdicts = {
            "gender": _gender(_stack([look.scores.gender for look in looks]), weights),
            "age_band": self._age_band(_stack([look.scores.age for look in looks]), weights),
            "expression": _expression(_stack([look.scores.expression for look in looks]), weights),
        }
        return {
            name: verdict
            if verdict.confidence >= self._thresholds[name]
            else Verdict(UNKNOWN, verdict.confidence)
            for name, verdict in verdicts.items()
        }

    def _age_band(self, probabilities: Probabilities, weights: Probabilities) -> Verdict:
        """Return the band of the expected age; its error in years is smaller than that of the most likely band.

        Confidence is the mass of the fused distribution in that band, widened by ``age_margin`` years on either
        side: no model is exact to the year, so mass just across a border is not a contradiction.
        """
        fused = weights @ probabilities
        years = float(fused @ np.arange(AGE_BINS))
        band = int(np.searchsorted(AGE_BAND_STARTS, years, side="right")) - 1
        start = max(0, AGE_BAND_STARTS[band] - self._age_margin)
        last = band == len(AGE_BANDS) - 1
        end = AGE_BINS if last else AGE_BAND_STARTS[band + 1] + self._age_margin
        return Verdict(AGE_BANDS[band], _share(fused[start:end].sum()))


def _gender(probabilities: Probabilities, weights: Probabilities) -> Verdict:
    fused = weights @ probabilities
    top = int(fused.argmax())
    return Verdict(GENDERS[top], _share(fused[top]))


def _expression(probabilities: Probabilities, weights: Probabilities) -> Verdict:
    """Return the most frequent expression of the visit: every look votes for its top expression with its weight.

    A face changes its expression, so looks may differ, and the mean of a smile and a neutral face is neither.
    Confidence is the fused probability of the winner; it also breaks a tie.
    """
    votes = np.zeros(len(EXPRESSIONS))
    np.add.at(votes, probabilities.argmax(axis=1), weights)
    fused = weights @ probabilities
    top = int(np.lexsort((fused, votes.round(9)))[-1])
    return Verdict(EXPRESSIONS[top], _share(fused[top]))


def _one_per_moment(observations: Sequence[FaceObservation]) -> list[FaceObservation]:
    """Sort the looks by time, and keep only the best one of each moment."""
    by_quality = sorted(observations, key=lambda look: look.quality)
    best = {look.at_s: look for look in by_quality}
    return [best[at_s] for at_s in sorted(best)]


def _stack(scores: Sequence[npt.NDArray[np.float32]]) -> Probabilities:
    """Stack scores as (looks, labels), and scale each row to a sum of 1: an int8 softmax is not exact."""
    rows = np.stack(scores).astype(np.float64)
    normalised: Probabilities = rows / rows.sum(axis=1, keepdims=True)
    return normalised


def _share(value: float) -> float:
    return float(min(1.0, max(0.0, value)))
