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

from cloud.onebox.backup import due
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.embedded_file import back_up
from cloud.stores.influx import InfluxStore, points
from cloud.stores.layout import MEASUREMENTS
from cloud.stores.store import DeadLetter, StoreRejected, StoreUnavailable
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
    assert [store.contains(probe(number)) for number in (1, 2, 3)] == [False, True, False]
    assert (store.sites(), store.devices("shop")) == ([], [])


def test_a_file_from_before_the_probes_takes_them(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.sqlite"
    EmbeddedStore(path, retention_days=30, clock=clock).close()
    with sqlite3.connect(path) as before:
        before.execute("DROP TABLE probes")
    before.close()
    store = EmbeddedStore(path, retention_days=30, clock=clock)
    store.write([probe()])
    assert store.contains(probe())
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


def damage(path: Path, *pages: int) -> None:
    """Write over the beginning of some pages, as a worn card does."""
    content = bytearray(path.read_bytes())
    for page in pages:
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["some pages", "cut short", "its head", "no database"])
def test_a_damaged_file_is_set_aside_and_what_is_whole_goes_on(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    path = tmp_path / "store.sqlite"
    store = EmbeddedStore(path, retention_days=30, clock=clock)
    sent = [window(minute, cohort=cohort(), visits=8) for minute in range(400)]
    store.write([*sent, health(), status(online=True)])
    store.close()
    least, most = {"some pages": (300, 399), "cut short": (100, 300)}.get(how, (0, 0))
    match how:
        case "some pages":
            damage(path, 20, 21, 60)
        case "cut short":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "its head":
            damage(path, 0)
        case "no database":
            path.write_text("hello " * 1000)
    content = path.read_bytes()
    with pytest.raises((UserError, StoreUnavailable), match=r"^store\.path: .*damaged.*restart the service"):
        EmbeddedStore(path, retention_days=30, clock=clock).windows("shop", *DAY)
    store = EmbeddedStore(path, retention_days=30, clock=clock, repair=True)
    saved = store.windows("shop", *DAY)
    assert least <= len(saved) <= most
    assert all(message in sent for message in saved)
    assert path.with_name("store.sqlite.damaged").read_bytes() == content
    assert [
        f"{len(saved)} windows were recovered from it" in record.message for record in caplog.records
    ] == [True]
    store.write(sent)
    assert store.windows("shop", *DAY) == sent
    store.close()


def test_a_row_that_cannot_be_read_is_left_out_and_told_once(
    store: EmbeddedStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.write([window(0), window(1), window(2), health(), alert(active=True)])
    with sqlite3.connect(tmp_path / "new" / "store.sqlite") as db:
        db.execute(
            "UPDATE windows SET json = replace(json, 'duration_s', 'Duration_s') WHERE start % 120 = 60"
        )
        db.execute("UPDATE devices SET health = '{'")
        db.execute("UPDATE alerts SET json = '[]'")
    db.close()
    assert store.windows("shop", *DAY) == [window(0), window(2)]
    (state,) = store.devices("shop")
    assert (state.health, state.alerts) == (None, ())
    assert len(caplog.records) == 1


def test_a_window_from_before_visits_were_people_is_left_out(store: EmbeddedStore, tmp_path: Path) -> None:
    """Its cohort tells who was unknown, and nothing of who was not seen."""
    store.write([window(0, visits=8, cohort=cohort()), window(1)])
    with sqlite3.connect(tmp_path / "new" / "store.sqlite") as db:
        changed = db.execute(
            """UPDATE windows SET json = replace(replace(json, '"described":8,', ''), ',"not_seen":0', '')"""
            """ WHERE json LIKE '%"described":8%'"""
        )
        assert changed.rowcount == 1
    db.close()
    assert store.windows("shop", *DAY) == [window(1)]


def letter(number: int, clock: ManualClock) -> DeadLetter:
    return DeadLetter(
        clock.now(), "shop", "door", "footlight/v1/shop/door/window", f"reason {number}", b"\xff{"
    )


def test_the_last_thousand_dead_letters_are_kept(store: EmbeddedStore, clock: ManualClock) -> None:
    for number in range(1003):
        store.record_dead_letter(letter(number, clock))
    assert store.dead_letters(2) == [letter(1002, clock), letter(1001, clock)]
    assert len(store.dead_letters(5000)) == 1000


def test_a_backup_is_whole_while_the_store_is_written_and_brings_back_what_is_missing(
    store: EmbeddedStore, tmp_path: Path, clock: ManualClock
) -> None:
    path, target = tmp_path / "new" / "store.sqlite", tmp_path / "stick" / "backup.sqlite"
    target.parent.mkdir()
    store.write([window(minute) for minute in range(100)])
    store.record_dead_letter(letter(1, clock))

    def write() -> None:
        for minute in range(100, 200):
            store.write([window(minute)])

    writing = threading.Thread(target=write)
    writing.start()
    back_up(path, target)
    writing.join()
    assert [file.name for file in target.parent.iterdir()] == ["backup.sqlite"], (
        "one file, to be carried away"
    )
    other = EmbeddedStore(tmp_path / "other.sqlite", retention_days=30, clock=clock)
    newer = window(3, visits=9)
    other.write([newer, window(300)])
    added = other.take_over(target)
    found = other.windows("shop", *DAY)
    assert [message.seq for message in found] == [*range(added + 1), 300]
    assert 99 <= added <= 199
    assert found[3] == newer, "what is stored already stays"
    assert other.dead_letters(5) == store.dead_letters(5)
    assert other.take_over(target) == 0
    other.close()


def test_a_copy_of_a_damaged_store_replaces_no_good_backup(tmp_path: Path, clock: ManualClock) -> None:
    path, target = tmp_path / "store.sqlite", tmp_path / "backup.sqlite"
    store = EmbeddedStore(path, retention_days=30, clock=clock)
    store.write([window(minute) for minute in range(200)])
    store.close()
    back_up(path, target)
    good = target.read_bytes()
    damage(path, 20, 21)
    with pytest.raises(sqlite3.DatabaseError):
        back_up(path, target)
    assert target.read_bytes() == good
    assert not list(tmp_path.glob("backup.sqlite?*"))


@pytest.mark.parametrize(
    ("last", "now", "wanted"),
    [
        (None, "2026-03-02T10:00", True),
        ("2026-03-02T03:05", "2026-03-02T23:00", False),
        ("2026-03-01T10:00", "2026-03-02T03:00", True),
        ("2026-03-02T03:00", "2026-03-02T03:50", False),
        ("2026-03-01T09:00", "2026-03-02T09:00", True),
    ],
)
def test_a_backup_is_made_at_night_or_when_the_last_is_a_day_old(
    last: str | None, now: str, wanted: bool
) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert due(None if last is None else moment(last), moment(now)) == wanted


@pytest.mark.parametrize("what", ["a directory", "from the future", "below a file"])
def test_a_file_that_cannot_be_the_store_is_one_line(tmp_path: Path, clock: ManualClock, what: str) -> None:
    path = tmp_path / "store.sqlite"
    match what:
        case "a directory":
            path.mkdir()
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
    body: str = '{"message":"no, sorry"}'
    most_lines: int = 1000
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
            status = 413 if len(body.splitlines()) > state.most_lines else state.answer
            if status == 204:
                state.bodies.append(body)
                state.queries.append(parse_qs(urlsplit(self.path).query))
                state.tokens.append(self.headers["Authorization"])
            said = b"" if status == 204 else state.body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

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
duration_s=60i,is_historical=false,k=5i,model="1",\
pending=0i,profile="demographics",seq=0i,software="0.1.0",viewers=2i,visits=8i 1772438400000000000
cohort,camera=front,device=door,site=shop attention_dwell_s=96.5,attention_sum_s=40.25,attention_visits=8i,\
described=8i,described_of=8i,dwell_sum_s=96.5,dwell_visits=8i,occupancy_max=2i,occupancy_mean=0.027,\
since=1772438400000000000i,visits=8i 1772438400000000000
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
cohort_zone,camera=front,device=door,site=shop,zone=shelf visits=8i 1772438400000000000
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


# As InfluxDB 1.8, 2.x and 3 Core answer.
PARTIAL_WRITES = {
    "1.8": (400, '{"error":"partial write: points beyond retention policy dropped=1"}'),
    "2": (
        422,
        (
            '{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond'
            ' retention policy dropped=1"}'
        ),
    ),
    "3": (400, '{"error":"partial write of line protocol occurred","data":[{"error_message":"too old"}]}'),
}
CONFLICTS = {
    "1.8": (
        400,
        (
            '{"error":"partial write: field type conflict: input field \\"k\\" on measurement \\"window\\" is type'
            ' integer, already exists as type float dropped=1"}'
        ),
    ),
    "2": (
        422,
        (
            '{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type'
            ' conflict: input field \\"k\\" on measurement \\"window\\" is type integer, already exists as type float"}'
        ),
    ),
    "3": (
        400,
        (
            '{"error":"partial write of line protocol occurred","data":[{"error_message":"invalid column type for'
            " column 'k', expected iox::column_type::field::float, got iox::column_type::field::integer\"}]}"
        ),
    ),
}
WHOLE_REQUESTS = {
    "no org": (400, '{"code":"invalid","message":"Please provide either orgID or org"}'),
    "no bucket": (400, '{"code":"invalid","message":"bucket name is empty"}'),
    "a proxy's": (400, "<html><h1>400 Bad Request</h1></html>"),
    "too large for one": (413, "<html><h1>413 Request Entity Too Large</h1></html>"),
    "not this version's": (422, '{"code":"unprocessable entity","message":"unknown precision"}'),
}


@pytest.mark.parametrize(("answer", "body"), PARTIAL_WRITES.values(), ids=PARTIAL_WRITES)
def test_a_partial_write_rejects_the_points(
    influx: Influx, influx_store: InfluxStore, answer: int, body: str
) -> None:
    influx.answer, influx.body = answer, body
    with pytest.raises(StoreRejected, match=rf"answered {answer}: .*partial write"):
        influx_store.write([window(0)])


@pytest.mark.parametrize(("answer", "body"), CONFLICTS.values(), ids=CONFLICTS)
def test_a_field_of_another_type_is_told_with_the_way_out_and_nothing_is_given_up(
    influx: Influx, influx_store: InfluxStore, answer: int, body: str
) -> None:
    influx.answer, influx.body = answer, body
    with pytest.raises(StoreUnavailable, match=r"to bucket db/rp: use a separate bucket for Footlight"):
        influx_store.write([window(0)])


@pytest.mark.parametrize(("answer", "body"), WHOLE_REQUESTS.values(), ids=WHOLE_REQUESTS)
def test_a_refusal_of_the_whole_request_gives_no_window_up(
    influx: Influx, influx_store: InfluxStore, answer: int, body: str
) -> None:
    influx.answer, influx.body = answer, body
    with pytest.raises(StoreUnavailable, match=f"answered {answer}: ") as refusal:
        influx_store.write([window(0)])
    assert str(refusal.value).isprintable()


def test_what_is_too_large_at_once_is_written_in_parts(influx: Influx, influx_store: InfluxStore) -> None:
    influx.most_lines = 3
    influx_store.write([window(minute) for minute in range(10)])
    assert sum(len(body.splitlines()) for body in influx.bodies) == 10


@pytest.mark.parametrize("answer", [200, 201, 202, 302])
def test_only_the_confirmation_of_influxdb_means_stored(
    influx: Influx, influx_store: InfluxStore, answer: int
) -> None:
    influx.answer, influx.body = answer, "<html>Welcome to our Wi-Fi</html>"
    with pytest.raises(StoreUnavailable, match=f"answered {answer}"):
        influx_store.write([window(0)])


@pytest.mark.parametrize(
    "body", ["<html>", "[]", "{}", '{"results": 5}', '{"results": [{"series": [{}]}]}', "\xff"]
)
def test_an_answer_that_is_not_influxdbs_is_a_fault_with_a_name(
    influx: Influx, influx_store: InfluxStore, body: str
) -> None:
    influx.answer, influx.body = 200, body
    with pytest.raises(StoreUnavailable, match=r"did not answer like InfluxDB; check store\.url"):
        influx_store.contains(probe())


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
