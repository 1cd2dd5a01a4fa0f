"""The judge of a camera position, on plain numbers: nothing worse is called better, and every advice has its cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.vocabulary import UNKNOWN
from edge.commands.placement.advice import ADVICE
from edge.commands.placement.assessment import Assessment, Limit, Reading, assess
from edge.commands.placement.measures import Needs, interval
from edge.commands.placement.sights import Closeup, Glance, Outline, SeenFace, Turned
from edge.types import Pose, Verdict, Visit

NEEDS = Needs(face_px=28, cone_yaw=30, cone_pitch=30, fps=15, rotate=0, attributes=("gender", "age_band"))
RANK = {"good": 0, "unknown": 0, "poor": 1, "bad": 2}
STRAIGHT = Pose(0.0, 0.0, 0.0)
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def sight(track: int = 1, x: float = 0.4, **changes: Any) -> SeenFace:
    """A face without a fault."""
    good = SeenFace(
        track, True, Outline(x, 0.3, x + 0.1, 0.45), 60.0, STRAIGHT, 0.08, 1.0, 120.0, 120.0, 0.5, None
    )
    return replace(good, **changes)


def glance(at_s: float, *sights: SeenFace, **changes: Any) -> Glance:
    return replace(Glance(at_s, 640, 480, 130.0, 0.01, 0.02, sights), **changes)


def passing(tracks: int = 4, fps: float = 10, **changes: Any) -> list[Glance]:
    """``tracks`` people, one after the other, who cross the picture in two seconds each."""
    glances = []
    for index in range(round(2 * fps * tracks)):
        track, step = divmod(index, round(2 * fps))
        glances.append(glance(index / fps, sight(track, 0.1 + 0.7 * step / (2 * fps), **changes)))
    return glances


def visit(gender: str = "female") -> Visit:
    attributes = {"gender": Verdict(gender, 0.9), "age_band": Verdict("25-34", 0.9)}
    return Visit(AT, AT, 2.0, 1.0, True, True, attributes)


def reading(assessment: Assessment, name: str) -> Reading:
    return next(reading for reading in assessment.readings if reading.name == name)


def rank(assessment: Assessment, name: str) -> int:
    return RANK[reading(assessment, name).state]


shares = st.floats(0, 1)
degrees = st.floats(-90, 90)
sights = st.builds(
    SeenFace,
    track=st.integers(1, 6),
    counted=st.booleans(),
    outline=st.builds(Outline, shares, shares, shares, shares),
    side_px=st.floats(8, 300),
    pose=st.builds(Pose, degrees, degrees, degrees),
    sharpness=st.floats(0, 1),
    exposure=shares,
    luma=st.floats(0, 255),
    around=st.floats(0, 255),
    speed=st.floats(0, 20),
    cut=st.sampled_from([None, "left", "right", "top", "bottom"]),
)
looks = st.builds(Turned, st.sampled_from([90, 180, 270]), st.integers(0, 5), st.integers(0, 5))
runs = st.lists(
    st.builds(
        Glance,
        at_s=st.just(0.0),
        width=st.sampled_from([320, 640, 1920]),
        height=st.just(480),
        luma=st.floats(0, 255),
        burnt=shares,
        sharpness=st.none() | st.floats(0, 0.1),
        sights=st.lists(sights, max_size=3).map(tuple),
        excluded=st.integers(0, 3),
        dropped=st.integers(0, 3),
        turned=st.none() | looks,
        closeups=st.lists(
            st.builds(Closeup, st.builds(Outline, shares, shares, shares, shares), st.booleans()), max_size=3
        ).map(tuple),
    ),
    min_size=1,
    max_size=10,
).flatmap(
    lambda run: st.floats(0.01, 0.5).map(
        lambda gap: [replace(each, at_s=gap * index) for index, each in enumerate(run)]
    )
)
visits = st.lists(st.sampled_from([visit(), visit(UNKNOWN)]), max_size=8)


@settings(max_examples=40)
@given(runs, visits)
def test_every_advice_has_its_cause_and_every_cause_its_advice(
    run: Sequence[Glance], ended: Sequence[Visit]
) -> None:
    found = assess(run, ended, NEEDS)
    faulty = {one.name for one in found.readings if one.state in ("poor", "bad")}
    causes = [advice.cause for advice in found.advice]
    assert len(causes) == len(set(causes))
    assert set(causes) - {"few"} == faulty <= set(ADVICE)
    assert ("few" in causes) == (found.figures.people < 2)
    assert (found.verdict == "works") == (not causes)
    assert all(advice.text and len(advice.text) <= 240 for advice in found.advice)


@settings(max_examples=40)
@given(runs, visits)
def test_levels_are_shares_and_the_figures_add_up(run: Sequence[Glance], ended: Sequence[Visit]) -> None:
    found = assess(run, ended, NEEDS)
    assert all(one.level is None or 0 <= one.level <= 1 for one in found.readings)
    assert all(
        (one.value is None) == (one.level is None) == (one.state == "unknown") for one in found.readings
    )
    figures = found.figures
    assert figures.counted + figures.missed == figures.people
    for share in (figures.too_small, figures.backlit, figures.facing, figures.cut, figures.excluded):
        assert share is None or 0 <= share <= 1
    assert all(0 <= count <= figures.judged for count in figures.unknown.values())


@settings(max_examples=40)
@given(runs, visits, shares)
def test_darker_is_never_better(run: Sequence[Glance], ended: Sequence[Visit], gain: float) -> None:
    darker = [replace(each, luma=gain * each.luma) for each in run]
    before, after = assess(run, ended, NEEDS), assess(darker, ended, NEEDS)
    assert rank(after, "light") >= rank(before, "light")
    assert (after.verdict == "works") <= (before.verdict == "works")


@settings(max_examples=40)
@given(runs, visits, st.floats(0.1, 1))
def test_smaller_and_more_blurred_faces_are_never_better(
    run: Sequence[Glance], ended: Sequence[Visit], factor: float
) -> None:
    def worse(one: SeenFace) -> SeenFace:
        return replace(one, side_px=factor * one.side_px, sharpness=factor * one.sharpness)

    shrunk = [replace(each, sights=tuple(map(worse, each.sights))) for each in run]
    before, after = assess(run, ended, NEEDS), assess(shrunk, ended, NEEDS)
    assert rank(after, "size") >= rank(before, "size")
    assert rank(after, "sharpness") >= rank(before, "sharpness")


@given(st.floats(0, 89), st.floats(0, 1))
def test_leaning_further_is_never_better(roll: float, share: float) -> None:
    more, less = (assess(passing(pose=Pose(0, 0, angle)), [], NEEDS) for angle in (roll, share * roll))
    assert rank(more, "roll") >= rank(less, "roll")


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_limit_never_calls_the_worse_value_better(one: float, other: float, value: float) -> None:
    low, high = sorted((one, other))
    rising, falling = Limit(low, high), Limit(high, low)
    better = value / 2
    assert RANK[rising.judge(value)] >= RANK[rising.judge(better)]
    if low < high:
        assert RANK[falling.judge(better)] >= RANK[falling.judge(value)]


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_interval_holds_the_share_and_narrows_with_more_visits(found: int, others: int) -> None:
    of = found + others
    low, high = interval(found, of)
    assert 0 <= low <= high <= 1
    if of:
        assert low <= found / of <= high
        wider = interval(10 * found, 10 * of)
        assert wider[1] - wider[0] <= high - low


def test_a_good_position_works() -> None:
    found = assess(passing(), [visit()] * 4, NEEDS)
    assert (found.verdict, found.advice) == ("works", ())
    assert (found.figures.people, found.figures.counted) == (4, 4)


@pytest.mark.parametrize(
    ("changes", "cause", "words"),
    [
        (
            {"side_px": 18.0},
            "size",
            "Use 1280x720 (camera.width, camera.height), or come closer: 4 of 4 faces are",
        ),
        ({"luma": 30.0, "around": 200.0}, "backlight", "Turn it away from the window"),
        ({"sharpness": 0.003}, "sharpness", "Focus it"),
        ({"pose": Pose(0, 0, 20)}, "roll", "Turn the camera 20° clockwise, seen from behind it"),
        ({"pose": Pose(0, 0, -20)}, "roll", "Turn the camera 20° anticlockwise"),
        ({"pose": Pose(0, -25, 0)}, "pitch", "cm lower: it looks 25° down on faces"),
        ({"pose": Pose(0, 25, 0)}, "pitch", "cm higher: it looks 25° up at faces"),
        ({"pose": Pose(25, 0, 0)}, "yaw", "Move it to the right"),
        ({"cut": "top"}, "cut", "Tilt it up"),
    ],
)
def test_each_fault_of_the_faces_has_its_own_words(changes: dict[str, Any], cause: str, words: str) -> None:
    found = assess(passing(**changes), [visit()] * 4, NEEDS)
    assert found.advice[0].cause == cause
    assert words in found.advice[0].text


def test_dark_skin_before_a_white_wall_is_no_backlight() -> None:
    """It is darker than the wall, and still well lit: the face has lost nothing."""
    assert assess(passing(luma=70.0, around=210.0), [visit()] * 4, NEEDS).verdict == "works"


def test_who_has_all_pixels_already_must_come_closer() -> None:
    run = [replace(each, width=1920, height=1080) for each in passing(side_px=18.0)]
    advice = assess(run, [], NEEDS).advice[0]
    assert advice.text.startswith(
        "Come closer, to 60 % of the distance: 4 of 4 faces are too small, 18 px where 28"
    )


def test_blur_that_comes_with_walking_is_not_blamed_on_the_lens() -> None:
    run = passing(sharpness=0.005, speed=3.0)
    resting = [
        replace(each, sights=(*each.sights, sight(99, sharpness=0.08, speed=0.1))) for each in run[::5]
    ]
    advice = assess(sorted([*run, *resting], key=lambda each: each.at_s), [], NEEDS).advice[0]
    assert (advice.cause, "walk" in advice.text) == ("sharpness", True)


def test_a_slow_device_and_a_slow_camera_are_told_apart() -> None:
    slow = passing(fps=2)
    assert "Make the camera faster" in assess(slow, [], NEEDS).advice[0].text
    dropping = [replace(each, dropped=5) for each in slow]
    assert "Reduce the load" in assess(dropping, [], NEEDS).advice[0].text


def test_a_camera_on_its_head_is_seen_by_the_faces_of_the_turned_picture() -> None:
    run = [glance(index / 10, turned=Turned(180, 0, 1) if index % 10 == 0 else None) for index in range(100)]
    found = assess(run, [], NEEDS)
    assert (found.verdict, found.advice[0].text) == (
        "fails",
        "Set camera.rotate: 180 in the settings, or turn the camera itself: it hangs upside down.",
    )


def test_who_walks_by_and_is_never_counted_was_missed_and_a_pattern_on_the_wall_was_not() -> None:
    crossing = passing(counted=False)
    flickering = [
        replace(each, sights=(*each.sights, sight(99, 0.8, counted=False)))
        for each in [*crossing, glance(9.5)]
    ]
    figures = assess(flickering, [], NEEDS).figures
    assert (figures.people, figures.missed) == (4, 4)


def enlarged(run: list[Glance], *, step: float, size: float = 0.03) -> list[Glance]:
    """Once a second a face that only an enlarged part of the picture shows, ``step`` of the width further each time."""

    def face(index: int) -> Closeup:
        return Closeup(Outline(step * index / 10, 0.5, step * index / 10 + size, 0.5 + size), False)

    return [
        replace(each, closeups=(face(index),)) if index % 10 == 0 else each for index, each in enumerate(run)
    ]


def test_people_whom_only_an_enlarged_picture_shows_make_the_position_useless() -> None:
    found = assess(enlarged(passing(), step=0.05), [], NEEDS)
    assert (found.verdict, found.advice[0].cause) == ("fails", "distance")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0.03, "Use 1280x720 (camera.width, camera.height), or come closer: 8 of 8 faces are so far away"),
        (0.02, "Use 1920x1080 (camera.width, camera.height), or come closer: 8 of 8 faces are so far away"),
        (0.012, "Come much closer: 8 of 8 faces are so far away"),
    ],
)
def test_a_larger_picture_is_advised_where_it_is_enough(size: float, words: str) -> None:
    found = assess(enlarged(passing(), step=0.05, size=size), [], NEEDS)
    assert words in found.advice[0].text


def test_faces_that_a_near_look_describes_are_no_fault() -> None:
    large_enough = 1.1 * NEEDS.face_px / 480
    assert rank(assess(enlarged(passing(), step=0.05, size=large_enough), [], NEEDS), "distance") == 0


def test_a_face_that_stays_in_its_place_is_a_poster_far_away() -> None:
    assert rank(assess(enlarged(passing(), step=0), [], NEEDS), "distance") == 0


def test_too_few_people_are_never_enough_to_praise_a_position() -> None:
    nobody = assess([glance(index / 10) for index in range(100)], [], NEEDS)
    assert (nobody.verdict, [advice.cause for advice in nobody.advice]) == ("unclear", ["few"])
    assert "walk by twice" in nobody.advice[0].text
    assert assess(passing(tracks=1), [visit()], NEEDS).verdict == "unclear"
    assert assess([glance(index / 10, luma=10.0) for index in range(100)], [], NEEDS).verdict == "fails"


def test_unknown_visits_count_against_a_position_only_when_chance_cannot_explain_them() -> None:
    assert assess(passing(), [visit(UNKNOWN), visit(), visit()], NEEDS).verdict == "works"
    found = assess(passing(), [visit(UNKNOWN)] * 8, NEEDS)
    assert (found.verdict, found.advice[0].cause) == ("fails", "unknown")
    assert "gender stays unknown for 8 of 8 visits" in found.advice[0].text


def test_who_publishes_counts_alone_needs_no_verdicts() -> None:
    counting = replace(NEEDS, attributes=())
    found = assess(passing(), [visit(UNKNOWN)] * 8, counting)
    assert (found.verdict, [one.name for one in found.readings if one.name == "unknown"]) == ("works", [])
