"""Which notices for staff go to the webhook and to browsers, and when."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

from cloud.config import NoticeSettings
from cloud.domain.chain import shop_zone
from cloud.domain.notices import event_of
from cloud.ingest.acknowledging import Acknowledged
from cloud.stores.store import OpenNotices
from common.clock import Clock
from common.wire import NEWS_S, NoticeMessage

log = logging.getLogger(__name__)

_HOUR_S = 3600.0
_REMEMBERED = 256
"""Notices that are not told again when a broker delivers them twice."""

Tell = Callable[[NoticeMessage], None]


class Relay:
    """Tells a notice once, unless it is old, it is a quiet hour, somebody takes care of it, or too many notices of its
    shop began in this hour.

    An end is told if this relay told the beginning. ``acknowledged`` has the beginnings that somebody takes care of.
    ``quiet_hours``: the first one, and the one after the last, in the time of ``zone``.
    """

    def __init__(
        self,
        post: Tell,
        *,
        clock: Clock,
        acknowledged: Container[NoticeMessage],
        zone: ZoneInfo,
        quiet_hours: tuple[int, int] | None,
        most_an_hour: int,
    ) -> None:
        self._post, self._clock, self._acknowledged, self._zone = post, clock, acknowledged, zone
        self._quiet, self._most = quiet_hours, most_an_hour
        self._told: deque[str] = deque(maxlen=_REMEMBERED)
        self._open: set[tuple[str, str, str]] = set()
        self._began: dict[str, deque[float]] = {}
        self._limited: set[str] = set()

    def tell(self, notice: NoticeMessage) -> None:
        """Pass one notice on. Never waits."""
        event = event_of(notice)
        if event.id in self._told or self._is_old(notice) or self._is_quiet():
            return
        identity = notice.site, notice.device, notice.name
        if notice.active:
            if notice in self._acknowledged or not self._has_room(notice.site):
                return
            self._open.add(identity)
        elif identity not in self._open:
            return
        else:
            self._open.remove(identity)
        self._told.append(event.id)
        self._post(notice)

    def _is_old(self, notice: NoticeMessage) -> bool:
        return self._clock.now() - notice.at > timedelta(seconds=NEWS_S)

    def _is_quiet(self) -> bool:
        if self._quiet is None:
            return False
        (first, last), hour = self._quiet, self._clock.now().astimezone(self._zone).hour
        return first <= hour < last if first < last else hour >= first or hour < last

    def _has_room(self, site: str) -> bool:
        now_s = self._clock.monotonic()
        began = self._began.setdefault(site, deque())
        while began and now_s - began[0] >= _HOUR_S:
            began.popleft()
        if len(began) >= self._most:
            if site not in self._limited:
                log.warning("notices of %s: more than %d in an hour, the rest is not sent", site, self._most)
            self._limited.add(site)
            return False
        self._limited.discard(site)
        began.append(now_s)
        return True


@contextmanager
def telling(
    settings: NoticeSettings | None, book: OpenNotices, clock: Clock, push: Tell | None = None
) -> Iterator[Tell | None]:
    """Tell notices to the webhook of the settings and to ``push``, while the block runs; None if there is neither.

    ``book`` has the acknowledgements. Raises ``UserError`` for a secret that cannot be used.
    """
    chosen = settings or NoticeSettings()
    with ExitStack() as running:
        posts = [] if push is None else [push]
        if chosen.url is not None:
            posts.append(running.enter_context(_webhook(chosen.url, chosen.key(), clock)))
        if not posts:
            yield None
            return
        acknowledged = Acknowledged(book)
        running.enter_context(acknowledged.reading())

        def post(notice: NoticeMessage) -> None:
            for one in posts:
                one(notice)

        yield Relay(
            post,
            clock=clock,
            acknowledged=acknowledged,
            zone=shop_zone(chosen.timezone),
            quiet_hours=chosen.quiet_hours,
            most_an_hour=chosen.most_an_hour,
        ).tell


@contextmanager
def _webhook(url: str, key: bytes, clock: Clock) -> Iterator[Tell]:
    from cloud.ingest.webhook import Webhook  # imported here: without one nobody needs its client of HTTP

    webhook = Webhook(url, key, clock=clock)
    webhook.start()
    try:
        yield lambda notice: webhook.post(event_of(notice))
    finally:
        webhook.stop()
