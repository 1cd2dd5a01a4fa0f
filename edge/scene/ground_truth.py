"""The known truth of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge.types import Box, Floats

FACE_LEAST_PX = 28.0
"""A person whose face is less high than this, at 480 lines, does not count as present."""

CLEAR = 0.7
"""A detector must find a face of which at least this share is visible."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceTruth:
    """One face in one frame: ``box`` is tight from hairline to chin, ``visible`` is the visible share of it.

    ``landmarks`` (5, 2) float32 pixels, ``yaw`` degrees, positive to the right of the picture. ``person``
    is the place of the visit in ``SceneTruth.visits``.
    """

    person: int
    box: Box
    landmarks: Floats
    yaw: float
    visible: float


@dataclass(frozen=True, slots=True)
class VisitTruth:
    """One person: the labels, and the seconds of the first and the last frame in which the face is clear."""

    person: int
    gender: str
    age_band: str
    expression: str
    enters_s: float
    leaves_s: float
    clear_s: float
    """Total time for which the face is clear."""
    longest_gap_s: float
    """The longest time between two clear frames, while something hides the face."""

    @property
    def dwell_s(self) -> float:
        return self.leaves_s - self.enters_s


@dataclass(frozen=True, slots=True)
class SceneTruth:
    """The whole scene: who came, and where every face is in every frame."""

    visits: tuple[VisitTruth, ...]
    faces: tuple[tuple[FaceTruth, ...], ...]

    def boxes(self, index: int, least_visible: float = CLEAR) -> list[Box]:
        """Return the boxes of the faces of frame ``index`` of which at least that share is visible."""
        return [face.box for face in self.faces[index] if face.visible >= least_visible]

    def occupancy(self, index: int) -> int:
        return len(self.boxes(index))


def summarise(
    faces: Sequence[Sequence[FaceTruth]], labels: Sequence[tuple[str, str, str]], fps: float
) -> SceneTruth:
    """Compute the visits from the faces of all frames; ``labels`` are (gender, age band, expression) per person."""
    clear: list[list[float]] = [[] for _ in labels]
    for index, frame in enumerate(faces):
        for face in frame:
            if face.visible >= CLEAR:
                clear[face.person].append(index / fps)
    visits = []
    for person, (gender, age_band, expression) in enumerate(labels):
        times = clear[person] or [0.0]
        gaps = [after - before for before, after in pairwise(times)]
        visits.append(
            VisitTruth(
                person,
                gender,
                age_band,
                expression,
                enters_s=times[0],
                leaves_s=times[-1],
                clear_s=len(clear[person]) / fps,
                longest_gap_s=max(gaps, default=0.0),
            )
        )
    return SceneTruth(tuple(visits), tuple(tuple(frame) for frame in faces))
