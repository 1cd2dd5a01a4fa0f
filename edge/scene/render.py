"""Render the sample scene: invented people walk through an invented shop.

``Scene.render(index)`` is a pure function of seed, size and index, so that a test can use any frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from edge.scene.background import draw_pillar, draw_shop
from edge.scene.figure import EYE_LINE, FACE, Figure, Sprite, draw_figure, turn_map, turned_x
from edge.scene.ground_truth import FACE_LEAST_PX, FaceTruth, SceneTruth, summarise
from edge.scene.portraits import Portrait, load_portraits
from edge.scene.trajectories import LINES, Pillar, Stance, Walk, obstacles, plan_walks, stand_still
from edge.types import Box, Floats, Image

DEFAULT_SEED = 7

_TURN_STEP = 2
_EXPOSURE_S = 1 / 30
_NOISE_SIGMA = 3.0
_NOISE_MARGIN = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """One person in one frame: the place of unit (0, 0) of the figure, and the size of a unit, in pixels."""

    person: int
    figure: Figure
    x: float
    y: float
    unit: float
    yaw: float
    blur: int
    nearness: float

    @property
    def face(self) -> Box:
        """The tight box of the turned face."""
        left, right = (float(turned_x(x, self.yaw)) for x in (FACE[0], FACE[2]))
        return Box(
            self.x + left * self.unit,
            self.y + FACE[1] * self.unit,
            self.x + right * self.unit,
            self.y + FACE[3] * self.unit,
        )

    def landmarks(self, portrait: Portrait) -> Floats:
        """Return the landmarks (5, 2) in pixels of the frame."""
        x, y = portrait.landmarks.T / portrait.side
        turned = np.column_stack([turned_x(x - 0.5, self.yaw), y])
        return np.asarray(turned * self.unit + (self.x, self.y), np.float32)

    def covers(self, points: np.ndarray) -> np.ndarray:
        """Return which of the points (n, 2), in pixels of the frame, this person hides."""
        units = (points - (self.x, self.y)) / self.unit
        in_front_view = np.column_stack([turned_x(units[:, 0], -self.yaw), units[:, 1]])
        covered = np.zeros(len(points), bool)
        for sprite, where in ((self.figure.body, units), (self.figure.head, in_front_view)):
            alpha = sprite.levels[1][..., 3]
            cells = np.floor((where - sprite.origin) * (sprite.scale / 2)).astype(int)
            inside = ((cells >= 0) & (cells < (alpha.shape[1], alpha.shape[0]))).all(1)
            cells = np.clip(cells, 0, (alpha.shape[1] - 1, alpha.shape[0] - 1))
            covered |= inside & (alpha[cells[:, 1], cells[:, 0]] > 127)
        return covered


class Scene:
    """A seeded scene of ``seconds`` at ``fps``, ``width`` x ``height`` pixels.

    ``walks`` replaces the script made from the seed; pillar, trolley and light changes stay. Raises ``ValueError`` when
    the script does not fit into the time.
    """

    def __init__(
        self,
        seed: int = DEFAULT_SEED,
        width: int = 640,
        height: int = 480,
        fps: float = 15,
        seconds: float = 45.0,
        *,
        walks: tuple[Walk, ...] | None = None,
        pillars: tuple[Pillar, ...] | None = None,
    ) -> None:
        self.seed, self.width, self.height, self.fps, self.seconds = seed, width, height, fps, seconds
        self._scale = height / LINES
        lines_wide = width / self._scale
        self.walks = plan_walks(load_portraits(), seed, lines_wide, seconds) if walks is None else walks
        self._pillars = obstacles(lines_wide) if pillars is None else pillars
        self._figures = [draw_figure(walk.portrait, walk.seed) for walk in self.walks]
        self._shop = draw_shop(seed, width, height)
        self._pillar_images = [draw_pillar(pillar, self._scale) for pillar in self._pillars]
        rng = np.random.default_rng([seed, 2])
        grain = rng.normal(0, _NOISE_SIGMA, (height + _NOISE_MARGIN, width + _NOISE_MARGIN, 3))
        self._brighter = np.clip(np.round(grain), 0, 255).astype(np.uint8)
        self._darker = np.clip(np.round(-grain), 0, 255).astype(np.uint8)
        self._light_phase = rng.uniform(0, 2 * np.pi, 3)
        self._light_change_s = float(rng.uniform(0.5, 0.6)) * seconds

    def __len__(self) -> int:
        return round(self.seconds * self.fps)

    @property
    def posters(self) -> tuple[Box, ...]:
        """The face-like patterns that must not be counted."""
        return self._shop.posters

    def frames(self) -> Iterator[Image]:
        return (self.render(index) for index in range(len(self)))

    def render(self, index: int) -> Image:
        """Frame ``index`` as BGR uint8 (height, width, 3). Raises ``IndexError`` outside the scene."""
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a scene of {len(self)}")
        time_s = index / self.fps
        frame = self._backdrop(time_s)
        placed = self._placed(time_s)
        behind = sorted(range(len(self._pillars)), key=lambda which: self._pillars[which].face)
        for person in placed:
            while behind and self._pillars[behind[0]].face < person.nearness:
                self._paint_pillar(frame, behind.pop(0), time_s)
            _paint(frame, person.figure.body, None, person)
            _paint(frame, person.figure.head, person.yaw, person)
        for which in behind:
            self._paint_pillar(frame, which, time_s)
        return self._seen_by_a_sensor(frame, index)

    @cached_property
    def truth(self) -> SceneTruth:
        """Return every face of every frame, and the resulting visits."""
        labels = [(w.portrait.gender, w.portrait.age_band, w.portrait.expression) for w in self.walks]
        faces = [self._faces(index / self.fps) for index in range(len(self))]
        return summarise(faces, labels, self.fps)

    def _placed(self, time_s: float) -> list[_Placed]:
        """Return the people at that time, farthest first."""
        placed = []
        for person, (walk, figure) in enumerate(zip(self.walks, self._figures, strict=True)):
            stance = walk.at(time_s)
            if stance is not None:
                placed.append(self._place(person, figure, stance))
        return sorted(placed, key=lambda one: (one.nearness, one.person))

    def _place(self, person: int, figure: Figure, stance: Stance) -> _Placed:
        unit = stance.face / (FACE[3] - FACE[1]) * self._scale
        return _Placed(
            person,
            figure,
            x=stance.x * self._scale,
            y=stance.y * self._scale - EYE_LINE * unit,
            unit=unit,
            yaw=stance.yaw,
            blur=round(abs(stance.speed) * self._scale * _EXPOSURE_S),
            nearness=stance.face,
        )

    def _faces(self, time_s: float) -> tuple[FaceTruth, ...]:
        """Return the faces that are large enough, with the visible share of each."""
        placed = self._placed(time_s)
        faces = []
        for place, one in enumerate(placed):
            if one.face.height >= FACE_LEAST_PX * self._scale:
                marks = one.landmarks(self.walks[one.person].portrait)
                visible = self._visible(one, placed[place + 1 :], time_s)
                faces.append(FaceTruth(one.person, one.face, marks, one.yaw, visible))
        return tuple(faces)

    def _visible(self, one: _Placed, nearer: Sequence[_Placed], time_s: float) -> float:
        """Return the visible share of a face: points of a grid that are inside the picture and not hidden."""
        grid = (np.arange(12) + 0.5) / 12
        across, down = one.face.x1 + grid * one.face.width, one.face.y1 + grid * one.face.height
        points = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)
        shows = ((points >= 0) & (points < (self.width, self.height))).all(1)
        for other in nearer:
            shows &= ~other.covers(points)
        for pillar in self._pillars:
            if pillar.face >= one.nearness:
                left, right = pillar.span(time_s)
                x, y = points.T / self._scale
                shows &= ~((x >= left) & (x < right) & (y >= pillar.top) & (y < pillar.bottom))
        return float(shows.mean())

    def _backdrop(self, time_s: float) -> Image:
        """Draw the shop; clouds pass over the view in the window."""
        frame = self._shop.backdrop.copy()
        box = self._shop.window
        rows, columns = slice(int(box.y1), int(box.y2)), slice(int(box.x1), int(box.x2))
        gain = 1.0 + 0.12 * np.sin(0.35 * time_s + self._light_phase[2])
        frame[rows, columns] = cv2.convertScaleAbs(frame[rows, columns], alpha=float(gain))
        return frame

    def _paint_pillar(self, frame: Image, which: int, time_s: float) -> None:
        image = self._pillar_images[which]
        left, top = (
            round(self._pillars[which].span(time_s)[0] * self._scale),
            round(self._pillars[which].top * self._scale),
        )
        x1, x2 = max(left, 0), min(left + image.shape[1], self.width)
        y1, y2 = max(top, 0), min(top + image.shape[0], self.height)
        if x1 < x2 and y1 < y2:
            frame[y1:y2, x1:x2] = image[y1 - top : y2 - top, x1 - left : x2 - left, :3]

    def _seen_by_a_sensor(self, frame: Image, index: int) -> Image:
        """Add light that drifts slowly and changes every half second, then sensor noise."""
        time_s = index / self.fps
        cv2.multiply(frame, self._shop.light, frame, scale=1 / 200)
        slow = 0.07 * np.sin(0.22 * time_s + self._light_phase[0])
        switched = -0.14 / (1.0 + np.exp(-12.0 * (time_s - self._light_change_s)))
        warm = 0.03 * np.sin(0.13 * time_s + self._light_phase[1])
        gains = (1.0 + slow + switched) * np.array([1.0 - warm, 1.0, 1.0 + warm])
        table = np.clip(np.arange(256)[:, None] * gains, 0, 255).astype(np.uint8).reshape(1, 256, 3)
        frame = cv2.LUT(frame, table)  # type: ignore[assignment]
        dy, dx = np.random.default_rng([self.seed, 3, index]).integers(0, _NOISE_MARGIN, 2)
        window = (slice(dy, dy + self.height), slice(dx, dx + self.width))
        cv2.add(frame, self._brighter[window], frame)
        cv2.subtract(frame, self._darker[window], frame)
        return frame


def crowd(
    count: int, width: int = 640, height: int = 480, fps: float = 15, seconds: float = 4.0, seed: int = 0
) -> Scene:
    """Build a scene with exactly ``count`` visible faces in every frame, for measuring speed."""
    walks = stand_still(load_portraits(), count, seed, width * LINES / height, seconds)
    return Scene(seed, width, height, fps, seconds, walks=walks, pillars=())


def _paint(frame: Image, sprite: Sprite, yaw: float | None, place: _Placed) -> None:
    """Blend one sprite into the frame, head turned by ``yaw`` where given."""
    level = sprite.level_for(place.unit)
    image = sprite.levels[level]
    pixels_per_unit = sprite.scale / (1 << level)
    if yaw is not None:
        degrees = _TURN_STEP * round(yaw / _TURN_STEP)
        maps = turn_map(image.shape[:2], pixels_per_unit, sprite.origin[0], degrees)
        image = cv2.remap(image, *maps, cv2.INTER_LINEAR)  # type: ignore[assignment]
    factor = place.unit / pixels_per_unit
    left, top = place.x + sprite.origin[0] * place.unit, place.y + sprite.origin[1] * place.unit
    x1, x2 = (
        max(int(left) - place.blur, 0),
        min(int(left + image.shape[1] * factor) + place.blur + 1, frame.shape[1]),
    )
    y1, y2 = max(int(top), 0), min(int(top + image.shape[0] * factor) + 1, frame.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    half = 0.5 * factor - 0.5  # pixel centres
    matrix = np.array([[factor, 0, left - x1 + half], [0, factor, top - y1 + half]], np.float32)
    warped = cv2.warpAffine(image, matrix, (x2 - x1, y2 - y1), flags=cv2.INTER_LINEAR)
    if place.blur >= 2:
        warped = cv2.blur(warped, (place.blur, 1))
    colour, alpha = cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), cv2.extractChannel(warped, 3)
    through = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
    region = frame[y1:y2, x1:x2]
    frame[y1:y2, x1:x2] = cv2.add(cv2.multiply(region, through, scale=1 / 255), colour)
