"""The badge of staff: one printed pattern, the same for everybody, so that it tells no person from another."""

from __future__ import annotations

BADGE_M = 0.12
"""Side of the printed pattern with its black border, in metres."""

_PATTERN = ((1, 1, 0, 0), (1, 1, 0, 0), (1, 1, 0, 1), (0, 1, 0, 1))
"""Number 22 of the ArUco dictionary 4X4_50: no other is less like itself when it is turned. 1 is white."""

_EDGE = (0,) * 6
BADGE_CELLS: tuple[tuple[int, ...], ...] = (_EDGE, *((0, *row, 0) for row in _PATTERN), _EDGE)
"""The pattern with its black border, row by row; 1 is white."""
