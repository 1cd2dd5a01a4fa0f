"""Sends notices to the browsers of staff, through the push service of each browser's maker (RFC 8030)."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import urllib3

from cloud.domain.push import PORT, Subscription, is_public
from cloud.ingest.push_message import authorization, encrypted
from cloud.ingest.webhook import TIMEOUT_S
from cloud.stores.influxql import cause
from cloud.stores.store import StoreUnavailable
from common.clock import Clock
from common.wire import NEWS_S, NoticeMessage

log = logging.getLogger(__name__)

MOST_WAITING: Final = 100
"""Notices on their way; more are given up."""
_AT_ONCE: Final = 8
"""A push service that hangs delays the browsers of the others only when so many hang."""
_PAUSES_S: Final = (0.0, 1.0, 4.0)
"""Before each attempt: a phone whose push service is away for longer shows the notice on the page."""
_GONE: Final = frozenset({404, 410})

Connect = Callable[[str], urllib3.HTTPConnectionPool]
"""Opens the way to a host. Raises ``OSError``."""


class Receivers(Protocol):
    """Who gets the notices. Raises ``StoreUnavailable``."""

    def push_key(self) -> str:
        """Return the private key of this server in PEM form."""
        ...

    def pushed_to(self, site: str) -> Sequence[Subscription]:
        """Return the browsers that get the notices of a site."""
        ...

    def forget_push(self, endpoint: str) -> None:
        """Remove a browser that its push service does not know any more."""
        ...


def connect_public(host: str) -> urllib3.HTTPConnectionPool:
    """Connect to a host on the public internet over TLS. Raises ``OSError``, also where its name leads elsewhere."""
    found = socket.getaddrinfo(host, PORT, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    addresses = [str(one[4][0]) for one in found]
    if not all(map(is_public, addresses)):
        raise OSError(f"{host} is not on the public internet")
    # To the address that was checked: a second look-up could lead elsewhere.
    return urllib3.HTTPSConnectionPool(
        addresses[0],
        PORT,
        server_hostname=host,
        assert_hostname=host,
        timeout=TIMEOUT_S,
        retries=False,
    )


class Push:
    """Sends what begins to every browser of its shop. ``post`` never waits.

    ``text`` says a notice in a language. A fault of a push service is logged once, and once when it is over.
    """

    def __init__(
        self,
        receivers: Receivers,
        text: Callable[[NoticeMessage, str], bytes],
        *,
        clock: Clock,
        connect: Connect = connect_public,
        pauses_s: Sequence[float] = _PAUSES_S,
    ) -> None:
        self._receivers, self._text, self._clock = receivers, text, clock
        self._connect, self._pauses_s = connect, pauses_s
        self._workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="push")
        self._room = threading.BoundedSemaphore(MOST_WAITING)
        self._stopped = threading.Event()
        self._faults: dict[str, str] = {}

    def stop(self) -> None:
        """End after the attempts that are on their way; what waits is not sent."""
        self._stopped.set()
        self._workers.shutdown(cancel_futures=True)

    def post(self, notice: NoticeMessage) -> None:
        """Send one notice, from any thread. Nobody's phone rings for an end."""
        if not notice.active or self._stopped.is_set():
            return
        if self._room.acquire(blocking=False):
            self._submit(self._to_all, notice)
        else:
            log.warning("push: %d notices wait; %s of %s is given up", MOST_WAITING, notice.name, notice.site)

    def _to_all(self, notice: NoticeMessage) -> None:
        try:
            found = self._receivers.pushed_to(notice.site)
            key = self._receivers.push_key() if found else ""
        except StoreUnavailable as error:
            log.warning("push: %s of %s is given up: %s", notice.name, notice.site, error)
            return
        finally:
            self._room.release()
        for subscription in found:
            self._submit(self._to_one, notice, subscription, key)

    def _submit(self, work: Callable[..., None], *about: object) -> None:
        with contextlib.suppress(RuntimeError):  # stopped in between
            self._workers.submit(work, *about)

    def _to_one(self, notice: NoticeMessage, subscription: Subscription, key: str) -> None:
        body = encrypted(self._text(notice, subscription.language), subscription)
        fault = ""
        for pause_s in self._pauses_s:
            if self._stopped.wait(pause_s):
                return
            status, fault = self._attempt(subscription, key, body)
            if status in _GONE:
                self._forget(subscription)
            if not fault or (400 <= status < 500 and status != 429):  # the same message is refused again
                break
        self._note(subscription.host, fault)

    def _attempt(self, subscription: Subscription, key: str, body: bytes) -> tuple[int, str]:
        """Send once; return the status (0 without an answer) and what went wrong."""
        headers = {
            "authorization": authorization(subscription, key, self._clock.now()),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(int(NEWS_S)),
            "urgency": "high",
            "user-agent": "footlight",
            "host": subscription.host,
        }
        try:
            with self._connect(subscription.host) as service:
                answer = service.urlopen(
                    "POST", subscription.path, body, headers, redirect=False, preload_content=False
                )
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return 0, cause(error)
        fine = 200 <= answer.status < 300 or answer.status in _GONE
        return answer.status, "" if fine else f"answered {answer.status}"

    def _forget(self, subscription: Subscription) -> None:
        try:
            self._receivers.forget_push(subscription.endpoint)
        except StoreUnavailable as error:
            log.warning("push: a browser that is gone stays on the list: %s", error)

    def _note(self, host: str, fault: str) -> None:
        before = self._faults.get(host, "")
        self._faults[host] = fault
        if fault and not before:
            log.warning("push: %s: %s", host, fault)
        elif before and not fault:
            log.info("push: %s works again", host)
