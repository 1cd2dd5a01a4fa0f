"""From what a frame costs to what to write into the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.commands.bench.measure import Cost, Machine, Slice

RATES = (15, 12, 10, 8, 5)
"""Frames a second worth choosing from: more shows nothing new of people who walk, and below 5 some are missed."""

BUSY = 0.7
"""Share of the time that may be spent: the rest is for the system, for hot days and for crowds."""

NEARLY = 1.15
"""A thread more is not worth it for less than this factor."""


@dataclass(frozen=True, slots=True)
class Advice:
    """``fps`` is what every frame may be looked at with, three people in view; 0 where not even 5 are possible.
    ``larger`` tells whether pictures of 1280 x 720 can be afforded at that rate, ``cameras`` how many cameras, with an
    instance each. ``kept`` is the share of its speed that was left at the end of the long run."""

    threads: int
    fps: int
    larger: bool
    cameras: int
    kept: float


def advise(
    threads: Sequence[Cost], large: Cost, slices: Sequence[Slice], *, machine: Machine, rss_mib: float
) -> Advice:
    """``threads``: the same frames with ever more of them; ``large``: larger ones, with as many as are advised;
    ``rss_mib``: memory that one service takes."""
    chosen = fewest(threads)
    kept = min(1.0, slices[-1].fps / slices[0].fps)
    fps = next((rate for rate in RATES if _fits(chosen, rate, kept)), 0)
    by_time = BUSY * kept * machine.cores * 1000 / (chosen.cpu_ms * fps) if fps else 0
    cameras = int(min(by_time, BUSY * machine.free_mib / rss_mib))
    return Advice(
        threads=chosen.threads,
        fps=fps,
        larger=bool(fps) and _fits(large, fps, kept),
        cameras=max(cameras, int(fps > 0)),
        kept=round(kept, 3),
    )


def fewest(threads: Sequence[Cost]) -> Cost:
    """The cost with the fewest threads that is nearly as fast as the fastest."""
    best = min(cost.stages["step"].median_ms for cost in threads)
    return next(
        cost
        for cost in sorted(threads, key=lambda cost: cost.threads)
        if cost.stages["step"].median_ms <= NEARLY * best
    )


def _fits(cost: Cost, fps: int, kept: float) -> bool:
    """Whether the slow frames too are done in time, with room to spare."""
    return cost.stages["step"].p95_ms * fps <= 1000 * BUSY * kept
