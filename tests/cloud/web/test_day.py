"""The day's figures: nothing is counted twice, nothing unseen is called zero, nothing withheld is guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.arrival import TOLERATED
from cloud.web.day import Breakdown, Day, day_bounds, day_figures
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire import Cells, Cohort, Coverage, Profile, Totals, WindowMessage, bin_label
from tests.support.messages import MORNING, cohort, fitting, window

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DWELL = [bin_label(edge) for edge in DWELL_BINS_S]
BLIND = Coverage(share=0.0)
NOBODY = Totals(visits=0, viewers=0)


def cells(draw: st.DrawFn, labels: tuple[str, ...] | list[str], visits: int) -> Cells:
    """``visits`` dealt out over two of the labels, some of the cells withheld afterwards."""
    first, second = draw(st.sampled_from(labels)), draw(st.sampled_from(labels))
    share = draw(st.integers(0, visits))
    counts = dict.fromkeys(labels, 0)
    counts[first] += share
    counts[second] += visits - share
    hidden = draw(st.sets(st.sampled_from(labels), max_size=2))
    return {label: None if label in hidden else count for label, count in counts.items()}


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    visits = draw(st.integers(5, 12))
    not_seen = draw(st.none() | st.integers(0, visits))
    seen = visits - (not_seen or 0)
    beside: Cells = {} if not_seen is None else {NOT_SEEN: not_seen}

    def of_people(labels: tuple[str, ...]) -> Cells:
        return cells(draw, (*labels, NO_VERDICT if not_seen is None else UNKNOWN), seen) | beside

    women = draw(st.integers(0, seen))
    joint = {"female": cells(draw, AGE_BANDS, women), "male": cells(draw, AGE_BANDS, seen - women)}
    if not_seen is not None:
        joint[NOT_SEEN] = beside
    dwell_s = draw(st.none() | st.floats(0, 1e4))
    return Cohort(
        since=MORNING,
        visits=visits,
        occupancy_mean=None,
        occupancy_max=2,
        dwell_sum_s=dwell_s,
        attention_sum_s=None if dwell_s is None else draw(st.none() | st.floats(0, dwell_s)),
        described=None if not_seen is None else seen,
        dwell=cells(draw, DWELL, visits),
        attention=cells(draw, DWELL, visits),
        gender=of_people(GENDERS),
        age_band=of_people(AGE_BANDS),
        gender_age_band=draw(st.sampled_from([joint, None])),
        expression=draw(st.sampled_from([of_people(EXPRESSIONS), None])),
    )


@st.composite
def windows(draw: st.DrawFn) -> list[WindowMessage]:
    """A few windows of two cameras, from the evening before to the evening of the day."""
    places = draw(
        st.lists(st.tuples(st.integers(-600, 900), st.sampled_from(["a", "b"])), max_size=6, unique=True)
    )
    made = []
    for minute, camera in places:
        visits = draw(st.integers(0, 9))
        share = draw(st.sampled_from([0.0, 0.4, 1.0]))
        profile = draw(st.sampled_from(get_args(Profile)))
        cohort = draw(st.none() | cohorts())
        totals = Totals(
            visits=visits,
            viewers=draw(st.integers(0, visits)),
        )
        made.append(
            window(
                minute,
                camera=camera,
                seq=0,
                profile=profile,
                k=1,
                totals=totals,
                coverage=Coverage(share=share),
                pending=draw(st.integers(0, 4)),
                cohort=cohort and fitting(cohort, profile),
            )
        )
    return made


def breakdowns(day: Day) -> list[Breakdown]:
    every = (day.dwell, day.gender, day.age_band, day.gender_age_band, day.expression)
    return [breakdown for breakdown in every if breakdown is not None]


@given(windows())
def test_hours_add_up_to_the_day(stored: list[WindowMessage]) -> None:
    day = day_figures(stored, NOON, BERLIN)
    start, end = day_bounds(NOON, BERLIN)
    assert sum(hour.visits or 0 for hour in day.hours) == (day.visits or 0)
    assert sum(hour.viewers or 0 for hour in day.hours) == (day.viewers or 0)
    over = [w for w in stored if start <= w.start < end and w.end <= NOON + TOLERATED]
    assert (day.visits or 0) == sum(w.totals.visits for w in over)
    assert len(day.hours) == 24


@given(windows())
def test_released_and_withheld_add_up_to_the_cohorts(stored: list[WindowMessage]) -> None:
    day = day_figures(stored, NOON, BERLIN)
    for breakdown in breakdowns(day):
        assert breakdown.withheld >= 0
        assert sum(cell.count for cell in breakdown.cells.values()) + breakdown.withheld == breakdown.visits
        assert breakdown.visits <= day.cohort_visits
        if all(cell.exact for cell in breakdown.cells.values()):
            assert breakdown.withheld == 0
    if day.dwell is not None:
        assert day.dwell.visits == day.cohort_visits


@given(windows())
def test_an_hour_has_a_number_exactly_if_it_was_watched(stored: list[WindowMessage]) -> None:
    for hour in day_figures(stored, NOON, BERLIN).hours:
        assert (hour.visits is None) == (hour.state in {"no_data", "future"})
        assert 0 <= hour.coverage <= 1


@given(windows(), st.randoms())
def test_the_order_of_the_windows_does_not_matter(stored: list[WindowMessage], random: Random) -> None:
    shuffled = list(stored)
    random.shuffle(shuffled)
    first, second = day_figures(stored, NOON, BERLIN), day_figures(shuffled, NOON, BERLIN)
    assert first.hours == second.hours
    assert breakdowns(first) == breakdowns(second)


def test_zero_visits_watched_is_zero_and_unwatched_is_no_data() -> None:
    watched = [window(minute, totals=NOBODY) for minute in range(60)]
    blind = [window(minute, totals=NOBODY, coverage=BLIND) for minute in range(60, 120)]
    day = day_figures([*watched, *blind], MORNING + timedelta(hours=3), ZoneInfo("UTC"))
    assert [(hour.visits, hour.state) for hour in day.hours[7:12]] == [
        (None, "no_data"),
        (0, "full"),
        (None, "no_data"),
        (None, "no_data"),
        (None, "future"),
    ]


def test_an_empty_day_has_no_figures() -> None:
    day = day_figures([], NOON, BERLIN)
    assert (day.visits, day.viewers, day.now, day.attraction_ratio, day.profile) == (None,) * 5
    assert breakdowns(day) == []
    assert {hour.state for hour in day.hours} == {"no_data", "future"}


def test_an_hour_watched_by_one_of_two_cameras_is_partly_watched() -> None:
    both = [window(minute, camera=camera, seq=0) for minute in range(60) for camera in ("a", "b")]
    one = [window(minute, camera="a", seq=0) for minute in range(60, 120)]
    day = day_figures([*both, *one], MORNING + timedelta(hours=2), ZoneInfo("UTC"))
    assert day.hours[8].state == "full"
    assert (day.hours[9].state, day.hours[9].coverage) == ("partial", 0.5)
    assert day.coverage == 0.75


def test_the_hour_that_runs_is_measured_only_as_far_as_it_went() -> None:
    day = day_figures(
        [window(minute) for minute in range(20)], MORNING + timedelta(minutes=20, seconds=50), ZoneInfo("UTC")
    )
    assert (day.hours[8].state, day.hours[8].coverage) == ("full", 1.0)


def test_now_is_the_newest_window_and_says_when_it_is_old() -> None:
    stored = [window(0), window(1, camera="side"), window(2, totals=NOBODY), window(2, camera="side")]
    fresh = day_figures(stored, MORNING + timedelta(minutes=4), BERLIN).now
    assert fresh is not None
    assert (fresh.start.isoformat(), fresh.visits) == ("2026-03-02T09:02:00+01:00", 3)
    assert not fresh.stale
    later = day_figures(stored, MORNING + timedelta(minutes=6), BERLIN).now
    assert later is not None
    assert later.stale


def test_a_camera_that_fell_silent_is_not_in_now() -> None:
    now = day_figures([window(0, camera="side"), window(5)], MORNING + timedelta(minutes=6), BERLIN).now
    assert now is not None
    assert now.visits == 3


def test_a_blind_camera_has_no_now() -> None:
    assert (
        day_figures([window(0, totals=NOBODY, coverage=BLIND)], MORNING + timedelta(minutes=1), BERLIN).now
        is None
    )


def test_cells_keep_what_was_withheld_in_another_cohort() -> None:
    day = day_figures([window(0, cohort=cohort()), window(1, cohort=cohort())], NOON, BERLIN)
    assert day.gender_age_band is not None
    released = day.gender_age_band.cells["female.25-34"]
    assert (released.count, released.exact) == (16, True)
    hidden = day.gender_age_band.cells["male.25-34"]
    assert (hidden.count, hidden.exact) == (0, False)
    assert day.attraction_ratio == pytest.approx(40.25 / 96.5)


def test_how_many_were_described_is_of_the_cohorts_that_tell_it() -> None:
    silent = cohort().model_dump() | {
        "described": None,
        "gender": {"no_verdict": 8},
        "age_band": None,
        "gender_age_band": None,
    }
    quiet = Cohort.model_validate(silent)
    day = day_figures([window(0, cohort=cohort()), window(1, cohort=quiet)], NOON, BERLIN)
    assert (day.described, day.described_of, day.cohort_visits) == (8, 8, 16)
    assert day.gender is not None
    assert (day.gender.shown, day.gender.visits, day.gender.withheld) == (8, 16, 0)
    assert day_figures([window(0, cohort=quiet)], NOON, BERLIN).described is None


def test_people_are_drawn_from_the_breakdown_that_tells_most() -> None:
    def drawn(**changes: object) -> str | None:
        released = Cohort.model_validate(cohort().model_dump() | changes)
        return day_figures([window(0, cohort=released)], NOON, BERLIN).pyramid

    assert drawn() == "gender_age_band"
    assert drawn(gender_age_band=None) == "age_band"
    assert drawn(gender_age_band=None, age_band={"25-34": None, "not_seen": 0}) == "gender"
    assert day_figures([window(0, profile="count")], NOON, BERLIN).pyramid is None


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 3, 2), 24)])
def test_a_day_when_the_clocks_change_has_all_its_hours(date: tuple[int, int, int], hours: int) -> None:
    noon = datetime(*date, 12, tzinfo=BERLIN)
    start, end = day_bounds(noon, BERLIN)
    first, last = start.astimezone(UTC), end.astimezone(UTC) - timedelta(minutes=1)
    stored = [window(0, start=first + timedelta(hours=hour)) for hour in range(hours)] + [
        window(0, start=last)
    ]
    day = day_figures(stored, last + timedelta(seconds=30), BERLIN)
    assert len(day.hours) == hours
    assert [hour.visits for hour in day.hours] == [3] * (hours - 1) + [6]
    assert day.hours[0].start.hour == 0
    assert day.hours[-1].start.hour == 23
