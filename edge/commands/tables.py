"""The tables that commands print for people; ``--format json`` prints the same for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table


@contextmanager
def progress(source: str) -> Iterator[Any]:
    """Show a line that counts frames, on a terminal only."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed} frames"))
    console = Console(stderr=True)
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(Path(source).name or source, total=None)
        yield lambda frames: bar.update(task, completed=frames)


def replay_table(results: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Counted (every cell shown, nothing published)")
    for heading in (
        "source",
        "frames",
        "fps",
        "visits",
        "described",
        "viewers",
        "gender",
        "age band",
        "expression",
        "dwell s",
    ):
        table.add_column(
            heading,
            justify="right" if heading in ("frames", "fps", "visits", "described", "viewers") else "left",
        )
    for result in results:
        cells = [
            ", ".join(f"{count} {label}" for label, count in result[key].items() if count)
            for key in ("gender", "age_band", "expression")
        ]
        table.add_row(
            Path(result["source"]).name,
            *(str(result[key]) for key in ("frames", "fps", "visits", "described", "viewers")),
            *cells,
            " ".join(f"{dwell:.1f}" for dwell in result["dwell_s"]),
        )
    return table


def inspect_table(faces: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=f"{len(faces)} face{'' if len(faces) == 1 else 's'}")
    for heading in ("score", "size px", "yaw", "quality", "gender", "age", "expression"):
        table.add_column(heading)
    for face in faces:
        x1, y1, x2, y2 = face["box"]
        verdicts = [
            f"{face[key]['label']} {face[key]['probabilities'][face[key]['label']]:.0%}"
            for key in ("gender", "expression")
        ]
        table.add_row(
            f"{face['score']:.2f}",
            f"{x2 - x1:.0f} x {y2 - y1:.0f}",
            f"{face['pose']['yaw']:+.0f}",
            "too poor" if face["quality"] is None else f"{face['quality']:.2f}",
            verdicts[0],
            f"{face['age']:.0f}",
            verdicts[1],
        )
    return table


def scene_table(truth: dict[str, Any]) -> Table:
    table = Table(title=f"{truth['visits']} people walk by; all of them are invented")
    for heading in ("gender", "age band", "expression", "enters s", "leaves s"):
        table.add_column(heading)
    for person in truth["people"]:
        table.add_row(
            *(str(person[key]) for key in ("gender", "age_band", "expression", "enters_s", "leaves_s"))
        )
    return table


def places_table(places: dict[str, Any]) -> Table:
    table = Table(title="what happens at the places")
    for heading in ("place", "figure", "value"):
        table.add_column(heading)
    for kind in places.values():
        for name, figures in kind.items():
            for figure, value in figures.items():
                table.add_row(name, figure.replace("_", " "), str(value))
            table.add_section()
    return table


def show(table: Table) -> None:
    Console().print(table)
