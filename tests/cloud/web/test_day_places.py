"""The page's figures of doors and places: what is withheld is None, and what drifts is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cloud.domain.time_bins import Span
from cloud.web.day import Day, day_figures
from cloud.web.day_places import Doors, Queue, Target, Zone
from common.wire import Cohort, Coverage, Door, Totals, WindowMessage
from tests.support.messages import MORNING, cohort, window, zone

BERLIN = ZoneInfo("Europe/Berlin")
NOON: datetime = MORNING + timedelta(hours=3)


def figures(*windows: WindowMessage) -> Day:
    return day_figures(windows, NOON, BERLIN)


def crossed(minute: int, entries: int, exits: int, passers: int = 0, **changes: Any) -> WindowMessage:
    door = Door(entries=entries, exits=exits, passers=passers, groups=min(entries, 1))
    totals = Totals(visits=3, viewers=2, doors={"front": door})
    return window(minute, **{"totals": totals, **changes})


def test_doors_are_added_up_since_the_day_began() -> None:
    found = figures(crossed(0, 5, 0, 3), crossed(1, 2, 4, 2, device="back"), crossed(-12 * 60, 100, 0, seq=1))
    assert found.doors == Doors(
        entries=7, exits=4, passers=5, groups=2, capture_rate=7 / 12, inside=3, missed_entries=0
    )


def test_nobody_is_inside_less_than_not_at_all() -> None:
    """Three who left were never seen to enter; who enters afterwards is inside."""
    found = figures(crossed(0, 1, 0), crossed(1, 0, 4), crossed(2, 5, 1))
    assert found.doors is not None
    assert (found.doors.inside, found.doors.missed_entries) == (4, 3)


def test_a_shop_without_doors_or_cohorts_shows_neither() -> None:
    found = figures(window(0, totals=Totals(visits=1, viewers=0)))
    assert found.doors is None
    assert (found.places.zones, found.places.queues, found.places.targets) == ((), (), ())


def test_a_camera_that_saw_nothing_all_day_tells_nothing_of_doors() -> None:
    doors = {"front": Door(entries=0, exits=0, passers=0, groups=0)}
    totals = Totals(visits=0, viewers=0, doors=doors)
    assert figures(window(0, coverage=Coverage(share=0.0), totals=totals)).doors is None
    assert figures(window(0, coverage=Coverage(share=0.1), totals=totals)).doors is not None


def test_places_are_told_with_what_is_withheld_of_them() -> None:
    partly = Cohort.model_validate(
        {**cohort().model_dump(), "zones": {"shelf": zone(None)}, "targets": {}, "heat": None, "ways": None}
    )
    found = figures(window(20, cohort=cohort()), window(40, cohort=partly)).places
    assert found.zones == (
        Zone("lift", None, 8, None, None, None),
        Zone("shelf", 8, 8, 0, 0.0, 6.0),
        Zone("till", 8, 0, None, None, None),
    )
    (till,) = found.queues
    assert till == Queue("till", 8, 0, 0.0, 6.0, till.median_s, till.ninth_decile_s)
    assert till.median_s == (7.5, 7.5)
    assert till.ninth_decile_s == (9.5, 9.5)
    assert found.targets == (
        Target("sign", 8, 0, None, None, None, None),
        Target("tea", 8, 0, 8, 1.0, 16.5 / 8, Span(16.5 / 8, 16.5 / 8)),
    )
