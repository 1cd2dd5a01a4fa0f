"""An application on a free loopback port, for as long as a test asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp

from cloud.domain.users import ALL_SITES, Act, User
from tests.support.brokers import until

TOKEN = {"Authorization": "Bearer right"}


class OneToken:
    """Knows one program by its token: a manager of every shop."""

    login = False

    def __init__(self) -> None:
        self.acts: list[tuple[str, Act, str]] = []

    def user(self, request: Request) -> User | None:
        right = request.headers.get("authorization") == TOKEN["Authorization"]
        return User("program", "manager", frozenset({ALL_SITES})) if right else None

    def record(self, who: str, act: Act, about: str, address: str) -> None:
        self.acts.append((who, act, about))


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Yield the address of ``app``."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, ws="none", log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive(), "the application is served")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
