"""The known truth of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from edge.types import Box, Floats

FACE_LEAST_PX = 28.0
"""``SceneTruth.faces`` holds faces from this height on, at 480 lines."""

FACE_DRAWN_PX = 4.0
"""A person whose face is less high than this, in pixels of the picture, shows none."""

BODY_LEAST_PX = 36.0
"""A person whose body is less high than this, at 480 lines, does not count as present."""

FACE_YAW = 60.0
"""A head that is turned further than this, in degrees, shows no face."""

CLEAR = 0.7
"""A detector must find a face of which at least this share is visible."""

PRESENT_BODY, PRESENT_HEAD = 0.3, 0.5
"""A person is present while at least this share of the whole body, or of the head, is visible."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceTruth:
    """One face in one frame: ``box`` is tight from hairline to chin, ``visible`` is the visible share of it.

    ``landmarks`` (5, 2) float32 pixels, ``yaw`` degrees, positive to the right of the picture. ``person`` is the place
    of the walk in ``Scene.walks``.
    """

    person: int
    box: Box
    landmarks: Floats
    yaw: float
    visible: float


@dataclass(frozen=True, slots=True, eq=False)
class PersonTruth:
    """One person in one frame: the boxes of the whole ``body`` and of the ``head`` with its hair, also where they are
    hidden or outside the picture, and the visible share of each. ``yaw`` is that of the head, -180..180; ``face`` is
    None while it is turned away."""

    person: int
    body: Box
    visible: float
    head: Box
    head_visible: float
    yaw: float
    face: FaceTruth | None

    @property
    def present(self) -> bool:
        return self.visible >= PRESENT_BODY or self.head_visible >= PRESENT_HEAD

    @property
    def shows_face(self) -> bool:
        """Whether the face is turned here and clear."""
        return self.face is not None and self.face.visible >= CLEAR


@dataclass(frozen=True, slots=True)
class VisitTruth:
    """One person: the labels, and the seconds of the first and the last frame in which the person is present."""

    person: int
    gender: str
    age_band: str
    expression: str
    enters_s: float
    leaves_s: float
    clear_s: float
    """Total time for which the face is clear."""
    longest_gap_s: float
    """The longest time between two frames with a clear face."""
    hidden_s: float
    """The longest time between two frames in which the person is present."""

    @property
    def dwell_s(self) -> float:
        return self.leaves_s - self.enters_s


@dataclass(frozen=True)
class SceneTruth:
    """The whole scene: who came (only those who are ever present), and where everybody is in every frame. ``least_px``
    is the least height of the ``faces``."""

    visits: tuple[VisitTruth, ...]
    people: tuple[tuple[PersonTruth, ...], ...]
    least_px: float

    @cached_property
    def faces(self) -> tuple[tuple[FaceTruth, ...], ...]:
        """The faces of every frame that are turned here and large enough for a look at the whole view."""
        return tuple(
            tuple(
                person.face
                for person in frame
                if person.face is not None and person.face.box.height >= self.least_px
            )
            for frame in self.people
        )

    def boxes(self, index: int, least_visible: float = CLEAR) -> list[Box]:
        """Return the boxes of the faces of frame ``index`` of which at least that share is visible."""
        return [face.box for face in self.faces[index] if face.visible >= least_visible]

    def occupancy(self, index: int) -> int:
        """Return the number of people who are present."""
        return sum(person.present for person in self.people[index])


def summarise(
    people: Sequence[Sequence[PersonTruth]],
    labels: Sequence[tuple[str, str, str]],
    fps: float,
    lines: float,
) -> SceneTruth:
    """Compute the visits from the people of all frames; ``labels`` are (gender, age band, expression) per person,
    ``lines`` is pixels per line of a picture with 480 lines."""
    present: list[list[float]] = [[] for _ in labels]
    clear: list[list[float]] = [[] for _ in labels]
    for index, frame in enumerate(people):
        for person in frame:
            if person.present:
                present[person.person].append(index / fps)
            face = person.face
            if face is not None and face.visible >= CLEAR and face.box.height >= FACE_LEAST_PX * lines:
                clear[person.person].append(index / fps)
    visits = tuple(
        VisitTruth(
            person,
            *labels[person],
            enters_s=times[0],
            leaves_s=times[-1],
            clear_s=len(clear[person]) / fps,
            longest_gap_s=_longest_gap(clear[person]),
            hidden_s=_longest_gap(times),
        )
        for person, times in enumerate(present)
        if times
    )
    return SceneTruth(visits, tuple(tuple(frame) for frame in people), FACE_LEAST_PX * lines)


def _longest_gap(times: Sequence[float]) -> float:
    return max((after - before for before, after in pairwise(times)), default=0.0)
