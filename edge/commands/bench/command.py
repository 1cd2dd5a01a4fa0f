"""``footlight-edge bench``: the frames and models that it measures."""

from __future__ import annotations

import json
from dataclasses import replace

from rich.console import Console
from rich.progress import Progress

from common.clock import Clock
from edge.commands.bench.advice import LARGE, LARGEST, SMALL, advise, fewest
from edge.commands.bench.measure import Cost, Film, Runner, Stopwatch, TimedModels, machine
from edge.commands.bench.report import as_json, lines, tables
from edge.config import Settings
from edge.service.build import build_pipeline, load_models
from edge.service.host import rss_mb

SIZES = (SMALL, LARGE, LARGEST)
USUAL = LARGE
PEOPLE = (0, 1, 3, 6)
FEW = 3
"""For most shops, this many people in view at once is a busy day."""

NEAR_BUDGET_MS = 1000.0
"""Enough for every near look."""


def bench(settings: Settings, *, clock: Clock, quick: bool, as_text: bool) -> int:
    """Measure and print; ``quick`` takes a tenth of the time. Raises ``UserError`` as the models do."""
    before = machine()
    frames, seconds = (15, 6.0) if quick else (90, 60.0)
    counts = sorted({1, before.cores} if quick else range(1, before.cores + 1))
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        kinds = dict.fromkeys([*((*USUAL, people) for people in PEOPLE), *((*size, FEW) for size in SIZES)])
        measurements = len(SIZES) + len(PEOPLE) + len(counts)
        task = bar.add_task("render", total=len(kinds) + measurements + seconds / 10)

        def rendered(width: int, height: int, people: int) -> Film:
            bar.update(task, description=f"render {width}x{height}, {people} people")
            film = Film(width, height, people)
            bar.advance(task)
            return film

        def measured(film: Film, threads: int) -> Cost:
            bar.update(
                task, description=f"{film.width}x{film.height}, {film.people} people, {threads} threads"
            )
            cost = _runner(settings, threads, clock).cost(film, frames)
            bar.advance(task)
            return cost

        films = {kind: rendered(*kind) for kind in kinds}
        usual = films[*USUAL, FEW]
        by_threads = [measured(usual, threads) for threads in counts]
        threads = fewest(by_threads).threads
        by_people = [measured(films[*USUAL, people], threads) for people in PEOPLE]
        by_size = [measured(films[*size, FEW], threads) for size in SIZES]
        bar.update(task, description=f"full speed for {seconds:.0f} s")
        done = bar.tasks[0].completed
        slices = _runner(settings, threads, clock).endure(
            usual, seconds, lambda passed_s: bar.update(task, completed=done + passed_s / 10)
        )
    after = machine()
    costs = {"people": by_people, "threads": by_threads, "size": by_size}
    advice = advise(
        by_threads, dict(zip(SIZES, by_size, strict=True)), slices, machine=before, rss_mib=rss_mb()
    )
    out = Console()
    if not as_text:
        out.print(json.dumps(as_json(before, after, costs, slices, advice)), soft_wrap=True, highlight=False)
        return 0
    for table in tables(costs):
        out.print(table)
    for line in lines(before, after, slices, advice):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    return 0


def _runner(settings: Settings, threads: int, clock: Clock) -> Runner:
    """Build the pipeline of the service with timed stages, its models on ``threads`` threads. It takes every near look
    that it wants: the advice says for how many there is time."""
    detection = settings.detection.model_copy(update={"threads": threads, "near_budget_ms": NEAR_BUDGET_MS})
    settings = settings.model_copy(update={"detection": detection})
    watch = Stopwatch()
    models = load_models(settings)
    timed = TimedModels(models.detector, models.refiner, models.classifier, watch)
    pipeline = build_pipeline(
        settings,
        replace(models, detector=timed, refiner=timed, classifier=timed),
        clock,
        budget_s=settings.attributes.budget_ms / 1000,
    )
    return Runner(pipeline, watch, threads=threads, clock=clock)
