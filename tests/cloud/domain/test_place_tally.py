"""Places in the tally: what was told is added up, what was withheld is in no sum and in no denominator."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from cloud.domain.chain import Chain, Role
from cloud.domain.day_tallies import tally
from cloud.domain.place_tally import DoorTally, PlaceTally, QueueTally, TargetTally, ZoneTally, place_tally
from cloud.domain.tally import Tally
from cloud.domain.time_bins import TIME_BINS, Interest, Span
from common.wire import Cohort, Coverage, Door, Queue, Target, Totals, WindowMessage, Zone
from tests.support.messages import cohort, window, zone

MONDAY = date(2026, 3, 2)
SHOP = Chain.model_validate(
    {
        "name": "c",
        "sites": {
            "shop": {
                "title": "Shop",
                "timezone": "Europe/Berlin",
                "opening": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "09:00-20:00"),
                "cameras": {"door/front": "entrance", "back/front": "entrance", "shelf/front": "display"},
            }
        },
    }
).sites["shop"]


def at(hour: int, **changes: Any) -> WindowMessage:
    """A window that starts at this hour in Berlin, in winter."""
    start = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour - 1)
    return window(0, **{"start": start, **changes})


def with_doors(*counts: tuple[int, int, int, int]) -> Totals:
    named = ("entries", "exits", "passers", "groups")
    doors = {f"d{n}": Door(**dict(zip(named, each, strict=True))) for n, each in enumerate(counts)}
    return Totals(visits=3, viewers=2, doors=doors)


def counted(*windows: WindowMessage, role: Role = "entrance") -> Tally:
    return tally(windows, SHOP, MONDAY, role)


def told(**places: Any) -> Cohort:
    bare: dict[str, Any] = {"zones": {}, "targets": {}, "heat": None, "ways": None}
    return Cohort.model_validate({**cohort().model_dump(), **bare, **places})


def test_doors_of_all_entrances_are_added_up_while_the_shop_is_open() -> None:
    found = counted(
        at(9, totals=with_doors((3, 1, 6, 2), (1, 0, 0, 1))),
        at(19, device="back", totals=with_doors((2, 5, 4, 2)), coverage=Coverage(share=0.5)),
        at(8, totals=with_doors((100, 0, 0, 50))),
        at(20, totals=with_doors((0, 100, 0, 0))),
        at(10, device="shelf", totals=with_doors((100, 100, 100, 100))),
    ).doors
    assert found == DoorTally(entries=6, exits=6, passers=10, groups=5, watched_s=90.0)
    assert found.capture_rate == 6 / 16


def test_a_shop_without_doors_has_no_entries_and_not_zero() -> None:
    bare = Totals(visits=3, viewers=1)
    assert counted(at(9, totals=bare)).doors is None
    mixed = counted(at(9, totals=bare), at(10, totals=with_doors((1, 0, 0, 1)))).doors
    assert mixed == DoorTally(entries=1, exits=0, passers=0, groups=1, watched_s=60.0)
    nobody = counted(at(9, totals=with_doors((0, 0, 0, 0)))).doors
    assert nobody is not None
    assert (nobody.entries, nobody.capture_rate) == (0, None)


def test_places_are_added_up_over_cohorts_and_cameras() -> None:
    found = counted(
        at(9, device="shelf", cohort=cohort()), at(15, device="shelf", cohort=cohort()), role="display"
    ).places
    bins = {**dict.fromkeys(TIME_BINS, 0), "5": 16}
    assert found.zones == {
        "shelf": ZoneTally(16, cohort_visits=16, stops=0, stops_of=16, dwell_sum_s=96.0, dwell_visits=16),
        "till": ZoneTally(16, cohort_visits=16, stops=0, stops_of=0, dwell_sum_s=0.0, dwell_visits=0),
    }
    assert found.queues == {
        "till": QueueTally(
            16, cohort_visits=16, served=0, served_of=16, waiting_sum_s=96.0, waiting_visits=16, waiting=bins
        )
    }
    assert found.targets["tea"].interest == Interest(33 / 16, Span(33 / 16, 33 / 16)), "all look equally long"
    assert (found.zones["shelf"].mean_dwell_s, found.zones["shelf"].stop_share) == (6.0, 0.0)
    assert (found.zones["till"].mean_dwell_s, found.zones["till"].stop_share) == (None, None)
    assert (found.queues["till"].mean_waiting_s, found.queues["till"].served_share) == (6.0, 0.0)


def test_what_is_withheld_is_in_no_sum_and_no_denominator() -> None:
    hidden = Target(passers=8, viewers=None, attention_sum_s=None, attention={"0": None})
    looked = Target(passers=8, viewers=6, attention_sum_s=12.0, attention={"2": 6})
    one = told(zones={"shelf": zone(8), "lift": zone(None)}, targets={"tea": looked})
    other = told(zones={"shelf": zone(None), "lift": zone(None)}, targets={"tea": hidden})
    found = place_tally([one, other])
    assert found.zones.keys() == {"shelf"}, "nothing was ever told of the lift"
    assert (found.zones["shelf"].visits, found.zones["shelf"].cohort_visits) == (8, 8)
    tea = found.targets["tea"]
    assert (tea.passers, tea.cohort_visits) == (16, 16)
    assert (tea.viewers, tea.viewers_of, tea.viewer_share) == (6, 8, 0.75)
    assert tea.interest is not None
    assert tea.interest.mean_s == 12 / 8


def test_a_target_of_which_no_times_are_told_has_no_interest() -> None:
    hidden = Target(passers=8, viewers=None, attention_sum_s=None, attention={})
    tea = place_tally([told(targets={"tea": hidden})]).targets["tea"]
    assert tea == TargetTally(8, 8, 0, 0, 0.0, 0, 0, {}, 0.0)
    assert (tea.interest, tea.viewer_share) == (None, None)


def test_a_late_cohort_belongs_to_the_day_of_its_visits() -> None:
    late = cohort().model_copy(update={"since": at(10).start})
    morning = at(9 + 24, device="shelf", cohort=late)
    assert counted(at(10, device="shelf"), morning, role="display").places.zones["shelf"].visits == 8
    tuesday = tally([morning], SHOP, MONDAY + timedelta(days=1), "display")
    assert tuesday.places == PlaceTally()


def test_a_queue_that_withholds_its_waits_is_still_a_zone() -> None:
    queue = Queue(waits=None, served=None, waiting_sum_s=None, waiting={}, length_mean=None, length_max=None)
    one = Zone(
        visits=8, stops=8, dwell_sum_s=None, dwell={}, occupancy_mean=None, occupancy_max=None, queue=queue
    )
    found = place_tally([told(zones={"till": one})])
    assert (found.zones["till"].stops, found.queues) == (8, {})
