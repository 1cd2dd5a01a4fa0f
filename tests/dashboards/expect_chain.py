"""What *Chain compare* must show."""

from __future__ import annotations

from collections.abc import Callable

from cloud.analysis.compare import Row as Compared
from cloud.analysis.mix import mix
from cloud.domain.tally import Tally
from common.vocabulary import ATTRIBUTES
from tests.dashboards.expect_sales import Told, newest, of_days, passed, refused, table
from tests.dashboards.panels import Row, Scene, Series
from tests.dashboards.shops import CHAIN
from tests.dashboards.world import Answer, Board, World, chosen, noon, over_time

BOARD = Board()

NUMBERS = ("rate", "low", "high", "versus")


def _rows(world: World, scene: Scene, *, compared: bool) -> list[Compared]:
    role, metric = scene.variables["role"], scene.variables["metric"]
    assert isinstance(role, str)
    assert isinstance(metric, str)
    found = [row for row in world.comparisons[role, metric].rows if row.site in chosen(scene)]
    return [row for row in found if (row.set_apart is None) == compared]


def _versions(world: World, scene: Scene, site: str) -> dict[str, str]:
    role = scene.variables["role"]
    last = max((t for t in world.tallies if t.site == site and t.role == role), key=lambda t: t.day)
    return {"models": ",".join(sorted(last.models)), "calibrations": ",".join(sorted(last.calibrations))}


BOARD.one("Compared", "shops", lambda w, s: len(_rows(w, s, compared=True)) or None)
BOARD.one("Not compared", "shops", lambda w, s: len(_rows(w, s, compared=False)) or None)
BOARD.one("Really different", "shops", lambda w, s: sum(r.real for r in _rows(w, s, compared=True)) or None)


@BOARD.shows("Ranking")
def _ranking(world: World, scene: Scene) -> list[Answer]:
    return [
        [
            {
                "site": row.site,
                "title": CHAIN.sites[row.site].title,
                **{name: getattr(row, name) for name in (*NUMBERS, "real", "q", "coverage", "days")},
                **_versions(world, scene, row.site),
            }
            for row in _rows(world, scene, compared=True)
        ]
    ]


@BOARD.shows("Map")
def _map(world: World, scene: Scene) -> list[Answer]:
    rows: list[Row] = []
    for row in _rows(world, scene, compared=True):
        place = CHAIN.sites[row.site].place
        where = {"latitude": place and place.latitude, "longitude": place and place.longitude}
        title = CHAIN.sites[row.site].title
        rows.append(
            {"site": row.site, "title": title, **where, **{n: getattr(row, n) for n in (*NUMBERS, "real")}}
        )
    return [rows]


@BOARD.shows("Why not compared")
def _apart(world: World, scene: Scene) -> list[Answer]:
    return [
        [
            {
                "site": row.site,
                "title": CHAIN.sites[row.site].title,
                "apart_because": row.set_apart,
                "coverage": row.coverage,
                **_versions(world, scene, row.site),
            }
            for row in _rows(world, scene, compared=False)
        ]
    ]


def _watched(world: World, scene: Scene) -> list[Tally]:
    return [t for t in world.days(scene) if t.exposure_s > 0]


BOARD.one(
    "Visits per watched opening hour",
    "rate",
    lambda w, s: 3600 * sum(t.visits for t in _watched(w, s)) / sum(t.exposure_s for t in _watched(w, s)),
)


def _daily(title: str, value: Callable[[Tally], float | None]) -> None:
    def answer(world: World, scene: Scene) -> list[Answer]:
        days = ((t.site, int(noon(t).timestamp()), value(t)) for t in world.days(scene))
        return [over_time(days, lambda found: found[0])]

    BOARD.shows(title)(answer)


_daily(
    "Visits per watched opening hour, by day",
    lambda t: 3600 * t.visits / t.exposure_s if t.exposure_s else None,
)
_daily("Coverage of the opening hours, by day", lambda t: t.covered_s / t.open_s if t.open_s else None)


@BOARD.shows("Raw and corrected shares")
def _shares(world: World, scene: Scene) -> list[Answer]:
    rows: list[Row] = []
    for site in chosen(scene):
        for attribute in ATTRIBUTES:
            days = sorted((t for t in world.days(scene) if t.site == site), key=lambda t: t.day)
            found = next((m for t in reversed(days) if (m := mix(t, attribute)) is not None), None)
            for share in found.shares if found else ():
                named = {"site": site, "attribute": attribute, "label": share.label, "visits": share.n}
                rows.append({**named, **{n: getattr(share, n) for n in ("raw", "corrected", "low", "high")}})
    return [rows]


def _of_shops(world: World, scene: Scene) -> list[tuple[Row, Told]]:
    """The newest of the chosen figure, of each chosen shop with cameras of the role."""
    metric, role = str(scene.variables["figure"]), str(scene.variables["role"])
    found = [(site, newest(world, scene, site, metric).get(role)) for site in chosen(scene)]
    return [({"site": site}, one[1]) for site, one in found if one]


@BOARD.shows("The chosen figure of each shop")
def _chosen(world: World, scene: Scene) -> list[Answer]:
    metric, period = str(scene.variables["figure"]), str(scene.variables["period"])
    series: Series = {}
    for site in chosen(scene):
        for role, day, figure in of_days(world, scene, site, metric, period):
            if role == scene.variables["role"] and figure.value is not None:
                series.setdefault(site, {})[int(noon(day).timestamp())] = figure.value
    return [series]


BOARD.shows("Newest of each shop")(lambda world, scene: table(_of_shops(world, scene)))
BOARD.shows("Cannot be told")(lambda world, scene: refused(_of_shops(world, scene)))


@BOARD.shows("Beyond a limit")
def _beyond(world: World, scene: Scene) -> list[Answer]:
    found = [(site, *one) for site in chosen(scene) for one in passed(world, site)]
    return [
        [
            {"site": site, "alert": words, "value": value}
            for site, role, words, value in found
            if role == scene.variables["role"]
        ]
    ]
