"""uvicorn for a page on a shop's network: it limits the number of connections and closes idle ones."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from cloud.onebox.connections import Connections, Slot
from common.errors import UserError

MOST_CONNECTIONS = 128
MOST_PER_ADDRESS = 32
"""A browser opens six; a proxy opens those of all its visitors."""
REQUEST_S = 5.0
"""How long a request may take to arrive, and a connection may stay open for the next one."""
ANSWER_S = 30.0
"""How long a client may take to read what was sent of an answer. A stream of events goes on as long as it is read."""
MOST_REQUEST_BYTES = 16 * 1024


class PageServer(uvicorn.Server):
    """uvicorn without its signal handlers: ``footlight-cloud serve`` handles the signals of this process."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        tls: tuple[Path, Path] | None = None,
        end_streams: Callable[[], None] = lambda: None,
        request_s: float = REQUEST_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        """``tls`` are the files of certificate and key; ``end_streams`` is called when the server stops.

        Raises ``UserError`` if the files cannot be used.
        """
        self._end_streams = end_streams
        connections = Connections("page", most=MOST_CONNECTIONS, most_per_address=MOST_PER_ADDRESS)
        super().__init__(
            uvicorn.Config(
                app,
                http=_bounded(connections, request_s, answer_s),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # the application does this: uvicorn would believe every program on this machine
                ssl_certfile=tls and tls[0],
                ssl_keyfile=tls and tls[1],
                h11_max_incomplete_event_size=MOST_REQUEST_BYTES,
            )
        )

        try:
            self.config.load()
        except OSError as error:  # also of the ssl module
            files = " and ".join(map(str, tls or ()))
            raise UserError(f"serve.page.tls: {files} cannot be used ({error.strerror or error})") from None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop. Streams end first: the server waits for every answer."""
        self._end_streams()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Open the address of the page. Raises ``UserError`` if it is in use."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise UserError(f"serve.page: cannot listen on {host}:{port} ({error.strerror})") from None


def page_url(sock: socket.socket, *, tls: bool) -> str:
    """Return the address of the page that listens at ``sock``, for a browser."""
    host, port = sock.getsockname()[:2]
    return f"http{'s' if tls else ''}://{host}:{port}/"


def _bounded(connections: Connections, request_s: float, answer_s: float) -> type[asyncio.Protocol]:
    """Create uvicorn's protocol class with a slot in ``connections``; uvicorn needs a class."""

    class Bounded(H11Protocol):
        slot: Slot | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            address = self.client[0] if self.client else "nowhere"
            self.slot = connections.admit(address, transport.abort, wait_s=request_s)
            if self.slot is None:
                transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            if self.slot is not None:
                self.slot.leave()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.slot is not None and self.slot.waits and _answering(self):
                self.slot.work(answer_s, lambda: _goes_on(self))

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.slot is not None and not _answering(self):
                self.slot.wait(request_s)

    return Bounded


def _answering(protocol: H11Protocol) -> bool:
    cycle: Any = protocol.cycle
    return cycle is not None and not cycle.response_complete


def _goes_on(protocol: H11Protocol) -> bool:
    """Tell whether the client is not late: it has read all that was sent, and there is more to come."""
    transport: asyncio.Transport = protocol.transport
    return _answering(protocol) and not transport.get_write_buffer_size()
