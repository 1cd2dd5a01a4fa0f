"""Windows aligned to UTC: what is counted where, and what happens when the clock is set."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.place_types import VisitPlaces
from edge.types import Verdict, Visit, WindowAggregate
from edge.vision.aggregate import LONGEST_SILENCE_S, Aggregator
from tests.support.zones import zones_and_days

SECONDS_PER_DAY = 86_400
NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_visit(
    dwell_s: float = 3.0, attention_s: float = 1.0, *, described: bool = True, **labels: str
) -> Visit:
    return Visit(
        started_at=NOON,
        ended_at=at(dwell_s),
        dwell_s=dwell_s,
        attention_s=attention_s,
        viewer=attention_s > 0,
        described=described,
        attributes={name: Verdict(label, 0.9) for name, label in labels.items()},
        places=VisitPlaces(stays={"shelf": 1.0, "till": 1.0}),
    )


def run(aggregator: Aggregator, since: float, until: float, step: float = 0.5) -> list[WindowAggregate]:
    """Frames of a healthy camera and clock, ``until`` excluded."""
    count = round((until - since) / step)
    return [
        window
        for index in range(count)
        for window in aggregator.observe(at(since + index * step), since + index * step, 1, 0)
    ]


def test_windows_are_aligned_to_utc_and_a_frame_on_the_edge_opens_the_next() -> None:
    aggregator = Aggregator(window_s=60)
    assert run(aggregator, 17, 60) == []
    (first,) = aggregator.observe(at(60), 60, 0, 0)
    assert (first.start, first.end) == (NOON, at(60))
    assert first.coverage.frames == 86
    (second,) = aggregator.close()
    assert (second.start, second.coverage.frames, second.closing) == (at(60), 1, True)
    assert not first.closing


def test_a_visit_is_counted_with_all_that_is_known_of_it() -> None:
    aggregator = Aggregator(window_s=60)
    aggregator.observe(NOON, 0, 1, 0)
    aggregator.add(a_visit(12.0, 0.0, gender="female", age_band="25-34", expression="happy"))
    aggregator.add(a_visit(2.0, 1.5, gender="female"))
    (window,) = aggregator.close()
    assert (window.visits, window.viewers) == (2, 1)
    assert (window.dwell_sum_s, window.attention_sum_s) == (14.0, 1.5)
    assert window.dwell_histogram == (0, 1, 0, 1, 0, 0, 0, 0, 0)
    assert window.attention_histogram == (2, 0, 0, 0, 0, 0, 0, 0, 0)
    assert window.breakdown == {("female", "25-34", "happy"): 1, ("female", "unknown", "unknown"): 1}
    assert {name: zone.stays.visits for name, zone in window.places.zones.items()} == {"shelf": 2, "till": 2}


def test_a_visit_whose_face_was_never_seen_has_that_label_in_all_attributes() -> None:
    aggregator = Aggregator(window_s=60)
    aggregator.observe(NOON, 0, 1, 0)
    aggregator.add(a_visit(described=False))
    aggregator.add(a_visit(described=False, gender="unknown", age_band="25-34"))
    aggregator.add(a_visit())
    (window,) = aggregator.close()
    assert window.breakdown == {
        ("not_seen", "not_seen", "not_seen"): 2,
        ("unknown", "unknown", "unknown"): 1,
    }


def test_no_visit_can_end_before_the_first_frame() -> None:
    with pytest.raises(ValueError, match="observe a frame first"):
        Aggregator(window_s=60).add(a_visit())


def test_coverage_is_split_at_the_edge_and_leaves_long_gaps_out() -> None:
    aggregator = Aggregator(window_s=60, max_gap_s=1.0)
    aggregator.observe(at(58.0), 58.0, 2, 0)
    aggregator.observe(at(59.0), 59.0, 4, 3)
    (first,) = aggregator.observe(at(60.0) - timedelta(seconds=0.2) + timedelta(seconds=0.2), 60.0, 0, 0)
    assert first.coverage.covered_s == pytest.approx(2.0)
    assert first.occupancy_mean == pytest.approx(3.0)  # 2 for one second, then 4 for one
    assert (first.occupancy_max, first.coverage.frames, first.coverage.dropped) == (4, 2, 3)
    aggregator.observe(at(63.0), 63.0, 0, 0)  # three seconds without a frame: nobody watched
    aggregator.observe(at(63.5), 63.5, 0, 1)
    (second,) = aggregator.close()
    assert second.coverage.covered_s == pytest.approx(0.5)
    assert second.coverage.dropped == 1


def test_the_interval_across_an_edge_belongs_to_both_windows() -> None:
    aggregator = Aggregator(window_s=60)
    aggregator.observe(at(59.7), 59.7, 5, 0)
    (first,) = aggregator.observe(at(60.5), 60.5, 0, 0)
    (second,) = aggregator.close()
    assert first.coverage.covered_s == pytest.approx(0.3)
    assert second.coverage.covered_s == pytest.approx(0.5)
    assert first.occupancy_mean == second.occupancy_mean == pytest.approx(5.0)


def test_a_camera_that_was_gone_leaves_empty_windows_without_coverage() -> None:
    aggregator = Aggregator(window_s=60)
    run(aggregator, 0, 10)
    windows = aggregator.observe(at(190), 190, 0, 0)
    assert [window.start for window in windows] == [at(0), at(60), at(120)]
    assert [window.coverage.frames for window in windows] == [20, 0, 0]
    assert [window.coverage.covered_s for window in windows] == [pytest.approx(9.5), 0.0, 0.0]


def test_an_outage_of_weeks_is_filled_for_its_last_day_only() -> None:
    aggregator = Aggregator(window_s=60)
    weeks = 21 * 86_400.0
    aggregator.observe(NOON, 0, 0, 0)
    windows = aggregator.observe(at(weeks), weeks, 0, 0)
    assert len(windows) == 1 + LONGEST_SILENCE_S // 60
    assert windows[-1].end == at(weeks)


def test_a_clock_set_forward_invents_no_windows() -> None:
    """The device was switched on with an old time and then found its time server."""
    aggregator = Aggregator(window_s=60)
    run(aggregator, 0, 10)
    windows = aggregator.observe(at(30 * 86_400 + 30), 10, 0, 0)
    assert [window.start for window in windows] == [NOON]


def test_a_clock_set_back_keeps_the_open_window_until_it_has_caught_up() -> None:
    aggregator = Aggregator(window_s=60)
    emitted = run(aggregator, 0, 300)
    back = [aggregator.observe(at(60 + s), 300 + s, 1, 0) for s in range(240)]
    aggregator.add(a_visit())
    assert not any(back)
    assert aggregator.held_until(at(100)) == at(300)
    assert aggregator.held_until(at(200)) is None, "it is told within a minute, as always"
    (held,) = aggregator.observe(at(300), 540, 1, 0)
    assert held.start == at(240)
    assert held.start not in [window.start for window in emitted]
    assert held.visits == 1
    assert held.coverage.covered_s <= 60


def test_a_clock_set_back_by_years_starts_there_at_once() -> None:
    aggregator = Aggregator(window_s=60)
    run(aggregator, 0, 90)
    year = 365 * 86_400
    (last,) = aggregator.observe(at(-year), 90, 0, 0)
    assert last.start == at(60)
    (early,) = aggregator.observe(at(-year + 60), 150, 0, 0)
    assert early.start == at(-year)


def test_after_the_close_of_the_day_the_next_free_window_counts() -> None:
    aggregator = Aggregator(window_s=60)
    run(aggregator, 0, 20)
    aggregator.close()
    assert aggregator.close() == []
    aggregator.observe(at(20), 20, 1, 0)  # opened again within the minute that was closed
    aggregator.add(a_visit())
    (window,) = aggregator.close()
    assert (window.start, window.visits, window.coverage.covered_s) == (at(60), 1, 0.0)


steps = st.lists(
    st.tuples(
        st.one_of(st.floats(0, 2), st.floats(0, 500)),  # monotonic seconds to the next frame
        st.one_of(st.just(0.0), st.floats(-1000, 1000), st.floats(-1e6, 1e6)),  # what the clock is set by
        st.integers(0, 3),  # visits that end then
        st.integers(0, 9),
        st.booleans(),  # the day is closed
    ),
    max_size=40,
)


@settings(deadline=None)
@given(steps, st.sampled_from([1, 10, 60, 900]))
def test_whatever_the_clock_does_no_visit_is_lost_and_no_window_comes_twice(
    frames: list[tuple[float, float, int, int, bool]], window_s: int
) -> None:
    aggregator = Aggregator(window_s=window_s)
    windows: list[WindowAggregate] = []
    monotonic_s = wall = 0.0
    for gap, jump, visits, dropped, closed in frames:
        monotonic_s, wall = monotonic_s + gap, wall + gap + jump
        windows += aggregator.observe(at(wall), monotonic_s, visits, dropped)
        for _ in range(visits):
            aggregator.add(a_visit())
        if closed:
            windows += aggregator.close()
    windows += aggregator.close()
    assert sum(window.visits for window in windows) == sum(frame[2] for frame in frames)
    assert sum(window.coverage.frames for window in windows) == len(frames)
    assert sum(window.coverage.dropped for window in windows) == sum(frame[3] for frame in frames)
    starts = [window.start for window in windows]
    assert len(set(starts)) == len(starts)
    for window in windows:
        assert window.start.timestamp() % window_s == 0
        assert window.end - window.start == timedelta(seconds=window_s)
        assert 0 <= window.coverage.covered_s <= window_s
        assert sum(window.breakdown.values()) == sum(window.dwell_histogram) == window.visits
        assert window.occupancy_mean <= 3 + 1e-9
    assert sum(window.coverage.covered_s for window in windows) <= sum(f[0] for f in frames) + 1e-3


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=200), st.floats(0, 59))
def test_a_healthy_camera_is_covered_from_its_first_to_its_last_frame(
    gaps: list[float], since: float
) -> None:
    aggregator = Aggregator(window_s=10)
    moment, windows = since, []
    windows += aggregator.observe(at(since), since, 0, 0)
    for gap in gaps:
        moment += gap
        windows += aggregator.observe(at(moment), moment, 0, 0)
    windows += aggregator.close()
    assert sum(window.coverage.covered_s for window in windows) == pytest.approx(moment - since, abs=1e-3)


@settings(deadline=None)
@given(
    zones_and_days(),
    st.integers(0, 23),
    st.sampled_from([300, 900, 3600]),
)
@example(("Europe/Berlin", date(2026, 3, 29)), 2, 900)  # does not come
@example(("Europe/Berlin", date(2026, 10, 25)), 2, 900)  # comes twice
@example(("Africa/Cairo", date(2026, 4, 24)), 0, 900)  # has no midnight
@example(("America/Santiago", date(2024, 9, 8)), 1, 300)  # is what midnight becomes
@example(("Pacific/Chatham", date(2024, 4, 7)), 3, 3600)  # comes before clocks go back, within its window
def test_a_day_closes_once_at_its_hour_of_the_wall(of: tuple[str, date], hour: int, window_s: int) -> None:
    zone, first = ZoneInfo(of[0]), of[1] - timedelta(days=1)
    aggregator = Aggregator(window_s=window_s, max_gap_s=1.0, closing_hour=hour, timezone=zone)
    start = datetime.combine(first, time(12), UTC)
    came = [
        window
        for step in range(3 * SECONDS_PER_DAY // window_s + 1)
        for window in aggregator.observe(
            start + timedelta(seconds=step * window_s), float(step * window_s), 0, 0
        )
    ]
    hours = {
        datetime.combine(first + timedelta(days=day), time(at), zone).astimezone(UTC)
        for day in range(-1, 5)
        for at in (0, hour)  # midnight ends the day in any case
    }
    closed = [window for window in came if any(window.start < moment <= window.end for moment in hours)]
    assert [window for window in came if window.closing] == closed
    assert len(closed) == sum(came[0].start < moment <= came[-1].end for moment in hours) >= 2
