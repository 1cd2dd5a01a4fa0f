"""What the detector of people and faces learns from and is measured by."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from edge.inference.detect import PeopleDetector
from edge.types import Body, Box, Face, Image, Sight
from models_tflite.evaluation.detection import (
    OVERLAP,
    USED,
    corners,
    faces,
    false_finds,
    people,
    placing,
    tallness,
)
from models_tflite.evaluation.find_scores import calibrate_finds, fit_logistic
from models_tflite.evaluation.scoring import area_under, precision_recall
from models_tflite.training import check
from models_tflite.training.detector.items import NO_POINTS, NONE, WITHOUT_PEOPLE, Item, read_items
from tests.models_tflite.training.painted import paint, paint_people

BOX = np.array([[10.0, 10, 30, 50]])
ELSEWHERE = np.array([[60.0, 10, 80, 50]])


@pytest.mark.slow
def test_with_hand_labels_only_nothing_that_a_network_said_of_people_is_a_label(tmp_path: Path) -> None:
    paint(tmp_path, pictures=4)
    paint_people(tmp_path, pictures=8)
    every = {item.name: item for item in read_items(tmp_path, "train")}
    assert any(not item.by_hand.all() for item in every.values())
    for item in read_items(tmp_path, "train", hand_labels_only=True):
        before = every[item.name]
        assert len(item.people) == before.by_hand.sum()
        # what the network said teaches neither that somebody is there nor that nobody is
        assert len(item.unsure_people) == len(before.unsure_people) + (~before.by_hand).sum()
        assert item.people_known <= (len(item.people) > 0)


@pytest.mark.slow
def test_where_people_are_not_labelled_nothing_is_known_of_them(tmp_path: Path) -> None:
    paint(tmp_path, pictures=4)
    paint_people(tmp_path, pictures=8)
    items = read_items(tmp_path, "train")
    assert {item.people_known for item in items if item.set == "faces2"} == {False}
    assert {item.people_known for item in items if item.set == "person"} == {True}


def test_how_well_boxes_of_people_fit_is_told_of_those_that_a_device_uses() -> None:
    person = np.array([[10.0, 20, 30, 60]], np.float32)
    item = Item(
        "a", "person", "a", b"", (100, 100), NONE, NO_POINTS, NONE, person, np.ones(1, bool), NONE, True
    )
    low = np.array([[10.0, 30, 30, 60]], np.float32)
    finds = (np.concatenate([low, person]), np.array([USED, USED / 2], np.float32))
    figures = placing([item], [finds])
    assert figures["iou"] == pytest.approx(0.75)
    assert figures["upper_edge"] == pytest.approx(10 / 40)
    assert placing([item], [(NONE, NONE[:, 0])]) == {}


@pytest.mark.slow
def test_a_picture_is_empty_only_if_somebody_looked_at_it(tmp_path: Path) -> None:
    paint(tmp_path, pictures=4)
    paint_people(tmp_path, pictures=8)
    (name, *_) = [item.name for item in read_items(tmp_path, "train") if item.set == "faces2"]
    (tmp_path / WITHOUT_PEOPLE).write_text(f"{name}\n")
    known = {
        item.name for item in read_items(tmp_path, "train") if item.set == "faces2" and item.people_known
    }
    assert known == {name}


def test_measuring_reads_only_what_the_sets_say(tmp_path: Path) -> None:
    paint(tmp_path, pictures=4)
    paint_people(tmp_path, pictures=8)
    items = read_items(tmp_path, "val")
    assert {item.set for item in items} == {"faces", "faces2", "person"}
    assert [item.name for item in items if item.set == "person"] == [
        item.name for item in read_items(tmp_path, "val", sets=("person",))
    ]
    for item in items:
        if item.set == "faces":
            assert np.isnan(item.points).all()
            assert len(item.unsure_faces) == 0
        if item.set == "person":
            assert len(item.faces) == 0


def test_a_find_in_an_unsure_region_counts_neither_way() -> None:
    found = [(np.concatenate([ELSEWHERE, BOX]), np.array([0.9, 0.8]))]
    assert precision_recall(found, [BOX], 8)[0].tolist() == [0.0, 0.5]
    precision, recall, total = precision_recall(found, [BOX], 8, unsure=[ELSEWHERE - np.array([0, 0, 0, 15])])
    assert (precision.tolist(), recall.tolist(), total) == ([1.0], [1.0], 1)
    little = [ELSEWHERE - np.array([0, 0, 0, 25])]
    assert precision_recall(found, [BOX], 8, unsure=little)[0].tolist() == [0.0, 0.5]


def test_people_are_large_or_small_by_their_height() -> None:
    found = [(BOX, np.array([0.9]))]
    for smallest, total in ((39, 1), (41, 0)):
        assert precision_recall(found, [BOX], smallest, size=tallness)[2] == total


def test_the_area_under_a_curve_is_that_of_the_best_precision_at_each_recall() -> None:
    assert area_under(np.array([1.0, 0.5, 2 / 3]), np.array([0.5, 0.5, 1.0])) == pytest.approx(5 / 6)
    assert area_under(np.zeros(0), np.zeros(0)) == 0


@pytest.mark.parametrize("size", [(416, 312), (312, 416), (320, 256), (97, 61), (1280, 720)])
def test_near_looks_cover_the_picture_and_overlap(size: tuple[int, int]) -> None:
    near = (320, 256)
    seen = np.zeros(size[::-1], int)
    places = list(corners(*size, near))
    for x, y in places:
        assert 0 <= x <= max(0, size[0] - near[0])
        assert 0 <= y <= max(0, size[1] - near[1])
        seen[y : y + near[1], x : x + near[0]] += 1
    assert seen.min() == 1
    for axis in range(2):
        at = sorted({place[axis] for place in places})
        assert all(b - a <= near[axis] - OVERLAP for a, b in pairwise(at))


class Told:
    """A detector that finds in every picture what it was told to."""

    near_size = (320, 256)

    def __init__(self, wide: Sight, near: Sight) -> None:
        self.wide, self.near = wide, near

    def look(self, image: Image) -> Sight:
        return self.wide

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        return self.near


def told(wide: Sight, near: Sight | None = None) -> PeopleDetector:
    return cast(PeopleDetector, Told(wide, near or Sight()))


def test_both_looks_are_measured_beside_the_whole_view(tmp_path: Path) -> None:
    paint(tmp_path, pictures=4)
    (item,) = read_items(tmp_path, "val", sets=("faces",))
    points = np.zeros((5, 2), np.float32)
    seen = tuple(Face(Box(*(float(side) for side in box)), 0.9, points) for box in item.faces)
    figures = faces(told(Sight(), Sight(seen)), tmp_path, "faces", "val")
    assert (figures["n"], figures["n_faces"]) == (1, len(item.faces))
    assert figures["ap40_24px"] == figures["recall_p95_24px"] == 0
    assert figures["both_looks"]["ap40_24px"] == figures["both_looks"]["recall_p95_24px"] == pytest.approx(1)
    assert figures["both_looks"]["ece"] == pytest.approx(0.1)


def test_people_are_measured_by_hand_labels_and_by_source(tmp_path: Path) -> None:
    paint(tmp_path, pictures=4)
    paint_people(tmp_path, pictures=8)
    figures = people(told(Sight()), tmp_path, "val")
    by_hand = [item for item in read_items(tmp_path, "val", hand_labels_only=True) if len(item.people)]
    assert figures["n_people"] == figures["shop"]["n_people"] == sum(len(item.people) for item in by_hand) > 0
    assert figures["ap50_0.1h"] == 0


def test_false_finds_are_counted_by_score_where_somebody_saw_that_nobody_is(tmp_path: Path) -> None:
    paint(tmp_path, pictures=4)
    paint_people(tmp_path, pictures=8)
    (name, *_) = [item.name for item in read_items(tmp_path, "val") if item.set == "faces2"]
    (tmp_path / WITHOUT_PEOPLE).write_text(f"{name}\n")
    found = tuple(Body(Box(at, 0, at + 20, 50), score) for at, score in ((0, 0.3), (100, 0.5), (200, 0.9)))
    counted = false_finds(told(Sight(bodies=found)), tmp_path)
    assert counted == {
        "without_people_val": {
            "n": 1,
            "whole_view": {"people": {"0.25": 3, "0.5": 2, "0.7": 1}},
            "both_looks": {"people": {"0.25": 3, "0.5": 2, "0.7": 1}},
        }
    }


def test_scores_are_fitted_to_the_share_that_is_right() -> None:
    draw = np.random.default_rng(5)
    logits, octaves = draw.normal(0, 2, 40_000), draw.uniform(-2, 2, 40_000)
    inputs = np.stack([logits, np.ones(40_000), octaves], 1)
    wanted = np.array([1.8, -0.4, 0.3])
    right = draw.random(40_000) < 1 / (1 + np.exp(-inputs @ wanted))
    assert fit_logistic(inputs, right) == pytest.approx(wanted, abs=0.08)


def test_without_finds_scores_stay_as_they_are(tmp_path: Path) -> None:
    paint(tmp_path, pictures=4)
    paint_people(tmp_path, pictures=8)
    neutral = {"scale": 1.0, "shift": 0.0, "octave": 0.0}
    assert calibrate_finds(told(Sight()), tmp_path) == {"face": neutral, "person": neutral}


def test_without_pictures_known_to_be_empty_nothing_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paint(tmp_path, pictures=4)
    paint_people(tmp_path, pictures=8)
    (tmp_path / WITHOUT_PEOPLE).unlink()
    monkeypatch.setattr("sys.argv", ["check", "--data", str(tmp_path)])
    assert check.main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / WITHOUT_PEOPLE) in line
