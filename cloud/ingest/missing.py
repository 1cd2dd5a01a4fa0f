"""Tells head office that windows are missing, once, and that they have come after all."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Literal, Protocol

from cloud.config import NoticeSettings
from cloud.domain.gaps import Gap, Numbered, gaps
from cloud.domain.notices import Event
from cloud.ingest.background import in_background
from cloud.ingest.webhook import Webhook
from cloud.stores.store import StoreUnavailable
from common.clock import Clock
from common.wire import HELD_S

SETTLED = timedelta(seconds=HELD_S) + timedelta(minutes=30)
"""What is missing for so long does not come by itself any more: devices send again what they delivered in ``HELD_S``,
within a quarter of an hour after they are asked to."""
LOOKED_AT = timedelta(hours=26)
"""Older gaps are in the report of the rollup alone."""
EVERY_S = 3600.0
_MOST_EVENTS = 50
"""In one round; others follow in the next, so that the webhook gives up none."""

What = Literal["windows.missing", "windows.found"]


class Windows(Protocol):
    """The stored windows. Raises ``StoreUnavailable``."""

    def sites(self) -> list[str]:
        """Return every site that has windows."""
        ...

    def windows(self, site: str, start: datetime, end: datetime) -> Sequence[Numbered]:
        """Return the windows of a site that start in [start, end)."""
        ...


class Missing:
    """Remembers what was told. ``post`` gets an event for each gap that is new, or over."""

    def __init__(self, windows: Windows, post: Callable[[Event], None], clock: Clock) -> None:
        self._windows, self._post, self._clock = windows, post, clock
        self._told: dict[str, list[Gap]] = {}

    def look(self) -> None:
        """Look for gaps once, site by site. Raises ``StoreUnavailable``."""
        left = _MOST_EVENTS
        for site in self._windows.sites():
            for one in self._news_of(site, left):
                self._post(one)
                left -= 1

    def _news_of(self, site: str, most: int) -> list[Event]:
        now = self._clock.now()
        since = now - LOOKED_AT
        found = gaps(self._windows.windows(site, since, now))
        # What is left of a gap that is too old to be seen whole cannot be told from one that was filled.
        told = [gap for gap in self._told.get(site, ()) if gap.after >= since]
        over = [gap for gap in told if not any(one.within(gap) for one in found)][:most]
        news = [gap for gap in found if now - gap.before >= SETTLED and not any(map(gap.within, told))]
        news = news[: most - len(over)]
        self._told[site] = [gap for gap in told if gap not in over] + news
        return [event("windows.missing", gap) for gap in news] + [event("windows.found", gap) for gap in over]


def event(what: What, gap: Gap) -> Event:
    """Make the event about a gap. The same gap always gives the same id: each bridge tells it."""
    body = {
        "type": what,
        "timestamp": gap.before.isoformat(),
        "data": {
            "site": gap.site,
            "device": gap.device,
            "camera": gap.camera,
            "missing": gap.missing,
            "after": gap.after.isoformat(),
            "before": gap.before.isoformat(),
            "text": str(gap) if what == "windows.missing" else f"no longer so: {gap}",
        },
    }
    payload = json.dumps(body).encode()
    return Event(f"windows_{hashlib.sha256(payload).hexdigest()[:24]}", payload)


@contextmanager
def telling_missing(
    settings: NoticeSettings | None, windows: Windows, clock: Clock, *, every_s: float = EVERY_S
) -> Iterator[None]:
    """Tell the webhook of the settings, if there is one, while the block runs.

    Raises ``UserError`` for a secret that cannot be used.
    """
    if settings is None or settings.url is None:
        yield
        return
    webhook = Webhook(settings.url, settings.key(), clock=clock)
    webhook.start()
    missing = Missing(windows, webhook.post, clock)

    def run(stopped: threading.Event) -> None:
        while True:
            with suppress(StoreUnavailable):  # the intake says so when it writes
                missing.look()
            if stopped.wait(every_s):
                return

    try:
        with in_background("missing", run):
            yield
    finally:
        webhook.stop()
