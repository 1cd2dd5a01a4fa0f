"""Find the badge of staff on the chest of a person, with a few looks and only where they pay.

The looks are at the picture's own resolution: the badge is a sixth of a body wide, and the network never sees it.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np

from edge.badge import BADGE_CELLS, BADGE_M
from edge.proportions import ADULT_M, FACES_HIGH
from edge.types import Image, Track
from edge.vision.chest import below_head, grey_scaled

BADGE_FACES = BADGE_M / ADULT_M * FACES_HIGH
"""Side of the badge in face sizes."""

CHEST_WIDE, CHEST_HIGH = 3.4, 3.8
"""The part of a person in which a badge is worn, in face sizes, from the chin down."""

LEAST_BADGE_PX = 12.0
"""A smaller badge is not looked for: a cell of it would be less than two pixels."""

READ_PX = 48.0
"""The badge is brought to this size: a smaller one is enlarged, and a look costs the same at every distance."""

LOOKS, SPACING_S = 6, 0.4
"""So many looks at first, this far apart: two frames in a row repeat the same mistake."""

GROWN = 1.25
"""After the first looks there is another one each time when the person is larger by this factor."""

FIRST_LOOKS = 3
"""Nothing is estimated of a person who is near enough before so many looks."""

SURE_SIGHTS = 2
"""The badge must be seen in so many looks: a checked shirt may resemble it once."""


class BadgeReader:
    """Reads the badge in the picture of one person."""

    def __init__(self) -> None:
        cells = np.array(BADGE_CELLS, np.uint8)[1:-1, 1:-1]
        # A dictionary of this one pattern, in which no cell may be wrong: nothing else can be taken for it.
        only = cv2.aruco.Dictionary(cv2.aruco.Dictionary.getByteListFromBits(cells), len(cells), 0)
        how = cv2.aruco.DetectorParameters()
        how.errorCorrectionRate = 0.0
        how.minMarkerPerimeterRate = 0.3
        self._detector = cv2.aruco.ArucoDetector(only, how)

    def shows(self, image: Image, track: Track) -> bool:
        """Return whether the badge is on the chest of this person in the picture (height, width, 3)."""
        chest = below_head(image, track, wide=CHEST_WIDE, high=CHEST_HIGH)
        if min(chest.shape[:2]) < LEAST_BADGE_PX:
            return False
        grey = grey_scaled(chest, READ_PX / (BADGE_FACES * track.box.side))
        corners, _, _ = self._detector.detectMarkers(grey)
        return len(corners) > 0


@dataclass(slots=True)
class _Looked:
    """What the looks at one track brought; deleted with it."""

    looks: int = 0
    sights: int = 0
    at_s: float = -math.inf
    largest: float = 0.0


class BadgeLooks:
    """Decides who is looked at for the badge, and when it was seen often enough."""

    def __init__(self) -> None:
        self._looked: dict[int, _Looked] = {}

    def wanted(self, track: Track, at_s: float, shows_faces_px: float) -> bool:
        """Return whether a look at this person pays now. In this frame a face of ``shows_faces_px`` and more is found
        if it shows: who shows none has turned the back, and wears no badge there."""
        side = track.box.side
        if not _readable(track) or (track.face is None and side >= shows_faces_px):
            return False
        found = self._looked.get(track.track_id)
        if found is None:
            return True
        due = found.looks < LOOKS + found.sights or side >= GROWN * found.largest
        return due and at_s - found.at_s >= SPACING_S

    def looked(self, track: Track, at_s: float, *, shows: bool) -> bool:
        """Take the result of one look; return whether it is certain by now that this person wears the badge."""
        found = self._looked.setdefault(track.track_id, _Looked())
        found.looks += 1
        found.sights += shows
        found.at_s, found.largest = at_s, max(found.largest, track.box.side)
        return found.sights >= SURE_SIGHTS

    def count(self, track_id: int) -> int:
        """Return the number of looks at this track so far."""
        found = self._looked.get(track_id)
        return 0 if found is None else found.looks

    def is_open(self, track: Track) -> bool:
        """Whether the badge of this person could be read and was not looked for yet, or was seen once."""
        found = self._looked.get(track.track_id)
        if found is None or found.looks < FIRST_LOOKS:
            return _readable(track)
        return 0 < found.sights < SURE_SIGHTS and found.looks < LOOKS + found.sights

    def keep(self, alive: Collection[int]) -> None:
        """Forget every track that is not in ``alive``."""
        self._looked = {track_id: one for track_id, one in self._looked.items() if track_id in alive}


def _readable(track: Track) -> bool:
    return track.sighting is not None and BADGE_FACES * track.box.side >= LEAST_BADGE_PX
