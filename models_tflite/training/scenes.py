"""Random training pictures for the detector, made from scenes, patches and painted decoys."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models_tflite.training.negatives import paint
from models_tflite.training.teacher import Labelled

HEIGHT, WIDTH = 256, 320
"""Input of the detector, pixels."""

SMALLEST = 6.0
"""Smaller faces, in input pixels, are ignored in the loss: found or not, both are accepted."""

FLIPPED = [1, 0, 2, 4, 3]


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: image (HEIGHT, WIDTH, 3) uint8; boxes (n, 4); landmarks (n, 5, 2), NaN unknown; ignored (m, 4)."""

    image: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray
    ignored: np.ndarray


def warp(item: Labelled, matrix: np.ndarray, width: int = WIDTH, height: int = HEIGHT) -> Sample:
    """Move a picture and its labels by an affine map (2, 3), possibly mirrored."""
    fill = [int(v) for v in np.random.randint(0, 256, 3)] if np.random.rand() < 0.5 else [128, 128, 128]
    shrink = float(np.hypot(matrix[1, 0], matrix[1, 1]))
    source = item.image
    if shrink < 0.6:  # average before sampling, as the device's resize does
        sigma = 0.4 / shrink
        source = cv2.GaussianBlur(source, (0, 0), sigma)
    image = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=fill)

    def move(points: np.ndarray) -> np.ndarray:
        return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])

    def move_boxes(boxes: np.ndarray) -> np.ndarray:
        # a face fills the ellipse in its box, not the corners: bound the turned ellipse
        centres = move((boxes[:, :2] + boxes[:, 2:]) / 2)
        halves = np.sqrt(((boxes[:, 2:] - boxes[:, :2]) / 2) ** 2 @ (matrix[:, :2] ** 2).T)
        return np.concatenate([centres - halves, centres + halves], 1)

    boxes, ignored = move_boxes(item.boxes), move_boxes(item.ignored)
    landmarks = move(item.landmarks)
    if np.linalg.det(matrix[:, :2]) < 0:
        landmarks = landmarks[:, FLIPPED]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centres > 0) & (centres < [width, height])).all(1)
    # a box cut by the border keeps only its visible part
    boxes = np.clip(boxes, 0, [width, height, width, height])
    small = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) < SMALLEST
    ignored = np.concatenate([ignored, boxes[inside & small]])
    keep = inside & ~small
    return Sample(image, boxes[keep], landmarks[keep], ignored)


def random_view(item: Labelled, width: int = WIDTH, height: int = HEIGHT) -> Sample:
    """Cut a view of a scene at a random zoom, so that the sizes of a chosen face are spread evenly over octaves."""
    rows, columns = item.image.shape[:2]
    fit = min(width / columns, height / rows)
    if np.random.rand() < 0.4 or not len(item.boxes):
        scale, cx, cy = fit * np.exp(np.random.uniform(-0.2, 0.35)), columns / 2, rows / 2
    else:
        box = item.boxes[np.random.randint(len(item.boxes))]
        side = float(np.sqrt(max(4.0, (box[2] - box[0]) * (box[3] - box[1]))))
        wanted = np.exp(np.random.uniform(np.log(9), np.log(0.55 * height)))
        scale = float(np.clip(wanted / side, fit * 0.7, 3.5))
        cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    # the chosen point may be anywhere in the view, but the picture fills the view if possible
    goal = np.array([width, height]) * np.random.uniform(0.1, 0.9, 2)
    span = np.array([columns, rows]) * scale
    left_top = goal - np.array([cx, cy]) * scale
    slack = np.array([width, height]) - span
    left_top = np.clip(left_top, np.minimum(0, slack), np.maximum(0, slack))
    stretch = np.exp(np.random.uniform(-0.08, 0.08))
    matrix = np.array([[scale * stretch, 0, left_top[0]], [0, scale, left_top[1]]], np.float32)
    if np.random.rand() < 0.5:
        matrix[0] = [-matrix[0, 0], 0, width - left_top[0]]
    if np.random.rand() < 0.45:
        matrix = tilted(matrix, goal, spread=16)
    return warp(item, matrix, width, height)


def tilted(matrix: np.ndarray, centre: np.ndarray, spread: float) -> np.ndarray:
    """Add a rotation about a point of the view to the map, because heads tilt. ``spread`` in degrees."""
    angle = float(np.clip(np.random.normal(0, spread), -45, 45))
    turn = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, 1.0)
    return np.asarray(turn @ np.vstack([matrix, [0, 0, 1]]), np.float32)


def joined(parts: list[tuple[int, int, Sample]]) -> Sample:
    """Join views (left, top, sample) side by side on one canvas."""
    canvas = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    boxes, landmarks, ignored = [], [], []
    for left, top, part in parts:
        rows, columns = part.image.shape[:2]
        canvas[top : top + rows, left : left + columns] = part.image
        offset = np.array([left, top])
        boxes.append(part.boxes + np.tile(offset, 2))
        landmarks.append(part.landmarks + offset)
        ignored.append(part.ignored + np.tile(offset, 2))
    return Sample(canvas, np.concatenate(boxes), np.concatenate(landmarks), np.concatenate(ignored))


def mosaic(items: list[Labelled]) -> Sample:
    """Join four views around a random point: small faces without an empty canvas (Bochkovskiy et al. 2020)."""
    x, y = int(WIDTH * np.random.uniform(0.35, 0.65)), int(HEIGHT * np.random.uniform(0.35, 0.65))
    cells = [(0, 0, x, y), (x, 0, WIDTH - x, y), (0, y, x, HEIGHT - y), (x, y, WIDTH - x, HEIGHT - y)]
    return joined(
        [
            (left, top, random_view(items[np.random.randint(len(items))], width, height))
            for left, top, width, height in cells
        ]
    )


def patchwork(items: list[Labelled]) -> Sample:
    """Join small pictures of single faces side by side, each at a different zoom."""
    cell = int(np.random.choice([64, 80, 128]))
    parts = []
    for top in range(0, HEIGHT, cell):
        for left in range(0, WIDTH, cell):
            item = items[np.random.randint(len(items))]
            width, height = min(cell, WIDTH - left), min(cell, HEIGHT - top)
            zoom = cell / item.image.shape[0] * np.exp(np.random.uniform(-0.1, 0.5))
            sign = np.random.choice([-1.0, 1.0])
            x, y = (item.boxes[0, :2] + item.boxes[0, 2:]) / 2
            goal = np.array([width, height]) * np.random.uniform(0.35, 0.65, 2)
            matrix = np.array(
                [[sign * zoom, 0, goal[0] - sign * zoom * x], [0, zoom, goal[1] - zoom * y]], np.float32
            )
            matrix = tilted(matrix, goal, spread=14)
            parts.append((left, top, warp(item, matrix, width, height)))
    return joined(parts)


def with_decoy(sample: Sample) -> Sample:
    """Draw a pattern where there is no face; the detector must not find it."""
    radius = int(np.exp(np.random.uniform(np.log(8), np.log(85))))
    x, y = np.random.randint(radius, WIDTH - radius), np.random.randint(radius, HEIGHT - radius)
    taken = np.concatenate([sample.boxes, sample.ignored])
    low, high = np.array([x, y]) - 1.5 * radius, np.array([x, y]) + 1.5 * radius
    if len(taken) and ((taken[:, :2] < high) & (taken[:, 2:] > low)).all(1).any():
        return sample
    return Sample(paint(sample.image, x, y, radius), sample.boxes, sample.landmarks, sample.ignored)


def degrade(image: np.ndarray) -> np.ndarray:
    """Add the light, colour, blur, sensor noise and compression of a cheap camera."""
    pixels: np.ndarray = image.astype(np.float32)
    if np.random.rand() < 0.8:
        pixels = (pixels - 128) * np.exp(np.random.normal(0, 0.25)) + 128 + np.random.normal(0, 22)
        pixels *= np.exp(np.random.normal(0, 0.06, 3)).astype(np.float32)
    if np.random.rand() < 0.3:
        pixels = 255 * (np.clip(pixels, 0, 255) / 255) ** np.float32(np.exp(np.random.normal(0, 0.35)))
    if np.random.rand() < 0.12:
        pixels = np.repeat(pixels.mean(2, keepdims=True), 3, 2)
    if np.random.rand() < 0.15:
        pixels = cv2.GaussianBlur(pixels, (0, 0), np.random.uniform(0.4, 1.1))
    if np.random.rand() < 0.2:
        pixels = pixels + np.random.normal(0, np.random.uniform(2, 10), pixels.shape).astype(np.float32)
    out = np.clip(pixels, 0, 255).astype(np.uint8)
    if np.random.rand() < 0.2:
        _, packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(np.random.randint(25, 80))])
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return out


def random_sample(wide: list[Labelled], patches: list[Labelled]) -> Sample:
    """Make one training picture: half are single scenes, the rest mosaics and patchwork; most have decoys."""
    kind = np.random.rand()
    if kind < 0.5:
        sample = random_view(wide[np.random.randint(len(wide))])
    elif kind < 0.75:
        sample = mosaic(wide)
    else:
        sample = patchwork(patches)
    for _ in range(np.random.choice([0, 1, 2, 3], p=[0.4, 0.3, 0.2, 0.1])):
        sample = with_decoy(sample)
    return Sample(degrade(sample.image), sample.boxes, sample.landmarks, sample.ignored)


def letterbox(image: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit the whole picture into the detector's input, top left, grey outside; return the scale too."""
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    canvas = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=interpolation)
    return canvas, scale
