"""The background: a shop with shelves, a window and posters with a drawn face. Drawn, not photographed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from edge.scene.decoys import DecoyKind, DecoyTruth, DrawnDecoy
from edge.scene.hall import draw_hall
from edge.scene.layout import PLAIN, Layout
from edge.scene.walk import LINES
from edge.types import Box, Image

_OPENING_TOP = 48.0


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    """The drawn shop: ``backdrop`` BGR (h, w, 3), which holds all decoys that do not move; ``window``, ``opening`` and
    the places of the decoys in pixels; ``light`` (h, w, 3), where 200 means unchanged."""

    backdrop: Image
    light: Image
    window: Box | None
    opening: Box | None
    decoys: tuple[DecoyTruth, ...]
    moving: tuple[DrawnDecoy, ...]


class Canvas:
    """A canvas whose unit is one line of a picture with 480 lines."""

    def __init__(self, width: int, height: int) -> None:
        self.scale = height / LINES
        self.image = np.full((height, width, 3), 200, np.uint8)

    def point(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.scale), round(y * self.scale)

    def rectangle(self, x1: float, y1: float, x2: float, y2: float, colour: tuple[int, ...]) -> None:
        (left, top), (right, bottom) = self.point(x1, y1), self.point(x2, y2)
        self.image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = colour

    def disc(self, x: float, y: float, rx: float, ry: float, colour: tuple[int, ...]) -> None:
        axes = (max(1, round(rx * self.scale)), max(1, round(ry * self.scale)))
        cv2.ellipse(self.image, self.point(x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA)

    def arc(self, x: float, y: float, rx: float, ry: float, colour: tuple[int, ...], thick: float) -> None:
        axes, width = (round(rx * self.scale), round(ry * self.scale)), max(1, round(thick * self.scale))
        cv2.ellipse(self.image, self.point(x, y), axes, 0, 15, 165, colour, width, cv2.LINE_AA)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, colour: tuple[int, ...], thick: float = 1
    ) -> None:
        width = max(1, round(thick * self.scale))
        cv2.line(self.image, self.point(x1, y1), self.point(x2, y2), colour, width, cv2.LINE_AA)


def draw_shop(seed: int, width: int, height: int, layout: Layout = PLAIN) -> Shop:
    """Draw the shop; the same seed, size and layout give the same shop."""
    rng = np.random.default_rng([seed, 1])
    canvas = Canvas(width, height)
    wide = width / canvas.scale
    _room(canvas, wide, layout.floor)
    window = opening = None
    if layout.window is not None:
        window = (layout.window[0] * wide, 50.0, layout.window[1] * wide, 215.0)
        _window(canvas, rng, *window)
    if layout.opening is not None:
        opening = (layout.opening[0] * wide, _OPENING_TOP, layout.opening[1] * wide, layout.floor)
        draw_hall(canvas.image, canvas.scale, opening, rng, fronts=layout.fronts)
    for left, right, top in layout.shelves:
        _shelf(canvas, rng, left * wide, right * wide, top, layout.floor)
    truths = []
    if layout.smiley is not None:
        truths.append(DecoyTruth(DecoyKind.SMILEY, _smiley(canvas, layout.smiley * wide, 112.0, 30.0)))
    if layout.skull is not None:
        truths.append(DecoyTruth(DecoyKind.SKULL, _skull(canvas, layout.skull * wide, 120.0, 0.036 * wide)))
    # the wall is a little out of focus
    soft = cv2.GaussianBlur(canvas.image, (0, 0), 0.9 * canvas.scale).astype(np.uint8)
    decoys = [DrawnDecoy(decoy, width, height) for decoy in layout.decoys]
    for decoy in decoys:
        if not decoy.moves:
            decoy.paint(soft, 0.0)
    truths += [decoy.truth for decoy in decoys]
    shade = np.hypot((np.arange(width) / width - 0.45)[None], (np.arange(height) / height - 0.45)[:, None])
    glow = np.exp(-((np.arange(width) / width - 0.12) ** 2) / 0.05)[None]
    light = np.clip(200 * (1.04 - 0.28 * shade**2 + 0.10 * glow), 0, 255)
    light3 = np.dstack([light * 1.0, light, light * 0.995]).astype(np.uint8)

    def pixels(sides: tuple[float, float, float, float] | None) -> Box | None:
        return None if sides is None else Box(*(side * canvas.scale for side in sides))

    moving = tuple(decoy for decoy in decoys if decoy.moves)
    return Shop(soft, light3, pixels(window), pixels(opening), tuple(truths), moving)


def _room(canvas: Canvas, wide: float, floor: float) -> None:
    canvas.rectangle(0, 0, wide, 34, (214, 218, 220))
    canvas.rectangle(0, 34, wide, floor, (176, 196, 206))
    for place in range(5):
        x = wide * (0.1 + 0.2 * place)
        canvas.rectangle(x - 26, 10, x + 26, 17, (252, 255, 255))
    rows = np.linspace(0, 1, int(LINES - floor))
    for offset, share in enumerate(rows):
        shade = 118 + 46 * share
        canvas.rectangle(0, floor + offset, wide, floor + offset + 1, (shade * 0.92, shade * 0.97, shade))
    for offset in (0, 14, 34, 64, 108, 168):
        canvas.line(0, floor + offset, wide, floor + offset, (96, 104, 110))
    for place in range(-8, 17):
        canvas.line(
            wide * place / 8, LINES, wide / 2 + (wide * place / 8 - wide / 2) * 0.42, floor, (104, 112, 118)
        )
    canvas.rectangle(0, floor - 8, wide, floor, (90, 104, 116))


def _window(canvas: Canvas, rng: np.random.Generator, x1: float, y1: float, x2: float, y2: float) -> None:
    canvas.rectangle(x1 - 5, y1 - 5, x2 + 5, y2 + 5, (120, 128, 132))
    canvas.rectangle(x1, y1, x2, y2, (236, 228, 214))
    for x in np.arange(x1 + 3, x2 - 16, 19):
        top = y1 + rng.uniform(30, 90)
        shade = int(rng.integers(168, 206))
        canvas.rectangle(x, top, x + rng.uniform(12, 18), y2, (shade, shade - 4, shade - 10))
    canvas.rectangle((x1 + x2) / 2 - 2, y1, (x1 + x2) / 2 + 2, y2, (120, 128, 132))


def _shelf(canvas: Canvas, rng: np.random.Generator, x1: float, x2: float, top: float, floor: float) -> None:
    """Draw shelf boards with packages, bottles and tins."""
    canvas.rectangle(x1 - 4, top - 6, x2 + 4, floor, (96, 110, 124))
    heights = np.linspace(top, floor - 6, 6)
    for upper, lower in pairwise(heights):
        canvas.rectangle(x1, upper, x2, lower, (70, 80, 90))
        x = x1 + 2
        while x < x2 - 12:
            kind, span = rng.integers(3), float(rng.uniform(9, 17))
            colour = tuple(int(c) for c in rng.integers(40, 225, 3))
            pale = tuple(min(255, c + 60) for c in colour)
            tall = float(rng.uniform(0.55, 0.85)) * (lower - upper)
            for _ in range(int(rng.integers(2, 5))):
                if x + span > x2 - 2:
                    break
                board = lower - 4
                canvas.rectangle(x, board - tall, x + span - 1.5, board, colour)
                canvas.rectangle(x + 1, board - 0.6 * tall, x + span - 2.5, board - 0.3 * tall, pale)
                if kind == 0:
                    canvas.rectangle(x, board - tall, x + 0.3 * span, board - 0.7 * tall, (70, 80, 90))
                    canvas.rectangle(
                        x + 0.65 * span, board - tall, x + span, board - 0.7 * tall, (70, 80, 90)
                    )
                elif kind == 1:
                    canvas.disc(x + span / 2, board - tall, span / 2 - 1, 2.5, pale)
                x += span
            x += float(rng.uniform(1, 5))
        canvas.rectangle(x1, lower - 4, x2, lower, (168, 178, 186))


def _smiley(canvas: Canvas, x: float, y: float, size: float) -> Box:
    """Draw a poster with a cartoon face."""
    canvas.rectangle(x - 1.35 * size, y - 1.6 * size, x + 1.35 * size, y + 2.0 * size, (60, 70, 80))
    canvas.rectangle(x - 1.25 * size, y - 1.5 * size, x + 1.25 * size, y + 1.9 * size, (244, 246, 240))
    canvas.disc(x, y, size, size, (40, 190, 248))
    for side in (-1, 1):
        canvas.disc(x + side * 0.36 * size, y - 0.25 * size, 0.11 * size, 0.17 * size, (30, 30, 30))
    canvas.arc(x, y + 0.1 * size, 0.55 * size, 0.5 * size, (30, 30, 30), 0.09 * size)
    for line in (1.25, 1.5, 1.7):
        canvas.rectangle(
            x - 0.8 * size, y + line * size, x + 0.8 * size, y + (line + 0.1) * size, (90, 80, 170)
        )
    return Box(*((value * canvas.scale) for value in (x - size, y - size, x + size, y + size)))


def _skull(canvas: Canvas, x: float, y: float, size: float) -> Box:
    """Draw a skull, as on toys and shirts: eyes, nose and teeth are in the places of a face."""
    canvas.rectangle(x - 1.3 * size, y - 1.4 * size, x + 1.3 * size, y + 1.6 * size, (40, 36, 36))
    canvas.disc(x, y - 0.1 * size, 0.85 * size, 0.9 * size, (226, 230, 232))
    canvas.rectangle(x - 0.5 * size, y + 0.5 * size, x + 0.5 * size, y + 1.15 * size, (226, 230, 232))
    for side in (-1, 1):
        canvas.disc(x + side * 0.36 * size, y, 0.24 * size, 0.27 * size, (40, 36, 36))
    canvas.disc(x, y + 0.4 * size, 0.1 * size, 0.16 * size, (40, 36, 36))
    for tooth in (-0.25, 0.0, 0.25):
        canvas.line(
            x + tooth * size, y + 0.7 * size, x + tooth * size, y + 1.1 * size, (40, 36, 36), 0.08 * size
        )
    return Box(*((value * canvas.scale) for value in (x - size, y - size, x + size, y + 1.2 * size)))
