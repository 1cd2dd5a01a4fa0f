"""Posts events to a web address, signed as https://www.standardwebhooks.com says, from its own thread."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
from collections import deque
from urllib.parse import urlsplit

import urllib3

from cloud.domain.notices import Event
from cloud.stores.influxql import cause
from common.backoff import Backoff
from common.clock import Clock
from common.wire import CONTENT_TYPE, NEWS_S

log = logging.getLogger(__name__)

MOST_WAITING = 100
"""The oldest of more events is given up."""
TIMEOUT_S = 4.0
"""For connecting, and for each answer: an event that needs a second attempt still comes within ten seconds."""


def signature(key: bytes, event: Event, timestamp: int) -> str:
    """Return the value of the header ``webhook-signature``."""
    signed = f"{event.id}.{timestamp}.".encode() + event.body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Webhook:
    """Delivers events in order. ``post`` never waits. An event that cannot be delivered within ``NEWS_S`` is given up.

    A fault is logged once when it begins and once when it is over.
    """

    def __init__(
        self,
        url: str,
        key: bytes,
        *,
        clock: Clock,
        retry_first_s: float = 1.0,
        retry_most_s: float = 30.0,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._url, self._key, self._clock = url, key, clock
        self._host = urlsplit(url).hostname  # the whole address of some services is a secret
        self._http = urllib3.PoolManager(timeout=timeout_s, retries=False)
        self._backoff = Backoff(first_s=retry_first_s, longest_s=retry_most_s, clock=clock)
        self._waiting: deque[tuple[float, Event]] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._fault: str | None = None
        self._given_up = 0
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the attempt it is in; what waits is not sent."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(2 * TIMEOUT_S)
        self._http.clear()

    def post(self, event: Event) -> None:
        """Queue one event, from any thread."""
        with self._changed:
            if len(self._waiting) == MOST_WAITING:
                self._waiting.popleft()
                self._given_up += 1
            self._waiting.append((self._clock.monotonic(), event))
            self._changed.notify_all()

    def _run(self) -> None:
        while (queued := self._next()) is not None:
            since_s, event = queued
            while self._clock.monotonic() - since_s < NEWS_S:
                fault = self._attempt(event)
                self._note(fault)
                if fault is None:
                    break
                with self._changed:
                    if self._changed.wait_for(lambda: self._stopped, timeout=self._backoff.failed()):
                        return
            else:
                self._given_up += 1

    def _next(self) -> tuple[float, Event] | None:
        """Return the next event; None once stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or bool(self._waiting))
            return None if self._stopped else self._waiting.popleft()

    def _attempt(self, event: Event) -> str | None:
        """Send once; return what went wrong."""
        timestamp = int(self._clock.now().timestamp())
        headers = {
            "content-type": CONTENT_TYPE,
            "user-agent": "footlight",
            "webhook-id": event.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._key, event, timestamp),
        }
        try:
            # A redirect could lead anywhere, so it is a fault; the answer itself is not read.
            answer = self._http.request(
                "POST", self._url, body=event.body, headers=headers, redirect=False, preload_content=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return cause(error)
        answer.close()
        return None if 200 <= answer.status < 300 else f"answered {answer.status}"

    def _note(self, fault: str | None) -> None:
        if fault is None:
            self._backoff.succeeded()
            if self._fault is not None:
                log.info("webhook at %s: works again, %d notices were given up", self._host, self._given_up)
        elif self._fault is None:
            log.warning(
                "webhook at %s: %s; notices are sent again for %g minutes", self._host, fault, NEWS_S / 60
            )
        self._fault = fault
