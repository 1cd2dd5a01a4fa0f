"""What stands and hangs in a shop, as data: shares of the width, heights in lines."""

from __future__ import annotations

from dataclasses import dataclass

from edge.scene.decoys import Decoy, DecoyKind
from edge.scene.walk import HORIZON

FLOOR = 300.0
"""Where the floor meets the back wall, in lines from the top."""

WALL_FACE = 16.7
"""Face height of somebody who stands at the back wall; who is smaller is seen through the opening only."""

EYES_ABOVE_FLOOR = (FLOOR - HORIZON) / WALL_FACE
"""Height of the camera above the floor, in face heights: the floor meets the wall where the wall is drawn."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A shop. ``window`` and ``opening`` are (left, right), ``shelves`` (left, right, top in lines); ``smiley`` and
    ``skull`` hang at their middle. Through the ``opening`` in the back wall a hall is seen in which people are far
    away, with shop ``fronts`` behind them. ``floor`` is where the floor meets the back wall, in lines: the nearer the
    wall, the lower."""

    window: tuple[float, float] | None = (0.03, 0.20)
    shelves: tuple[tuple[float, float, float], ...] = ((0.37, 0.60, 62.0), (0.66, 0.89, 78.0))
    smiley: float | None = 0.285
    skull: float | None = 0.95
    opening: tuple[float, float] | None = None
    fronts: bool = True
    floor: float = FLOOR
    decoys: tuple[Decoy, ...] = ()

    @property
    def wall_face(self) -> float:
        """Face height of somebody who stands at the back wall."""
        return (self.floor - HORIZON) / EYES_ABOVE_FLOOR


PLAIN = Layout()
"""The shop of the sample scene."""

BUSY = Layout(
    window=(0.02, 0.10),
    shelves=((0.72, 0.90, 78.0),),
    smiley=0.23,
    skull=0.955,
    opening=(0.29, 0.58),
    decoys=(
        Decoy(DecoyKind.POSTER, 0.145, 12.0),
        Decoy(DecoyKind.SCREEN, 0.65, 26.0, seed=2),
        Decoy(DecoyKind.MANNEQUIN, 0.245, 18.0),
    ),
)
"""A shop with everything that can be taken for a person."""

HALL = Layout(window=None, shelves=(), smiley=None, skull=None, opening=(0.04, 0.96))
"""A shop that is open to a hall, so that people can be seen at any distance."""
