"""What the placement check keeps of the pictures: numbers only. The pictures are gone with their frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.types import Pose

Edge = Literal["left", "right", "top", "bottom"]


@dataclass(frozen=True, slots=True)
class Outline:
    """Where a face is, in shares of the picture's width and height, 0..1."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Sight:
    """One face in one frame.

    ``track`` tells the sights of one face from those of another within this run. ``counted`` is true once the
    tracker believes in a visit. ``sharpness`` and ``exposure`` are those of the quality gate. ``luma`` is the mean
    of the face in grey levels 0..255, ``around`` that of what is beside and above it. ``speed`` is in face sizes a
    second. ``cut`` is the edge of the picture that the face touches.
    """

    track: int
    counted: bool
    outline: Outline
    side_px: float
    pose: Pose
    sharpness: float
    exposure: float
    luma: float
    around: float
    speed: float
    cut: Edge | None


@dataclass(frozen=True, slots=True)
class Turned:
    """Sure faces in the picture as it came, ``upright``, and in the same picture ``turned`` clockwise."""

    degrees: int
    upright: int
    turned: int


@dataclass(frozen=True, slots=True)
class Closeup:
    """A face in an enlarged part of the picture. ``found`` is true when the whole picture showed it as well."""

    outline: Outline
    found: bool


@dataclass(frozen=True, slots=True)
class Glance:
    """One frame of ``width`` x ``height`` pixels.

    ``luma`` is its mean in grey levels 0..255, ``burnt`` the share of it that is burnt out. ``pictures`` are the tracks
    that turned out to be no person. ``excluded`` faces lie in zones where nobody is counted; ``dropped`` frames came
    before this one and were stale. Some frames get a longer look: at the ``sharpness`` of the whole picture, in the
    measure of the quality gate, at the picture ``turned``, and at parts of it enlarged, which show ``closeups``.
    """

    at_s: float
    width: int
    height: int
    luma: float
    burnt: float
    sharpness: float | None
    sights: tuple[Sight, ...] = ()
    pictures: tuple[int, ...] = ()
    excluded: int = 0
    dropped: int = 0
    turned: Turned | None = None
    closeups: tuple[Closeup, ...] = ()
