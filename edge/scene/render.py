"""Render the sample scene: invented people walk through an invented shop.

``Scene.render(index)`` is a pure function of seed, size and index, so that a test can use any frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

import cv2
import numpy as np

from edge.scene.background import draw_shop
from edge.scene.decoys import DecoyKind, DecoyTruth
from edge.scene.figure import Figure
from edge.scene.ground_truth import (
    BODY_LEAST_PX,
    FACE_DRAWN_PX,
    FACE_YAW,
    FaceTruth,
    PersonTruth,
    SceneTruth,
    summarise,
)
from edge.scene.layout import PLAIN, Layout
from edge.scene.obstacles import draw_pillar
from edge.scene.placed import Placed, detail, grid, place
from edge.scene.portraits import load_portraits
from edge.scene.trajectories import CLOSE_FACE, FAR_FACE, obstacles, plan_walks, stand_still
from edge.scene.walk import LINES, Pillar, Walk
from edge.types import Box, Image

DEFAULT_SEED = 7

_NOISE_SIGMA = 3.0
_NOISE_MARGIN = 64
CARD_PX = 100
"""Pixels per unit of a body that wears a card: a cell of the badge is 10 pixels."""


class Scene:
    """A seeded scene of ``seconds`` at ``fps``, ``width`` x ``height`` pixels.

    ``walks`` replaces the script made from the seed, ``pillars`` the obstacles; light changes stay. Raises
    ``ValueError`` when the script does not fit into the time.
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
        layout: Layout = PLAIN,
    ) -> None:
        self.seed, self.width, self.height, self.fps, self.seconds = seed, width, height, fps, seconds
        self._scale = height / LINES
        self.walks = plan_walks(load_portraits(), seed, self.lines_wide, seconds) if walks is None else walks
        self._pillars = obstacles(self.lines_wide) if pillars is None else pillars
        self._figures = [
            Figure(
                walk.portrait,
                walk.seed,
                body_px=CARD_PX if walk.card else detail(float(walk.keys[:, 2].max()), height),
                card=walk.card,
            )
            for walk in self.walks
        ]
        self._wall_face = layout.wall_face
        self._shop = draw_shop(seed, width, height, layout)
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
    def lines_wide(self) -> float:
        """The width of the picture in lines."""
        return self.width / self._scale

    @property
    def posters(self) -> tuple[Box, ...]:
        """The drawn face-like patterns that must not be counted."""
        return tuple(one.box for one in self._shop.decoys if one.kind in (DecoyKind.SMILEY, DecoyKind.SKULL))

    @property
    def decoys(self) -> tuple[DecoyTruth, ...]:
        """All that looks like a person or a face and must not be counted."""
        return self._shop.decoys

    def frames(self) -> Iterator[Image]:
        return (self.render(index) for index in range(len(self)))

    def render(self, index: int) -> Image:
        """Frame ``index`` as BGR uint8 (height, width, 3). Raises ``IndexError`` outside the scene."""
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a scene of {len(self)}")
        time_s = index / self.fps
        frame = self._backdrop(time_s)
        placed = self._placed(time_s)
        wall = None if self._shop.opening is None else frame.copy()
        behind = sorted(range(len(self._pillars)), key=lambda which: self._pillars[which].face)
        for person in placed:
            if wall is not None and person.nearness >= self._wall_face:
                self._repaint_wall(frame, wall)
                wall = None
            while behind and self._pillars[behind[0]].face < person.nearness:
                self._paint_pillar(frame, behind.pop(0), time_s)
            person.paint(frame)
        if wall is not None:
            self._repaint_wall(frame, wall)
        for which in behind:
            self._paint_pillar(frame, which, time_s)
        return self._seen_by_a_sensor(frame, index)

    @cached_property
    def truth(self) -> SceneTruth:
        """Return every person and face of every frame, and the resulting visits."""
        labels = [(w.portrait.gender, w.portrait.age_band, w.portrait.expression) for w in self.walks]
        frames = [self._people(index / self.fps) for index in range(len(self))]
        return summarise(frames, labels, self.fps, self._scale)

    def _placed(self, time_s: float) -> list[Placed]:
        """Return the people at that time, farthest first."""
        placed = []
        for person, (walk, figure) in enumerate(zip(self.walks, self._figures, strict=True)):
            stance = walk.at(time_s)
            if stance is not None:
                placed.append(place(person, figure, stance, self._scale))
        return sorted(placed, key=lambda one: (one.nearness, one.person))

    def _people(self, time_s: float) -> tuple[PersonTruth, ...]:
        """Return the people who are large enough, with the visible shares of each."""
        placed = self._placed(time_s)
        people = []
        for rank, one in enumerate(placed):
            body, head = one.body, one.head
            if body.height < BODY_LEAST_PX * self._scale:
                continue
            shows = partial(self._visible, one, placed[rank + 1 :], time_s)
            face = None
            if abs(one.yaw) < FACE_YAW and one.face.height >= FACE_DRAWN_PX:
                marks = one.landmarks(self.walks[one.person].portrait)
                face = FaceTruth(
                    one.person, one.face, marks, one.yaw, shows(one.face, partial(grid, one.face))
                )
            people.append(
                PersonTruth(
                    one.person,
                    body,
                    shows(body, one.points),
                    head,
                    shows(head, partial(grid, head, 8)),
                    one.yaw,
                    face,
                )
            )
        return tuple(people)

    def _visible(
        self,
        one: Placed,
        nearer: Sequence[Placed],
        time_s: float,
        box: Box,
        spread: Callable[[], np.ndarray],
    ) -> float:
        """Return the share of a part of a person that is inside the picture and not hidden; ``spread`` returns points
        (n, 2) all over the part, ``box`` is around it."""
        sight = Box(0, 0, self.width, self.height)
        if one.nearness < self._wall_face and self._shop.opening is not None:
            sight = self._shop.opening
        others = [other for other in nearer if _touch(other.body, box) or _touch(other.head, box)]
        pillars = []
        for pillar in self._pillars:
            left, right = pillar.span(time_s)
            stands = Box(*(side * self._scale for side in (left, pillar.top, right, pillar.bottom)))
            if pillar.face >= one.nearness and _touch(stands, box):
                pillars.append(stands)
        inside = box.x1 >= sight.x1 and box.y1 >= sight.y1 and box.x2 < sight.x2 and box.y2 < sight.y2
        if inside and not others and not pillars:
            return 1.0
        points = spread()
        shows = _within(points, sight)
        for stands in pillars:
            shows &= ~_within(points, stands)
        for other in others:
            shows &= ~other.covers(points)
        return float(shows.mean())

    def _backdrop(self, time_s: float) -> Image:
        """Draw the shop; clouds pass over the view in the window, and faces move on screens."""
        frame = self._shop.backdrop.copy()
        box = self._shop.window
        if box is not None:
            rows, columns = slice(int(box.y1), int(box.y2)), slice(int(box.x1), int(box.x2))
            gain = 1.0 + 0.12 * np.sin(0.35 * time_s + self._light_phase[2])
            frame[rows, columns] = cv2.convertScaleAbs(frame[rows, columns], alpha=float(gain))
        for decoy in self._shop.moving:
            decoy.paint(frame, time_s)
        return frame

    def _repaint_wall(self, frame: Image, wall: Image) -> None:
        """Hide what is behind the wall beside the opening."""
        opening = self._shop.opening
        assert opening is not None
        left, right, bottom = round(opening.x1), round(opening.x2), round(opening.y2)
        frame[:bottom, :left] = wall[:bottom, :left]
        frame[:bottom, right:] = wall[:bottom, right:]

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
        before_s = min(self._light_change_s - time_s, 50.0)  # exp of more would overflow
        switched = -0.14 / (1.0 + np.exp(12.0 * before_s))
        warm = 0.03 * np.sin(0.13 * time_s + self._light_phase[1])
        gains = (1.0 + slow + switched) * np.array([1.0 - warm, 1.0, 1.0 + warm])
        table = np.clip(np.arange(256)[:, None] * gains, 0, 255).astype(np.uint8).reshape(1, 256, 3)
        frame = cv2.LUT(frame, table)  # type: ignore[assignment]
        dy, dx = np.random.default_rng([self.seed, 3, index]).integers(0, _NOISE_MARGIN, 2)
        window = (slice(dy, dy + self.height), slice(dx, dx + self.width))
        cv2.add(frame, self._brighter[window], frame)
        cv2.subtract(frame, self._darker[window], frame)
        return frame


def _touch(one: Box, other: Box) -> bool:
    return one.x1 < other.x2 and other.x1 < one.x2 and one.y1 < other.y2 and other.y1 < one.y2


def _within(points: np.ndarray, box: Box) -> np.ndarray:
    """Return which of the points (n, 2) are in the box."""
    return np.asarray(((points >= (box.x1, box.y1)) & (points < (box.x2, box.y2))).all(1))


def crowd(
    count: int,
    width: int = 640,
    height: int = 480,
    fps: float = 15,
    seconds: float = 4.0,
    seed: int = 0,
    *,
    far: bool = False,
) -> Scene:
    """Build a scene with exactly ``count`` visible faces in every frame, for measuring speed; ``far``: faces so small
    that the whole view does not show them well."""
    largest = FAR_FACE if far else CLOSE_FACE
    walks = stand_still(load_portraits(), count, seed, width * LINES / height, seconds, largest=largest)
    return Scene(seed, width, height, fps, seconds, walks=walks, pillars=())
