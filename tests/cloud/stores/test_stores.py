"""What the stores promise: durable, idempotent by identity, and a fault is named for what it is."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore, points
from cloud.stores.layout import MEASUREMENTS
from cloud.stores.store import StoreRejected, StoreUnavailable
from common.errors import UserError
from common.wire import Message
from tests.support.brokers import free_port
from tests.support.clock import ManualClock
from tests.support.messages import (
    MORNING,
    alert,
    cohort,
    first_words,
    health,
    probe,
    status,
    window,
)

DAY = (MORNING - timedelta(hours=1), MORNING + timedelta(days=1))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING + timedelta(minutes=30))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedStore]:
    embedded = EmbeddedStore(tmp_path / "new" / "store.sqlite", retention_days=30, clock=clock)
    yield embedded
    embedded.close()


# The embedded store.


def test_windows_come_back_as_they_were_ordered_by_start_then_camera(store: EmbeddedStore) -> None:
    one, two, other = window(0, cohort=cohort()), window(1), window(0, camera="back")
    store.write([two, one, other, window(0, site="elsewhere")])
    assert store.windows("shop", *DAY) == [other, one, two]
    assert store.windows("shop", MORNING, two.start) == [other, one]
    assert store.latest("shop") == two
    assert store.sites() == ["elsewhere", "shop"]


def test_an_empty_store_knows_nothing(store: EmbeddedStore) -> None:
    assert store.sites() == []
    assert store.devices("shop") == []
    assert store.windows("shop", *DAY) == []
    assert store.latest("shop") is None


@settings(max_examples=30, deadline=None)
@given(deliveries=st.lists(st.lists(st.integers(0, 8), max_size=6), max_size=8))
def test_totals_are_exact_however_often_and_in_whatever_batches_it_is_delivered(
    tmp_path_factory: pytest.TempPathFactory, deliveries: list[list[int]]
) -> None:
    store = EmbeddedStore(
        tmp_path_factory.mktemp("store") / "store.sqlite", retention_days=30, clock=ManualClock()
    )
    for batch in deliveries:
        store.write([window(minute, visits=10 + minute) for minute in batch])
    stored = store.windows("shop", *DAY)
    expected = sorted({minute for batch in deliveries for minute in batch})
    assert [message.totals.visits for message in stored] == [10 + minute for minute in expected]
    store.close()


def test_what_was_written_survives_the_process(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.sqlite"
    first = EmbeddedStore(path, retention_days=30, clock=clock)
    first.write([window(0)])
    # Not closed: a second process sees what was committed.
    second = EmbeddedStore(path, retention_days=30, clock=clock)
    assert second.latest("shop") == window(0)
    first.close()
    second.close()


def test_a_device_is_known_by_its_last_words(store: EmbeddedStore, clock: ManualClock) -> None:
    store.write([status(online=True), health(fps=9.0), alert(active=True)])
    (state,) = store.devices("shop")
    assert (state.online, state.since, state.last_seen) == (True, MORNING, clock.now())
    assert (state.software, state.model) == ("0.1.0", "1")
    assert state.health == health(fps=9.0)
    assert state.alerts == (alert(active=True),)

    store.write([alert(active=False, at=MORNING + timedelta(minutes=1)), health(at=DAY[0], fps=1.0)])
    (state,) = store.devices("shop")
    assert state.alerts == ()
    assert state.health == health(fps=9.0), "an older health message that came late is no news"


def test_a_last_will_dates_from_its_arrival_and_is_no_sign_of_life(
    store: EmbeddedStore, clock: ManualClock
) -> None:
    store.write([status(online=True), window(0)])
    seen = clock.now()
    clock.time += timedelta(hours=2)
    # The will was written when the device connected, a moment before it said that it is online.
    will = status(online=False, since=MORNING - timedelta(milliseconds=3))
    store.write([will])
    (state,) = store.devices("shop")
    assert (state.online, state.since, state.last_seen) == (False, clock.now(), seen)
    gone = clock.now()
    clock.time += timedelta(hours=1)
    store.write([will])
    assert store.devices("shop")[0].since == gone, "delivered again, it says nothing new"


def test_a_device_of_which_only_the_status_came_was_never_seen(store: EmbeddedStore) -> None:
    store.write([status(online=False, device="shelf")])
    (state,) = store.devices("shop")
    assert (state.device, state.last_seen, state.health) == ("shelf", None, None)


def test_an_alert_of_a_run_that_crashed_ends_with_the_first_words_of_the_next(store: EmbeddedStore) -> None:
    crashed, restarted = alert(active=True, at=MORNING), first_words(MORNING + timedelta(minutes=5))
    store.write([status(online=True), crashed])
    store.write([status(online=True, boot_id="fedcba98"), *restarted])
    assert store.devices("shop")[0].alerts == ()
    store.write([crashed])
    assert store.devices("shop")[0].alerts == (), "delivered again, or late, it is no news"


def test_the_last_probe_is_there_and_counts_nothing(store: EmbeddedStore) -> None:
    store.write([probe(1), probe(2), probe(3, device="shelf")])
    assert [store.holds(probe(number)) for number in (1, 2, 3)] == [False, True, False]
    assert (store.sites(), store.devices("shop")) == ([], [])


def test_a_file_from_before_the_probes_takes_them(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.sqlite"
    EmbeddedStore(path, retention_days=30, clock=clock).close()
    with sqlite3.connect(path) as before:
        before.execute("DROP TABLE probes")
    before.close()
    store = EmbeddedStore(path, retention_days=30, clock=clock)
    store.write([probe()])
    assert store.holds(probe())
    store.close()


def test_windows_are_kept_for_the_time_given(store: EmbeddedStore, clock: ManualClock) -> None:
    store.write([window(0), window(60)])
    clock.time = MORNING + timedelta(days=30, minutes=30)
    store.write([window(90)])
    assert [message.seq for message in store.windows("shop", *DAY)] == [60, 90]


def test_a_store_that_is_locked_is_unavailable_and_heals(store: EmbeddedStore, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new" / "store.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        store.write([window(0)])
    assert store.latest("shop") is None, "reading goes on"
    other.execute("ROLLBACK")
    other.close()
    store.write([window(0)])
    assert store.latest("shop") == window(0)


def test_reading_and_writing_from_several_threads(store: EmbeddedStore) -> None:
    counts: list[int] = []

    def read() -> None:
        while len(store.windows("shop", *DAY)) < 200:
            counts.append(len(store.windows("shop", *DAY)))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for minute in range(0, 200, 4):
        store.write([window(minute + offset) for offset in range(4)])
    for reader in readers:
        reader.join(30)
        assert not reader.is_alive()
    assert all(count % 4 == 0 for count in counts), "a batch is there as a whole or not at all"


@pytest.mark.parametrize("what", ["a directory", "not a database", "from the future", "below a file"])
def test_a_file_that_cannot_be_the_store_is_one_line(tmp_path: Path, clock: ManualClock, what: str) -> None:
    path = tmp_path / "store.sqlite"
    match what:
        case "a directory":
            path.mkdir()
        case "not a database":
            path.write_text("hello " * 1000)
        case "from the future":
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA user_version = 99")
            db.close()
        case "below a file":
            path.write_text("")
            path = path / "store.sqlite"
    with pytest.raises(UserError, match=r"^store\.path: ") as error:
        EmbeddedStore(path, retention_days=30, clock=clock)
    assert "\n" not in str(error.value)


# InfluxDB: the points, and the faults of a real HTTP server.


@dataclass
class Influx:
    """A server that answers as it is told and keeps what it was given."""

    answer: int = 204
    bodies: list[str] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def influx() -> Iterator[Influx]:
    state = Influx()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if state.answer == 204:
                state.bodies.append(body)
                state.queries.append(parse_qs(urlsplit(self.path).query))
                state.tokens.append(self.headers["Authorization"])
            self.send_response(state.answer)
            self.send_header("Content-Length", "0" if state.answer == 204 else "22")
            self.end_headers()
            if state.answer != 204:
                self.wfile.write(b'{"message":"no, sorry"}'[:22])

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def influx_store(influx: Influx, clock: ManualClock) -> Iterator[InfluxStore]:
    store = make_influx_store(influx.port, clock)
    yield store
    store.close()


def make_influx_store(port: int, clock: ManualClock) -> InfluxStore:
    return InfluxStore(
        url=f"http://127.0.0.1:{port}",
        token="user:secret",
        org="-",
        bucket="db/rp",
        timeout_s=2.0,
        clock=clock,
    )


EXPECTED_LINES = """
window,camera=front,device=door,site=shop boot_id="0123456789abcdef",calibration="1",clock_trusted=true,coverage=1,\
dropped=4i,duration_s=60i,frames=600i,is_historical=false,k=5i,model="1",occupancy_max=2i,occupancy_mean=0.5,\
pending=0i,profile="demographics",seq=0i,software="0.1.0",viewers=2i,visits=8i 1772438400000000000
cohort,camera=front,device=door,site=shop attention_sum_s=40.25,dwell_sum_s=96.5,since=1772438400000000000i,visits=8i \
1772438400000000000
cohort_dwell,camera=front,device=door,site=shop 10=0i,120=0i,2=0i,20=0i,30=0i,300=0i,5=8i,60=0i,released=8i,\
withheld=0i 1772438400000000000
cohort_attention,camera=front,device=door,site=shop 0=0i,10=0i,120=0i,2=8i,20=0i,30=0i,300=0i,5=0i,60=0i,\
released=8i,withheld=0i 1772438400000000000
cohort_gender,camera=front,device=door,site=shop female=8i,male=0i,released=8i,unknown=0i,withheld=0i \
1772438400000000000
cohort_age_band,camera=front,device=door,site=shop 0-17=0i,18-24=0i,25-34=8i,35-44=0i,45-54=0i,55-64=0i,65+=0i,\
released=8i,withheld=0i 1772438400000000000
cohort_gender_age_band,camera=front,device=door,gender=female,site=shop 0-17=0i,18-24=0i,25-34=8i,35-44=0i,45-54=0i,\
55-64=0i,65+=0i,released=8i,unknown=0i 1772438400000000000
cohort_gender_age_band,camera=front,device=door,gender=male,site=shop 0-17=0i,18-24=0i,35-44=0i,45-54=0i,55-64=0i,\
65+=0i,released=0i,unknown=0i 1772438400000000000
cohort_zone,camera=front,device=door,site=shop,zone=shelf visits=6i 1772438400000000000
"""


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
    assert point["time"] == 1_772_438_400_123_457_000


def test_a_status_offline_dates_from_its_arrival(clock: ManualClock) -> None:
    (on,) = points(status(online=True), clock.now())
    (off,) = points(status(online=False, since=MORNING - timedelta(days=1)), clock.now())
    assert (on["time"], off["time"]) == (1_772_438_400 * 10**9, 1_772_440_200 * 10**9)


MESSAGES: list[Message] = [
    window(
        0, visits=8, cohort=cohort().model_copy(update={"expression": {"happy": 8}}), profile="expression"
    ),
    health(),
    status(online=True),
    alert(active=True),
    probe(),
]


def test_no_name_is_a_tag_here_and_a_field_there() -> None:
    """InfluxQL renames one of the two where they meet in a measurement, and a person mistakes them elsewhere."""
    tags = {tag for measurement in MEASUREMENTS for tag in measurement.tags}
    assert tags.isdisjoint(field for measurement in MEASUREMENTS for field in measurement.fields)
    assert len({measurement.name for measurement in MEASUREMENTS}) == len(MEASUREMENTS)


def test_no_point_is_without_fields_and_all_raw_measurements_are_written(clock: ManualClock) -> None:
    made = [point for message in MESSAGES for point in points(message, clock.now())]
    assert all(point["fields"] for point in made)
    raw = {measurement.name for measurement in MEASUREMENTS if measurement.level == "raw"}
    assert {point["measurement"] for point in made} == raw - {"dead_letter"}


def test_a_point_delivered_again_is_the_same_point(clock: ManualClock) -> None:
    message = window(0, cohort=None)
    late = message.model_copy(update={"is_historical": True})
    (first,), (second,) = points(message, clock.now()), points(late, clock.now() + timedelta(hours=1))
    assert all(first[key] == second[key] for key in ("measurement", "tags", "time"))


@pytest.mark.parametrize("answer", [400, 413, 422])
def test_points_that_are_wrong_are_rejected(influx: Influx, influx_store: InfluxStore, answer: int) -> None:
    influx.answer = answer
    with pytest.raises(StoreRejected, match=rf"answered {answer}: .*no, sorry"):
        influx_store.write([window(0)])


@pytest.mark.parametrize("answer", [401, 403, 404, 429, 500, 503])
def test_all_other_answers_heal_so_that_no_count_is_thrown_away_for_a_wrong_token(
    influx: Influx, influx_store: InfluxStore, answer: int
) -> None:
    influx.answer = answer
    with pytest.raises(StoreUnavailable, match=f"answered {answer}"):
        influx_store.write([window(0)])
    influx.answer = 204
    influx_store.write([window(0)])
    assert len(influx.bodies) == 1


def test_a_server_that_is_not_there_is_unavailable(clock: ManualClock) -> None:
    store = make_influx_store(free_port(), clock)
    with pytest.raises(StoreUnavailable, match=r"^InfluxDB: "):
        store.write([window(0)])
    store.close()
