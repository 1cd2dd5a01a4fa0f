"""What *Data quality and privacy* must show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time

from common.wire import Cohort, WindowMessage
from tests.dashboards.expect_fleet import versions
from tests.dashboards.panels import Scene
from tests.dashboards.shops import BERLIN
from tests.dashboards.world import (
    Answer,
    Board,
    World,
    bucket,
    chosen,
    cohorts,
    mean,
    newest,
    over_time,
    sums,
)

BOARD = Board()

ATTRIBUTES = ("gender", "age_band", "expression")


def _count(condition: Callable[[WindowMessage], bool]) -> Callable[[World, Scene], int | None]:
    return lambda world, scene: sum(map(condition, world.inside(scene))) or None


BOARD.one("Coverage", "coverage", lambda w, s: mean(x.coverage.share for x in w.inside(s)))
BOARD.one("Blind windows", "windows", _count(lambda x: x.coverage.share == 0))
BOARD.one("Clock not set", "windows", _count(lambda x: not x.clock_trusted))
BOARD.one("Delivered late", "windows", _count(lambda x: x.is_historical))
BOARD.one("Dead letters", "letters", lambda w, s: sum(site in chosen(s) for site, _, _ in w.letters) or None)
BOARD.one("Waiting now", "pending", lambda w, s: sum(x.pending for x in newest(w.inside(s)).values()))
BOARD.one("Smallest group", "k", lambda w, s: min(x.k for x in w.inside(s)))
BOARD.one(
    "Never broken down",
    "share",
    lambda w, s: 1 - sum(t.cohort_visits for t in w.days(s)) / sum(t.visits for t in w.days(s)),
)
BOARD.shows("Privacy in force")(versions)


@BOARD.shows("Coverage by shop")
def _by_store(world: World, scene: Scene) -> list[Answer]:
    return [over_time(((w.site, bucket(w.start, 3600), w.coverage.share) for w in world.inside(scene)), mean)]


@BOARD.shows("Coverage by camera")
def _by_camera(world: World, scene: Scene) -> list[Answer]:
    cameras: dict[tuple[str, str], list[float]] = {}
    for window in world.inside(scene):
        cameras.setdefault((window.site, window.device), []).append(window.coverage.share)
    return [
        [
            {"site": site, "device": device, "camera": "front", "coverage": mean(shares)}
            for (site, device), shares in cameras.items()
        ]
    ]


@BOARD.shows("Dead letters by device")
def _letters(world: World, scene: Scene) -> list[Answer]:
    at = int(world.letters_at.timestamp())
    return [
        [
            {"time": at, "site": site, "device": device, "reason": why}
            for site, device, why in world.letters
            if site in chosen(scene)
        ]
    ]


def _by_day(world: World, scene: Scene, share: Callable[[list[Cohort]], float | None]) -> list[Answer]:
    """A line for each shop, with a point for each day of which ``share`` says something."""
    days: dict[tuple[str, int], list[Cohort]] = {}
    for window in world.inside(scene):
        midnight = datetime.combine(window.start.astimezone(BERLIN).date(), time(), BERLIN)
        if window.cohort is not None:
            day = window.site, int(midnight.astimezone(UTC).timestamp())
            days.setdefault(day, []).append(window.cohort)
    series: dict[str, dict[int, float]] = {}
    for (site, at), found in days.items():
        value = share(found)
        if value is not None:
            series.setdefault(site, {})[at] = value
    return [series]


@BOARD.shows("Share of visits described")
def _described(world: World, scene: Scene) -> list[Answer]:
    def share(found: list[Cohort]) -> float | None:
        told = [(c.described, c.visits) for c in found if c.described is not None]
        return sum(seen for seen, _ in told) / sum(visits for _, visits in told) if told else None

    return _by_day(world, scene, share)


def _unknown(attribute: str) -> None:
    def answer(world: World, scene: Scene) -> list[Answer]:
        def share(found: list[Cohort]) -> float | None:
            tables = [(getattr(c, attribute) or {}, c.described or 0) for c in found]
            told = [(cells["unknown"], seen) for cells, seen in tables if cells.get("unknown") is not None]
            return sum(count for count, _ in told) / sum(seen for _, seen in told) if told else None

        return _by_day(world, scene, share)

    BOARD.shows(f"Unknown {attribute.replace('_', ' ')}")(answer)


def _withheld(attribute: str) -> None:
    def share(world: World, scene: Scene) -> float | None:
        described = [c for c in cohorts(world, scene) if getattr(c, attribute) is not None]
        visits = sum(c.visits for c in described)
        released = sum(sums(getattr(c, attribute) for c in described).values())
        return (visits - released) / visits if visits else None

    BOARD.one(f"Withheld: {attribute.replace('_', ' ')}", "withheld", share)


for name in ATTRIBUTES:
    _unknown(name)
    _withheld(name)
