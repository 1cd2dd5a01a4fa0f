"""From the notices of the places to the messages that leave the device."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from common.clock import Clock
from common.wire import NoticeMessage
from edge.places.notice_privacy import is_about_many, is_told, is_told_late, told_count
from edge.places.notices import Notice, Notices
from edge.places.places import Live

_log = logging.getLogger(__name__)


class NoticeMessages:
    """The notices of a device, told as far as the privacy rule allows. ``window_s`` is the length of a window."""

    def __init__(
        self, notices: Notices, *, site: str, device: str, k: int, window_s: int, clock: Clock
    ) -> None:
        self._notices, self._site, self._device = notices, site, device
        self._k, self._window_s, self._clock = k, window_s, clock
        self._late: dict[str, Notice] = {}
        self._window = 0

    @property
    def any(self) -> bool:
        """Whether there are notices at all."""
        return bool(self._notices.rules)

    def at_start(self) -> list[NoticeMessage]:
        """Return the end of every notice whose end is told: a run before this one may have left it open."""
        return [
            self._message(Notice(rule.name, rule.rule, active=False, count=0, limit=rule.limit))
            for rule in self._notices.rules
            if is_about_many(rule, self._k)
        ]

    def update(self, live: Live, at_s: float, hour: int) -> list[NoticeMessage]:
        """Return what is told now; the parameters are those of ``Notices.update``."""
        told = self._of_ended_window()
        for notice in self._notices.update(live, at_s, hour):
            if is_told_late(notice, self._k):
                self._hold(notice)
            elif is_told(notice, self._k):
                told.append(notice)
        return self._tell(told)

    def stop(self) -> list[NoticeMessage]:
        """End all notices, because nobody looks any more; return what is told of it."""
        self._late = {}
        return self._tell([notice for notice in self._notices.stop() if is_told(notice, self._k)])

    def _tell(self, told: Sequence[Notice]) -> list[NoticeMessage]:
        for notice in told:
            _log.info("notice %s (%s) %s", notice.name, notice.rule, "begins" if notice.active else "ends")
        return [self._message(notice) for notice in told]

    def _of_ended_window(self) -> list[Notice]:
        """Return what was held until now, if another window has begun."""
        window = int(self._clock.now().timestamp()) // self._window_s
        if window == self._window:
            return []
        held, self._window, self._late = list(self._late.values()), window, {}
        return held

    def _hold(self, notice: Notice) -> None:
        """Keep a beginning until the window is over; one that has ended before is not told."""
        self._late.pop(notice.name, None)
        if notice.active:
            self._late[notice.name] = notice

    def _message(self, notice: Notice) -> NoticeMessage:
        return NoticeMessage(
            site=self._site,
            device=self._device,
            at=self._clock.now(),
            name=notice.name,
            rule=notice.rule,
            active=notice.active,
            count=told_count(notice, self._k),
            limit=notice.limit,
            k=self._k,
        )
