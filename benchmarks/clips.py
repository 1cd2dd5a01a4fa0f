"""``python -m benchmarks.clips --data DIR``: the product on clips of real people, beside what a person counted in them.

It prints who crosses the lines of ``clips/truth.csv``, how many people are followed in twenty frames of the other
clips, and the visits of the files in ``videos``. The exit code is 1 if a told gender or age band is wrong, or the
crossings are off by more than a tenth in sum. ``--pictures`` saves frames with the tracks drawn into them.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.crossings import Crossings, Line, crossings
from benchmarks.following import Counted, Held, Played, play
from benchmarks.pictures import draw_tracks
from common.errors import UserError
from common.vocabulary import NOT_SEEN, UNKNOWN
from edge.config import Settings
from edge.service.build import Models, load_models
from edge.types import Image

GLANCES = 20
"""Frames of a clip that are shown in the table of people per frame, spread evenly."""

MAY_MISS = 0.1

EXPECTED: Mapping[str, tuple[str, ...]] = {
    "face-demographics-walking-and-pause": ("female", "male", "female"),
    "head-pose-face-detection-female-and-male": ("female", "male"),
    "head-pose-face-detection-female": ("female",),
    **{f"asl-{word}": ("female",) for word in ("book", "school")},
    **{
        f"asl-{word}": ("male",)
        for word in ("again", "eat", "hungry", "milk", "no", "sorry", "thanks", "want")
    },
}
"""The people in a video, by what a person sees in it; of the other videos nobody has counted the people."""

AGES: Mapping[str, tuple[str, ...]] = {
    "face-demographics-walking-and-pause": ("25-34", "35-44", "45-54", "55-64"),
    **{name: ("18-24", "25-34", "35-44") for name in EXPECTED if name.startswith("asl-")},
}
"""The age bands in which the people of a video may be: three people in their thirties, forties and fifties; young
adults."""


@dataclass(frozen=True, slots=True)
class Video:
    """The frames of a file that are shown to the product: at most so many a second. ``every``: one of so many."""

    path: Path
    fps: float
    every: int
    frames: int

    def images(self, last: int | None = None) -> Iterator[Image]:
        """Yield the frames, to the ``last`` number of the file."""
        source = cv2.VideoCapture(str(self.path))
        try:
            number = 0
            while last is None or number <= last:
                found, image = source.read()
                if not found:
                    return
                if number % self.every == 0:
                    yield np.asarray(image, np.uint8)
                number += 1
        finally:
            source.release()


def video(path: Path, most_fps: float) -> Video:
    """Open a file. Raises ``UserError`` if it holds no pictures."""
    source = cv2.VideoCapture(str(path))
    fps, frames = source.get(cv2.CAP_PROP_FPS), int(source.get(cv2.CAP_PROP_FRAME_COUNT))
    source.release()
    if frames < 1 or fps <= 0:
        raise UserError(f"{path}: not a video that can be read")
    every = max(1, round(fps / most_fps))
    return Video(path, fps / every, every, frames)


@dataclass(frozen=True, slots=True)
class Truth:
    """The line of a clip, the number of its last frame, and the crossings that a person counted."""

    clip: str
    line: Line
    last: int
    crossings: Crossings


def truths(path: Path) -> list[Truth]:
    """Read the lines and counts. Raises ``UserError`` if the file cannot be read."""
    try:
        with path.open(newline="") as file:
            found = [
                Truth(
                    row["clip"],
                    Line(*(float(row[name]) for name in ("x1", "y1", "x2", "y2", "height"))),
                    int(row["last"]),
                    Crossings(int(row["down_or_right"]), int(row["up_or_left"])),
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    if not sum(truth.crossings.forwards + truth.crossings.back for truth in found):
        raise UserError(f"{path}: nobody crosses a line in there")
    return found


@dataclass(frozen=True, slots=True)
class Genders:
    """How many told genders of the visits are right, wrong, and how many are unknown or were not seen."""

    right: int
    wrong: int
    unknown: int


def judge(told: Sequence[str], expected: Sequence[str]) -> Genders:
    """Compare the told genders with those of the people; it does not matter who is who."""
    known = Counter(label for label in told if label not in (UNKNOWN, NOT_SEEN))
    right = (known & Counter(expected)).total()
    return Genders(right, known.total() - right, len(told) - known.total())


def wrong_ages(told: Sequence[str], possible: Sequence[str]) -> int:
    """Return how many told age bands are those of nobody in the video."""
    return sum(label not in (*possible, UNKNOWN, NOT_SEEN) for label in told)


def glances(frames: int) -> list[int]:
    """Return the indices of frames that are looked at, spread evenly."""
    return [round(place) for place in np.linspace(0, frames - 1, min(GLANCES, frames))]


def _lines_table(
    data: Path, most_fps: float, models: Models, pictures: Path | None
) -> tuple[Table, Counter[str]]:
    """Return the table, and the sums over clips and ways: counted, truth, differences."""
    table = _table("Crossings, by the centre of a person", "clip", "frames/s", "counted", "truth", "visits")
    sums: Counter[str] = Counter()
    for truth in truths(data / "clips" / "truth.csv"):
        clip = video(data / "clips" / truth.clip, most_fps)
        played = play(clip.images(truth.last), clip.fps, Settings(), models, ends_empty=False)
        counted, right = crossings(played.frames, truth.line), truth.crossings
        sums["counted"] += counted.forwards + counted.back
        sums["truth"] += right.forwards + right.back
        sums["differences"] += abs(counted.forwards - right.forwards) + abs(counted.back - right.back)
        table.add_row(
            truth.clip,
            f"{clip.fps:.0f}",
            f"{counted.forwards} / {counted.back}",
            f"{right.forwards} / {right.back}",
            str(len(played.visits)),
        )
        if pictures is not None:
            save(clip, played, pictures)
    return table, sums


def _people_table(data: Path, most_fps: float, models: Models, pictures: Path | None) -> Table:
    with_lines = {truth.clip for truth in truths(data / "clips" / "truth.csv")}
    table = _table(
        f"People followed in {GLANCES} frames, with tracks that are no visit yet behind +",
        "clip",
        "people",
        "visits",
    )
    for path in sorted((data / "clips").glob("*.mp4")):
        if path.name not in with_lines:
            clip = video(path, most_fps)
            played = play(clip.images(), clip.fps, Settings(), models, ends_empty=False)
            shown = (played.frames[index] for index in glances(len(played.frames)))
            table.add_row(path.name, " ".join(_people(held) for held in shown), str(len(played.visits)))
            if pictures is not None:
                save(clip, played, pictures)
    return table


def _people(held: Sequence[Held]) -> str:
    confirmed = sum(one.confirmed for one in held)
    return f"{confirmed}+{len(held) - confirmed}" if len(held) > confirmed else str(confirmed)


def _videos_table(data: Path, most_fps: float, models: Models, pictures: Path | None) -> tuple[Table, int]:
    """Return the table, and the number of wrong genders and age bands."""
    table = _table("Visits of the videos", "video", "visits", "truth", "told", "of", "right", "wrong")
    wrong = 0
    for path in sorted((data / "videos").iterdir()):
        clip = video(path, most_fps)
        played = play(clip.images(), clip.fps, Settings(), models, ends_empty=False)
        expected = EXPECTED.get(path.stem)
        row = [path.stem, str(len(played.visits)), "?" if expected is None else str(len(expected))]
        row += [
            "; ".join(_told(visit) for visit in played.visits),
            "?" if expected is None else ", ".join(expected),
        ]
        if expected is not None:
            genders = judge([each.visit.attributes["gender"].label for each in played.visits], expected)
            ages = [each.visit.attributes["age_band"].label for each in played.visits]
            mistakes = genders.wrong + (wrong_ages(ages, AGES[path.stem]) if path.stem in AGES else 0)
            row += [str(genders.right), str(mistakes)]
            wrong += mistakes
        table.add_row(*row)
        if pictures is not None:
            save(clip, played, pictures)
    return table, wrong


def _told(counted: Counted) -> str:
    verdicts = counted.visit.attributes
    return " ".join(verdicts[name].label for name in ("gender", "age_band", "expression") if name in verdicts)


def save(clip: Video, played: Played, folder: Path) -> None:
    """Save the frames that are looked at, with the tracks drawn into them."""
    chosen = set(glances(len(played.frames)))
    for index, image in enumerate(clip.images()):
        if index in chosen:
            path = folder / f"{clip.path.stem}-{index * clip.every:05}.png"
            cv2.imwrite(str(path), draw_tracks(image, played.frames[index]))


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.clips",
        description="Show real people to the product, and count beside a person.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the data sets, with clips and videos"
    )
    parser.add_argument("--pictures", type=Path, help="folder for frames with the tracks drawn into them")
    parser.add_argument(
        "--fps", type=float, default=Settings().camera.fps, help="frames a second, at most (%(default)s)"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    cv2.setNumThreads(1)
    console = Console()
    console.width = max(console.width, 120)
    try:
        if not (options.data / "clips" / "truth.csv").is_file():
            raise UserError(f"{options.data}: no clips/truth.csv in there; give the folder of the data sets")
        if not options.fps > 0:
            raise UserError(f"--fps {options.fps:g}: give more than 0")
        if options.pictures is not None:
            options.pictures.mkdir(parents=True, exist_ok=True)
        models = load_models(Settings())
        given = options.data, options.fps, models, options.pictures
        lines, sums = _lines_table(*given)
        console.print(lines)
        off = abs(sums["counted"] - sums["truth"]) / sums["truth"]
        console.print(
            f"{sums['counted']} of {sums['truth']} in sum, off by {off:.0%} ({MAY_MISS:.0%} at most); "
            f"the differences add up to {sums['differences']}",
            highlight=False,
        )
        console.print(_people_table(*given))
        videos, wrong = _videos_table(*given)
        console.print(videos)
    except UserError as error:
        Console(stderr=True).print(str(error), soft_wrap=True, markup=False, highlight=False)
        return 2
    console.print(f"{wrong} told genders and age bands are wrong", highlight=False)
    return 1 if wrong or off > MAY_MISS else 0


if __name__ == "__main__":
    sys.exit(main())
