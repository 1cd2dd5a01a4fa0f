"""Which points are written to InfluxDB: once by identity, at their own time, and none for a withheld cell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloud.stores.influx import InfluxStore, points
from cloud.stores.layout import MEASUREMENTS
from cloud.stores.measurement import Point
from common.wire import Message
from tests.cloud.stores.influx_server import Influx
from tests.support.clock import ManualClock
from tests.support.messages import (
    MORNING,
    alert,
    cohort,
    health,
    notice,
    probe,
    status,
    window,
    with_clips,
    with_noise,
)

EXPECTED_LINES = """
window,camera=front,device=door,site=shop boot_id="0123456789abcdef",calibration="1",clock_trusted=true,coverage=1,\
duration_s=60i,is_historical=false,k=5i,model="1",\
pending=0i,profile="demographics",seq=0i,software="0.1.0",viewers=2i,visits=8i 1772438400000000000
cohort,camera=front,device=door,site=shop attention_dwell_s=96.5,attention_sum_s=40.25,attention_visits=8i,\
described=8i,described_of=8i,dwell_sum_s=96.5,dwell_visits=8i,members=8i,occupancy_max=2i,occupancy_mean=0.027,\
since=1772438400000000000i,staff_excluded=0.5,visits=8i 1772438400000000000
cohort_dwell,camera=front,device=door,site=shop 10=0i,120=0i,2=0i,20=0i,30=0i,300=0i,5=8i,60=0i,released=8i,\
withheld=0i 1772438400000000000
cohort_attention,camera=front,device=door,site=shop 0=0i,10=0i,120=0i,2=8i,20=0i,30=0i,300=0i,5=0i,60=0i,\
released=8i,withheld=0i 1772438400000000000
cohort_gender,camera=front,device=door,site=shop female=8i,known=8i,male=0i,no_verdict=0i,not_seen=0i,released=8i,\
unknown=0i,unknown_of=8i,withheld=0i 1772438400000000000
cohort_age_band,camera=front,device=door,site=shop 0-17=0i,18-24=0i,25-34=8i,35-44=0i,45-54=0i,55-64=0i,65+=0i,\
known=8i,no_verdict=0i,not_seen=0i,released=8i,withheld=0i 1772438400000000000
cohort_gender_age_band,camera=front,device=door,gender=female,site=shop 0-17=0i,18-24=0i,25-34=8i,35-44=0i,45-54=0i,\
55-64=0i,65+=0i,released=8i,unknown=0i 1772438400000000000
cohort_gender_age_band,camera=front,device=door,gender=male,site=shop 0-17=0i,18-24=0i,35-44=0i,45-54=0i,55-64=0i,\
65+=0i,released=0i,unknown=0i 1772438400000000000
door,camera=front,device=door,door=front,site=shop coverage=1,entries=3i,exits=2i,groups=2i,\
passers=5i 1772438400000000000
cohort_zone,camera=front,device=door,site=shop,zone=shelf dwell_0=0i,dwell_10=0i,dwell_120=0i,dwell_2=0i,dwell_20=0i,\
dwell_30=0i,dwell_300=0i,dwell_5=8i,dwell_60=0i,dwell_sum_s=48,dwell_visits=8i,occupancy_max=2i,occupancy_mean=0.02,\
stops=0i,stops_of=8i,visits=8i 1772438400000000000
cohort_zone,camera=front,device=door,site=shop,zone=till visits=8i 1772438400000000000
cohort_queue,camera=front,device=door,site=shop,zone=till length_max=2i,length_mean=0.02,served=0i,served_of=8i,\
waiting_0=0i,waiting_10=0i,waiting_120=0i,waiting_2=0i,waiting_20=0i,waiting_30=0i,waiting_300=0i,waiting_5=8i,\
waiting_60=0i,waiting_sum_s=48,waiting_visits=8i,waits=8i 1772438400000000000
cohort_target,camera=front,device=door,site=shop,target=tea attention_0=0i,attention_10=0i,attention_120=0i,\
attention_2=8i,attention_20=0i,attention_30=0i,attention_300=0i,attention_5=0i,attention_60=0i,attention_passers=8i,\
attention_sum_s=16.5,passers=8i,viewers=8i,viewers_of=8i 1772438400000000000
cohort_target,camera=front,device=door,site=shop,target=sign passers=8i 1772438400000000000
cohort_heat,camera=front,device=door,site=shop columns=2i,rows=1i,standing_0_0=80i 1772438400000000000
cohort_ways,camera=front,device=door,next_place=shelf,place=entry,site=shop visits=8i 1772438400000000000
cohort_ways,camera=front,device=door,next_place=till,place=shelf,site=shop visits=8i 1772438400000000000
cohort_ways,camera=front,device=door,next_place=exit,place=till,site=shop visits=8i 1772438400000000000
"""


def identity(point: Point) -> tuple[str, int]:
    """Its series and its time; no name in these tests has a space."""
    return point.partition(" ")[0], int(point.rpartition(" ")[2])


def test_a_window_becomes_these_lines_and_a_withheld_cell_none(
    influx: Influx, influx_store: InfluxStore
) -> None:
    influx_store.write([window(0, visits=8, cohort=cohort())])
    assert sorted(influx.bodies[0].splitlines()) == sorted(EXPECTED_LINES.split("\n")[1:-1])
    assert influx.queries[0] == {"org": ["-"], "bucket": ["db/rp"], "precision": ["ns"]}
    assert influx.tokens[0] == "Token user:secret"


def test_the_time_of_a_point_is_exact(clock: ManualClock) -> None:
    at = datetime(2026, 3, 2, 8, 0, 0, 123457, tzinfo=UTC)
    (point,) = points(health(at=at), clock.now())
    assert identity(point)[1] == 1_772_438_400_123_457_000


def test_a_status_offline_dates_from_its_arrival(clock: ManualClock) -> None:
    (on,) = points(status(online=True), clock.now())
    (off,) = points(status(online=False, since=MORNING - timedelta(days=1)), clock.now())
    assert (identity(on)[1], identity(off)[1]) == (1_772_438_400 * 10**9, 1_772_440_200 * 10**9)


MESSAGES: list[Message] = [
    window(
        0, visits=8, cohort=with_clips().model_copy(update={"expression": {"happy": 8}}), profile="expression"
    ),
    window(1, visits=8, cohort=with_noise()),
    health(),
    status(online=True),
    alert(active=True),
    notice(),
    probe(),
]


def test_no_name_is_a_tag_here_and_a_field_there() -> None:
    """InfluxQL renames one of the two where they meet in a measurement, and a person mistakes them elsewhere."""
    tags = {tag for measurement in MEASUREMENTS for tag in measurement.tags}
    assert tags.isdisjoint(field for measurement in MEASUREMENTS for field in measurement.fields)
    assert len({measurement.name for measurement in MEASUREMENTS}) == len(MEASUREMENTS)


def test_no_point_is_without_fields_and_all_raw_measurements_are_written(clock: ManualClock) -> None:
    made = [point for message in MESSAGES for point in points(message, clock.now())]
    assert all(made)
    raw = {measurement.name for measurement in MEASUREMENTS if measurement.level == "raw"}
    assert {point.partition(",")[0] for point in made} == raw - {
        "dead_letter",
        "duplicate",
        "acknowledgement",
    }


def test_a_point_delivered_again_is_the_same_point(clock: ManualClock) -> None:
    message = window(0, cohort=None)
    late = message.model_copy(update={"is_historical": True})
    made = zip(points(message, clock.now()), points(late, clock.now() + timedelta(hours=1)), strict=True)
    assert all(identity(one) == identity(other) for one, other in made)
