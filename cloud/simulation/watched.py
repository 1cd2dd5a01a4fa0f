"""What a simulated camera watches of a day, whom it follows, and whom its device takes for staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from cloud.domain.chain import Interval
from cloud.simulation.beside import seen_beside
from cloud.simulation.chain import Character
from cloud.simulation.faults import Faults, overlap_s
from cloud.simulation.visitors import Floats, Visitors


def watched_s(rng: np.random.Generator, faults: Faults, edges_s: Floats) -> Floats:
    """Draw the watched seconds of each window between two ``edges_s`` (n + 1, UTC epoch seconds)."""
    lengths = np.diff(edges_s)
    moments = [datetime.fromtimestamp(edge, UTC) for edge in edges_s.tolist()]
    blind = [overlap_s(*pair, faults.blind) for pair in pairwise(moments)]
    share = np.clip(rng.normal(faults.coverage, (1 - faults.coverage) / 4, len(blind)), 0, 1)
    return np.asarray(share * (lengths - np.array(blind)))


def followed_of(everybody: Visitors, faults: Faults, edges_s: Floats, covered_s: Floats) -> Visitors:
    """Select the people who left within a window while the camera was not blind.

    Slow processing leaves gaps of about a second, which hide nobody.
    """
    inside = (everybody.end_s >= edges_s[0]) & (everybody.end_s < edges_s[-1])
    for first, last in faults.blind:
        inside &= (everybody.end_s < first.timestamp()) | (everybody.end_s >= last.timestamp())
    window_of = np.searchsorted(edges_s, everybody.end_s, side="right") - 1
    inside[inside] &= covered_s[window_of[inside]] > 0
    return everybody.only(inside)


def taken_for_staff(
    rng: np.random.Generator, everybody: Visitors, character: Character, opening: Sequence[Interval]
) -> Visitors:
    """Draw whom a device of this shop takes for staff, and whose code it reads."""
    began_s = everybody.end_s - everybody.dwell_s
    with_visitors = np.zeros(len(began_s), dtype=bool)
    for first, last in opening:
        with_visitors |= (began_s >= first.timestamp()) & (began_s < last.timestamp())
    beside = seen_beside(
        rng,
        everybody.beside.staff,
        everybody.dwell_s,
        ~with_visitors,
        character.staff,
        loyalty=character.loyalty,
    )
    return replace(everybody, beside=beside)
