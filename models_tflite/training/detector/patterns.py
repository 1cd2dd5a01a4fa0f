"""Patterns that look like a face but are not one: printed skulls, smileys, masks. Painted, not photographed."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 160
"""Decoys are drawn on a square canvas of this side, then laid into the picture."""

Colour = tuple[float, float, float]


def _grey(low: int, high: int, tint: int = 12) -> Colour:
    base = np.random.randint(low, high)
    a, b, c = (float(np.clip(base + np.random.randint(-tint, tint + 1), 0, 255)) for _ in range(3))
    return a, b, c


def _any() -> Colour:
    a, b, c = (float(v) for v in np.random.randint(0, 256, 3))
    return a, b, c


def _point(x: float, y: float) -> tuple[int, int]:
    """From -1..1 about the middle of the face to canvas pixels."""
    return round(SIDE / 2 + x * SIDE * 0.36), round(SIDE / 2 + y * SIDE * 0.36)


def _blob(
    canvas: np.ndarray, x: float, y: float, rx: float, ry: float, colour: Colour, angle: float = 0.0
) -> None:
    axes = (max(1, round(rx * SIDE * 0.36)), max(1, round(ry * SIDE * 0.36)))
    cv2.ellipse(canvas, _point(x, y), axes, angle, 0, 360, colour, -1, cv2.LINE_AA)


def _shape(canvas: np.ndarray, points: list[tuple[float, float]], colour: Colour) -> None:
    cv2.fillPoly(canvas, [np.array([_point(x, y) for x, y in points], np.int32)], colour, cv2.LINE_AA)


def skull(canvas: np.ndarray) -> None:
    """Draw a skull as printed on shirts: pale bone, deep sockets, a nose hole, rows of teeth."""
    light = np.random.rand() < 0.85
    bone, hole = (_grey(120, 255), _grey(0, 70)) if light else (_grey(0, 80), _grey(140, 255))
    wide = np.random.uniform(0.75, 1.0)
    _blob(canvas, 0, -0.25, wide, np.random.uniform(0.7, 0.9), bone)
    jaw = np.random.uniform(0.4, 0.75)
    drop = np.random.uniform(0.85, 1.3)
    _shape(
        canvas,
        [
            (-wide * 0.85, 0),
            (wide * 0.85, 0),
            (jaw, drop * 0.85),
            (jaw / 2, drop),
            (-jaw / 2, drop),
            (-jaw, drop * 0.85),
        ],
        bone,
    )
    apart, up = np.random.uniform(0.33, 0.48), np.random.uniform(-0.3, 0.05)
    socket, tall = np.random.uniform(0.18, 0.36), np.random.uniform(0.6, 1.2)
    lean = np.random.uniform(-35, 35)
    for side in (-1, 1):
        _blob(canvas, side * apart, up, socket, socket * tall, hole, side * lean)
        if np.random.rand() < 0.5:  # heavy brow
            _shape(
                canvas,
                [
                    (side * (apart - 0.3), up - 0.05),
                    (side * (apart + 0.35), up - 0.4),
                    (side * (apart + 0.3), up - 0.15),
                ],
                hole,
            )
        if np.random.rand() < 0.4:
            _blob(canvas, side * apart, up, socket * 0.25, socket * 0.25, bone)
        if np.random.rand() < 0.6:  # hollow cheeks
            _blob(canvas, side * wide * 0.8, 0.45, 0.18, np.random.uniform(0.25, 0.5), hole, side * 15)
    nose = np.random.uniform(0.08, 0.2)
    _shape(canvas, [(0, up + 0.2), (nose, up + 0.55), (0, up + 0.45), (-nose, up + 0.55)], hole)
    top, bottom = np.random.uniform(0.5, 0.65), np.random.uniform(0.75, 1.0)
    teeth = np.random.randint(4, 10)
    thick = int(np.random.randint(1, 4))
    for x in np.linspace(-jaw * 0.9, jaw * 0.9, teeth):
        cv2.line(canvas, _point(x, top), _point(x * 0.9, bottom), hole, thick, cv2.LINE_AA)
    for y in (top, (top + bottom) / 2, bottom)[: np.random.randint(1, 4)]:
        cv2.line(canvas, _point(-jaw, y), _point(jaw, y), hole, thick, cv2.LINE_AA)
    for _ in range(np.random.randint(0, 5)):  # cracks and hatching
        x, y = np.random.uniform(-0.8, 0.8), np.random.uniform(-0.9, 0.9)
        dx, dy = np.random.uniform(-0.3, 0.3, 2)
        cv2.line(
            canvas, _point(x, y), _point(x + dx, y + dy), hole, int(np.random.randint(1, 3)), cv2.LINE_AA
        )


def smiley(canvas: np.ndarray) -> None:
    paper, ink = _any(), _any()
    if np.random.rand() < 0.8:
        _blob(canvas, 0, 0, 1.0, np.random.uniform(0.95, 1.3), paper)
    apart, up = np.random.uniform(0.3, 0.45), np.random.uniform(0.05, 0.35)
    eye = np.random.uniform(0.08, 0.25)
    for side in (-1, 1):
        _blob(canvas, side * apart, -up, eye, eye * np.random.uniform(0.6, 1.5), ink)
    low, thick = np.random.uniform(0.25, 0.5), int(np.random.randint(2, 7))
    if np.random.rand() < 0.7:
        arc = (0, 180) if np.random.rand() < 0.75 else (180, 360)
        axes = (round(0.45 * SIDE * 0.36), round(np.random.uniform(0.15, 0.4) * SIDE * 0.36))
        cv2.ellipse(canvas, _point(0, low), axes, 0, *arc, ink, thick, cv2.LINE_AA)
    else:
        cv2.line(canvas, _point(-0.4, low), _point(0.4, low), ink, thick, cv2.LINE_AA)


def cloth(canvas: np.ndarray) -> None:
    """Draw a pattern without a face: blobs and bars, as on shirts and shelves."""
    for _ in range(np.random.randint(4, 14)):
        x, y = np.random.uniform(-1, 1, 2)
        rx, ry = np.random.uniform(0.05, 0.4, 2)
        if np.random.rand() < 0.5:
            _blob(canvas, x, y, rx, ry, _any(), np.random.uniform(0, 180))
        else:
            dx, dy = np.random.uniform(-0.6, 0.6, 2)
            cv2.line(
                canvas,
                _point(x, y),
                _point(x + dx, y + dy),
                _any(),
                int(np.random.randint(2, 16)),
                cv2.LINE_AA,
            )


def pattern() -> tuple[np.ndarray, np.ndarray]:
    """Draw a random pattern (SIDE, SIDE, 3) and its opacity (SIDE, SIDE), 0 or 255."""
    canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if np.random.rand() < 0.7:  # the shirt or the poster it is printed on
        canvas[:] = _grey(5, 90) if np.random.rand() < 0.6 else _any()
        cv2.circle(mask, (SIDE // 2, SIDE // 2), SIDE // 2 - 6, (255,), -1)
    else:
        _blob(canvas, 0, 0, 1, 1.2, (0, 0, 0))
        cv2.ellipse(
            mask, (SIDE // 2, SIDE // 2), (round(SIDE * 0.37), round(SIDE * 0.45)), 0, 0, 360, (255,), -1
        )
    kind = np.random.rand()
    (skull if kind < 0.6 else smiley if kind < 0.85 else cloth)(canvas)
    if np.random.rand() < 0.6:  # folds and worn print
        folds = cv2.resize(
            np.random.uniform(0.55, 1.25, (5, 5)).astype(np.float32),
            (SIDE, SIDE),
            interpolation=cv2.INTER_CUBIC,
        )
        canvas = np.clip(canvas * folds[..., None], 0, 255).astype(np.uint8)
    return canvas, mask
