"""The detector: both looks give pixels of the frame, and only what is whole, likely and nobody else's twice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import cast

import cv2
import numpy as np
import pytest

from edge.inference.detect import CUT_PX, STRIDES, PeopleDetector, suppress
from edge.inference.manifest import ScoreCalibration, load_manifest, packaged_models
from edge.inference.model import Model
from edge.scene.render import Scene, crowd
from edge.types import Body, Box, Face, Floats, Image, Sight
from edge.vision.sightings import joined

HEIGHT, WIDTH = 256, 320
CHANNELS = {"score": 1, "box": 4, "landmarks": 10, "person_score": 1, "person_box": 4}
SURE = 3.0
"""Logit of a likely find."""


class Map:
    """One output of a drawn network. ``rows``: how many cells were decoded."""

    def __init__(self, name: str) -> None:
        self.name, self.rows = name, 0

    def floats(self, raw: Floats) -> Floats:
        self.rows += len(raw)
        return raw

    def quantised(self, value: float) -> float:
        return value


class DrawnNetwork:
    """Says what was put into its cells, whatever it sees; ``seen`` is what it saw last."""

    height, width = HEIGHT, WIDTH

    def __init__(self) -> None:
        self.outputs: Mapping[str, Map] = {
            f"{kind}{stride}": Map(f"{kind}{stride}") for stride in STRIDES for kind in CHANNELS
        }
        self.maps = {
            f"{kind}{stride}": np.zeros((HEIGHT // stride, WIDTH // stride, count), np.float32)
            for stride in STRIDES
            for kind, count in CHANNELS.items()
        }
        for stride in STRIDES:
            for kind in ("score", "person_score"):
                self.maps[f"{kind}{stride}"][:] = -20
        self.seen: Image = np.zeros((0, 0, 3), np.uint8)

    def run(self, image: Image) -> dict[str, Floats]:
        self.seen = image.copy()
        return self.maps

    def put(self, prefix: str, box: Box, logit: float = SURE, stride: int = 16) -> None:
        """Say in the cell of its centre that there is a box, in pixels of the network; points at its centre."""
        x, y = (middle / stride for middle in box.centre)
        row, column = int(y), int(x)
        offset = (x - column - 0.5, y - row - 0.5)
        self.maps[f"{prefix}score{stride}"][row, column] = logit
        sides = (math.log(box.width / stride), math.log(box.height / stride))
        self.maps[f"{prefix}box{stride}"][row, column] = (*offset, *sides)
        if not prefix:
            self.maps[f"landmarks{stride}"][row, column] = np.tile(offset, 5)

    def detector(self, **options: ScoreCalibration | float) -> PeopleDetector:
        return PeopleDetector(cast(Model, self), **options)  # type: ignore[arg-type]


@pytest.fixture
def network() -> DrawnNetwork:
    return DrawnNetwork()


def frame(width: int = 1280, height: int = 720) -> Image:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def near(box: Box, wanted: Box) -> bool:
    return box.iou(wanted) > 0.999


SMALL = Box(100, 60, 140, 110)


# --- the two looks, on drawn networks ----------------------------------------------------------------------


def test_the_whole_view_gives_pixels_of_the_frame(network: DrawnNetwork) -> None:
    network.put("", SMALL)
    network.put("person_", Box(80, 40, 160, 170))
    sight = network.detector().look(frame())
    (face,), (body,) = sight.faces, sight.bodies
    assert near(face.box, Box(400, 240, 560, 440))
    assert near(body.box, Box(320, 160, 640, 680))
    assert face.landmarks == pytest.approx(np.tile(face.box.centre, (5, 1)), abs=0.01)


@pytest.mark.parametrize("corner", [(0, 0), (400, 100), (960, 464), (7, 311)])
def test_a_near_look_gives_pixels_of_the_frame(network: DrawnNetwork, corner: tuple[int, int]) -> None:
    image = frame()
    network.put("", SMALL)
    network.put("person_", Box(80, 40, 160, 170))
    sight = network.detector().look_near(image, corner)
    (face,), (body,) = sight.faces, sight.bodies
    assert near(face.box, SMALL.moved(*corner))
    assert near(body.box, Box(80, 40, 160, 170).moved(*corner))
    assert face.landmarks == pytest.approx(np.tile(face.box.centre, (5, 1)), abs=0.01)
    x, y = corner
    assert np.array_equal(network.seen, image[y : y + HEIGHT, x : x + WIDTH])


LEFT, TOP = Box(CUT_PX - 1, 60, 50, 110), Box(100, CUT_PX - 1, 140, 40)
RIGHT, BOTTOM = Box(280, 60, WIDTH - CUT_PX + 1, 110), Box(100, 200, 140, HEIGHT - CUT_PX + 1)


@pytest.mark.parametrize("prefix", ["", "person_"])
@pytest.mark.parametrize(
    ("box", "inner", "at_the_edge_of_the_frame"),
    [
        (LEFT, (1, 200), (0, 200)),
        (TOP, (200, 1), (200, 0)),
        (RIGHT, (1280 - WIDTH - 1, 200), (1280 - WIDTH, 200)),
        (BOTTOM, (200, 720 - HEIGHT - 1), (200, 720 - HEIGHT)),
    ],
    ids=["left", "top", "right", "bottom"],
)
def test_what_a_near_look_cuts_off_is_left_out_unless_the_frame_ends_there(
    network: DrawnNetwork,
    prefix: str,
    box: Box,
    inner: tuple[int, int],
    at_the_edge_of_the_frame: tuple[int, int],
) -> None:
    network.put(prefix, box)
    detector = network.detector()

    def found(corner: tuple[int, int]) -> list[Box]:
        sight = detector.look_near(frame(), corner)
        return [face.box for face in sight.faces] + [body.box for body in sight.bodies]

    assert found(inner) == []
    (kept,) = found(at_the_edge_of_the_frame)
    assert near(kept, box.moved(*at_the_edge_of_the_frame))


def test_a_box_beyond_the_frame_ends_with_it(network: DrawnNetwork) -> None:
    network.put("person_", Box(-30, 60, 50, 200))
    (body,) = network.detector().look_near(frame(), (0, 0)).bodies
    assert near(body.box, Box(0, 60, 50, 200))


def test_a_near_look_at_a_small_frame_sees_all_of_it_and_ends_with_it(network: DrawnNetwork) -> None:
    image = frame(200, 100)
    network.put("person_", Box(150, 40, 260, 130))
    (body,) = network.detector().look_near(image, (0, 0)).bodies
    assert near(body.box, Box(150, 40, 200, 100))
    assert np.array_equal(network.seen[:100, :200], image)
    assert (network.seen[100:] == 128).all()
    assert (network.seen[:, 200:] == 128).all()


def test_no_look_leaves_anything_behind_for_the_next(network: DrawnNetwork) -> None:
    detector, wide, tall = network.detector(), frame(640, 360), frame(90, 256)
    looks: dict[str, Callable[[], object]] = {
        "wide": lambda: detector.look(wide),
        "tall": lambda: detector.look(tall),
        "near": lambda: detector.look_near(frame(), (5, 5)),
        "cut": lambda: detector.look_near(frame(), (1100, 600)),
    }
    alone = {}
    for name, look in looks.items():
        look()
        alone[name] = network.seen
    for first in looks.values():
        for name, then in looks.items():
            first()
            then()
            assert np.array_equal(network.seen, alone[name]), name


def test_faces_too_small_to_describe_are_left_out_and_people_are_not(network: DrawnNetwork) -> None:
    network.put("", SMALL)
    network.put("person_", SMALL)
    sight = network.detector(min_side_px=46).look_near(frame(), (5, 5))
    assert (len(sight.faces), len(sight.bodies)) == (0, 1)


# --- scores ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("box", [Box(90, 80, 102, 92), SMALL, Box(20, 10, 300, 240)])
def test_a_score_is_calibrated_by_class_and_size(network: DrawnNetwork, box: Box) -> None:
    faces, bodies = ScoreCalibration(2.0, 0.5, -0.1), ScoreCalibration(3.0, -0.2, 0.3)
    network.put("", box, 0.4)
    network.put("person_", box, 0.4)
    sight = network.detector(faces=faces, bodies=bodies, min_score=0.01).look_near(frame(), (5, 5))
    octaves = math.log2(box.side / 32)
    for find, right in ((sight.faces[0], faces), (sight.bodies[0], bodies)):
        logit = right.scale * 0.4 + right.shift + right.octave * octaves
        assert find.score == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-5)


@pytest.mark.parametrize("octave", [-0.6, 0.0, 0.6])
def test_no_find_of_the_least_score_is_lost_to_the_limit_of_decoding(
    network: DrawnNetwork, octave: float
) -> None:
    """The limit must not be above the score that the size of a box makes good for."""
    right = ScoreCalibration(1.7, 0.3, octave)
    detector = network.detector(bodies=right, min_score=0.6)
    for side, stride in ((8, 8), (32, 16), (200, 32)):
        fresh = DrawnNetwork()
        logit = (math.log(0.6 / 0.4) + 0.02 - right.shift - octave * math.log2(side / 32)) / right.scale
        fresh.put("person_", Box(50, 30, 50 + side, 30 + side), logit, stride)
        network.maps = fresh.maps
        (body,) = detector.look_near(frame(), (5, 5)).bodies
        assert body.score == pytest.approx(0.6, abs=0.01)


def test_only_likely_cells_are_decoded(network: DrawnNetwork) -> None:
    network.put("", SMALL)
    network.put("person_", SMALL)
    network.put("person_", Box(200, 60, 260, 200), -2.0)
    network.detector(min_score=0.25).look(frame())
    decoded = {kind: sum(network.outputs[f"{kind}{stride}"].rows for stride in STRIDES) for kind in CHANNELS}
    assert decoded == dict.fromkeys(CHANNELS, 1)


# --- several looks together --------------------------------------------------------------------------------


def test_suppression_keeps_the_best_of_each_heap() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [30, 30, 40, 40]], np.float32)
    assert suppress(boxes, np.array([0.6, 0.9, 0.7], np.float32), 0.45) == [1, 2]


def test_of_two_looks_the_surer_one_tells_of_a_face() -> None:
    points = np.zeros((5, 2), np.float32)
    wide = Sight((Face(SMALL, 0.6, points), Face(SMALL.moved(300, 0), 0.9, points)))
    closer = Sight((Face(SMALL.moved(3, 0), 0.8, points), Face(SMALL.moved(302, 0), 0.3, points)))
    assert [face.score for face in joined((wide, closer), small_px=100).faces] == [0.9, 0.8]


def test_near_looks_add_small_people_only() -> None:
    large, small = Box(0, 0, 80, 220), Box(200, 0, 230, 90)
    near_look = Sight(bodies=(Body(large, 0.9), Body(small, 0.5)))
    assert joined((Sight(), near_look), small_px=100).bodies == (Body(small, 0.5),)
    assert joined((near_look, Sight()), small_px=100).bodies == near_look.bodies
    assert joined((Sight(), Sight()), small_px=100) == Sight()


# --- the detector that ships -------------------------------------------------------------------------------


def shipped(min_score: float) -> PeopleDetector:
    manifest = load_manifest(packaged_models())
    return PeopleDetector(
        Model(manifest.detector),
        faces=manifest.face_calibration,
        bodies=manifest.person_calibration,
        min_score=min_score,
    )


@pytest.fixture(scope="module")
def detector() -> PeopleDetector:
    return shipped(0.5)


def boxes(bodies: tuple[Body, ...]) -> list[Box]:
    return [body.box for body in bodies]


def matches(found: tuple[Face, ...], truth: list[Box]) -> int:
    return sum(any(box.iou(face.box) > 0.5 for face in found) for box in truth)


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_face_of_a_still_crowd_is_found(detector: PeopleDetector, count: int) -> None:
    scene = crowd(count)
    found = detector.look(scene.render(0)).faces
    assert matches(found, scene.truth.boxes(0)) == count


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (360, 640), (320, 240), (97, 61)])
def test_boxes_are_pixels_of_the_picture_whatever_its_shape(
    detector: PeopleDetector, size: tuple[int, int]
) -> None:
    picture = np.full((size[1], size[0], 3), 90, np.uint8)
    face = crowd(1).render(0)
    (box,) = crowd(1).truth.boxes(0)
    x1, y1, x2, y2 = (round(value) for value in (box.x1, box.y1, box.x2, box.y2))
    margin = round(0.8 * box.side)
    patch = face[max(0, y1 - margin) : y2 + margin, max(0, x1 - margin) : x2 + margin]
    scale = 0.9 * min(size[0] / patch.shape[1], size[1] / patch.shape[0])
    patch = np.asarray(cv2.resize(patch, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    picture[: patch.shape[0], : patch.shape[1]] = patch
    (found,) = detector.look(picture).faces
    left, top = (x1 - max(0, x1 - margin)) * scale, (y1 - max(0, y1 - margin)) * scale
    assert found.box.iou(Box(left, top, left + box.width * scale, top + box.height * scale)) > 0.4
    assert found.landmarks.shape == (5, 2)


@pytest.mark.slow
def test_a_small_face_is_found_by_a_near_look_where_the_whole_view_has_it(detector: PeopleDetector) -> None:
    scene = crowd(1, 480, 270)
    (truth,) = scene.truth.boxes(0)
    picture = np.full((1080, 1920, 3), 90, np.uint8)
    picture[400:670, 900:1380] = scene.render(0)
    there = truth.moved(900, 400)
    corner = (round(there.centre[0]) - 160, round(there.centre[1]) - 128)
    assert matches(detector.look_near(picture, corner).faces, [there]) == 1


@pytest.mark.slow
def test_noise_black_and_white_hold_nobody(detector: PeopleDetector) -> None:
    random = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    for picture in (random, np.zeros_like(random), np.full_like(random, 255)):
        assert detector.look(picture) == detector.look_near(picture, (100, 100)) == Sight()


@pytest.mark.slow
def test_a_higher_least_score_only_leaves_out(detector: PeopleDetector) -> None:
    """Cells below the limit are not decoded; that must not change what is above."""
    picture = crowd(5).render(0)
    all_of = shipped(0.02).look(picture)
    sure = detector.look(picture)
    assert [f.box for f in sure.faces] == [f.box for f in all_of.faces if f.score >= 0.5]
    assert [b.box for b in sure.bodies] == [b.box for b in all_of.bodies if b.score >= 0.5]


@pytest.mark.slow
def test_faces_points_and_people_of_the_sample_scene_are_where_they_are(detector: PeopleDetector) -> None:
    scene, bodies, points = Scene(), [], []
    for index in range(20, 680, 60):
        sight = detector.look(scene.render(index))
        for truth in scene.truth.faces[index]:
            if truth.visible < 0.95:
                continue
            (face,) = [face for face in sight.faces if face.box.iou(truth.box) > 0.6]
            x, y = truth.box.centre
            bodies.append(any(b.x1 < x < b.x2 and b.y1 < y < b.centre[1] for b in boxes(sight.bodies)))
            if abs(truth.yaw) <= 30:
                eyes = float(np.linalg.norm(truth.landmarks[1] - truth.landmarks[0]))
                off = float(np.linalg.norm(face.landmarks - truth.landmarks, axis=1).mean())
                points.append(off / eyes)
    assert len(bodies) >= 10
    assert np.mean(bodies) >= 0.9
    assert np.median(points) < 0.15
    assert np.mean(np.array(points) < 0.35) >= 0.9


@pytest.mark.slow
def test_an_empty_shop_holds_no_person(detector: PeopleDetector) -> None:
    assert detector.look(Scene(walks=(), pillars=()).render(200)).bodies == ()
