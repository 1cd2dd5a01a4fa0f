"""Middleware of the page: security headers, allowed host names, known proxies, and the path under a proxy."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

PEER: Final = "footlight.peer"
"""In the scope of a request: the address at the other end of the connection, a proxy's or a visitor's."""

_YEAR_S = 365 * 24 * 3600
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # With "no-referrer", a browser would not even tell us that a form is our own (Origin: null).
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class SecurityHeaders:
    """Sets headers that let only our own files run, whatever a name on the page contains."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if scope["scheme"] == "https":
                    headers["strict-transport-security"] = f"max-age={_YEAR_S}"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class KnownHosts:
    """Refuses requests for host names other than those of this machine.

    Otherwise another web site could point its own name to this machine and read the page through a visitor's browser
    (DNS rebinding). An IP address as the host is safe: a browser sends it only if somebody typed it.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        machine = socket.gethostname().lower()
        self._names = {"localhost", machine, f"{machine.partition('.')[0]}.local", *names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_known(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, send)
            return
        says = "This page is not available under this host name. Add the name to serve.page.names in cloud.yaml.\n"
        await PlainTextResponse(says, status_code=421)(scope, receive, send)

    def _is_known(self, host: str) -> bool:
        name, bracket, _ = host.removeprefix("[").partition("]")
        if not bracket:
            name = host.partition(":")[0]
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower().removesuffix(".") in self._names
        return True


class SubPath:
    """Serves the page below ``path`` of a proxy, whether or not the proxy removes that path from its requests."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._path:
            asked = str(scope["path"])
            whole = asked if f"{asked}/".startswith(f"{self._path}/") else self._path + asked
            scope = {**scope, "root_path": self._path, "path": whole}
        await self._app(scope, receive, send)


class KnownProxies:
    """Believes named proxies what they say about the visitor: the address, and whether the connection is encrypted."""

    def __init__(self, app: ASGIApp, addresses: Iterable[str]) -> None:
        inner: Any = app
        self._app: Any = ProxyHeadersMiddleware(inner, list(addresses))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        await self._app({**scope, PEER: client[0] if client else ""}, receive, send)
