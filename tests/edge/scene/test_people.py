"""People who turn, stand, hide and come from afar, what is no person, and the busy shop that holds all of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from edge.scene.busy import busy_scene
from edge.scene.decoys import Decoy, DecoyKind
from edge.scene.ground_truth import FACE_YAW, PersonTruth
from edge.scene.layout import BUSY, HALL, PLAIN, Layout
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene
from edge.scene.route import NECK, Spot, beside, distance_of, route
from edge.scene.trajectories import QUIET_S
from edge.scene.walk import FACE_M, FOCAL, HORIZON, LINES, Pillar, PillarKind, Walk
from edge.types import Image

pytestmark = pytest.mark.slow

WIDE = 640.0
FPS = 10


def walk(
    spots: Sequence[Spot], *, seed: int = 1, sway: float = 0.0, glances: Sequence[tuple[float, float]] = ()
) -> Walk:
    return route(load_portraits()[seed], seed, 0.2, 0.0, spots, width=WIDE, sway=sway, glances=glances)


def scene(
    *walks: Walk, layout: Layout = PLAIN, pillars: tuple[Pillar, ...] = (), seconds: float = 4.0
) -> Scene:
    return Scene(3, fps=FPS, seconds=seconds, walks=walks, pillars=pillars, layout=layout)


def only(of: Scene, index: int) -> PersonTruth:
    (person,) = of.truth.people[index]
    return person


def changed(one: Image, other: Image, least: int = 25) -> np.ndarray:
    """Where two pictures differ by more than the noise of the sensor."""
    return np.asarray(np.abs(one.astype(int) - other).max(2) > least)


# One person


@pytest.mark.parametrize("yaw", range(0, 360, 45))
def test_the_box_of_the_body_is_what_is_drawn(yaw: int) -> None:
    stands = scene(walk([Spot(0.0, 6.0, 4.0, float(yaw))]))
    drawn = changed(stands.render(10), scene().render(10))
    rows, columns = np.flatnonzero(drawn.sum(1) > 2), np.flatnonzero(drawn.sum(0) > 4)
    body = only(stands, 10).body
    slack = 0.06 * body.height
    assert body.y1 == pytest.approx(rows[0], abs=slack)
    assert body.y2 == pytest.approx(rows[-1], abs=slack)
    assert body.x1 == pytest.approx(columns[0], abs=slack)
    assert body.x2 == pytest.approx(columns[-1], abs=slack)


def test_who_turns_round_shows_hair_and_no_face() -> None:
    front, back = (scene(walk([Spot(0.0, 2.5, 4.0, yaw)])) for yaw in (0.0, 180.0))
    face = only(front, 10)
    assert face.shows_face
    assert front.truth.faces[10]
    assert only(back, 10).face is None
    assert abs(only(back, 10).yaw) > 150
    assert not back.truth.faces[10]
    assert face.face is not None
    x1, y1, x2, y2 = (
        round(side) for side in (face.face.box.x1, face.face.box.y1, face.face.box.x2, face.face.box.y2)
    )
    # where eyes, nose and mouth were, the hair is all of one colour
    half = y1 + (y2 - y1) // 2
    contrast = [one.render(10)[y1:half, x1 + 8 : x2 - 8].std(axis=(0, 1)).mean() for one in (front, back)]
    assert contrast[1] < 0.6 * contrast[0]


def test_a_head_turns_as_far_as_the_neck_allows() -> None:
    """Who passes from left to right and looks here shows at least half of the face."""
    passes = [Spot(-3.0, 5.0), Spot(3.0, 5.0)]
    looks, looks_away = walk(passes, glances=[(0.0, 20.0)]), walk(passes)
    at_s = looks.ends_s / 2
    for one, expected in ((looks, 90 - NECK), (looks_away, 90.0)):
        stance = one.at(at_s)
        assert stance is not None
        assert stance.body_yaw == pytest.approx(90, abs=2)
        assert stance.yaw == pytest.approx(expected, abs=7)
    assert FACE_YAW < 90


def test_walking_moves_the_legs_and_standing_does_not() -> None:
    crosses, stands = walk([Spot(-3.0, 5.0), Spot(3.0, 5.0)]), walk([Spot(0.0, 5.0, 4.0, 0.0)])
    steps = [one.swing for tenth in range(10, 30) if (one := crosses.at(tenth / 10)) is not None]
    assert max(steps) > 0.7
    assert min(steps) < -0.7
    still = [one.swing for tenth in range(10, 30) if (one := stands.at(tenth / 10)) is not None]
    assert set(still) == {0.0}


def test_who_stands_is_alive() -> None:
    stands = walk([Spot(0.0, 3.0, 20.0, 0.0)], sway=0.05)
    stances = [one for tenth in range(10, 190) if (one := stands.at(tenth / 10)) is not None]
    assert 0.05 < np.ptp([one.x for one in stances]) / stances[0].face < 0.2
    assert 0.02 < np.mean([one.blinks for one in stances]) < 0.15


def test_a_face_grows_as_one_over_the_distance() -> None:
    comes = walk([Spot(0.0, 20.0), Spot(0.0, 2.0)])
    keys = comes.keys[3:-3]
    assert np.allclose(np.diff(FOCAL * FACE_M / keys[:, 2]), -0.11, atol=0.005)  # 1.1 m a second
    assert abs(keys[:, 4]).max() < 1


def test_who_is_far_away_is_seen_through_the_opening_only() -> None:
    far = 25.0
    hall = Layout(opening=(0.3, 0.7))
    shown, hidden = (walk([Spot(share * WIDE * far / FOCAL, far, 4.0, 0.0)]) for share in (0.0, -0.35))
    empty = scene(layout=hall).render(10)
    assert only(scene(shown, layout=hall), 10).visible > 0.95
    assert only(scene(hidden, layout=hall), 10).visible == 0
    assert changed(scene(shown, layout=hall).render(10), empty).sum() > 100
    assert changed(scene(hidden, layout=hall).render(10), empty).sum() == 0
    assert scene(hidden, layout=hall).truth.visits == ()


def test_a_shelf_hides_all_but_head_and_shoulders() -> None:
    shelf = Pillar(200, 440, HORIZON + 50, LINES, face=30.0, kind=PillarKind.SHELF)
    person = only(scene(walk([Spot(0.0, distance_of(28.0), 4.0, 0.0)]), pillars=(shelf,)), 10)
    assert person.visible < 0.4
    assert person.head_visible > 0.95
    assert person.present


def test_beside_is_out_of_sight() -> None:
    for z in (2.0, 6.0):
        x = beside(WIDE, z, WIDE, 1.0)
        assert WIDE / 2 + FOCAL * x / z > WIDE + 1.2 * FOCAL * FACE_M / z


# What is no person


@pytest.mark.parametrize("kind", [DecoyKind.POSTER, DecoyKind.MANNEQUIN, DecoyKind.SCREEN])
def test_a_decoy_is_drawn_where_the_truth_says_and_only_a_screen_moves(kind: DecoyKind) -> None:
    face = 24.0 if kind is DecoyKind.SCREEN else 14.0
    shop = scene(layout=Layout(decoys=(Decoy(kind, 0.62, face),)), seconds=10)
    (truth,) = (one for one in shop.decoys if one.kind is kind)
    drawn = changed(shop.render(10), scene(seconds=10).render(10))
    x1, y1, x2, y2 = (round(side) for side in (truth.box.x1, truth.box.y1, truth.box.x2, truth.box.y2))
    inside = drawn[y1 - 3 : y2 + 3, x1 - 3 : x2 + 3]
    assert inside.mean() > 0.3
    assert drawn.sum() == inside.sum()
    later = changed(shop.render(10), shop.render(15))[y1:y2, x1:x2]
    assert (later.mean() > 0.01) == (kind is DecoyKind.SCREEN)


def test_the_plain_shop_has_the_drawn_faces_only() -> None:
    assert [decoy.kind for decoy in scene().decoys] == [DecoyKind.SMILEY, DecoyKind.SKULL]
    assert [decoy.box for decoy in scene().decoys] == list(scene().posters)
    assert scene(layout=HALL).decoys == ()


# The busy shop


@pytest.mark.parametrize("seed", [0, 11])
def test_a_busy_shop_holds_everything_and_can_be_counted(seed: int) -> None:
    busy = busy_scene(seed, 640, 480, fps=5)
    truth = busy.truth
    assert {one.act for one in busy.walks} == {
        "stands", "stands with the back", "browses", "three together", "two together", "turns round",
        "comes from afar", "leaves for afar", "passes far away", "crosses",
    }  # fmt: skip
    assert [visit.person for visit in truth.visits] == list(range(len(busy.walks)))
    assert {decoy.kind for decoy in busy.decoys} == set(DecoyKind)
    assert truth.occupancy(0) == truth.occupancy(len(busy) - 1) == 0
    assert max(truth.occupancy(index) for index in range(len(busy))) >= 5
    for visit in truth.visits:
        assert visit.hidden_s < 1.9, (busy.walks[visit.person].act, visit)
        assert QUIET_S <= visit.enters_s < visit.leaves_s <= busy.seconds - QUIET_S
    dwell = {busy.walks[visit.person].act: visit.dwell_s for visit in truth.visits}
    assert dwell["stands"] > 60
    assert dwell["stands with the back"] > 35
    heights = [person.body.height for frame in truth.people for person in frame if person.present]
    assert min(heights) < 75
    assert max(heights) > 480


def test_the_same_seed_gives_the_same_busy_shop() -> None:
    one, other = (busy_scene(4, 640, 480, fps=5).render(200) for _ in range(2))
    assert np.array_equal(one, other)
    assert BUSY.opening is not None


def test_groups_keep_their_distance() -> None:
    busy = busy_scene(2, 640, 480, fps=5)
    group = [one for one in busy.walks if one.act == "three together"]
    assert len(group) == 3
    at_s = group[0].starts_s + 2.0
    places = []
    for one in group:
        x, face, _, _ = one.along(np.array([at_s]))[0]
        z = distance_of(float(face))
        places.append(((float(x) - WIDE / 2) * z / FOCAL, z))
    gaps = [np.hypot(*np.subtract(a, b)) for a, b in pairwise(places)]
    assert all(0.35 <= gap <= 1.3 for gap in gaps)
