"""What *Shop today* must show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from common.vocabulary import AGE_BANDS, ATTRIBUTES, DWELL_BINS_S, EXPRESSIONS, GENDERS, UNKNOWN
from common.wire import Cells, Noise, WindowMessage, bin_label
from tests.dashboards.panels import Row, Scene
from tests.dashboards.shops import BERLIN, CHAIN
from tests.dashboards.world import (
    Answer,
    Board,
    World,
    bucket,
    chosen,
    cohorts,
    looked_at,
    mean,
    newest,
    over_time,
    said,
    sums,
)

BOARD = Board()

FULL, FEW = 0.9, 30


def breakdown(
    tables: Sequence[Cells | None], labels: Sequence[str], named: str = "{}", of: Sequence[str] | None = None
) -> list[Answer]:
    """For a sample that is large enough, and for one that is not; ``of`` are the labels that count, all by default."""
    counts = sums(tables)
    row: Row = {named.format(label): counts.get(label) for label in labels}
    released = sum(count for label, count in counts.items() if of is None or label in of)
    return [[row] if released >= FEW else [], [row] if 0 < released < FEW else []]


BOARD.one(
    "Visits",
    "visits",
    lambda w, s: sum(x.totals.visits for x in w.inside(s)) if said(w.inside(s)) else None,
)
BOARD.one(
    "Viewers",
    "viewers",
    lambda w, s: sum(x.totals.viewers for x in w.inside(s)) if said(w.inside(s)) else None,
)


@BOARD.shows("Just now")
def _just_now(world: World, scene: Scene) -> list[Answer]:
    seen = newest(w for w in world.inside(scene) if w.coverage.share > 0).values()
    return [[{"visits": sum(w.totals.visits for w in seen)}] if seen else []]


BOARD.one("Coverage", "coverage", lambda w, s: mean(x.coverage.share for x in w.inside(s)))


@BOARD.shows("Visits with a gender")
def _with_gender(world: World, scene: Scene) -> list[Answer]:
    tables = [c.gender for c in cohorts(world, scene) if c.gender is not None]
    return [[{"visits": sum(sums(tables).get(gender, 0) for gender in GENDERS)}] if tables else []]


@BOARD.shows("Share described")
def _described(world: World, scene: Scene) -> list[Answer]:
    told = [c for c in cohorts(world, scene) if c.described is not None]
    share = sum(c.described for c in told) / sum(c.visits for c in told) if told else None
    return [[] if share is None else [{"described": share}]]


def _hours(windows: Iterable[WindowMessage]) -> dict[int, tuple[int, float]]:
    """Visits and coverage by hour."""
    groups: dict[int, list[WindowMessage]] = {}
    for window in windows:
        hour = window.start.astimezone(BERLIN).replace(minute=0, second=0, microsecond=0)
        groups.setdefault(int(hour.timestamp()), []).append(window)
    return {
        at: (sum(w.totals.visits for w in found), sum(w.coverage.share for w in found) / len(found))
        for at, found in sorted(groups.items())
    }


@BOARD.shows("Visits by hour")
def _by_hour(world: World, scene: Scene) -> list[Answer]:
    hours = _hours(world.inside(scene))
    week = timedelta(days=7)
    before = [
        w for w in world.windows
        if looked_at(w, scene) and scene.start - week <= w.start < scene.start - week + timedelta(days=1)
    ]  # fmt: skip
    return [
        [{"time": at, "today": visits} for at, (visits, share) in hours.items() if share >= FULL],
        [
            {"time": at, "partly watched": visits}
            for at, (visits, share) in hours.items()
            if share < FULL and (share > 0 or visits > 0)
        ],
        [{"time": at, "a week before": visits} for at, (visits, _) in _hours(said(before)).items()],
    ]


@BOARD.shows("Busiest hour")
def _busiest(world: World, scene: Scene) -> list[Answer]:
    hours = {at: v for at, (v, share) in _hours(world.inside(scene)).items() if share > 0 or v > 0}
    if not hours:
        return [[]]
    at = max(hours, key=lambda hour: (hours[hour], -hour))
    return [[{"time": at, "visits": hours[at]}]]


@BOARD.shows("Was the camera watching?")
def _watching(world: World, scene: Scene) -> list[Answer]:
    found = [(f"{w.device} {w.camera}", bucket(w.start, 900), w.coverage.share) for w in world.inside(scene)]
    return [over_time(found, mean)]


@BOARD.shows("What each camera is for")
def _cameras(world: World, scene: Scene) -> list[Answer]:
    (site,) = chosen(scene)
    named = ((*camera.split("/"), role) for camera, role in (CHAIN.sites[site].cameras or {}).items())
    title = CHAIN.sites[site].title
    return [[{"device": d, "camera": c, "role": role, "title": title} for d, c, role in named]]


@BOARD.shows("Age and gender")
def _pyramid(world: World, scene: Scene) -> list[Answer]:
    return [
        answer
        for gender in GENDERS
        for answer in breakdown(
            [(c.gender_age_band or {}).get(gender) for c in cohorts(world, scene)],
            (*AGE_BANDS, UNKNOWN),
            f"{gender} {{}}",
        )
    ]


@BOARD.shows("Expression")
def _expression(world: World, scene: Scene) -> list[Answer]:
    tables = [c.expression for c in cohorts(world, scene)]
    return breakdown(tables, (*EXPRESSIONS, UNKNOWN), of=EXPRESSIONS)


def _noises(world: World, scene: Scene) -> list[Noise]:
    return [c.noise for c in cohorts(world, scene) if c.noise is not None]


@BOARD.shows("Verdicts with noise")
def _noise(world: World, scene: Scene) -> list[Answer]:
    found: list[Answer] = []
    for attribute, labels in ATTRIBUTES.items():
        told = [noise.lists()[attribute] for noise in _noises(world, scene)]
        found.append([{label: sum(one[label] for one in told) for label in labels}] if told else [])
    return found


def _range(world: World, scene: Scene) -> float | None:
    chances = [math.exp(-noise.budget / 6) for noise in _noises(world, scene)]
    variance = sum(2 * q / (1 - q) ** 2 for q in chances)
    return 1.96 * variance**0.5 if chances else None


BOARD.one("Noise of each number", "visits", _range)
BOARD.one(
    "Budget for noise",
    "budget",
    lambda w, s: max((noise.budget for noise in _noises(w, s)), default=None),
)


@BOARD.shows("Visits by dwell time")
def _dwell(world: World, scene: Scene) -> list[Answer]:
    return breakdown(
        [c.dwell for c in cohorts(world, scene)], [bin_label(edge) for edge in DWELL_BINS_S], "{} s"
    )


def _ratio(above: str, below: str) -> Callable[[World, Scene], float | None]:
    def ratio(world: World, scene: Scene) -> float | None:
        found = [c for c in cohorts(world, scene) if getattr(c, above) is not None]
        return (
            sum(getattr(c, above) for c in found) / sum(getattr(c, below) for c in found) if found else None
        )

    return ratio


BOARD.one("Dwell time", "dwell", _ratio("dwell_sum_s", "visits"))
BOARD.one("Attention time", "attention", _ratio("attention_sum_s", "visits"))
BOARD.one("Attraction ratio", "attraction", _ratio("attention_sum_s", "dwell_sum_s"))
