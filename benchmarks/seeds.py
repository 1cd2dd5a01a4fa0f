"""What benchmarks of drawn scenes have in common: options, and the seeds played in several processes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from rich.console import Console
from rich.progress import track

from common.command_line import positive
from common.errors import UserError
from edge.scene.script import DoesNotFit

Json = dict[str, Any]

PROCESSES = 2
SIZES = {"1280x720": (1280, 720), "640x480": (640, 480)}


def parser(program: str, description: str, *, seeds: int) -> argparse.ArgumentParser:
    """Return a parser of the common options: ``--seeds``, ``--first``, ``--size`` and ``--json``."""
    made = argparse.ArgumentParser(prog=program, description=description)
    made.add_argument("--seeds", type=positive, default=seeds, help="scenes (%(default)s)")
    made.add_argument("--first", type=int, default=0, help="the first seed (%(default)s)")
    made.add_argument("--size", choices=SIZES, default="1280x720", help="of the picture (%(default)s)")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    return made


def results(jobs: Sequence[Callable[[], Json]], console: Console) -> list[Json]:
    """Return what each job returns, with a progress bar on ``console``. A job is played by one thread. A seed of which
    no scene can be made is told in one line and left out. Raises ``UserError`` if none is left."""
    made: list[Json] = []
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(min(PROCESSES, len(jobs))) as pool:
        running = [pool.submit(job) for job in jobs]
        for each in track(running, "seeds", console=console, transient=True):
            try:
                made.append(each.result())
            except DoesNotFit as error:
                console.print(f"left out: {error}", soft_wrap=True, markup=False, highlight=False)
    if not made:
        raise UserError("no scene of these seeds can be made; choose others with --first")
    return made
