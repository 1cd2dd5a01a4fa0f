"""What a device counted, and which of it is safe in its outbox: written beside the product, for the judge."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

_NONE = -1


@dataclass(frozen=True, slots=True)
class Counts:
    """The people of one window; ``cohort`` are those of the cohort that left with it, None if none did."""

    visits: int
    viewers: int
    entries: int
    exits: int
    cohort: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """One window that a device made. ``kept``: its outbox has acknowledged it."""

    start: int
    counts: Counts
    kept: bool


class TruthFile:
    """The truth of one device, over all its runs. A line is written before and after the outbox is asked."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def made(self, start: int, counts: Counts) -> None:
        """Note a window that is now given to the outbox."""
        values = (_NONE if value is None else value for value in astuple(counts))
        self._write(f"made {start} {' '.join(map(str, values))}")

    def kept(self) -> None:
        """Note that the outbox has acknowledged the window that was made last."""
        self._write("kept")

    def close(self) -> None:
        os.close(self._file)

    def _write(self, line: str) -> None:
        # One call for a line: a process that is killed has written all of it, or nothing.
        os.write(self._file, f"{line}\n".encode())


def read_truth(path: Path) -> Iterator[Made]:
    """Return the windows of one device in the order in which it made them."""
    last: list[int] | None = None
    with path.open(encoding="ascii") as file:
        for line in file:
            word, *numbers = line.split()
            if word == "kept":
                assert last is not None
                yield _made(last, kept=True)
                last = None
            else:
                if last is not None:
                    yield _made(last, kept=False)
                last = [int(number) for number in numbers]
    if last is not None:
        yield _made(last, kept=False)


def _made(numbers: list[int], *, kept: bool) -> Made:
    start, visits, viewers, entries, exits, cohort = numbers
    return Made(
        start, Counts(visits, viewers, entries, exits, None if cohort == _NONE else cohort), kept=kept
    )
