"""A printed square that a drawn person wears on the chest: the badge of staff, or a code that a member shows."""

from __future__ import annotations

from dataclasses import dataclass

from edge.badge import BADGE_CELLS, BADGE_M


@dataclass(frozen=True, slots=True)
class Card:
    """The cells of a square pattern, row by row, 1 is white; ``side_m`` is its side in metres. Around it is a margin of
    ``margin`` white cells."""

    cells: tuple[tuple[int, ...], ...]
    side_m: float
    margin: int = 1


BADGE = Card(BADGE_CELLS, BADGE_M)
