"""The output of the benchmark on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import yaml
from rich.box import SIMPLE_HEAD
from rich.table import Table

from edge.commands.bench.advice import LARGE, Advice
from edge.commands.bench.measure import STAGES, Cost, Machine, Slice, Stage

Json = dict[str, Any]
Costs = Mapping[str, Sequence[Cost]]
"""By what was varied in the measurement: ``people``, ``threads``, ``size``."""


def as_json(before: Machine, after: Machine, costs: Costs, slices: Sequence[Slice], advice: Advice) -> Json:
    return {
        "before": asdict(before),
        "after": asdict(after),
        **{
            name: [asdict(cost) | {"fps": round(cost.fps, 1)} for cost in each]
            for name, each in costs.items()
        },
        "sustained": [asdict(one) for one in slices],
        "advice": asdict(advice),
    }


def lines(before: Machine, after: Machine, slices: Sequence[Slice], advice: Advice) -> Iterator[str]:
    """Describe the machine, the long run, and the recommended settings."""
    yield f"{before.board}, {before.cores} cores, {before.free_mib:.0f} MiB of memory free"
    if not before.board.startswith("Raspberry Pi"):
        yield "This is not a Raspberry Pi: the figures hold for this machine only."
    if before.load > before.cores / 2:
        yield f"Other programs use the processor (load {before.load:.1f}): stop them, and measure again."
    yield f"before: {_state(before)}"
    yield f"after:  {_state(after)}"
    slowed = any(one.throttled for one in slices)
    yield (
        f"full speed for {slices[-1].until_s:.0f} s: {slices[0].fps:.1f} frames/s at first, {slices[-1].fps:.1f} at the"
        f" end ({advice.kept:.0%}){', slowed by the firmware' if slowed else ''}"
    )
    yield ""
    if not advice.fps:
        yield "Too slow: not even 5 frames a second are possible with three people in view. Stop other programs,"
        yield "cool the board, or use a faster one."
        return
    yield "For the configuration, with time for near looks at far people:"
    yield ""
    yield from configuration(advice)
    yield ""
    if advice.largest_fps:
        yield f"1920 x 1080 is possible at {advice.largest_fps} frames/s, for faces farther away."
    if (advice.width, advice.height) != LARGE:
        yield "1280 x 720 is too slow here: faces farther away are not described."
    several = "camera" if advice.cameras == 1 else "cameras (one instance each)"
    yield f"This machine is fast enough for {advice.cameras} {several} with three people in view of each."


def configuration(advice: Advice) -> Iterator[str]:
    """Write the recommended settings as YAML."""
    settings = {
        "camera": {"width": advice.width, "height": advice.height, "fps": advice.fps},
        "detection": {"near_budget_ms": advice.near_budget_ms, "threads": advice.threads},
    }
    yield from yaml.safe_dump(settings, sort_keys=False).splitlines()


def tables(costs: Costs) -> Iterator[Table]:
    """Build the tables; each fits a terminal of 80 columns."""
    of: tuple[tuple[str, str, Callable[[Cost], str]], ...] = (
        ("people", "People in view", lambda cost: str(cost.people)),
        ("threads", "Threads of the models", lambda cost: str(cost.threads)),
        ("size", "Size of the picture", lambda cost: f"{cost.width}x{cost.height}"),
    )
    for name, title, varied in of:
        table = Table(
            title=f"{title}: milliseconds a frame, median/95th percentile",
            box=SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1, 0, 0),
        )
        for heading in (name, *STAGES, "CPU", "fps"):
            table.add_column(heading, justify="right", no_wrap=True)
        for cost in costs[name]:
            table.add_row(
                varied(cost),
                *(_milliseconds(stage) for stage in cost.stages.values()),
                f"{cost.cpu_ms:.1f}",
                f"{cost.fps:.0f}",
            )
        yield table


def _milliseconds(stage: Stage) -> str:
    return f"{stage.median_ms:.{0 if stage.median_ms >= 9.95 else 1}f}/{stage.p95_ms:.0f}"


def _state(machine: Machine) -> str:
    said = [
        f"governor {machine.governor}" if machine.governor else "governor unknown",
        f"{machine.mhz:.0f} MHz" if machine.mhz else "",
        f"{machine.temperature_c:.0f} °C" if machine.temperature_c is not None else "temperature unknown",
        "slowed by the firmware" if machine.throttled else "",
    ]
    return ", ".join(word for word in said if word)
