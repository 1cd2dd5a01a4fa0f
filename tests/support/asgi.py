"""An HTTP client for an ASGI application in this process, without a server and a port."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp


class AsgiClient:
    """Keeps cookies as a browser does, and follows no redirection. ``client`` is the address that it comes from."""

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
        transport = httpx.ASGITransport(self._app, client=(self._client, 50_000))
        async with httpx.AsyncClient(
            transport=transport, base_url=self._base_url, cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, **options)
            self.cookies = client.cookies
            return answer
