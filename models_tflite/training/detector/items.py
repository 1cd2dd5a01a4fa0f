"""The three sets as one list: pictures with faces, points, whole people, and what is unsure of either.

``faces``, ``faces2`` and ``person`` lie in the data folder as ``NAME.zip`` and ``NAME.csv``, one row a face or person,
with ``faces_person.csv`` (people in the pictures of faces), ``faces2_teacher.csv`` (points), ``faces2_ignore.csv`` and
``person_ignore.csv`` (unsure boxes). What they lack is labelled by a teacher of faces: points on ``faces``, faces in
``person``.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np

from common.errors import UserError
from models_tflite.training.teacher import Labelled, Teacher, complement, label_scene

SETS = ("faces", "faces2", "person")
FURTHER = ("faces_person.csv", "faces2_teacher.csv", "faces2_ignore.csv", "person_ignore.csv")
"""Files beside the archives and csv of the sets."""

SHELVES = "grocery_negative"
"""Source of empty shelves. A teacher sees faces in tomatoes: nothing there is one."""

UNSURE, SURE_FACE, SURE_PERSON = 0.3, 0.72, 0.5
"""Scores of the labelling networks: faces from the first on are unsure, from the second on they are labels; people of
``faces_person`` from the third on are labels, under it unsure."""

WITHOUT_PEOPLE = "faces2_without_people.txt"
"""In the data folder, made by looking: names of pictures of faces2 without a face or a person, not even a hand or a
statue."""

POINTS = tuple(f"{name}_{axis}" for name in ("eye_l", "eye_r", "nose", "mouth_l", "mouth_r") for axis in "xy")
NONE, NO_POINTS = np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32)
WEIGHTS = {"coco2017": 2.2, "cafe": 2.2, "bav_classroom": 1.5}
"""How often pictures of a source of hand-labelled people are drawn; others of ``person`` 1.3, faces 1."""

Row = dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One picture: ``content`` as in the archive, ``size`` width and height. Boxes (n, 4) x1, y1, x2, y2 and points
    (n, 5, 2), NaN where unknown, in its pixels; what is ``unsure`` counts neither way. ``people_known``: where no
    person is marked, there is none. ``looked_at``: somebody saw that there is none at all."""

    name: str
    set: str
    source: str
    content: bytes
    size: tuple[int, int]
    faces: np.ndarray
    points: np.ndarray
    unsure_faces: np.ndarray
    people: np.ndarray
    by_hand: np.ndarray
    unsure_people: np.ndarray
    people_known: bool
    looked_at: bool = False

    def image(self) -> np.ndarray:
        return _decoded(self.content, self.name)

    @property
    def without_faces(self) -> bool:
        """Whatever looks like a face here is none."""
        bare = self.set == "faces2" and not len(self.faces) and not len(self.unsure_faces)
        return self.source == SHELVES or bare

    @property
    def without_people(self) -> bool:
        return self.source == SHELVES or self.looked_at

    @property
    def weight(self) -> float:
        """How often the picture is drawn, compared with others."""
        if self.set == "faces":
            return 1.0
        if self.source == SHELVES or (self.set == "faces2" and not len(self.faces)):
            return 0.7
        if self.set == "faces2":
            return 1.0
        if not self.people_known and not len(self.faces):
            return 0.0  # nothing is known of it
        by_hand = not len(self.by_hand) or bool(self.by_hand.any())
        return WEIGHTS.get(self.source, 1.3) if by_hand else 1.3

    def by_hand_only(self) -> Item:
        """Remove what a network said of people: its boxes only tell where nothing is known."""
        return replace(
            self,
            people=self.people[self.by_hand],
            by_hand=self.by_hand[self.by_hand],
            unsure_people=np.concatenate([self.unsure_people, self.people[~self.by_hand]]),
            people_known=self.people_known and (bool(self.by_hand.any()) or self._never_labelled),
        )

    @property
    def _never_labelled(self) -> bool:
        return self.set != "faces" and not len(self.people)


def read_items(
    data: Path,
    split: str,
    labeller: Teacher | None = None,
    *,
    sets: Collection[str] = SETS,
    hand_labels_only: bool = False,
    limit: int | None = None,
) -> list[Item]:
    """Read all pictures of one split, at most ``limit`` of each set. Without a ``labeller``, which is for training,
    only what the sets say is labelled. Raises ``UserError`` naming what is missing."""
    items: list[Item] = []
    if "faces" in sets:
        items += _faces(data, split, labeller, limit)
    if "faces2" in sets:
        items += _faces2(data, split, limit)
    if "person" in sets:
        items += _person(data, split, labeller, limit)
    return [item.by_hand_only() for item in items] if hand_labels_only else items


def _faces(data: Path, split: str, labeller: Teacher | None, limit: int | None) -> Iterator[Item]:
    people_of = _grouped(data / "faces_person.csv", needed=labeller is not None)
    for name, rows, content in _pictures(data, "faces", split, limit):
        image = _decoded(content, name)
        labelled = (
            label_scene(labeller, image, _boxes(rows)) if labeller else _unlabelled(image, _boxes(rows))
        )
        told = people_of.get(name, [])
        likely = [row for row in told if float(row["score"] or 1) >= SURE_PERSON]
        people = _boxes(likely)
        yield Item(
            name,
            "faces",
            "faces",
            content,
            (image.shape[1], image.shape[0]),
            labelled.boxes,
            labelled.landmarks,
            labelled.ignored,
            people,
            np.zeros(len(people), bool),
            _boxes([row for row in told if row not in likely]),
            people_known=bool(told),
        )


def need_empty_pictures(data: Path) -> None:
    """Raise ``UserError`` if nobody looked for pictures without people: the sure finds of people on empty places are
    wrong ones that a calibration must know of."""
    if not (data / WITHOUT_PEOPLE).is_file():
        raise UserError(
            f"{data / WITHOUT_PEOPLE}: no such file, so scores of people would be calibrated wrongly. Look at the "
            "pictures of faces2 without a face, and list those without a person there, one name a line"
        )


def _unlabelled(image: np.ndarray, boxes: np.ndarray) -> Labelled:
    return Labelled(image, boxes, np.full((len(boxes), 5, 2), np.nan, np.float32), NONE)


def _faces2(data: Path, split: str, limit: int | None) -> Iterator[Item]:
    told = _grouped(data / "faces2_teacher.csv", needed=split == "train")
    ignored = _grouped(data / "faces2_ignore.csv", needed=split == "train")
    looked_at = data / WITHOUT_PEOPLE
    without_people = set(looked_at.read_text().split()) if looked_at.exists() else set()
    for name, rows, content in _pictures(data, "faces2", split, limit):
        faces, seen = _boxes(rows), [row for row in told.get(name, []) if row["xmin"]]
        points = np.array([[float(row[key]) for key in POINTS] for row in seen], np.float32)
        landmarks, extra = complement(faces, _boxes(seen), points.reshape(-1, 5, 2))
        unsure = _boxes(ignored.get(name, []))
        empty = name in without_people
        yield Item(
            name,
            "faces2",
            rows[0]["source"],
            content,
            (int(rows[0]["width"]), int(rows[0]["height"])),
            faces,
            landmarks,
            # measured against the set's own labels, trained also without what its teacher saw beyond them
            np.concatenate([unsure, extra]) if split == "train" else unsure,
            NONE,
            np.zeros(0, bool),
            NONE,
            people_known=empty,
            looked_at=empty,
        )


def _person(data: Path, split: str, labeller: Teacher | None, limit: int | None) -> Iterator[Item]:
    ignored = _grouped(data / "person_ignore.csv", needed=labeller is not None)
    for name, rows, content in _pictures(data, "person", split, limit):
        image = _decoded(content, name)
        faces, points, scores = NONE, NO_POINTS, NONE[:, 0]
        if labeller and rows[0]["source"] != SHELVES:
            faces, points, scores = labeller.faces(image, 2.0)
        sure = scores >= SURE_FACE
        yield Item(
            name,
            "person",
            rows[0]["source"],
            content,
            (image.shape[1], image.shape[0]),
            faces[sure].astype(np.float32),
            points[sure].astype(np.float32),
            faces[~sure].astype(np.float32),
            _boxes(rows),
            np.array([row["label"] == "hand" for row in rows if row["xmin"]], bool),
            _boxes(ignored.get(name, [])),
            people_known=True,
        )


def _pictures(data: Path, name: str, split: str, limit: int | None) -> Iterator[tuple[str, list[Row], bytes]]:
    """Name, rows and bytes of each picture of a split."""
    path = data / f"{name}.zip"
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; give the folder that holds {', '.join(SETS)} as .zip and .csv"
        )
    chosen = [
        (key, rows)
        for key, rows in _grouped(data / f"{name}.csv").items()
        if rows[0].get("split", split) == split
    ]
    with ZipFile(path) as archive:
        for key, rows in chosen[:limit]:
            try:
                yield key, rows, archive.read(key)
            except KeyError:
                raise UserError(f"{path}: picture {key} of the csv is not in the archive") from None


def _grouped(path: Path, *, needed: bool = True) -> dict[str, list[Row]]:
    """Group the rows of a csv by picture, in its order."""
    if not path.is_file():
        if not needed:
            return {}
        raise UserError(f"{path}: no such file; the detector needs it")
    out: dict[str, list[Row]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            out.setdefault(row["name"], []).append(row)
    return out


def _boxes(rows: list[Row]) -> np.ndarray:
    """Boxes (n, 4) of the rows that have one."""
    keys = ("xmin", "ymin", "xmax", "ymax")
    return np.array([[float(row[key]) for key in keys] for row in rows if row["xmin"]], np.float32).reshape(
        -1, 4
    )


def _decoded(content: bytes, name: str) -> np.ndarray:
    """Decode a picture (h, w, 3), BGR uint8."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise UserError(f"{name} is not a readable picture")
    return image
