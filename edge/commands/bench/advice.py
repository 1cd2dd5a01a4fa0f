"""From the cost of a frame to the recommended settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.commands.bench.measure import Cost, Machine, Slice

RATES = (15, 12, 10, 8, 5)
"""Frame rates to choose from: higher ones add nothing for people who walk, and below 5 some are missed."""

SMALL, LARGE, LARGEST = (640, 480), (1280, 720), (1920, 1080)
"""Sizes of pictures to choose from. The largest is never recommended, but mentioned where it is possible."""

LARGE_FPS = 8
"""Above this rate a larger picture is worth more than further frames."""

BUSY = 0.7
"""Share of the time that may be used: the rest is for the system, hot days and crowds."""

NEAR_SHARE = 0.5
"""There must be time for near looks at this share of the frames."""

NEARLY = 1.15
"""One more thread must make it at least this much faster."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The recommended settings. ``fps`` is the rate at which every frame can be processed with three people in view; 0
    if not even 5 is possible. ``width`` and ``height`` of the picture. ``near_budget_ms``: time for near looks in a
    frame, on average. ``largest_fps``: the rate at which pictures of 1920 x 1080 are possible, 0 if at none.
    ``cameras`` is the number of cameras, each with its own instance. ``kept`` is the share of the speed that was left
    at the end of the long run."""

    threads: int
    fps: int
    width: int
    height: int
    near_budget_ms: int
    largest_fps: int
    cameras: int
    kept: float


def advise(
    threads: Sequence[Cost],
    sizes: Mapping[tuple[int, int], Cost],
    slices: Sequence[Slice],
    *,
    machine: Machine,
    rss_mib: float,
) -> Advice:
    """Recommend settings. ``threads``: the cost of the same frames with more and more threads; ``sizes``: the cost of
    frames of each size with the recommended threads; ``rss_mib``: memory of one service."""
    kept = min(1.0, slices[-1].fps / slices[0].fps)
    rates = {size: rate(cost, kept) for size, cost in sizes.items()}
    width, height = LARGE if rates[LARGE] >= LARGE_FPS or rates[LARGE] >= rates[SMALL] > 0 else SMALL
    fps, chosen = rates[width, height], sizes[width, height]
    by_time = BUSY * kept * machine.cores * 1000 / (chosen.cpu_ms * fps) if fps else 0
    cameras = int(min(by_time, BUSY * machine.free_mib / rss_mib))
    return Advice(
        threads=fewest(threads).threads,
        fps=fps,
        width=width,
        height=height,
        near_budget_ms=near_budget_ms(chosen, fps, kept) if fps else 0,
        largest_fps=rates[LARGEST],
        cameras=max(cameras, int(fps > 0)),
        kept=round(kept, 3),
    )


def fewest(threads: Sequence[Cost]) -> Cost:
    """Return the cost with the fewest threads that is nearly as fast as the fastest."""
    best = min(cost.step_ms for cost in threads)
    return next(
        cost for cost in sorted(threads, key=lambda cost: cost.threads) if cost.step_ms <= NEARLY * best
    )


def rate(cost: Cost, kept: float) -> int:
    """Return the highest rate at which even the slow frames are done in time, with time left for near looks; 0 if there
    is none."""
    needs_ms = cost.without_near.p95_ms + NEAR_SHARE * cost.stages["near"].median_ms
    return next((fps for fps in RATES if needs_ms * fps <= 1000 * BUSY * kept), 0)


def near_budget_ms(cost: Cost, fps: float, kept: float) -> int:
    """Return the time that a frame leaves for near looks, at most that of one look: there is never a second one."""
    left_ms = 1000 * BUSY * kept / fps - cost.without_near.p95_ms
    return max(0, math.floor(min(left_ms, math.ceil(cost.stages["near"].p95_ms))))
