"""What the detector of people and faces learns from and is measured by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models_tflite.training.two_class.items import WITHOUT_PEOPLE, read_items

from models_tflite.evaluation.scoring import average_precision, precision_recall
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


def test_a_find_in_an_unsure_region_counts_neither_way() -> None:
    found = [(np.concatenate([ELSEWHERE, BOX]), np.array([0.9, 0.8]))]
    assert average_precision(found, [BOX], 8) == 0.5
    precision, recall, total = precision_recall(found, [BOX], 8, unsure=[ELSEWHERE - np.array([0, 0, 0, 15])])
    assert (precision.tolist(), recall.tolist(), total) == ([1.0], [1.0], 1)
    little = [ELSEWHERE - np.array([0, 0, 0, 25])]
    assert precision_recall(found, [BOX], 8, unsure=little)[0].tolist() == [0.0, 0.5]


def test_people_are_large_or_small_by_their_height() -> None:
    found = [(BOX, np.array([0.9]))]
    for smallest, people in ((39, 1), (41, 0)):
        total = precision_recall(found, [BOX], smallest, size=lambda boxes: boxes[:, 3] - boxes[:, 1])[2]
        assert total == people
