"""An HTTP endpoint for players: which clip is on, told as soon as it changes, and their reports of what they show.

``GET /`` is the reference player, ``GET /show`` the show that is on, ``GET /shows`` a stream of server-sent events
with each new one, ``POST /shown`` the report ``{"show": 12}``. ``GET /clips/NAME`` is the file of a clip. All need the
header ``Authorization: Bearer TOKEN``, but for the page and the files, which everybody in the shop sees on the display.
"""

from __future__ import annotations

import hmac
import logging
import socket
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore, Condition, Thread

from common.errors import UserError
from edge.player.messages import LONGEST_REPORT, show_message, show_of
from edge.player.page import PAGE, POLICY

_log = logging.getLogger(__name__)

MOST_CONNECTIONS = 8
TIMEOUT_S = 10.0
PING_S = 10.0
"""A stream without news says so this often: then both ends find out that the other is gone."""
_PIECE = 64 * 1024
KINDS = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
"""The files of a clip that a browser shows, in the order in which they are looked for."""


class PlayerLink:
    """The endpoint, with threads of its own. ``tell`` and ``reported`` are for the thread that decides.

    ``clips``: their names; the files are ``folder``/NAME.mp4 and so on.
    """

    def __init__(
        self, address: str, port: int, *, token: str, clips: Iterable[str], folder: Path | None = None
    ) -> None:
        self._token, self._clips, self._folder = token.encode(), frozenset(clips), folder
        self._changed = Condition()
        self._show: tuple[int, str] | None = None
        self._reports: set[int] = set()
        self._address, self._open = (address, port), True
        self._server: _Server | None = None

    def start(self) -> int:
        """Listen, and return the port, which is not the one that was asked for if that was 0. Raises ``UserError`` if
        the address cannot be used."""
        address, port = self._address
        try:
            self._server = _Server((address, port), self)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise UserError(
                f"signage: cannot listen on {address} port {port} ({reason}); is the address one of this device, and"
                " the port free?"
            ) from None
        Thread(target=self._server.serve_forever, args=(0.2,), name="player", daemon=True).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Close the endpoint and end all streams."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def tell(self, number: int, clip: str) -> None:
        """Tell the players what is on now."""
        with self._changed:
            if self._show != (number, clip):
                self._show = (number, clip)
                self._changed.notify_all()

    def reported(self) -> set[int]:
        """Return the numbers of the shows that players have on their screen, reported since the last call."""
        with self._changed:
            reports, self._reports = self._reports, set()
        return reports

    def authorised(self, header: str | None) -> bool:
        """Return whether a request with this header may ask."""
        scheme, _, token = (header or "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token)

    def after(self, before: tuple[int, str] | None, wait_s: float) -> tuple[int, str] | None:
        """Return what is on as soon as it is not ``before``, or ``before`` after ``wait_s``."""
        with self._changed:
            self._changed.wait_for(lambda: self._show != before or not self._open, wait_s)
            return self._show

    @property
    def is_open(self) -> bool:
        return self._open

    def report(self, number: int) -> bool:
        """Take a player's report; only the show that is on now can be on a screen."""
        with self._changed:
            is_on = self._show is not None and self._show[0] == number
            if is_on:
                self._reports.add(number)
        return is_on

    def file(self, clip: str) -> Path | None:
        """Return the file of a clip, None if there is none. No other file can be asked for."""
        if self._folder is None or clip not in self._clips:
            return None
        paths = (self._folder / f"{clip}{kind}" for kind in KINDS)
        return next((path for path in paths if path.is_file()), None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], link: PlayerLink) -> None:
        self.link, self._places = link, BoundedSemaphore(MOST_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client: object) -> None:
        """Serve a connection, or close it at once if there are too many."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client)
        else:
            self.shutdown_request(request)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client: object
    ) -> None:
        try:
            super().process_request_thread(request, client)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Go on: a player that is gone in the middle of an answer is no fault."""
        _log.debug("a player's connection ended early", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = TIMEOUT_S

    def version_string(self) -> str:
        return "footlight"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the library
        """Log nothing: a request tells nothing that is worth a line on the card."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/":
            self._answer(HTTPStatus.OK, PAGE, "text/html; charset=utf-8")
        elif path.startswith("/clips/"):
            self._send_file(path.removeprefix("/clips/"))
        elif path not in {"/show", "/shows"}:
            self._refuse(HTTPStatus.NOT_FOUND, "there is /, /show, /shows, /shown and /clips/NAME")
        elif self._may():
            self._send_show() if path == "/show" else self._stream()

    def do_POST(self) -> None:
        if self.path != "/shown":
            self._refuse(HTTPStatus.NOT_FOUND, "reports go to /shown")
        elif self._may():
            self._take_report()

    def _may(self) -> bool:
        is_known = self.server.link.authorised(self.headers.get("Authorization"))
        if not is_known:
            self._refuse(HTTPStatus.UNAUTHORIZED, "send the header Authorization: Bearer TOKEN")
        return is_known

    def _send_show(self) -> None:
        show = self.server.link.after(None, 0)
        if show is None:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "nothing was decided yet; ask again")
        else:
            self._answer(HTTPStatus.OK, show_message(*show), "application/json")

    def _stream(self) -> None:
        self._head(HTTPStatus.OK, "text/event-stream", None)
        link, show = self.server.link, None
        while link.is_open:
            before, show = show, link.after(show, PING_S)
            if link.is_open:
                self.wfile.write(b": still here\n\n" if show == before or show is None else _event(show))

    def _take_report(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST_REPORT:
            self._refuse(HTTPStatus.BAD_REQUEST, f"a report is at most {LONGEST_REPORT} bytes of JSON")
            return
        number = show_of(self.rfile.read(int(length)))
        if number is None:
            self._refuse(HTTPStatus.BAD_REQUEST, 'a report is {"show": NUMBER}')
        elif not self.server.link.report(number):
            self._refuse(HTTPStatus.CONFLICT, "this show is not on now")
        else:
            self._head(HTTPStatus.NO_CONTENT, None, None)

    def _send_file(self, clip: str) -> None:
        path = self.server.link.file(clip)
        try:
            if path is None:
                raise FileNotFoundError
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(0)
                self._head(HTTPStatus.OK, KINDS[path.suffix], size)
                while piece := file.read(_PIECE):
                    self.wfile.write(piece)
        except (FileNotFoundError, PermissionError, IsADirectoryError):
            self._refuse(HTTPStatus.NOT_FOUND, "no file for this clip")

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._answer(status, (reason + "\n").encode(), "text/plain; charset=utf-8")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self._head(status, kind, len(body))
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, kind: str | None, length: int | None) -> None:
        self.send_response(status)
        if kind is not None:
            self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()


def _event(show: tuple[int, str]) -> bytes:
    return b"event: show\ndata: " + show_message(*show) + b"\n\n"
