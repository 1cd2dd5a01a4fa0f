"""The proportions of a standing adult, in face sizes: how large a body is, and where the face is on it.

The size of a face is the geometric mean of the sides of its box.
"""

from __future__ import annotations

FACES_HIGH, FACES_WIDE = 10.5, 3.4
"""Height and width of a body."""

HAIR = 0.8
"""Distance from the upper edge of a body to the centre of its face."""

ADULT_M = 1.7
"""Height of a person who stands, in metres. Most adults differ by less than a tenth, children by up to a half."""

EYES_M = 1.55
"""Height of the eyes above the floor, in metres."""
