"""Make the people of the sample scene: ``python -m models_tflite.training.portraits --data DIR --out edge/scene``.

Every person is the average of many faces, in shape and in colour, and shows no existing person. Galton's composite
portraits are blurred because photographs overlap only at the eyes. Here the sources are first moved onto their mean
shape by five landmarks, and then averaged as ``composite.py`` says.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.inference.align import similarity
from models_tflite.training.composite import (
    CENTRE,
    SIDE,
    affine,
    average,
    bent_onto_mean,
    face_only,
    grey,
    likeness,
    structure,
    warp,
)
from models_tflite.training.datasets import DataSet
from models_tflite.training.teacher import Teacher, teacher

SOURCES = 16
"""Faces in one average."""

NOTE = (
    "Composite portraits: every picture is an equal average of many aligned faces and shows no existing person. "
    "Made by models_tflite/training/portraits.py; no picture, label or file of the source set is part of this project."
)

EYES, MOUTH = slice(0, 2), slice(3, 5)


@dataclass(frozen=True, slots=True)
class Member:
    """A person to make: ``ages`` are the first and last year used, ``tone`` is the skin from dark, 0, to light, 1."""

    gender: str
    age_band: str
    ages: tuple[int, int]
    expression: str
    tone: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.gender}-{self.age_band}-{self.expression}".replace("+", "plus")


CAST = (
    Member("female", "0-17", (7, 13), "neutral", 0.6, 37),
    Member("female", "18-24", (18, 21), "happy", 0.8, 2),
    Member("female", "18-24", (18, 22), "neutral", 0.3, 41),
    Member("female", "25-34", (29, 33), "neutral", 0.9, 21),
    Member("female", "25-34", (27, 32), "happy", 0.1, 22),
    Member("female", "35-44", (40, 45), "happy", 0.4, 59),
    Member("female", "45-54", (56, 62), "happy", 0.6, 24),
    Member("female", "55-64", (60, 68), "happy", 0.8, 44),
    Member("female", "65+", (72, 95), "neutral", 0.6, 45),
    Member("male", "0-17", (9, 15), "happy", 0.6, 28),
    Member("male", "18-24", (18, 22), "neutral", 0.7, 47),
    Member("male", "25-34", (27, 32), "neutral", 0.9, 30),
    Member("male", "25-34", (25, 30), "happy", 0.2, 31),
    Member("male", "35-44", (40, 45), "neutral", 0.5, 50),
    Member("male", "35-44", (37, 42), "happy", 0.1, 51),
    Member("male", "45-54", (50, 56), "neutral", 0.7, 25),
    Member("male", "55-64", (60, 65), "neutral", 0.4, 71),
    Member("male", "65+", (74, 95), "neutral", 0.6, 72),
)
"""An average looks younger than its sources, because wrinkles disappear first. So the years of the older people are
high in the band or just above it; the label is the age that the picture shows. A few seeds were tried, and those whose
picture shows band and expression clearly were taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One face of the set: ``landmarks`` (5, 2) in its pixels, ``shape`` the same upright in picture sides."""

    image: np.ndarray
    aligned: np.ndarray
    landmarks: np.ndarray
    shape: np.ndarray

    @property
    def eye_distance(self) -> float:
        return float(self.shape[1, 0] - self.shape[0, 0])

    @property
    def frontal(self) -> bool:
        """Whether the nose is under the middle of the eyes and above the middle of the mouth."""
        middle = self.shape[EYES, 0].mean(), self.shape[MOUTH, 0].mean()
        return all(abs(self.shape[2, 0] - x) < 0.1 * self.eye_distance for x in middle)

    @property
    def coloured(self) -> bool:
        return float(np.median(cv2.cvtColor(self.aligned, cv2.COLOR_BGR2HSV)[..., 1][CENTRE])) >= 25

    @property
    def lightness(self) -> float:
        return float(np.median(cv2.cvtColor(self.aligned, cv2.COLOR_BGR2LAB)[..., 0][CENTRE]))

    @property
    def sharpness(self) -> float:
        return float(cv2.Laplacian(cv2.GaussianBlur(grey(self.aligned), (0, 0), 1), cv2.CV_32F)[CENTRE].std())

    @property
    def bridge(self) -> float:
        """Horizontal edges between the eyes: large where glasses are worn."""
        x, y = (self.shape[EYES].mean(0) * SIDE).astype(int)
        edges = cv2.Sobel(grey(self.aligned), cv2.CV_32F, 0, 1)
        return float(np.abs(edges[y - 8 : y + 10, x - 8 : x + 9]).mean())

    @property
    def mouth_width(self) -> float:
        return float(self.shape[4, 0] - self.shape[3, 0]) / self.eye_distance

    @property
    def mouth_height(self) -> float:
        """How close the corners of the mouth are to the tip of the nose."""
        return float(self.shape[2, 1] - self.shape[MOUTH, 1].mean()) / self.eye_distance

    @property
    def teeth(self) -> float:
        """How much the brightest part between the lips is brighter than the skin."""
        lightness = cv2.cvtColor(self.aligned, cv2.COLOR_BGR2LAB)[..., 0]
        x, y = (self.shape[MOUTH].mean(0) * SIDE).astype(int)
        return float(np.percentile(lightness[y - 4 : y + 10, x - 11 : x + 12], 90)) - self.lightness


def usable(data: DataSet, labeller: Teacher, member: Member, limit: int = 700) -> Iterator[Source]:
    """Yield frontal faces in colour of the member's gender and years, in a random order from the seed."""
    low, high = member.ages
    rows = [row for row in data.rows if row["gender"] == member.gender and low <= int(row["age"]) <= high]
    order = np.random.default_rng(member.seed).permutation(len(rows))[:limit]
    margin = 24  # the set's faces fill their picture; the teacher needs a border around them
    for image in data.images(rows[index]["name"] for index in order):
        around = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        _, points, scores = labeller.faces(around, 1.0)
        if not len(scores) or scores.max() < 0.88:
            continue
        landmarks = (points[scores.argmax()] - margin).astype(np.float32)
        matrix = similarity(landmarks, SIDE)
        shape = (landmarks @ matrix[:, :2].T + matrix[:, 2]) / SIDE
        source = Source(image, warp(image, matrix), landmarks, shape)
        if source.frontal and source.coloured:
            yield source


def better_part(sources: list[Source], dropped: float, value: Callable[[Source], float]) -> list[Source]:
    """Return the sources without the share ``dropped`` that has the smallest values."""
    return sorted(sources, key=value)[int(dropped * len(sources)) :]


def by_smile(sources: list[Source]) -> list[Source]:
    """Sort from the least to the most smiling: a wide mouth, high corners, bright teeth."""
    signs = np.array([[source.mouth_width, source.mouth_height, source.teeth] for source in sources])
    order = signs.argsort(0).argsort(0).sum(1).argsort()
    return [sources[index] for index in order]


def choose(sources: list[Source], member: Member) -> list[Source]:
    """Choose sharp faces of one expression and a similar tone; of these the most typical; of these some by the seed.

    The origin labels of the set are not used: lightness alone keeps the skin of one member even.
    """
    sources = better_part(sources, 0.3, lambda source: source.sharpness)
    sources = better_part(sources, 0.3, lambda source: -source.bridge)
    ranked = by_smile(sources)
    sources = (
        ranked[len(ranked) * 6 // 10 :] if member.expression == "happy" else ranked[: len(ranked) * 3 // 10]
    )
    sources.sort(key=lambda source: source.lightness)
    start = int(np.clip(member.tone * len(sources) - 1.5 * SOURCES, 0, max(0, len(sources) - 3 * SOURCES)))
    sources = sources[start : start + 3 * SOURCES]
    for _ in range(3):  # the median face is more stable without strange light, glasses and hands
        middle = np.median([structure(source.aligned)[CENTRE] for source in sources], 0)
        sources.sort(key=lambda s: -np.corrcoef(structure(s.aligned)[CENTRE], middle)[0, 1])
        sources = sources[: int(1.6 * SOURCES)]
    order = np.random.default_rng(member.seed).permutation(len(sources))[:SOURCES]
    if len(order) < SOURCES:
        raise SystemExit(f"{member.name}: only {len(order)} suitable faces in the set, {SOURCES} are needed")
    return [sources[index] for index in order]


def common_shape(sources: list[Source]) -> np.ndarray:
    """Return the mean landmarks (5, 2) in pixels of the member's picture, symmetric left and right."""
    mean = np.mean([source.shape for source in sources], 0) * SIDE
    mirrored = np.c_[SIDE - mean[[1, 0, 2, 4, 3], 0], mean[[1, 0, 2, 4, 3], 1]]
    return (mean + mirrored) / 2


def overlaid(sources: list[Source], landmarks: np.ndarray) -> list[np.ndarray]:
    """Bring the sources to one shape, colour and contrast: float32 (SIDE, SIDE, 3), ready to be averaged."""
    pictures = [
        warp(source.image, affine(source.landmarks, landmarks)).astype(np.float32) for source in sources
    ]
    means = [picture[CENTRE].mean(0) for picture in pictures]
    spreads = [picture[CENTRE].std(0) for picture in pictures]
    colour, contrast = np.median(means, 0), np.median(spreads, 0)
    even = [
        ((picture - mean) / spread * contrast + colour).astype(np.float32)
        for picture, mean, spread in zip(pictures, means, spreads, strict=True)
    ]
    return bent_onto_mean(even)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How similar a composite is to real faces, as correlations; a picture has 1 with itself.

    ``own_share`` is the largest effect of a single source: its likeness to the composite minus its likeness to the
    composite of all others. A small value means that the composite does not show any source's face.
    """

    nearest_source: float
    nearest_stranger: float
    own_share: float


def measure(
    picture: np.ndarray, pictures: list[np.ndarray], used: list[Source], others: list[Source]
) -> Likeness:
    shares = [
        likeness(one, picture) - likeness(one, average(pictures[:index] + pictures[index + 1 :]))
        for index, one in enumerate(pictures)
    ]
    return Likeness(
        max(likeness(picture, source.aligned) for source in used),
        max(likeness(picture, source.aligned) for source in others),
        max(shares),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with utkface.zip, utkface.csv and teacher/"
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    data, labeller = DataSet(arguments.data, "utkface", "train"), teacher(arguments.data)
    lines = [f'note = "{NOTE}"', f"side = {SIDE}"]
    for member in CAST:
        found = list(usable(data, labeller, member))
        used = choose(found, member)
        landmarks = common_shape(used)
        pictures = overlaid(used, landmarks)
        picture = average(pictures).astype(np.uint8)
        content = cv2.imencode(".png", face_only(picture), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
        (arguments.out / f"{member.name}.png").write_bytes(content)
        near = measure(picture, pictures, used, [source for source in found if source not in used])
        lines += [
            "",
            "[[portrait]]",
            f'name = "{member.name}"',
            f'file = "{member.name}.png"',
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
            f'gender = "{member.gender}"',
            f'age_band = "{member.age_band}"',
            f'expression = "{member.expression}"',
            f"sources = {len(used)}",
            f"source_ages = {list(member.ages)}",
            f"seed = {member.seed}",
            f"landmarks = {[[round(float(x), 1), round(float(y), 1)] for x, y in landmarks]}",
            f"nearest_source = {near.nearest_source:.2f}",
            f"nearest_stranger = {near.nearest_stranger:.2f}",
            f"own_share = {near.own_share:.3f}",
        ]
        print(f"{member.name:24s} {len(content) // 1024:3d} KiB  {near}", flush=True)
    (arguments.out / "portraits.toml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
