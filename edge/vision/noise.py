"""Verdicts with noise, so that what is told of one visit has a proved bound whatever else a reader knows.

The noise is discrete Laplace: a whole number x with probability proportional to ``exp(-abs(x) / scale)`` (Ghosh et al.
2009). It is drawn exactly, with whole numbers only (Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential
Privacy", 2020, algorithms 1 and 2): rounded floats would break the proof (Mironov 2012). OpenDP draws it in the same
way, but is a library of 265 MB. docs/decisions/0122 has the reasons.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from fractions import Fraction

from common import wire

Below = Callable[[int], int]
"""Draws a whole number from 0 to below the argument, each with the same probability."""


def noisy(
    counts: Mapping[tuple[str, str, str], int], budget: float, profile: wire.Profile, below: Below
) -> wire.Noise:
    """Return the verdicts of a cohort with fresh noise in every cell: never call it twice for the same visits.

    ``counts`` are visits by gender, age band and expression, ``budget`` that of one visit. ``below`` must be from the
    system's randomness, except in tests.
    """
    attributes = tuple(wire.NOISY_LABELS)
    lists = attributes if profile == "expression" else attributes[:2]
    scale = wire.noise_scale(budget, len(lists))
    told: dict[str, dict[str, int]] = {}
    for place, name in enumerate(lists):
        cells = dict.fromkeys(wire.NOISY_LABELS[name], 0)
        for labels, count in counts.items():
            cells[labels[place]] += count
        told[name] = {label: count + discrete_laplace(scale, below) for label, count in cells.items()}
    return wire.Noise(
        budget=budget, gender=told["gender"], age_band=told["age_band"], expression=told.get("expression")
    )


def discrete_laplace(scale: Fraction, below: Below = secrets.randbelow) -> int:
    """Draw a whole number x with probability proportional to ``exp(-abs(x) / scale)``; ``scale`` is above 0."""
    steps, divisor = scale.numerator, scale.denominator
    while True:
        rest = below(steps)
        if not happens(Fraction(rest, steps), below):
            continue
        whole = 0
        while happens(Fraction(1), below):
            whole += 1
        size = (rest + steps * whole) // divisor
        negative = below(2) == 1
        if size or not negative:  # else 0 would come twice as often
            return -size if negative else size


def happens(rate: Fraction, below: Below) -> bool:
    """Return True with probability ``exp(-rate)``, for a rate from 0 to 1."""
    tries = 1
    while below(rate.denominator * tries) < rate.numerator:
        tries += 1
    return tries % 2 == 1
