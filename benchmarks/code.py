"""``python -m benchmarks.code``: from how far away the code of a member is read at 1280x720, and what a look costs.

A drawn person stands in the sample scene and holds a code below the chin, of the size of a phone (5 cm) or a card
(8 cm), straight and turned by 10 degrees, sharp and with the blur of a soft lens. **Read**: share of the looks that
read it; there are two in a second.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from statistics import median
from time import process_time
from typing import Any

import cv2
import numpy as np
import segno
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.badge import HEIGHT, WIDTH, tracks_of
from common.command_line import positive
from common.loyalty import new_code
from edge.scene.layout import HALL
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene
from edge.scene.route import Spot, route
from edge.scene.walk import FOCAL, LINES
from edge.types import Box, Image
from edge.vision.code import CodeReader

Json = dict[str, Any]

DISTANCES_M = (0.8, 1.0, 1.2, 1.5, 1.8)
SIDES_M = (0.05, 0.08)
VIEWS = (("sharp", 0.0, 0.0), ("turned 10°", 10.0, 0.0), ("soft", 0.0, 1.0))
"""By name: how far the code is turned in the hand, in degrees, and the blur of the lens in pixels (sigma)."""

MARGIN = 4
"""White squares around a code."""
_UPSCALED = 8


def picture_of(code: str) -> Image:
    """Return a code as a grey picture with its margin, ``_UPSCALED`` pixels for each square."""
    cells = segno.make_qr(code, version=1, error="l", boost_error=False).matrix_iter(border=MARGIN)
    dark = np.array([list(row) for row in cells], np.uint8) > 0
    return np.kron(np.where(dark, 30, 225), np.ones((_UPSCALED, _UPSCALED))).astype(np.uint8)


def held(image: Image, head: Box, code: Image, side_px: float, degrees: float = 0.0) -> Image:
    """Return the picture with a code of ``side_px``, without its margin, held before the neck."""
    side_px *= code.shape[0] / (code.shape[0] - 2 * MARGIN * _UPSCALED)
    factor = side_px / code.shape[0]
    small = cv2.resize(code, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    x, y = head.centre[0], head.y2 + 0.3 * head.side
    turn = cv2.getRotationMatrix2D((small.shape[1] / 2, small.shape[0] / 2), degrees, 1.0)
    turn[:, 2] += (x - small.shape[1] / 2, y - small.shape[0] / 2)
    size = image.shape[1], image.shape[0]
    painted = cv2.warpAffine(small, turn, size)
    shows = cv2.warpAffine(np.full_like(small, 255), turn, size) > 127
    shown = image.copy()
    shown[shows] = painted[shows][:, None]
    return shown


def standing(metres: float, looks: int) -> Scene:
    """Build a scene in which somebody stands so far away."""
    portrait = next(one for one in load_portraits() if one.age_band == "25-34")
    spots = [Spot(0.0, metres, looks / 10 + 1.0, 0.0)]
    walk = route(portrait, 1, 0.3, 0.0, spots, width=WIDTH * LINES / HEIGHT, sway=0.02)
    return Scene(1, WIDTH, HEIGHT, 10, looks / 10, walks=(walk,), pillars=(), layout=HALL)


def measure(looks: int) -> list[Json]:
    """Return the share of looks that read a code, by its size and distance, with the time of one look."""
    reader, rows = CodeReader(), []
    noise = np.random.default_rng(1)
    for side_m in SIDES_M:
        for metres in DISTANCES_M:
            px = FOCAL * HEIGHT / LINES * side_m / metres
            row: Json = {"cm": round(100 * side_m), "metres": metres, "square_px": round(px / 21, 1)}
            scene, times = standing(metres, looks), []
            for name, degrees, blur in VIEWS:
                found = 0
                for index, image in enumerate(scene.frames()):
                    (track,) = tracks_of(scene, index)
                    code = picture_of(new_code(bytes(32), date(2030, 1, 1)))
                    seen: Any = held(image, track.box, code, px, degrees)
                    seen = cv2.GaussianBlur(seen, (0, 0), blur) if blur else seen
                    seen = np.clip(seen + noise.normal(0, 3, seen.shape), 0, 255).astype(np.uint8)
                    began_s = process_time()
                    found += bool(reader.read(seen, track))
                    times.append(process_time() - began_s)
                row[name] = round(100 * found / looks, 1)
            rows.append({**row, "look_ms": round(1000 * median(times), 1)})
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.code", description="Measure from how far the code of a member is read."
    )
    parser.add_argument("--looks", type=positive, default=5, help="looks in each view (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    rows = measure(options.looks)
    if options.json:
        print(json.dumps({"size": f"{WIDTH}x{HEIGHT}", "rows": rows}, indent=2))
        return 0
    shown = Table(title=f"code of a member at {WIDTH}x{HEIGHT}", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("cm", "metres", "square px", *(f"read %, {name}" for name, *_ in VIEWS), "look ms"):
        shown.add_column(heading, justify="right")
    for row in rows:
        shown.add_row(*(str(value) for value in row.values()))
    Console().print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
