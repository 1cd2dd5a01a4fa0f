"""The hours that the clock of a shop shows, also on days on which it is set: by an hour, or half an hour (Lord Howe).

Offsets from UTC are whole quarters of an hour, and so are the moments at which clocks are set.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quarter_start(at: datetime) -> datetime:
    """Return when the quarter of an hour began, in UTC."""
    return at.astimezone(UTC) - (at - _EPOCH) % QUARTER


def hour_start(at: datetime, zone: ZoneInfo) -> datetime:
    """Return in UTC when the clock began to show this hour, or was set to show it.

    So an hour that the clock shows twice begins twice, and one in which it is set is shorter.
    """
    start = quarter_start(at)
    shown = _hour(start, zone)
    while _hour(start - QUARTER, zone) == shown:
        start -= QUARTER
    return start


def hour_end(at: datetime, zone: ZoneInfo) -> datetime:
    """Return in UTC when the next hour begins: an hour later, or earlier if the clock is set before."""
    end = quarter_start(at)
    shown = _hour(end, zone)
    while _hour(end, zone) == shown:
        end += QUARTER
    return end


def hours_between(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return when each hour in [start, end) begins, in UTC; ``start`` begins the first one."""
    first = start.astimezone(UTC)
    quarters = [first + n * QUARTER for n in range(-((first - end) // QUARTER))]
    return [at for at in quarters if at == first or hour_start(at, zone) == at]


def _hour(at: datetime, zone: ZoneInfo) -> tuple[int, timedelta | None]:
    local = at.astimezone(zone)
    return local.hour, local.utcoffset()
