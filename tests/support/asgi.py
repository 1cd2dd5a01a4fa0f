"""An HTTP client for an ASGI application in this process, without a server and a port."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import httpx
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AsgiClient:
    """Keeps cookies as a browser does, and follows no redirection. ``client`` is the address that it comes from.

    Of a stream of events it takes the first one.
    """

    def __init__(self, app: ASGIApp, base_url: str = "http://127.0.0.1", client: str = "127.0.0.1") -> None:
        self._app = app
        self._base_url = base_url
        self._client = client
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(_first_event(self._app), client=(self._client, 50_000))
        async with httpx.AsyncClient(
            transport=transport, base_url=self._base_url, cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, **options)
            self.cookies = client.cookies
            return answer


def _first_event(app: ASGIApp) -> ASGIApp:
    """The same application, whose streams of events end after one."""

    async def cut(scope: Scope, receive: Receive, send: Send) -> None:
        streams = False

        async def send_first(message: Message) -> None:
            nonlocal streams
            if message["type"] == "http.response.start":
                streams = "text/event-stream" in Headers(raw=message["headers"]).get("content-type", "")
                await send(message)
            elif not streams:
                await send(message)
            else:
                await send({**message, "more_body": False})
                raise OSError("the client has what it wants")

        with suppress(ClientDisconnect):
            await app({**scope, "asgi": {"version": "3.0", "spec_version": "2.4"}}, receive, send_first)

    return cut
