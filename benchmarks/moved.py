"""``python -m benchmarks.moved [--clips DIR]``: whether a camera that is moved is noticed, and nothing else is.

Sample scenes and clips are played twice a second, in a loop. After a minute and a half the picture is changed: by the
light, or as if the camera was turned. The table shows the smallest share of the parts that show what they showed
before, for how many views the camera was said to be moved, and after how many seconds. The exit code is 1 if light or
people were taken for a move.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path

import cv2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from edge.scene.busy import busy_scene
from edge.scene.render import Scene
from edge.types import Image
from edge.vision.view import EVERY_S, View

SIZE = 384, 216
MOST_FRAMES = 160
BEFORE_S, AFTER_S = 90.0, 120.0

Change = Callable[[Image], Image]


def shifted(across: float, down: float) -> Change:
    """Turn the camera: the picture moves by shares of its size."""
    return lambda image: _warped(image, np.array([[1, 0, across * SIZE[0]], [0, 1, down * SIZE[1]]]))


def turned(degrees: float, zoom: float = 1.0) -> Change:
    """Roll the camera, and bring it nearer."""
    middle = SIZE[0] / 2, SIZE[1] / 2
    return lambda image: _warped(image, cv2.getRotationMatrix2D(middle, degrees, zoom))


def _warped(image: Image, matrix: object) -> Image:
    moved = cv2.warpAffine(image, np.asarray(matrix, np.float32), SIZE, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def _lit(factor: object) -> Change:
    return lambda image: np.clip(image * np.asarray(factor, np.float32), 0, 255).astype(np.uint8)


def _gamma(power: float) -> Change:
    table = (255 * (np.arange(256) / 255) ** power).astype(np.uint8)
    return lambda image: table[image]


def _sun() -> Change:
    patch = np.zeros((SIZE[1], SIZE[0]), np.float32)
    corners = np.array([[0.2, 1], [0.45, 0.4], [0.7, 0.4], [0.6, 1]]) * SIZE
    cv2.fillConvexPoly(patch, corners.astype(np.int32), (1.0,))
    return _lit(1 + 1.2 * patch[..., None])


def _noisy() -> Change:
    noise = np.random.default_rng(0).normal(0, 12, (SIZE[1], SIZE[0], 3))
    return lambda image: np.clip(image * 0.5 + noise, 0, 255).astype(np.uint8)


def _shelf(part: float) -> Change:
    """Replace the right part of the view by another one, as if a shelf was built there."""
    since = int((1 - part) * SIZE[0])

    def rebuilt(image: Image) -> Image:
        other = image.copy()
        other[:, since:] = image[::-1, : SIZE[0] - since].transpose(0, 1, 2)[:, ::-1]
        return other

    return rebuilt


STAYS: Mapping[str, Change] = {
    "nothing changes": lambda image: image,
    "half the light": _lit(0.5),
    "twice the light": _lit(2.0),
    "darker tones": _gamma(2.0),
    "lighter tones": _gamma(0.5),
    "light from one side": _lit(np.linspace(0.3, 1.5, SIZE[0])[None, :, None]),
    "a patch of sun": _sun(),
    "dim and noisy": _noisy(),
    "light and dark swapped": lambda image: np.asarray(255 - image, np.uint8),
    "out of focus": lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 3), np.uint8),
    "lights off": _lit(0.05),
    "a quarter rebuilt": _shelf(0.25),
}
MOVES: Mapping[str, Change] = {
    "1 % to the side": shifted(0.01, 0),
    "2 % to the side": shifted(0.02, 0),
    "3 % to the side": shifted(0.03, 0),
    "5 % to the side": shifted(0.05, 0),
    "5 % down": shifted(0, 0.05),
    "10 % and 5 % down": shifted(0.1, 0.05),
    "30 % to the side": shifted(0.3, 0),
    "rolled by 3 degrees": turned(3),
    "rolled by 5 degrees": turned(5),
    "10 % nearer": turned(0, 1.1),
    "three quarters rebuilt": _shelf(0.75),
    "to the wall": lambda image: np.full_like(image, 170),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """``kept``: the smallest share after the change; ``after_s``: when the move was noticed, None if it was not."""

    kept: float | None
    after_s: float | None


def learnt(frames: Sequence[Image]) -> View:
    """Return what was learnt from ``frames``."""
    view = View()
    for number, image in enumerate(islice(cycle(frames), int(BEFORE_S / EVERY_S))):
        view.see(image, number * EVERY_S)
    return view


def play(frames: Sequence[Image], view: View, change: Change) -> Seen:
    """Show the changed ``frames``, and return what was noticed."""
    shares, after_s = [], None
    for number, image in enumerate(islice(cycle(frames), int(AFTER_S / EVERY_S))):
        view.see(change(image), BEFORE_S + number * EVERY_S)
        if view.kept is not None:
            shares.append(view.kept)
        if view.moved and after_s is None:
            after_s = number * EVERY_S
    return Seen(min(shares, default=None), after_s)


def _clips(folder: Path) -> Iterator[tuple[str, list[Image]]]:
    for path in sorted(folder.glob("*.mp4")):
        source = cv2.VideoCapture(str(path))
        step = max(1, round(source.get(cv2.CAP_PROP_FPS) * EVERY_S))
        frames: list[Image] = []
        number = 0
        while len(frames) < MOST_FRAMES and source.grab():
            if number % step == 0 and (found := source.retrieve())[0]:
                frames.append(np.asarray(cv2.resize(found[1], SIZE), np.uint8))
            number += 1
        source.release()
        yield path.stem, frames


def _scenes(seeds: int) -> Iterator[tuple[str, list[Image]]]:
    for seed in range(1, seeds + 1):
        for name, scene in (("scene", Scene(seed)), ("busy", busy_scene(seed))):
            step = max(1, round(scene.fps * EVERY_S))
            numbers = range(0, len(scene), step)[:MOST_FRAMES]
            yield f"{name} {seed}", [_small(scene.render(index)) for index in numbers]


def _small(image: Image) -> Image:
    return np.asarray(cv2.resize(image, SIZE), np.uint8)


def cost_ms() -> float:
    """Return the median time of one look at a picture of 1280 x 720, in ms of the processor."""
    picture, view, spent = np.zeros((720, 1280, 3), np.uint8), View(), []
    picture[::40, ::2] = 200
    for number in range(400):
        began_s = time.process_time()
        view.see(picture, number * EVERY_S)
        spent.append(time.process_time() - began_s)
    return 1000 * statistics.median(spent[200:])


def main() -> int:
    """Print the table; return 1 if something else was taken for a move."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, metavar="DIR", help="also these .mp4 files")
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="sample scenes of each kind (default: %(default)s)"
    )
    args = parser.parse_args()
    shown = chain(_scenes(args.seeds), _clips(args.clips) if args.clips else ())
    views = {name: (frames, learnt(frames)) for name, frames in shown}
    table, wrong = Table(box=SIMPLE_HEAD), 0
    for column in ("change", "least", "told", "after s", *views):
        table.add_column(column)
    for name, change in {**STAYS, **MOVES}.items():
        seen = [play(frames, deepcopy(view), change) for frames, view in views.values()]
        told = sorted(one.after_s for one in seen if one.after_s is not None)
        wrong += len(told) if name in STAYS else 0
        least = min((one.kept for one in seen if one.kept is not None), default=None)
        after = f"{told[0]:.0f} to {told[-1]:.0f}" if told else ""
        table.add_row(name, _share(least), str(len(told)), after, *(_share(one.kept) for one in seen))
    Console(width=200).print(table)
    print(f"{wrong} false alarms; a look takes {cost_ms():.2f} ms")
    return 1 if wrong else 0


def _share(kept: float | None) -> str:
    return "unknown" if kept is None else f"{kept:.2f}"


if __name__ == "__main__":
    sys.exit(main())
