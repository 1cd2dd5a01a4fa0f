"""Data sets in the form of the real ones, painted from the composite portraits of the sample scene."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.inference.align import TEMPLATE, similarity
from edge.scene.portraits import Portrait, load_portraits
from edge.types import Floats, Image
from models_tflite.training.datasets import FERPLUS_VOTES, SET_SHIFT
from models_tflite.training.detector.items import WITHOUT_PEOPLE

BAND_YEARS = {"0-17": 9, "18-24": 21, "25-34": 30, "35-44": 40, "45-54": 50, "55-64": 60, "65+": 72}
VOTE = {"neutral": "neutral", "happy": "happiness"}
POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
Row = dict[str, str | int | float]


def paint(folder: Path, *, pictures: int = 72, seed: int = 1) -> Path:
    """Write utkface, fer, faces and landmarks, ``pictures`` each, a quarter of them val; returns the folder."""
    draw = np.random.default_rng(seed)
    for name, make in (("utkface", _utkface), ("fer", _fer), ("faces", _faces), ("landmarks", _landmarks)):
        rows: list[Row] = []
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for index in range(pictures):
                member = load_portraits()[index % len(load_portraits())]
                image, found = make(member, draw)
                file = f"{index:05}.png"
                archive.writestr(file, cv2.imencode(".png", image)[1].tobytes())
                split = {} if name == "landmarks" else {"split": "val" if index % 4 == 0 else "train"}
                rows += [{"name": file, **split, **row} for row in found]
        _write(folder / f"{name}.csv", rows)
    return folder


def paint_people(folder: Path, *, pictures: int = 48, seed: int = 2) -> None:
    """Write what the detector of people and faces needs beside ``paint``: faces2, person and their further labels."""
    draw = np.random.default_rng(seed)
    for name in ("faces2", "person"):
        rows: list[Row] = []
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for index in range(pictures):
                image, found = _faces(load_portraits()[0], draw)
                file = f"{name}-{index:05}.png"
                archive.writestr(file, cv2.imencode(".png", image)[1].tobytes())
                split = "val" if index % 4 == 0 else "train"
                label = {"source": "shop", "label": "teacher" if index % 3 == 0 else "hand", "score": 0.9}
                marked = found if name == "faces2" else [_body(row) for row in found]
                rows += [{"name": file, "split": split, **row, **label} for row in marked]
        _write(folder / f"{name}.csv", rows)
        unsure: Row = {"xmin": 0, "ymin": 0, "xmax": 9, "ymax": 9, "score": 0.3}
        _write(folder / f"{name}_ignore.csv", [{"name": f"{name}-00001.png", **unsure}])
    with (folder / "faces.csv").open(newline="") as faces:
        people = [{**_body(dict(row)), "score": 0.8} for row in csv.DictReader(faces)]
    _write(folder / "faces_person.csv", people)
    seen: Row = {"name": "", "xmin": "", "ymin": "", "xmax": "", "ymax": ""}
    _write(folder / "faces2_teacher.csv", [seen])
    (folder / WITHOUT_PEOPLE).write_text("")  # somebody is on every picture


def _body(face: Row) -> Row:
    """Where the person of a painted face would be."""
    left, top, right, bottom = (float(face[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
    wide, tall = right - left, bottom - top
    return face | {"xmin": left - wide / 2, "xmax": right + wide / 2, "ymax": bottom + 3 * tall}


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def _wall(draw: np.random.Generator, height: int, width: int) -> Image:
    coarse = draw.integers(40, 220, (4, 5, 3)).astype(np.uint8)
    wall = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    return np.asarray(np.clip(wall + draw.normal(0, 6, wall.shape), 0, 255), np.uint8)


def _put(canvas: Image, member: Portrait, matrix: Floats) -> Floats:
    """Lay a portrait through ``matrix`` (2, 3) onto the canvas; returns its landmarks (5, 2) there."""
    moved = cv2.warpAffine(member.picture, matrix, canvas.shape[1::-1])
    alpha = moved[..., 3:].astype(np.float32) / 255
    canvas[:] = (canvas * (1 - alpha) + moved[..., :3] * alpha).astype(np.uint8)
    return np.asarray(member.landmarks @ matrix[:, :2].T + matrix[:, 2], np.float32)


def _aligned(member: Portrait, draw: np.random.Generator, side: int, shift: float) -> Image:
    canvas = _wall(draw, side, side)
    jitter = draw.normal(0, 0.02 * side, (5, 2))
    onto = similarity(member.landmarks, side)
    onto[1, 2] -= shift * side
    onto[:, 2] += jitter.mean(0)
    _put(canvas, member, onto)
    return canvas


def _utkface(member: Portrait, draw: np.random.Generator) -> tuple[Image, list[Row]]:
    age = BAND_YEARS[member.age_band] + int(draw.integers(-3, 4))
    image = _aligned(member, draw, 112, SET_SHIFT["utkface"])
    return image, [{"age": age, "gender": member.gender, "race": int(draw.integers(0, 5))}]


def _fer(member: Portrait, draw: np.random.Generator) -> tuple[Image, list[Row]]:
    image = cv2.cvtColor(_aligned(member, draw, 48, SET_SHIFT["fer"]), cv2.COLOR_BGR2GRAY)
    votes = dict.fromkeys((*FERPLUS_VOTES, "unknown", "nf"), 0) | {VOTE[member.expression]: 8, "sadness": 2}
    return np.asarray(image), [{"fer2013": member.expression, **votes}]


def _faces(_: Portrait, draw: np.random.Generator) -> tuple[Image, list[Row]]:
    height, width = 312, 416
    canvas = _wall(draw, height, width)
    rows: list[Row] = []
    for left in _places(draw, width):
        member = load_portraits()[int(draw.integers(len(load_portraits())))]
        side = float(draw.uniform(30, 90))
        scale = side / member.side
        matrix = np.array([[scale, 0, left], [0, scale, draw.uniform(0, height - side)]], np.float32)
        points = _put(canvas, member, matrix)
        middle, eyes = points.mean(0), float(np.linalg.norm(points[1] - points[0]))
        low, high = middle - np.array([1.1, 1.2]) * eyes, middle + np.array([1.1, 1.4]) * eyes
        box = {"xmin": low[0], "ymin": low[1], "xmax": high[0], "ymax": high[1]}
        rows.append(
            {"width": width, "height": height}
            | {k: round(float(v), 1) for k, v in box.items()}
            | {"mask": "without"}
        )
    return canvas, rows


def _places(draw: np.random.Generator, width: int) -> Iterator[float]:
    count = int(draw.integers(1, 4))
    for index in range(count):
        yield index * width / count + float(draw.uniform(0, 20))


def _landmarks(member: Portrait, draw: np.random.Generator) -> tuple[Image, list[Row]]:
    side = 80
    canvas = _wall(draw, side, side)
    template: Sequence[float] = (TEMPLATE * 32 + [24, 28] + draw.normal(0, 1, 2)).ravel().tolist()
    wanted = np.array(template, np.float32).reshape(5, 2)
    scale = float(
        np.linalg.norm(wanted[1] - wanted[0]) / np.linalg.norm(member.landmarks[1] - member.landmarks[0])
    )
    shift = wanted[0] - scale * member.landmarks[0]
    points = _put(canvas, member, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32))
    row: Row = {"source": "painted"}
    for name, (x, y) in zip(POINTS, points.tolist(), strict=True):
        row |= {f"{name}_x": round(x, 2), f"{name}_y": round(y, 2)}
    return canvas, [row]
