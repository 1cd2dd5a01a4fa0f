"""The sample scene: what it promises to those who count in it, and that it shows nobody."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.clock import SystemClock
from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS
from edge.capture.factory import open_camera
from edge.capture.replay import replay
from edge.scene.camera import SceneCamera
from edge.scene.ground_truth import CLEAR, FACE_LEAST_PX
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene, crowd
from edge.scene.trajectories import PEOPLE
from edge.types import Image
from tests.support.clock import ManualClock

pytestmark = pytest.mark.slow

FOLDER = Path(str(files("edge.scene")))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


# The cast


def test_every_member_is_described_and_no_other_picture_lies_there() -> None:
    described = tomllib.loads((FOLDER / "portraits.toml").read_text())
    listed = {member["file"]: member for member in described["portrait"]}
    assert set(listed) == {path.name for path in FOLDER.glob("*.png")}
    for name, member in listed.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == member["sha256"]
    assert sum(path.stat().st_size for path in FOLDER.glob("*.png")) < 600_000


def test_the_cast_says_that_it_shows_nobody() -> None:
    described = tomllib.loads((FOLDER / "portraits.toml").read_text())
    assert "no existing person" in described["note"]
    for member in described["portrait"]:
        assert member["sources"] >= 12
        # Nearer to a face than strangers come to it by chance, or owing it much: that would be a portrait.
        assert member["nearest_source"] < member["nearest_stranger"] + 0.06
        assert member["nearest_source"] < 0.9
        assert member["own_share"] < 0.06


def test_the_cast_covers_both_genders_every_age_band_and_a_smile() -> None:
    cast = load_portraits()
    assert {(member.gender, member.age_band) for member in cast} == {
        (g, a) for g in GENDERS for a in AGE_BANDS
    }
    assert {member.expression for member in cast} == {"neutral", "happy"} <= set(EXPRESSIONS)
    for member in cast:
        assert member.picture.shape == (member.side, member.side, 4)
        left_eye, right_eye, nose, mouth_left, mouth_right = member.landmarks
        assert left_eye[0] < nose[0] < right_eye[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


# The scene


def test_a_frame_is_a_pure_function_of_seed_and_index(scene: Scene) -> None:
    assert np.array_equal(scene.render(200), Scene().render(200))
    first = scene.render(300)
    scene.render(20)
    assert np.array_equal(scene.render(300), first)
    assert not np.array_equal(Scene(seed=8).render(200), scene.render(200))


def test_frames_have_the_size_asked_for() -> None:
    large = Scene(width=1280, height=720)
    assert large.render(100).shape == (720, 1280, 3)
    assert large.render(100).dtype == np.uint8
    assert len(large) == 675
    with pytest.raises(IndexError, match="frame 675"):
        large.render(675)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_everybody_can_be_counted_once(seed: int, size: tuple[int, int]) -> None:
    scene = Scene(seed, *size)
    truth = scene.truth
    assert len(truth.visits) == PEOPLE
    for visit in truth.visits:
        assert visit.clear_s >= 1.5, visit
        assert visit.longest_gap_s < 1.6, visit
        assert visit.hidden_s < 1.5, visit
        assert 1.0 <= visit.enters_s < visit.leaves_s <= scene.seconds - 1.0, visit
    assert {visit.gender for visit in truth.visits} == set(GENDERS)
    assert truth.occupancy(0) == 0
    assert truth.occupancy(len(scene) - 1) == 0


def test_the_default_scene_holds_what_a_counter_stumbles_over(scene: Scene) -> None:
    truth = scene.truth
    assert sorted(visit.gender for visit in truth.visits).count("female") == 8
    assert len({visit.age_band for visit in truth.visits}) >= 5
    assert max(truth.occupancy(index) for index in range(len(scene))) >= 2
    assert max(visit.longest_gap_s for visit in truth.visits) > 0.4  # somebody is hidden for a while
    heights = [face.box.height for frame in truth.faces for face in frame if face.visible >= CLEAR]
    assert min(heights) >= FACE_LEAST_PX
    assert min(heights) < 45
    assert max(heights) > 120


def test_the_light_changes(scene: Scene) -> None:
    ceiling = [float(scene.render(index)[:20].mean()) for index in range(0, len(scene), 25)]
    steps = np.abs(np.diff(ceiling))
    assert max(ceiling) / min(ceiling) > 1.1
    assert steps.max() > 3 * np.median(steps)


def test_a_clear_face_is_where_the_truth_says(scene: Scene) -> None:
    empty = Scene(walks=(), pillars=())
    seen = 0
    for index in range(40, len(scene), 45):
        apart = np.abs(scene.render(index).astype(int) - empty.render(index)).max(2)
        for face in scene.truth.faces[index]:
            if face.visible < CLEAR:
                continue
            seen += 1
            middle = face.landmarks.mean(0).astype(int)
            radius = max(3, int(0.2 * face.box.height))
            patch = apart[middle[1] - radius : middle[1] + radius, middle[0] - radius : middle[0] + radius]
            assert np.median(patch) > 12, (index, face)
            assert face.box.x1 < face.landmarks[:, 0].min()
            assert face.box.x2 > face.landmarks[:, 0].max()
            assert face.box.y1 < face.landmarks[:, 1].min()
            assert face.box.y2 > face.landmarks[:, 1].max()
    assert seen > 10


def eye_darkness(image: Image, landmarks: np.ndarray, side: float) -> float:
    """How much darker the eyes are than the cheeks below them, in grey levels."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(float)
    radius = max(1, round(0.05 * side))

    def level(x: float, y: float) -> float:
        patch = grey[round(y) - radius : round(y) + radius + 1, round(x) - radius : round(x) + radius + 1]
        return float(patch.mean())

    eyes = np.mean([level(x, y) for x, y in landmarks[:2]])
    cheeks = np.mean([level(x, y + 0.22 * side) for x, y in landmarks[:2]])
    return float(cheeks - eyes)


def test_landmarks_follow_a_head_that_turns(scene: Scene) -> None:
    """Eyes are darker than cheeks: landmarks that were left behind would lie on hair, cheek or nose."""
    darker = [
        eye_darkness(scene.render(index), face.landmarks, face.box.height)
        for index in range(len(scene))
        for face in scene.truth.faces[index]
        if face.visible > 0.95 and abs(face.yaw) > 15 and face.box.height > 45
    ]
    assert len(darker) > 20
    assert np.mean(np.array(darker) > 5) > 0.9


def test_a_hidden_face_is_told_as_hidden(scene: Scene) -> None:
    """What the truth calls hidden does not show: without its person the picture there is the same."""
    hidden = [
        (index, face)
        for index in range(len(scene))
        for face in scene.truth.faces[index]
        if face.visible == 0 and face.box.x1 > 0 and face.box.x2 < scene.width
    ]
    assert hidden
    index, face = hidden[len(hidden) // 2]
    alone = Scene(walks=tuple(walk for place, walk in enumerate(scene.walks) if place != face.person))
    x1, y1, x2, y2 = (round(value) for value in (face.box.x1, face.box.y1, face.box.x2, face.box.y2))
    apart = np.abs(scene.render(index)[y1:y2, x1:x2].astype(int) - alone.render(index)[y1:y2, x1:x2]).max(2)
    assert (apart > 12).mean() < 0.05  # a hair at the edge may show


@pytest.mark.parametrize("count", [0, 1, 5, 20])
@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_a_crowd_has_that_many_free_faces_in_every_frame(count: int, size: tuple[int, int]) -> None:
    scene = crowd(count, *size)
    for index in range(0, len(scene), 10):
        assert len(scene.truth.boxes(index, least_visible=0.95)) == count
        assert len(scene.truth.faces[index]) == count


def test_too_short_a_scene_says_so() -> None:
    with pytest.raises(ValueError, match="too short"):
        Scene(seconds=8)


# The camera


def test_the_camera_plays_the_scene_once_and_again_after_opening() -> None:
    camera = SceneCamera(clock=ManualClock(), scene=crowd(1, seconds=1.0))
    for _ in range(2):
        frames = list(replay(camera))
        assert [frame.sequence for frame in frames] == list(range(15))
        assert frames[3].monotonic_s == pytest.approx(0.2)
        assert (frames[3].captured_at - ManualClock().now()).total_seconds() == pytest.approx(0.2)
        assert np.array_equal(frames[3].image, camera.scene.render(3))


def test_the_source_scene_is_the_default_scene(scene: Scene) -> None:
    camera = open_camera("scene", width=640, height=480, fps=15, clock=SystemClock())
    camera.open()
    frame = camera.read()
    assert frame is not None
    assert np.array_equal(frame.image, scene.render(0))
    assert camera.describe() == "scene:7"
    assert not camera.live


def test_the_source_of_the_second_act_is_the_shop_of_its_seed() -> None:
    camera = open_camera("scene:shelf:3", width=640, height=480, fps=15, clock=SystemClock())
    camera.open()
    frame = camera.read()
    assert frame is not None
    assert frame.image.shape == (720, 1280, 3)
    assert camera.describe() == "scene:shelf:3"
    shop = open_camera("scene:shelf", width=640, height=480, fps=15, clock=SystemClock())
    assert shop.describe() == "scene:shelf:7"
