"""From the cost of a frame to the recommended settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.commands.bench.measure import Cost, Machine, Slice

RATES = (15, 12, 10, 8, 5)
"""Frame rates to choose from: higher ones add nothing for people who walk, and below 5 some are missed."""

BUSY = 0.7
"""Share of the time that may be used: the rest is for the system, hot days and crowds."""

NEARLY = 1.15
"""One more thread must make it at least this much faster."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The recommended settings. ``fps`` is the rate at which every frame can be processed with three people in view; 0
    if not even 5 is possible. ``larger``: pictures of 1280 x 720 are possible at that rate. ``cameras`` is the number
    of cameras, each with its own instance. ``kept`` is the share of the speed that was left at the end of the long
    run."""

    threads: int
    fps: int
    larger: bool
    cameras: int
    kept: float


def advise(
    threads: Sequence[Cost], large: Cost, slices: Sequence[Slice], *, machine: Machine, rss_mib: float
) -> Advice:
    """Recommend settings. ``threads``: the cost of the same frames with more and more threads; ``large``: the cost of
    larger frames with the recommended threads; ``rss_mib``: memory of one service."""
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
    """Return the cost with the fewest threads that is nearly as fast as the fastest."""
    best = min(cost.stages["step"].median_ms for cost in threads)
    return next(
        cost
        for cost in sorted(threads, key=lambda cost: cost.threads)
        if cost.stages["step"].median_ms <= NEARLY * best
    )


def _fits(cost: Cost, fps: int, kept: float) -> bool:
    """Return whether even the slow frames are done in time, with some time left."""
    return cost.stages["step"].p95_ms * fps <= 1000 * BUSY * kept
