"""The data that the placement check keeps: numbers only. Pictures are deleted with their frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.types import Pose

Edge = Literal["left", "right", "top", "bottom"]


@dataclass(frozen=True, slots=True)
class Outline:
    """The place of a face, in shares of the picture's width and height, 0..1."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One face in one frame.

    ``track`` is the number of the face within this run. ``counted`` is true once the tracker has confirmed it as a
    visit. ``sharpness`` and ``exposure`` are those of the quality gate. ``luma`` is the mean of the face in grey levels
    0..255, ``around`` that of its surroundings beside and above. ``speed`` is in face sizes a second. ``cut`` is the
    edge of the picture that the face touches.
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
    """A face in an enlarged part of the picture. ``found`` is true if it was found in the whole picture as well."""

    outline: Outline
    found: bool


@dataclass(frozen=True, slots=True)
class Glance:
    """One frame of ``width`` x ``height`` pixels.

    ``luma`` is its mean in grey levels 0..255, ``burnt`` the share of it that is burnt out. ``pictures`` are the tracks
    that are not a person. ``excluded`` faces are in zones where nobody is counted. ``dropped`` is the number of stale
    frames before this one. Some frames are examined more closely: the ``sharpness`` of the whole picture as in the
    quality gate, the picture ``turned``, and enlarged parts of it, which show ``closeups``. ``floor`` are the points
    where people stand, in shares of the picture.
    """

    at_s: float
    width: int
    height: int
    luma: float
    burnt: float
    sharpness: float | None
    sights: tuple[SeenFace, ...] = ()
    pictures: tuple[int, ...] = ()
    excluded: int = 0
    dropped: int = 0
    turned: Turned | None = None
    closeups: tuple[Closeup, ...] = ()
    floor: tuple[tuple[float, float], ...] = ()
