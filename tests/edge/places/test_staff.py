"""Who is staff by where and when, and what places then forget of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta, timezone

import pytest

from edge.place_types import DoorCounts, VisitPlaces
from edge.places.doors import Door
from edge.places.places import Places
from edge.places.staff import StaffPlaces, StaffTime, StaffTimes
from edge.places.zones import Zone
from tests.edge.places.people import VIEW, Point, between, track

COUNTER = Zone("staff", ((0.6, 0.5), (0.9, 0.5), (0.9, 0.9), (0.6, 0.9)), stop_s=20.0)
BACK_ROOM = Door("line 0", ((0.1, 0.5), (0.4, 0.5)), (0.25, 0.8))
"""Who comes from above the line comes from the back room."""
ASPECT = VIEW[0] / VIEW[1]
BERLIN = timezone(timedelta(hours=1))


def at(x: float, y: float) -> Point:
    """A point of the picture, given in shares, in heights."""
    return x * ASPECT, y


def staff_at(places: StaffPlaces, way: Sequence[tuple[float, Point]], fps: float = 10) -> float | None:
    """The second from which this person is known to be staff."""
    for index in range(round(way[-1][0] * fps) + 1):
        at_s = index / fps
        if places.see(track(1, between(way, at_s), at_s), VIEW, at_s):
            return at_s
    return None


# --- times ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("utc", "holds"),
    [
        ("2026-03-02T05:59", False),  # Monday, 06:59 in Berlin
        ("2026-03-02T06:00", True),
        ("2026-03-02T08:29", True),
        ("2026-03-02T08:30", False),
        ("2026-03-03T06:30", False),  # not on Tuesdays
        ("2026-03-02T22:59", True),
        ("2026-03-02T23:00", False),  # Tuesday has begun in Berlin
    ],
)
def test_times_are_those_of_the_local_clock(utc: str, *, holds: bool) -> None:
    monday = frozenset({0})
    times = StaffTimes(
        [StaffTime(monday, time(7), time(9, 30)), StaffTime(monday, time(22), None)], timezone=BERLIN
    )
    assert times.hold(datetime.fromisoformat(utc).replace(tzinfo=UTC)) is holds


def test_without_times_it_is_never_only_staff() -> None:
    assert not StaffTimes([]).hold(datetime(2026, 3, 2, tzinfo=UTC))


# --- places --------------------------------------------------------------------------------------------------


def test_who_stays_behind_the_counter_is_staff_after_its_time() -> None:
    way = [(0.0, at(0.75, 0.7)), (40.0, at(0.76, 0.72))]
    assert staff_at(StaffPlaces([COUNTER], []), way) == pytest.approx(20.0, abs=0.2)


def test_who_passes_the_counter_or_stands_before_it_is_not() -> None:
    through = [(0.0, at(0.5, 0.7)), (10.0, at(0.75, 0.7)), (19.0, at(0.75, 0.7)), (25.0, at(0.3, 0.7))]
    before = [(0.0, at(0.52, 0.7)), (60.0, at(0.53, 0.7))]
    assert staff_at(StaffPlaces([COUNTER], []), through) is None
    assert staff_at(StaffPlaces([COUNTER], []), before) is None


def test_who_comes_from_the_back_room_is_staff_at_once() -> None:
    way = [(0.0, at(0.25, 0.35)), (1.0, at(0.25, 0.35)), (4.0, at(0.25, 0.8))]
    found = staff_at(StaffPlaces([], [BACK_ROOM]), way)
    assert found is not None
    assert found < 3.0


def test_a_customer_who_steps_over_the_line_and_comes_back_is_not() -> None:
    there, back = [(0.0, at(0.25, 0.8)), (3.0, at(0.25, 0.3))], [(15.0, at(0.25, 0.3)), (18.0, at(0.25, 0.8))]
    assert staff_at(StaffPlaces([], [BACK_ROOM]), there + back) is None


def test_somebody_is_there_while_behind_the_counter_or_the_line_and_no_longer() -> None:
    places = StaffPlaces([COUNTER], [BACK_ROOM])
    for way in ([at(0.75, 0.7)] * 8, [at(0.25, 0.35)] * 8):
        for index, feet in enumerate(way):
            places.see(track(1, feet, index / 10), VIEW, index / 10)
        assert places.is_there(1)
        for index, feet in enumerate([at(0.5, 0.95)] * 8):
            places.see(track(1, feet, 5 + index / 10), VIEW, 5 + index / 10)
        assert not places.is_there(1)
        places.keep(())


# --- what places forget --------------------------------------------------------------------------------------

STREET = Door("street", ((0.3, 0.6), (0.7, 0.6)), (0.5, 0.9))
DESK = Zone("desk", ((0.4, 0.7), (0.6, 0.7), (0.6, 0.95), (0.4, 0.95)))
INWARDS = [(0.0, at(0.5, 0.4)), (1.0, at(0.5, 0.4)), (4.0, at(0.5, 0.85)), (30.0, at(0.5, 0.85))]


def entered(hold_s: float, staff_from_s: float | None) -> tuple[DoorCounts, VisitPlaces, Places]:
    """Play one person who enters and stays at the desk, and is known to be staff from a second on."""
    places = Places(doors=[STREET], zones=[DESK], hold_s=hold_s)
    total, one = DoorCounts(), track(1, INWARDS[0][1], 0.0)
    for index in range(301):
        at_s = index / 10
        one = track(1, between(INWARDS, at_s), at_s)
        if staff_from_s is not None and at_s >= staff_from_s:
            places.seen_staff(one, VIEW, at_s)
        else:
            places.seen(one, None, None, VIEW, at_s)
        places.settle(at_s)
        total += _sum(places.events().values())
        places.frame([one])
    visit = places.finish(one)
    places.settle(math.inf)
    return total + _sum(places.events().values()), visit, places


def _sum(counts: Iterable[DoorCounts]) -> DoorCounts:
    return sum(counts, DoorCounts())


def test_a_crossing_that_waits_is_dropped_when_the_person_turns_out_to_be_staff() -> None:
    doors, visit, _ = entered(hold_s=60.0, staff_from_s=20.0)
    assert doors == DoorCounts()
    assert visit == VisitPlaces()


def test_the_crossing_of_a_customer_only_comes_later() -> None:
    for hold_s in (0.0, 60.0):
        doors, visit, _ = entered(hold_s=hold_s, staff_from_s=None)
        assert doors == DoorCounts(entries=1, groups=1)
        assert visit.stays["desk"] > 20


def test_groups_are_the_same_when_crossings_wait() -> None:
    """One of two who came in together is out of sight at once, the other one waits; somebody else came in between."""
    together = [
        INWARDS[:3],
        [(0.5, at(0.52, 0.4)), (1.5, at(0.52, 0.4)), (4.5, at(0.52, 0.85)), (80, at(0.52, 0.85))],
    ]
    later = [(40.0, at(0.4, 0.4)), (41.0, at(0.4, 0.4)), (44.0, at(0.4, 0.85)), (46.0, at(0.4, 0.85))]
    found = []
    for hold_s in (0.0, 60.0):
        places, total = Places(doors=[STREET], hold_s=hold_s), DoorCounts()
        ways = dict(enumerate([*together, later]))
        for index in range(810):
            at_s = index / 10
            for number, way in ways.items():
                if way[0][0] <= at_s <= way[-1][0]:
                    places.seen(track(number, between(way, at_s), at_s), None, None, VIEW, at_s)
                elif way[-1][0] < at_s <= way[-1][0] + 0.1:
                    places.finish(track(number, way[-1][1], at_s))
            places.settle(at_s)
            total += _sum(places.events().values())
        found.append(total)
    assert found[0] == found[1] == DoorCounts(entries=3, groups=2)


def test_staff_is_at_the_desk_for_notices_and_in_no_count_of_it() -> None:
    places = Places(doors=[STREET], zones=[DESK])
    for index in range(20):
        one = track(1, at(0.5, 0.85), index / 10)
        places.seen_staff(one, VIEW, index / 10)
        assert places.frame([one]) == {}
    live = places.live(2.0)
    assert (live.zones["desk"], live.staff["desk"]) == (0, 1)
