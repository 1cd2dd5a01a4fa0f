"""The embedded store, and a store over a server in the place of InfluxDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from tests.cloud.stores.influx_server import Influx, make_influx_store
from tests.support.clock import ManualClock
from tests.support.messages import MORNING


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING + timedelta(minutes=30))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedStore]:
    embedded = EmbeddedStore(tmp_path / "new" / "store.sqlite", retention_days=30, clock=clock)
    yield embedded
    embedded.close()


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
