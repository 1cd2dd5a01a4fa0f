"""What visits did at places, as counts of a window, also after a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.place_types import (
    HEAT_MOST_S,
    CellCounts,
    DoorCounts,
    PlaceCounts,
    TargetCounts,
    VisitPlaces,
    Wait,
)
from edge.types import Verdict, Visit, WindowAggregate
from edge.vision.aggregate import Aggregator
from edge.vision.pool import Pool
from edge.vision.waiting import Waiting

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PLACES = VisitPlaces(
    stays={"shelf": 8.0, "line": 31.0},
    stops=frozenset({"shelf"}),
    looks={"screen": 3.0},
    waits={"line": Wait(31.0, served=True)},
    ways=frozenset({("entry", "shelf"), ("shelf", "line")}),
    heat={7: (8.0, 2.5), 20: (HEAT_MOST_S, 0.0)},
)


def visit(places: VisitPlaces = PLACES, expression: str = "happy") -> Visit:
    return Visit(
        NOON,
        NOON,
        50.0,
        0.0,
        viewer=False,
        described=True,
        attributes={"expression": Verdict(expression, 0.9)},
        places=places,
    )


def window(*visits: Visit) -> WindowAggregate:
    aggregator = Aggregator(window_s=60, timed=["shelf"])
    aggregator.observe(NOON, 0.0, 1, 0)
    for one in visits:
        aggregator.add(one)
    aggregator.note({"street": DoorCounts(2, 1, 3, 1)}, {"shelf": 4})
    aggregator.note({"street": DoorCounts(entries=1, groups=1)}, {"shelf": 2, "line": 1})
    assert aggregator.open_window is not None
    return aggregator.open_window


def test_a_window_adds_up_what_visits_did() -> None:
    places = window(visit(), visit(VisitPlaces(stays={"shelf": 1.0}))).places
    assert places.doors == {"street": DoorCounts(3, 1, 3, 2)}
    shelf, line = places.zones["shelf"], places.zones["line"]
    assert (shelf.stays.visits, shelf.stays.sum_s, shelf.stops, shelf.most) == (2, 9.0, 1, 4)
    assert shelf.stays.histogram == (1, 0, 1, 0, 0, 0, 0, 0, 0)
    assert (places.elsewhere.visits, places.elsewhere.sum_s) == (2, 42.0 + 49.0)
    assert (line.waits.visits, line.waits.sum_s, line.served, line.most) == (1, 31.0, 1, 1)
    assert line.waits.histogram == (0, 0, 0, 0, 0, 1, 0, 0, 0)
    target = places.targets["screen"]
    assert (target.looks.visits, target.looks.sum_s, target.expressions) == (1, 3.0, {"happy": 1})
    assert places.ways == {("entry", "shelf"): 1, ("shelf", "line"): 1}
    assert places.heat == {7: CellCounts(1, 8.0, 2.5), 20: CellCounts(1, 30.0, 0.0)}


def test_what_happened_at_places_survives_a_restart() -> None:
    before = window(visit())
    kept = Waiting.load(Waiting(Pool(), before).dump()).window
    assert kept is not None
    assert kept.places == before.places
    second = Aggregator(window_s=60, resume=kept)
    second.observe(NOON + timedelta(seconds=20), 0.0, 0, 0)
    second.add(visit(expression="neutral"))
    second.note({}, {"shelf": 3})
    after = second.open_window
    assert after is not None
    assert after.places.doors == before.places.doors
    assert after.places.zones["shelf"].most == 4
    assert after.places.targets["screen"].expressions == {"happy": 1, "neutral": 1}


def test_crowds_that_stay_are_in_every_window() -> None:
    aggregator, windows = Aggregator(window_s=60), []
    for second in range(130):
        windows += aggregator.observe(NOON + timedelta(seconds=second), float(second), 1, 0)
        aggregator.note({}, {"shelf": 2})
    assert [one.places.zones["shelf"].most for one in windows] == [2, 2]


def test_a_door_without_events_is_told_as_such() -> None:
    aggregator, windows = Aggregator(window_s=60, doors=["street"]), []
    for second in range(130):
        windows += aggregator.observe(NOON + timedelta(seconds=second), float(second), 1, 0)
    assert [one.places.doors for one in windows] == [{"street": DoorCounts()}] * 2
    again = Aggregator(window_s=60, doors=["street", "back"], resume=windows[0])
    assert again.open_window is not None
    assert again.open_window.places.doors == {"street": DoorCounts(), "back": DoorCounts()}


def test_no_event_comes_before_the_first_frame() -> None:
    with pytest.raises(ValueError, match="observe a frame first"):
        Aggregator(window_s=60).note({}, {"shelf": 2})


def test_other_histograms_are_refused() -> None:
    dumped = Waiting(Pool(), window(visit())).dump()
    broken = dumped.replace(b'"histogram":[0,0,0,0,0,0,0,0,0]', b'"histogram":[0,0]', 1)
    assert broken != dumped
    with pytest.raises(ValueError, match=r"\w"):
        Waiting.load(broken)


def test_counts_of_places_add_up() -> None:
    one = PlaceCounts(targets={"a": TargetCounts(expressions={"happy": 1})})
    other = PlaceCounts(targets={"a": TargetCounts(expressions={"happy": 2}), "b": TargetCounts()})
    assert (one + other).targets["a"].expressions == {"happy": 3}
    assert (one + other).targets.keys() == {"a", "b"}
