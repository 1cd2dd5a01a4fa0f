"""What *Doors and zones* must show: the tallies and floors that the windows themselves give."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cloud.domain.tally import Tally
from cloud.domain.time_bins import TIME_BINS
from common.wire import HEAT_COLUMNS, HEAT_ROWS, NoticeMessage
from tests.dashboards.panels import Row, Scene, Series
from tests.dashboards.world import Answer, Board, World, noon

BOARD = Board()


def _series(values: Iterable[tuple[Tally, str, Any]]) -> Series:
    """Values by the noon of the day, by the name of the line."""
    found: Series = {}
    for tally, name, value in values:
        if value is not None:
            found.setdefault(name, {})[int(noon(tally).timestamp())] = value
    return found


def _doors(world: World, scene: Scene, value: Callable[[Any], Any], name: str) -> Series:
    found = (
        (t, f"{t.role}{name}", value(t.doors)) for t in world.days(scene) if t.doors and t.doors.watched_s
    )
    return _series(found)


@BOARD.shows("Entries, exits and passers")
def _counts(world: World, scene: Scene) -> list[Answer]:
    return [
        _doors(world, scene, lambda doors, column=column: getattr(doors, column), f": {column}")  # type: ignore[misc]
        for column in ("entries", "exits", "passers")
    ]


@BOARD.shows("Capture rate")
def _capture(world: World, scene: Scene) -> list[Answer]:
    return [_doors(world, scene, lambda doors: doors.capture_rate, "")]


@BOARD.shows("People in a group")
def _groups(world: World, scene: Scene) -> list[Answer]:
    return [_doors(world, scene, lambda doors: doors.entries / doors.groups if doors.groups else None, "")]


def _places(kind: str, value: Callable[[Any], Any], name: str = "") -> Callable[[World, Scene], Series]:
    def series(world: World, scene: Scene) -> Series:
        return _series(
            (tally, f"{tally.role} {place}{name}", value(found))
            for tally in world.days(scene)
            for place, found in getattr(tally.places, kind).items()
        )

    return series


def _gave_up(queue: Any) -> float | None:
    return None if queue.served_share is None else 1 - queue.served_share


def _end(number: int) -> Callable[[Any], Any]:
    """Return an end of the interval of the interest, of targets that somebody looked at."""

    def end(target: Any) -> float | None:
        interval = target.interest and target.interest.interval
        return interval[number] if interval and interval.high > 0 else None

    return end


for _title, _of in (
    ("Visits in zones", [_places("zones", lambda zone: zone.visits)]),
    ("Dwell time in zones", [_places("zones", lambda zone: zone.mean_dwell_s)]),
    ("People who waited", [_places("queues", lambda queue: queue.waits)]),
    ("Gave up", [_places("queues", _gave_up)]),
    ("Waiting time", [_places("queues", lambda queue: queue.mean_waiting_s)]),
    ("Engagement", [_places("targets", lambda target: target.viewer_share)]),
    (
        "Interest index",
        [
            _places("targets", lambda target: target.interest and target.interest.mean_s, ": interest"),
            _places("targets", _end(0), ": low"),
            _places("targets", _end(1), ": high"),
        ],
    ),
):
    BOARD.panels[_title] = lambda world, scene, of=_of: [one(world, scene) for one in of]  # type: ignore[misc]


@BOARD.shows("Waiting times")
def _waiting_times(world: World, scene: Scene) -> list[Answer]:
    found: dict[tuple[str, str], Row] = {}
    for tally in world.days(scene):
        for place, queue in tally.places.queues.items():
            if queue.waiting_visits:
                row = found.setdefault(
                    (tally.role, place), dict.fromkeys((f"{b} s" for b in TIME_BINS), None)
                )
                for label, count in queue.waiting.items():
                    if count is not None:
                        row[f"{label} s"] = (row[f"{label} s"] or 0) + count
    return [[{"role": role, "place": place, **row} for (role, place), row in found.items()]]


def _heat(kind: str) -> Callable[[World, Scene], list[Answer]]:
    def rows(world: World, scene: Scene) -> list[Answer]:
        columns, number = (int(part) for part in str(scene.variables["grid"]).split("x"))
        cells: dict[int, int | None] = {}
        for (site, _), floor in world.floors.items():
            for grid, told in floor.heat.items():
                if site == scene.variables["site"] and grid == (scene.variables["camera"], columns, number):
                    cells.update(enumerate(getattr(told, kind)))
        empty: Row = {str(column): None for column in range(HEAT_COLUMNS)}
        wide = [
            {**empty, **{str(c): cells.get(row * columns + c) for c in range(columns)}}
            if row < number
            else empty
            for row in range(HEAT_ROWS)
        ]
        return [[{"row": row, **shown}] if cells else [] for row, shown in enumerate(wide)]

    return rows


BOARD.panels["Standing"] = _heat("standing_s")
BOARD.panels["Looking"] = _heat("looking_s")


@BOARD.shows("Ways")
def _ways(world: World, scene: Scene) -> list[Answer]:
    return [
        [
            {"role": role, "place": way.place, "next_place": way.next_place, "visits": visits}
            for (site, role), floor in world.floors.items()
            if site == scene.variables["site"]
            for way, visits in floor.ways.items()
        ]
    ]


@BOARD.shows("Notices")
def _notices(world: World, scene: Scene) -> list[Answer]:
    def row(notice: NoticeMessage) -> Row:
        return {
            "time": round(notice.at.timestamp()),
            "device": notice.device,
            "notice": notice.name,
            "rule": notice.rule,
            "people": notice.count,
            "above": notice.limit,
        }

    return [[row(n) for n in world.notices if n.active and n.site == scene.variables["site"]]]


@BOARD.shows("Taken care of")
def _acknowledged(world: World, scene: Scene) -> list[Answer]:
    return [
        [
            {
                "time": round(one.at.timestamp()),
                "device": one.device,
                "notice": one.name,
                "who": one.who,
                "began": round(one.began.timestamp() * 1000),
            }
            for one in world.acknowledgements
            if one.site == scene.variables["site"]
        ]
    ]
