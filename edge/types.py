"""The values that pass between the stages of the pipeline, in the order in which they appear.

Durations are in monotonic seconds, timestamps in aware UTC, boxes in pixels of the frame. Everything is frozen: a
stage makes new values and never changes those of another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from common.vocabulary import AGE_BINS
from edge.place_types import PlaceCounts, Shown, VisitPlaces

Image = npt.NDArray[np.uint8]
"""BGR picture, shape (height, width, 3)."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of the camera, and the time when it was taken."""

    image: Image
    captured_at: datetime
    monotonic_s: float
    sequence: int


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned box in pixels; x2 and y2 are just outside."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return max(0.0, self.x2 - self.x1)

    @property
    def height(self) -> float:
        return max(0.0, self.y2 - self.y1)

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def side(self) -> float:
        """Geometric mean of the two sides: the size of a face in one number."""
        return math.sqrt(self.area)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def room(self, width: float, height: float) -> float:
        """Return how far the centre is from the nearest edge of a picture of this size; negative outside."""
        x, y = self.centre
        return min(x, y, width - x, height - y)

    def moved(self, dx: float, dy: float) -> Box:
        """Return the same box elsewhere."""
        return Box(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def scaled(self, factor: float) -> Box:
        """Return a box of the same shape around the same centre."""
        (x, y), half_width, half_height = self.centre, factor * self.width / 2, factor * self.height / 2
        return Box(x - half_width, y - half_height, x + half_width, y + half_height)

    def common(self, other: Box) -> float:
        """Return the area that both boxes cover."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return width * height if width > 0 and height > 0 else 0.0

    def iou(self, other: Box) -> float:
        """Return the intersection over union, in 0..1."""
        common = self.common(other)
        return common / (self.area + other.area - common) if common else 0.0

    def cover(self, other: Box) -> float:
        """Return the intersection over the smaller area, in 0..1: near 1 also if one box contains a smaller one."""
        common = self.common(other)
        return common / min(self.area, other.area) if common else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one frame.

    ``landmarks`` (5, 2) float32 pixels: eyes, nose, mouth corners, left meaning left in the picture.
    """

    box: Box
    score: float
    landmarks: Floats


@dataclass(frozen=True, slots=True)
class Body:
    """One person in one frame: the box around all of the person that shows, from the hair to the feet if possible."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look at a picture finds. One person is usually in both lists."""

    faces: tuple[Face, ...] = ()
    bodies: tuple[Body, ...] = ()


Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Clothes:
    """Mean colours of one person's chest and legs; None where they do not show. They tell apart two people who pass
    each other, and live no longer than their track."""

    chest: Colour | None
    legs: Colour | None


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One person in one frame: a face, a body, or both.

    ``head`` is the box of the face, or where the face must be, judging by the body. ``score`` is the probability that
    this is a person. The tracker adds the ``clothes``.
    """

    head: Box
    score: float
    face: Face | None = None
    body: Body | None = None
    clothes: Clothes | None = None


class TrackState(Enum):
    """A track counts as a visit only once confirmed, so that a flicker of the detector is not a person."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    LOST = "lost"


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person followed over time. ``box`` is the head. ``sighting`` is this frame's, or None while not seen.
    ``velocity`` of the head in pixels a second.

    ``track_id`` lives only inside this process and never leaves it.
    """

    track_id: int
    box: Box
    state: TrackState
    first_seen_s: float
    last_seen_s: float
    sighting: Sighting | None
    velocity: tuple[float, float] = (0.0, 0.0)

    @property
    def face(self) -> Face | None:
        """The face in this frame, if it was seen."""
        return None if self.sighting is None else self.sighting.face

    @property
    def body(self) -> Body | None:
        """The body in this frame, if it was seen."""
        return None if self.sighting is None else self.sighting.body


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees; 0 faces the camera, positive yaw turns to the right of the picture."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceScores:
    """The result of one forward pass for one face: probabilities that sum to 1 for each attribute.

    ``age`` (AGE_BINS,), ``gender`` (2,), ``expression`` (7,), float32.
    """

    age: Floats
    gender: Floats
    expression: Floats

    @property
    def age_years(self) -> float:
        """Mean of the age distribution, in years."""
        return float(self.age @ np.arange(AGE_BINS, dtype=np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class FaceObservation:
    """One classified look at one visit; ``quality`` in 0..1 weighs it in the fusion."""

    track_id: int
    at_s: float
    scores: FaceScores
    pose: Pose
    quality: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fused result for one attribute: a label of :data:`ATTRIBUTES`, ``UNKNOWN`` or ``NOT_SEEN``; ``confidence`` is
    in 0..1."""

    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Visit:
    """One finished visit of one person. It has no id, no picture and nothing that could identify the person.

    ``viewer``: the face looked here. ``member``: showed the code of a member. ``described``: the face was surely seen
    and classified; if not, the label of every attribute is ``NOT_SEEN``. ``shown``: the show on the display that it
    belongs to, if there is one.
    """

    started_at: datetime
    ended_at: datetime
    dwell_s: float
    attention_s: float
    viewer: bool
    described: bool
    attributes: Mapping[str, Verdict]
    places: VisitPlaces = field(default_factory=VisitPlaces)
    member: bool = False
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a window was really processed.

    ``covered_s`` is the time in which frames were processed without a gap longer than the allowed one.
    """

    covered_s: float
    frames: int
    dropped: int


@dataclass(frozen=True, slots=True)
class WindowAggregate:
    """All data of one window, before the privacy rules. It contains no single visit.

    Histograms count per bin; ``breakdown`` holds the visits as counts per (gender, age band, expression), each possibly
    ``UNKNOWN``, or ``NOT_SEEN`` in all three: the joint table from which all marginals are computed. ``due``: a release
    hour is in this window; ``closing``: the day ends with it. ``staff``: tracks of staff that ended, which are in
    nothing else. ``members``: visits that showed the code of a member.
    """

    start: datetime
    end: datetime
    visits: int
    viewers: int
    occupancy_mean: float
    occupancy_max: int
    dwell_sum_s: float
    attention_sum_s: float
    dwell_histogram: tuple[int, ...]
    attention_histogram: tuple[int, ...]
    breakdown: Mapping[tuple[str, str, str], int]
    coverage: Coverage
    due: bool = False
    closing: bool = False
    places: PlaceCounts = field(default_factory=PlaceCounts)
    staff: int = 0
    members: int = 0


class Detector(Protocol):
    """Finds faces and people."""

    @property
    def near_size(self) -> tuple[int, int]:
        """Width and height, in pixels, of what a near look sees."""
        ...

    def look(self, image: Image) -> Sight:
        """Look at the whole picture, made smaller."""
        ...

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        """Look at the part of the picture with this upper left corner, at its own resolution."""
        ...


class Refiner(Protocol):
    """Finds the landmarks of one face again, in an enlarged view of it."""

    def refine(self, image: Image, face: Face) -> Face: ...


class Classifier(Protocol):
    """Describes one face by its refined landmarks; ``mirrored`` uses the mirror image instead."""

    def classify(self, image: Image, face: Face, *, mirrored: bool = False) -> FaceScores: ...
