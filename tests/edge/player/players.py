"""A player as tests have it: it speaks HTTP with the link."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from edge.player.link import PlayerLink

TOKEN = "0123456789abcdef"
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def linked(folder: Path | None = None, *, port: int = 0) -> Iterator[tuple[PlayerLink, int]]:
    """A link that listens, and its port."""
    link = PlayerLink("127.0.0.1", port, token=TOKEN, clips=["brand", "scarf"], folder=folder)
    try:
        yield link, link.start()
    finally:
        link.stop()


def ask(
    port: int, method: str, path: str, *, headers: dict[str, str] | None = None, body: str | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, ALLOWED if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)
    finally:
        connection.close()


@contextmanager
def stream(port: int) -> Iterator[HTTPResponse]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/shows", headers=ALLOWED)
        yield connection.getresponse()
    finally:
        connection.close()


def next_show(answer: HTTPResponse) -> tuple[int, str]:
    """Wait for the next show on a stream."""
    while not (line := answer.readline()).startswith(b"data: "):
        assert line, "the stream has ended"
    told = json.loads(line.removeprefix(b"data: "))
    assert told.keys() == {"show", "clip"}
    return told["show"], told["clip"]
