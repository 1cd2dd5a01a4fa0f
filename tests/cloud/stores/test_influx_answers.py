"""Each answer of a real HTTP server in the place of InfluxDB is stored, rejected or a fault that heals."""

from __future__ import annotations

import socket
import threading

import pytest

from cloud.stores.influx import InfluxStore
from cloud.stores.store import StoreRejected, StoreUnavailable
from tests.cloud.stores.influx_server import Influx, make_influx_store
from tests.support.brokers import free_port
from tests.support.clock import ManualClock
from tests.support.messages import probe, window

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
    assert sum(len(body.splitlines()) for body in influx.bodies) == 20, (
        "a line for the window, one for its door"
    )


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


def test_a_server_that_ends_in_the_middle_is_told_in_plain_words(clock: ManualClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def end() -> None:
            connection, _ = listening.accept()
            connection.recv(100)
            connection.close()

        thread = threading.Thread(target=end)
        thread.start()
        store = make_influx_store(listening.getsockname()[1], clock)
        with pytest.raises(StoreUnavailable, match=r"^InfluxDB: [^()']+$"):
            store.write([probe()])
        store.close()
        thread.join()
