"""A web server on the loopback that takes webhooks, and can refuse them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Self

from tests.support.brokers import free_port


@dataclass(frozen=True, slots=True)
class Call:
    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """``calls`` are all requests; the next ones are answered with ``statuses`` in turn, then with 204, or 503 while
    ``refuses`` is set."""

    def __init__(self, *statuses: int, port: int | None = None) -> None:
        self.calls: list[Call] = []
        self.refuses = threading.Event()
        left, calls, refuses = list(statuses), self.calls, self.refuses

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(left.pop(0) if left else 503 if refuses.is_set() else 204)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()
                calls.append(Call(self.path, headers, body))

            def log_message(self, *_: object) -> None:
                pass

        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook?key=1"
        self._server = HTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
