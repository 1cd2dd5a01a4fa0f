"""Which windows count for a local day, and in which of its quarters of an hour.

A window and its cohort belong to the moment at which the window starts. The exception is a cohort that arrives after
closing time, or on a later day: it belongs to the day of its visits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from cloud.domain.chain import Interval, Role, Site, camera_of
from cloud.domain.local_clock import QUARTER, quarter_start
from common.wire import WindowMessage

LATE = timedelta(days=4)
"""How long after a day its last cohort may arrive: a device that is switched off at night, or over a long weekend,
sends it when it is switched on again."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OfDay(NamedTuple):
    """The windows that count for one day and role, by quarter of an hour."""

    groups: Mapping[datetime, Sequence[WindowMessage]]
    released: Mapping[datetime, Sequence[WindowMessage]]
    """Those whose cohorts count for this day."""
    opening: Sequence[Interval]
    cameras: Sequence[str]


def windows_of_day(windows: Iterable[WindowMessage], site: Site, day: date, role: Role) -> OfDay:
    """Select the windows of one site and role that count for a local day; the others are ignored."""
    name, (start, end) = site.name, site.local_day(day)
    ordered = sorted(
        (w for w in windows if w.site == name and start <= w.start < end + LATE and site.role_of(w) == role),
        key=lambda w: (w.start, w.device, w.camera),
    )
    inside = [w for w in ordered if w.start < end]
    cameras = site.cameras_of(role) or sorted({camera_of(window) for window in inside})
    opening = site.opening_intervals(day)
    groups: dict[datetime, list[WindowMessage]] = {at: [] for at in _quarter_starts(start, end)}
    released: dict[datetime, list[WindowMessage]] = {at: [] for at in groups}
    for window in ordered:
        since = _since(window, site)
        if window.start < end and _is_open(window.start, opening):
            groups[quarter_start(window.start)].append(window)
            if since >= start:
                released[quarter_start(window.start)].append(window)
        elif since >= start and (closed := _closed_before(window.start, opening)) > since:
            # The last cohort of a day is released after closing time: it belongs to the visits before.
            released[quarter_start(closed - timedelta(microseconds=1))].append(window)
    return OfDay(groups, released, opening, cameras)


def _since(window: WindowMessage, site: Site) -> datetime:
    """Return the time of the first visits of a window's cohort; the window's start if it has none or is too late."""
    if window.cohort is None or window.cohort.since > window.start:
        return window.start
    since = window.cohort.since
    return (
        since if window.start < site.local_day(since.astimezone(site.zone).date())[1] + LATE else window.start
    )


def _is_open(at: datetime, opening: Sequence[Interval]) -> bool:
    return any(opens <= at < closes for opens, closes in opening)


def _closed_before(at: datetime, opening: Sequence[Interval]) -> datetime:
    """Return the last closing time before ``at``; the epoch if the site has not been open yet."""
    return max((closes for _, closes in opening if closes <= at), default=_EPOCH)


def _quarter_starts(start: datetime, end: datetime) -> list[datetime]:
    first = quarter_start(start)
    return [first + index * QUARTER for index in range(-((first - end) // QUARTER))]
