"""The tables of ``make bench``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.contestants import STAGES

Json = dict[str, Any]

TITLES = {"haar": "Haar", "yunet": "YuNet", "bodies and yunet": "Yolo+YuNet"}


def tables(results: Sequence[Json], goals: Mapping[str, float], codec: str) -> Iterator[Table]:
    """Build, for each size, the cost of a frame and the work done for it."""
    peers = [name for name in goals if name in results[0]["contestants"]]
    for size in dict.fromkeys(each["size"] for each in results):
        of_size = [each for each in results if each["size"] == size]
        yield _costs(f"{size} {codec}: CPU milliseconds per frame, one thread", of_size, peers, goals)
        yield _work(f"{size}: work done by Footlight and by the others", of_size, peers)


def _costs(title: str, results: Sequence[Json], peers: Sequence[str], goals: Mapping[str, float]) -> Table:
    stages = (*STAGES, "rest", "total")
    table = _table(
        title,
        "people",
        *stages,
        *(TITLES[name] for name in peers),
        *(f"/ {TITLES[name]} ({goals[name]:g})" for name in peers),
    )
    for each in results:
        with_decoding, without = each["footlight_cpu_over"], each["footlight_cpu_over_without_decoding"]
        table.add_row(
            _people(each),
            *(f"{each['contestants']['footlight']['cpu_ms'][stage]:.2f}" for stage in stages),
            *(f"{each['contestants'][name]['cpu_ms']['total']:.1f}" for name in peers),
            *(f"{with_decoding[name]:.3f} ({without[name]:.3f})" for name in peers),
        )
    return table


def _work(title: str, results: Sequence[Json], peers: Sequence[str]) -> Table:
    done = ("wide", "near", "refined", "classified", "followed")
    table = _table(
        title,
        "people",
        "frames/s",
        *(f"{what}/frame" for what in done),
        "visits",
        "described",
        *(f"{TITLES[name]} faces/frame" for name in peers),
        "people/frame",
    )
    for each in results:
        mine, last = each["contestants"]["footlight"], each["contestants"][peers[-1]]
        table.add_row(
            _people(each),
            f"{mine['fps']:.0f}",
            *(f"{mine['per_frame'][what]:.2f}" for what in done),
            str(mine["visits"]),
            str(mine["described"]),
            *(f"{each['contestants'][name]['per_frame']['faces']:.1f}" for name in peers),
            f"{last['per_frame']['bodies']:.1f}",
        )
    return table


def _people(result: Json) -> str:
    return f"{result['people']}{' far' if result['far'] else ''}"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


NOTES = """\
Haar, YuNet, Yolo+YuNet: that detector of faces, or that of people and that of faces, with our classifier on every face
of every frame. / X: Footlight's CPU per frame divided by that of X, in the same rounds, beside the goal; in brackets
without the decoding, which everybody needs. far: faces so small that near looks describe them. frames/s: real time,
with the present load of this machine, which also decides how many near looks the budget allows. classified: a few
times a visit, so its cost depends on how many people come, not on how long they stay. In a film all come at once."""
