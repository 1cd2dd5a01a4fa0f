"""The page as an app on a phone: its manifest, its service worker, and web push for the notices of a shop."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from cloud.accounts.subscriptions import Subscriptions
from cloud.domain.messages import gettext as _
from cloud.domain.notices import said
from cloud.domain.push import Subscription, is_endpoint
from cloud.ingest.push_message import public_key, receiver_key
from cloud.web.access import guarded
from cloud.web.account_access import AccountAccess
from cloud.web.languages import language, language_of
from cloud.web.site_pages import SitePages
from common.wire import NoticeMessage

_STATIC: Final = Path(__file__).parent / "static"
_SHELL: Final = ("page.css", "icon.svg")
"""Static files that the service worker keeps, beside the page that is shown without a connection."""
_SECRET_BYTES: Final = 16


def routes(pages: SitePages, access: AccountAccess | None) -> list[BaseRoute]:
    """Return the routes of this feature. Without accounts, nobody can be called: there is no session to end it with."""
    phone = _Phone(pages)
    found: list[BaseRoute] = [
        guarded("/manifest.webmanifest", phone.manifest, needs="nothing"),
        guarded("/service-worker.js", phone.worker, needs="nothing"),
        guarded("/offline", phone.offline, needs="nothing"),
    ]
    if access is not None:
        push = _PushPage(pages, access.accounts.subscriptions)
        found += [
            guarded("/api/{site}/push", push.state, needs="numbers", name="push"),
            guarded("/api/{site}/push", push.turn_on, needs="numbers", methods=["POST"], name="push_on"),
            guarded(
                "/api/{site}/push/off", push.turn_off, needs="numbers", methods=["POST"], name="push_off"
            ),
        ]
    return found


def push_text(notice: NoticeMessage, title: str, code: str) -> bytes:
    """Return what a phone shows: the shop, and the notice with its place, count and threshold; nothing else."""
    told = {
        "title": title,
        "text": language(code).says(said(notice)),
        "tag": f"{notice.site}/{notice.device}/{notice.name}",
        "path": f"site/{notice.site}",
    }
    return json.dumps(told, ensure_ascii=False).encode()


class _Phone:
    def __init__(self, pages: SitePages) -> None:
        self._templates = pages.templates
        self._script = (_STATIC / "worker.js").read_text()
        kept = sorted(
            path for path in _STATIC.parent.rglob("*") if path.suffix in {".js", ".css", ".html", ".po"}
        )
        self._version = hashlib.sha256(b"".join(map(Path.read_bytes, kept))).hexdigest()[:16]

    def manifest(self, request: Request) -> Response:
        """Answer with what a phone needs to install the page. Its paths are below that of a proxy."""
        start = request.url_for("start").path

        def icon(name: str, sizes: str, purpose: str = "any") -> dict[str, str]:
            kind = "image/svg+xml" if name.endswith("svg") else "image/png"
            source = request.url_for("static", path=name).path
            return {"src": source, "sizes": sizes, "type": kind, "purpose": purpose}

        told = {
            "id": start,
            "name": "Footlight",
            "short_name": "Footlight",
            "lang": language_of(request).tag,
            "start_url": start,
            "scope": start,
            "display": "standalone",
            "background_color": "#f5f4f0",
            "theme_color": "#1f6f78",
            "icons": [
                icon("icon.svg", "any"),
                icon("icons/192.png", "192x192"),
                icon("icons/512.png", "512x512"),
                icon("icons/maskable.png", "512x512", "maskable"),
            ],
        }
        return Response(json.dumps(told), media_type="application/manifest+json", headers=_SHORT)

    def worker(self, request: Request) -> Response:
        """Answer with the service worker. It changes with every file of the page, and so does what it keeps."""
        shell = [request.url_for("static", path=name).path for name in _SHELL]
        icon = request.url_for("static", path="icons/192.png").path
        told = {
            "version": self._version,
            "offline": request.url_for("offline").path,
            "shell": shell,
            "icon": icon,
        }
        script = f"const FOOTLIGHT = {json.dumps(told)};\n{self._script}"
        return Response(script, media_type="text/javascript", headers=_SHORT)

    def offline(self, request: Request) -> Response:
        """Answer with the page that is shown without a connection. It has no user and no figure."""
        return self._templates.TemplateResponse(request, "offline.html")


_SHORT: Final = {"cache-control": "no-cache"}
"""A browser asks each time whether there is a new one."""


class _PushPage:
    def __init__(self, pages: SitePages, subscriptions: Subscriptions) -> None:
        self._pages, self._subscriptions = pages, subscriptions

    def state(self, request: Request) -> Response:
        """Answer whether this browser gets the notices of a site, and with the key that it needs for that."""
        site, _sites = self._pages.known(request)
        key = public_key(self._subscriptions.key())
        return JSONResponse({"key": key, "on": self._subscriptions.has(request.state.browser, site)})

    def turn_on(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        form = request.state.form
        endpoint, key, secret = (
            form.get("endpoint", ""),
            _raw(form.get("key", "")),
            _raw(form.get("secret", "")),
        )
        if not is_endpoint(endpoint):
            raise HTTPException(400, _("This is not the address of a push service."))
        try:
            receiver_key(key)
        except ValueError:
            raise HTTPException(400, _("This is not the key of a browser.")) from None
        if len(secret) != _SECRET_BYTES:
            raise HTTPException(400, _("This is not the key of a browser."))
        origin = f"https://{request.url.netloc}"
        subscription = Subscription(endpoint, key, secret, language_of(request).code, origin)
        if not self._subscriptions.add(request.state.browser, site, subscription):
            raise HTTPException(409, _("Log in on this page first: notices end with the login."))
        return Response(status_code=204)

    def turn_off(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        self._subscriptions.remove(request.state.browser, site)
        return Response(status_code=204)


def _raw(text: str) -> bytes:
    """Return the bytes of base64 as addresses have it; none if it cannot be read."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
