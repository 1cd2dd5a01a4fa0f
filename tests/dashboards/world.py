"""What each panel must show, worked out from the messages of :mod:`tests.dashboards.shops` without a database.

One function a panel, in the ``expect_`` module of its dashboard; it gives an answer for each query of the panel, as
:func:`tests.dashboards.panels.ask` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from cloud.analysis.compare import Comparison
from cloud.domain.floor_tally import FloorTally
from cloud.domain.notices import Acknowledgement
from cloud.domain.tally import Tally
from cloud.domain.till import Takings
from cloud.stores.check_file import CheckFile
from cloud.stores.tallies import Tallies
from common.wire import (
    AlertMessage,
    Cells,
    HealthMessage,
    NoticeMessage,
    StatusMessage,
    WindowMessage,
)
from tests.dashboards.panels import Row, Scene, Series

Answer = list[Row] | Series
FULL, FEW = 0.9, 30


@dataclass(frozen=True, slots=True)
class World:
    """What was sent, and what follows from it by the other paths through the code."""

    windows: Sequence[WindowMessage]
    health: Sequence[HealthMessage]
    status: Sequence[StatusMessage]
    alerts: Sequence[AlertMessage]
    notices: Sequence[NoticeMessage]
    acknowledgements: Sequence[Acknowledgement]
    letters: Sequence[tuple[str, str, str]]
    """Site, device and reason of what could not be decoded."""
    letters_at: datetime
    again: Sequence[WindowMessage]
    """What came once more, at the time of the letters."""
    tallies: Sequence[Tally]
    floors: Mapping[tuple[str, str], FloorTally]
    """By site and role: all days."""
    comparisons: Mapping[tuple[str, str], Comparison]
    """By role and metric."""
    sold: Sequence[tuple[str, Takings]]
    """What the tills told, with the site."""
    checks: CheckFile
    source: Tallies
    """The tallies of the windows themselves, with the till."""
    daily: Mapping[tuple[str, str], Sequence[Tally]]
    """By site and role: each of eight weeks of days, also those without data, with the till."""
    quarters: Mapping[tuple[str, str], Mapping[datetime, Tally]]
    """By site and role: the quarters of an hour that were watched."""

    def inside(self, scene: Scene) -> list[WindowMessage]:
        return [w for w in self.windows if looked_at(w, scene) and scene.start <= w.start <= scene.end]

    def healthy(self, scene: Scene) -> dict[tuple[str, str], list[HealthMessage]]:
        """By device, in order of time."""
        found: dict[tuple[str, str], list[HealthMessage]] = {}
        for message in sorted(self.health, key=lambda m: m.at):
            if scene.start <= message.at <= scene.end:
                found.setdefault((message.site, message.device), []).append(message)
        return found

    def days(self, scene: Scene) -> list[Tally]:
        """Of the role that is chosen, or of all of them."""
        sites, role = chosen(scene), scene.variables.get("role")
        return [
            t
            for t in self.tallies
            if t.site in sites and role in (None, t.role) and scene.start <= noon(t) <= scene.end
        ]


Expected = Callable[[World, Scene], list[Answer]]


class Board:
    """What the panels of one dashboard must show, by their titles."""

    def __init__(self) -> None:
        self.panels: dict[str, Expected] = {}

    def shows(self, title: str) -> Callable[[Expected], Expected]:
        def register(function: Expected) -> Expected:
            self.panels[title] = function
            return function

        return register

    def one(self, title: str, column: str, value: Callable[[World, Scene], Any]) -> None:
        """A panel with a single number; None is no answer at all."""

        def answer(world: World, scene: Scene) -> list[Answer]:
            number = value(world, scene)
            return [[] if number is None else [{column: number}]]

        self.panels[title] = answer


def chosen(scene: Scene) -> Sequence[str]:
    sites = scene.variables["site"]
    return [sites] if isinstance(sites, str) else sites


def looked_at(window: WindowMessage, scene: Scene) -> bool:
    """Whether site and device of a window are chosen."""
    return window.site in chosen(scene) and window.device in scene.variables.get("device", [window.device])


def noon(tally: Tally) -> datetime:
    """The time of a point about a day."""
    return datetime.combine(tally.day, time(12), UTC)


def mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def said(windows: Iterable[WindowMessage]) -> list[WindowMessage]:
    return [w for w in windows if w.coverage.share > 0 or w.totals.visits > 0]


def newest(windows: Iterable[WindowMessage]) -> dict[tuple[str, str], WindowMessage]:
    return {(w.site, w.device): w for w in sorted(windows, key=lambda w: w.start)}


def bucket(at: datetime, seconds: int) -> int:
    return int(at.timestamp()) // seconds * seconds


def over_time(values: Iterable[tuple[str, int, Any]], combine: Callable[[list[Any]], Any]) -> Series:
    groups: dict[str, dict[int, list[Any]]] = {}
    for name, at, value in values:
        if value is not None:
            groups.setdefault(name, {}).setdefault(at, []).append(value)
    return {name: {at: combine(found) for at, found in times.items()} for name, times in groups.items()}


def sums(tables: Iterable[Cells | None]) -> dict[str, int]:
    """Readable counts by label; a label that was always withheld is missing."""
    found: dict[str, int] = {}
    for table in tables:
        for label, count in (table or {}).items():
            if count is not None:
                found[label] = found.get(label, 0) + count
    return found


def cohorts(world: World, scene: Scene) -> list[Any]:
    return [w.cohort for w in world.inside(scene) if w.cohort is not None]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """As no engine promises it."""
    order = (
        "time",
        "site",
        "device",
        "camera",
        "attribute",
        "label",
        "role",
        "zone",
        "target",
        "place",
        "next_place",
        "metric",
        "clip",
        "side",
        "outcome",
        "alert",
    )
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in order if name in row))


def assert_same(found: Any, wanted: Any) -> None:
    """Equal, but for the last digits of a float."""
    assert type(found) is type(wanted) or {type(found), type(wanted)} == {int, float}, (found, wanted)
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key in wanted:
            assert_same(found[key], wanted[key])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), (found, wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, float):
        assert math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9), (found, wanted)
    else:
        assert found == wanted
