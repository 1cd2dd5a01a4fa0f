"""Checks the time of a message against its arrival, because a device's clock may be wrong and run ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

from common.wire import (
    AlertMessage,
    HealthMessage,
    Message,
    NoticeMessage,
    ProbeMessage,
    StatusMessage,
    WindowMessage,
    WireError,
    topic,
)

TOLERATED = timedelta(seconds=60)
"""Two correct clocks differ by less than this."""
LONGEST = timedelta(days=1)
"""A message dated later than this after its arrival is refused: it would spoil every level of storage."""


def checked(message: Message, now: datetime) -> Message:
    """Return a message that arrived ``now`` in the form to store. Raises ``WireError`` if it is from the far future.

    A window from a clock that runs ahead keeps its identity and is marked as untrusted. Other messages are dated now:
    with a time in the future, no later message could replace them.
    """
    said = _time(message)
    if said is None or said - now <= TOLERATED:
        return message
    if said - now > LONGEST:
        raise WireError(
            f"{topic(message)}: dated {said:%Y-%m-%d %H:%M} UTC, more than a day after its arrival;"
            f" set the clock of the device or of this server"
        )
    match message:
        case WindowMessage():
            return message.model_copy(update={"clock_trusted": False})
        case HealthMessage():
            return message.model_copy(update={"at": now, "clock_trusted": False})
        case StatusMessage():
            return message.model_copy(update={"since": now})
        case AlertMessage() | NoticeMessage():
            return message.model_copy(update={"at": now})
    return message


def _time(message: Message) -> datetime | None:
    match message:
        case WindowMessage():
            return message.end
        case StatusMessage():
            return message.since
        case HealthMessage() | AlertMessage() | NoticeMessage() | ProbeMessage():
            return message.at
    return None
