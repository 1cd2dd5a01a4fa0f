"""Estimates the mix of visitors from counted verdicts: quantification with the confusion matrix.

A classifier that is right in 93 of 100 cases still reports a wrong share, because its mistakes do not cancel. Let
``M[y, v]`` be the probability that a visit of label ``y`` gets the verdict ``v`` ("unknown" is one of them). Then the
verdicts have the shares ``q = pi M``, and we want to know the mix ``pi``.

- The corrected share is the maximum-likelihood estimate under this model, by expectation maximisation (Saerens et al.
  2002, with verdicts in place of probabilities). It starts at the raw shares and stops early, so that it does not
  amplify noise between labels that are easily confused (iterative unfolding, D'Agostini 1995).
- The interval is a score interval (Wilson 1927) around the adjusted count (Forman 2008; for a prevalence Rogan and
  Gladen 1978) with the weights of least variance. Its variance includes the sampling error of the n visits and that of
  the labelled visits behind ``M``. Without mistakes of the models it is Wilson's interval.
- A visit that was not seen says nothing about the mix and is no verdict. Where a count mixes such visits with unknown
  ones, it is not used: the number of unknown verdicts is then the one that the matrix expects beside the known ones.
- Visits whose verdict was withheld for privacy may have any label: the interval is valid for every possible assignment
  of them (partial identification, Manski 2003).

docs/decisions/0018 and 0019 explain why, docs/numbers.md how to read the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from cloud.analysis.confusion import Confusion, Matrix

ROUNDS = 8
"""Number of steps that are always taken from the raw shares; more only until every share is inside its interval."""

_MOST_ROUNDS = 1000
_EVIDENCE_ROUNDS = 60
"""Steps for the mix at which variances are evaluated: it may be noisy, but must not be biased to the raw shares."""

_Z = float(norm.ppf(0.975))

TOO_WIDE = 0.5
"""A share whose interval is wider than this is too uncertain to be useful."""


@dataclass(frozen=True, slots=True)
class Share:
    """One label's share of the visits, all in 0..1."""

    label: str
    raw: float | None
    """The share among the visits with a known verdict; None if there are none."""
    corrected: float | None
    """None if it could not be corrected."""
    low: float
    """``low`` to ``high`` is the 95 % interval of the corrected share or, without one, of the raw (sampling only)."""
    high: float
    n: int
    """Visits that it is based on, including those with the verdict unknown where these are told."""

    @property
    def vague(self) -> bool:
        return self.high - self.low > TOO_WIDE


@dataclass(frozen=True, slots=True)
class Estimate:
    """Shares and their intervals, as arrays (..., labels)."""

    shares: Matrix
    low: Matrix
    high: Matrix


def corrected_shares(
    counts: Mapping[str, int], confusion: Confusion | None, *, withheld: int = 0
) -> list[Share]:
    """Compute the share of each label, raw and corrected.

    ``counts`` are visits by verdict, with "unknown" anywhere, or without it if it is not told. ``withheld`` is the
    number of further visits whose verdict was withheld. Without ``confusion``, or if no visit has a known verdict,
    nothing is corrected.
    """
    labels = confusion.labels if confusion else tuple(label for label in counts if label != "unknown")
    if foreign := counts.keys() - {*labels, "unknown"}:
        raise ValueError(f"{min(foreign)!r} is not one of {', '.join(labels)}")
    by_label = np.array([counts.get(label, 0) for label in labels], np.float64)
    unknown = counts.get("unknown", 0)
    known = int(by_label.sum())
    if known == 0:
        return [Share(label, None, None, 0.0, 1.0, unknown) for label in labels]
    hidden = np.array(withheld, np.float64)
    if confusion is None:
        perfect, endless = np.eye(len(labels)), np.full(len(labels), np.inf)
        found = _estimate(by_label, perfect, endless, hidden)
    else:
        told = unknown if "unknown" in counts else unknown_per_known(by_label, confusion) * known
        found = estimate(np.append(by_label, told), confusion.counts, hidden)
    return [
        Share(
            label=label,
            raw=float(by_label[i]) / known,
            corrected=float(found.shares[i]) if confusion else None,
            low=float(found.low[i]),
            high=float(found.high[i]),
            n=known + unknown,
        )
        for i, label in enumerate(labels)
    ]


def estimate(verdicts: Matrix, labelled: Matrix, withheld: Matrix) -> Estimate:
    """Compute corrected shares and their 95 % intervals, for many counts at once.

    ``verdicts``: visits (..., labels + 1), the last column "unknown"; ``labelled``: visits (..., labels, labels + 1)
    by true label and verdict; ``withheld``: visits (...) with withheld verdict.
    """
    matrix, visits = _rates(labelled)
    return _estimate(verdicts, matrix, visits, withheld)


def _rates(labelled: Matrix) -> tuple[Matrix, Matrix]:
    """Return the probability of each verdict (..., labels, verdicts) and the number of visits behind it (..., labels).

    One visit is added to each label, spread over the verdicts (Perks 1947): a mistake never seen is not impossible.
    """
    visits = labelled.sum(-1) + 1
    return (labelled + 1 / labelled.shape[-1]) / visits[..., None], visits


def _estimate(verdicts: Matrix, matrix: Matrix, labelled: Matrix, withheld: Matrix) -> Estimate:
    labels = matrix.shape[-2]
    start = verdicts[..., :labels] + 1 / labels
    start = start / start.sum(-1, keepdims=True)
    low, high = _interval(start, verdicts, matrix, labelled)
    if withheld.any():
        # Assign all of them to one verdict, for each verdict in turn: every other assignment is a mixture of these.
        dealt = np.eye(verdicts.shape[-1]) * withheld[..., None, None] + verdicts[..., None, :]
        ends = _interval(start[..., None, :], dealt, matrix[..., None, :, :], labelled[..., None, :])
        low, high = np.minimum(low, ends[0].min(-2)), np.maximum(high, ends[1].max(-2))
    shares = start
    for done in range(_MOST_ROUNDS):
        outside = ((shares < low) | (shares > high)).any(-1, keepdims=True)
        if done >= ROUNDS and not outside.any():
            break
        shares = np.where((done < ROUNDS) | outside, _step(shares, verdicts, matrix), shares)
    return Estimate(shares, np.minimum(low, shares), np.maximum(high, shares))


def _step(shares: Matrix, verdicts: Matrix, matrix: Matrix) -> Matrix:
    """Make one step of expectation maximisation: distribute every verdict over the labels it may come from."""
    expected = (shares[..., None, :] @ matrix)[..., 0, :]
    ratio = verdicts / np.maximum(expected, 1e-12)
    dealt: Matrix = shares * (matrix @ ratio[..., None])[..., 0]
    total: Matrix = dealt.sum(-1, keepdims=True)
    return dealt / total


def _interval(start: Matrix, verdicts: Matrix, matrix: Matrix, labelled: Matrix) -> tuple[Matrix, Matrix]:
    """Compute lower and upper ends (..., labels).

    For label ``l``, ``weights[l] @ q`` is an unbiased estimate of its share if ``matrix @ weights[l]`` is 1 at ``l``
    and 0 elsewhere. For an assumed share ``t``, with the others in constant proportion, its variance is quadratic in
    ``t``, so the set of all ``t`` that agree with the estimate is an interval.
    """
    each = np.eye(matrix.shape[-2])
    n = verdicts.sum(-1, keepdims=True)
    shares = start
    for _ in range(_EVIDENCE_ROUNDS):
        shares = _step(shares, verdicts, matrix)
    weights = _weights(shares, matrix, labelled, n)
    value = np.einsum("...lv,...v->...l", weights, verdicts) / n
    second = np.einsum("...lv,...yv->...ly", weights**2, matrix)
    spread = (second - each) / labelled[..., None, :]
    others = shares[..., None, :] * (1 - each) + 1e-9
    others /= others.sum(-1, keepdims=True)
    own_second, own_spread = (np.einsum("...ll->...l", table) for table in (second, spread))
    other_second, other_spread = (others * second).sum(-1), (others**2 * spread).sum(-1)
    # variance(t) = v0 + v1 t + v2 t^2, and the ends solve (value - t)^2 = z^2 variance(t)
    v0 = other_second / n + other_spread
    v1 = (own_second - other_second) / n - 2 * other_spread
    v2 = own_spread + other_spread - 1 / n
    a, b, c = 1 - _Z**2 * v2, -2 * value - _Z**2 * v1, value**2 - _Z**2 * v0
    root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
    told_apart = np.abs(np.einsum("...lv,...yv->...ly", weights, matrix) - each).max(-1) < 1e-6
    # a <= 0: there are too few labelled visits, or the labels are too similar, to exclude any share.
    usable = told_apart & (a > 0)
    below, above = ((-b + sign * root) / (2 * np.where(usable, a, 1)) for sign in (-1, 1))
    return np.where(usable, np.clip(below, 0, 1), 0.0), np.where(usable, np.clip(above, 0, 1), 1.0)


def _weights(shares: Matrix, matrix: Matrix, labelled: Matrix, n: Matrix) -> Matrix:
    """Compute the unbiased weights (..., labels, verdicts) of least variance by generalised least squares.

    Unbiasedness removes the common part of the covariance, so only a diagonal is left.
    """
    diagonal = np.einsum("...l,...lv->...v", shares, matrix) / n
    diagonal = diagonal + np.einsum("...l,...lv->...v", shares**2 / labelled, matrix)
    scaled = matrix / np.maximum(diagonal, 1e-12)[..., None, :]
    weights: Matrix = np.linalg.pinv(scaled @ np.swapaxes(matrix, -1, -2), hermitian=True) @ scaled
    return weights


def unknown_per_known(by_label: Matrix, confusion: Confusion) -> float:
    """Return how many unknown verdicts are expected for each known one, where ``by_label`` (labels) were counted.

    It is the limit of expectation maximisation with the number of unknown verdicts missing, too.
    """
    matrix, _ = _rates(confusion.counts)
    shares, known = (by_label + 1 / by_label.size) / (by_label.sum() + 1), by_label.sum()
    unknown = 0.0
    for _ in range(_EVIDENCE_ROUNDS):
        rate = float(shares @ matrix[:, -1])
        unknown = rate / (1 - rate)
        shares = _step(shares, np.append(by_label, unknown * known), matrix)
    return unknown


def unbiased_weights(verdicts: Matrix, confusion: Confusion) -> Matrix:
    """Return the weights (labels, labels + 1) that turn shares of verdicts into shares of labels.

    They have the least variance near these ``verdicts`` (labels + 1). This is the adjusted count as a weighted sum, so
    that counts of days can be compared.
    """
    matrix, visits = _rates(confusion.counts)
    shares = np.full(len(confusion.labels), 1 / len(confusion.labels))
    for _ in range(_EVIDENCE_ROUNDS):
        shares = _step(shares, verdicts, matrix)
    return _weights(shares, matrix, visits, verdicts.sum(-1, keepdims=True))
