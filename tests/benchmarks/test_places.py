"""The cost of places is measured for every goal, and one that is missed is told."""

from __future__ import annotations

from benchmarks import floor_points, places


def test_every_goal_is_measured() -> None:
    measured = [
        {"people": people, "usual_ms": places.milliseconds(places.usual(), people, frames=30), "full_ms": 0.0}
        for people in places.GOALS_MS
    ]
    assert all(each["usual_ms"] > 0 for each in measured)
    assert places.milliseconds(places.full(), 1, frames=30) > 0
    assert len(places.table(measured).rows) == len(places.GOALS_MS)


def test_a_missed_goal_is_told() -> None:
    fine = {"people": 5, "usual_ms": 0.2, "full_ms": 9.0}
    assert places.too_slow([fine]) == []
    (line,) = places.too_slow([fine, {"people": 20, "usual_ms": 1.5, "full_ms": 9.0}])
    assert line == "places cost 1.50 ms a frame with 20 people, not at most 1"


def test_errors_are_summed_up_by_their_median_and_ninth_tenth() -> None:
    errors = {floor_points.SEEN: [index / 100 for index in range(100)], floor_points.EDGE: []}
    rows = floor_points.summary(errors)
    assert rows[floor_points.SEEN] == {"frames": 100, "median": 0.5, "p90": 0.9}
    assert rows[floor_points.EDGE]["frames"] == 0
