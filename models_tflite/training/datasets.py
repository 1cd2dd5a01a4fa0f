"""Data sets on disk: ``SET.zip`` with the pictures, ``SET.csv`` with one row for each face.

A chain that trains on its own data, with consent, uses a folder of the same form. No data is ever copied into the
project.
"""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.errors import UserError
from common.vocabulary import EXPRESSIONS

COLUMNS = {
    "utkface": ("name", "age", "gender", "race"),
    "fer": ("name", "fer2013"),
    "faces": ("name", "width", "height", "xmin", "ymin", "xmax", "ymax", "mask"),
    "faces2": ("name", "width", "height", "xmin", "ymin", "xmax", "ymax", "source"),
    "person": ("name", "width", "height", "xmin", "ymin", "xmax", "ymax", "source", "label"),
    "landmarks": ("name", "source", "left_eye_x", "mouth_right_y"),
}

HELD_OUT = 10
"""Every tenth face of ``landmarks``, a set without splits, is not used for training, but to measure the landmarks."""

FER2013_LABELS = ("neutral", "happy", "sad", "angry", "surprise", "fear", "disgust")
"""The labels of the csv, in the order of our :data:`EXPRESSIONS`."""

FERPLUS_VOTES = ("neutral", "happiness", "sadness", "anger", "surprise", "fear", "disgust", "contempt")
"""FER+ vote columns; the first seven in the order of our :data:`EXPRESSIONS`, then the eighth class."""

SET_SHIFT = {"utkface": 0.0, "fer": -0.095}
"""Vertical shift, in crop sides, that brings each pre-cropped set onto the device's landmark template.

Measured with the teacher on 600 faces of each set: the median eyes and mouth are at 0.288 and 0.666 of the side on
utkface (which is the template) and at 0.390 and 0.732 on fer; the eye distances agree within 4 %.
"""

assert len(FER2013_LABELS) == len(EXPRESSIONS)

FLIPPED = [1, 0, 2, 4, 3]
"""The order of a face's five points in its mirror image."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture of ``faces`` with its ground truth: ``boxes`` (n, 4) as x1, y1, x2, y2 in pixels."""

    name: str
    width: int
    height: int
    boxes: np.ndarray
    masks: tuple[str, ...]


class DataSet:
    """One named set in a folder, optionally reduced to one split.

    A set without a ``split`` column is used as a whole. Raises ``UserError`` when a file or column is missing.
    """

    def __init__(self, folder: Path, name: str, split: str | None = None) -> None:
        self.name, self.folder, self.split = name, folder, split
        self.csv_path, self.zip_path = folder / f"{name}.csv", folder / f"{name}.zip"
        for path in (self.csv_path, self.zip_path):
            if not path.is_file():
                raise UserError(
                    f"{path}: no such file; give the folder that contains {name}.zip and {name}.csv"
                )
        with self.csv_path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        missing = [column for column in COLUMNS[name] if not rows or column not in rows[0]]
        if missing:
            raise UserError(f"{self.csv_path}: column {missing[0]!r} is missing or the file is empty")
        if split is not None and "split" in rows[0]:
            rows = [row for row in rows if row["split"] == split]
            if not rows:
                raise UserError(f"{self.csv_path}: no row of split {split!r}")
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def digest(self) -> str:
        """Return the SHA-256 of the csv, which lists every picture and label of the training."""
        return hashlib.sha256(self.csv_path.read_bytes()).hexdigest()

    def images(self, names: Iterable[str] | None = None, *, grey: bool = False) -> Iterator[np.ndarray]:
        """Decode pictures in order: BGR uint8 (h, w, 3), or (h, w) when ``grey``."""
        flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
        with zipfile.ZipFile(self.zip_path) as archive:
            inside = {Path(entry).name: entry for entry in archive.namelist()}
            for name in names if names is not None else (row["name"] for row in self.rows):
                if name not in inside:
                    raise UserError(f"{self.zip_path}: picture {name} of the csv is not in the archive")
                image = cv2.imdecode(np.frombuffer(archive.read(inside[name]), np.uint8), flag)
                if image is None:
                    raise UserError(f"{self.zip_path}: {name} is not a readable picture")
                yield image

    def stack(self, side: int, *, grey: bool = False) -> np.ndarray:
        """Return all pictures as one uint8 array (n, side, side[, 3])."""
        shape = (len(self), side, side) if grey else (len(self), side, side, 3)
        out = np.empty(shape, np.uint8)
        for index, image in enumerate(self.images(grey=grey)):
            shrink = image.shape[0] > side
            out[index] = cv2.resize(
                image, (side, side), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
            )
        return out

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


def scenes(data: DataSet) -> list[Scene]:
    """Group the pictures of ``faces`` with their boxes, in csv order."""
    grouped: dict[str, list[dict[str, str]]] = {}
    for row in data.rows:
        grouped.setdefault(row["name"], []).append(row)
    out = []
    for name, rows in grouped.items():
        faces = [row for row in rows if row["xmin"]]
        boxes = [[float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax")] for row in faces]
        out.append(
            Scene(
                name,
                int(rows[0]["width"]),
                int(rows[0]["height"]),
                np.array(boxes, np.float32).reshape(-1, 4),
                tuple(row["mask"] for row in faces),
            )
        )
    return out


def landmark_points(data: DataSet) -> np.ndarray:
    """Return five points per face (n, 5, 2) in pixels: eyes, nose, mouth corners; left means left in the picture."""
    keys = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
    points = [[[float(row[f"{key}_{axis}"]) for axis in "xy"] for key in keys] for row in data.rows]
    return np.array(points, np.float32)


def vote_shares(data: DataSet) -> tuple[np.ndarray, np.ndarray]:
    """Return FER+ votes as soft targets (n, 7), and the share (n,) of the ten annotators who voted for them.

    A single vote for a class is an outlier and is removed, as in Barsoum et al. 2016, who showed that training on the
    distribution of votes is better than on a single label.
    """
    votes = np.array([[float(row.get(column) or 0) for column in FERPLUS_VOTES[:7]] for row in data.rows])
    votes[votes <= 1] = 0
    total = votes.sum(1)
    return (votes / np.maximum(total, 1)[:, None]).astype(np.float32), (total / 10).astype(np.float32)


def majority_votes(data: DataSet) -> np.ndarray:
    """Return the FER+ class (n,) that most annotators chose, -1 for a tie or a class outside the eight."""
    columns = (*FERPLUS_VOTES, "unknown", "nf")
    votes = np.array([[float(row.get(column) or 0) for column in columns] for row in data.rows])
    majority = votes.argmax(1)
    clear = (majority < len(FERPLUS_VOTES)) & ((votes == votes.max(1, keepdims=True)).sum(1) == 1)
    return np.where(clear, majority, -1)


def select(values: Sequence[str], vocabulary: Sequence[str]) -> np.ndarray:
    """Return the indices (n,) of the values in the vocabulary; raises ``ValueError`` on an unknown value."""
    return np.array([vocabulary.index(value) for value in values], np.int64)
