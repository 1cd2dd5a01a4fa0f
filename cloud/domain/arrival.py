"""What the time of its arrival says about a message: the clock of its device can be wrong, and then runs ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

from common.wire import (
    AlertMessage,
    HealthMessage,
    Message,
    ProbeMessage,
    StatusMessage,
    WindowMessage,
    WireError,
    topic,
)

TOLERATED = timedelta(seconds=60)
"""Two clocks that are right differ by less."""
LONGEST = timedelta(days=1)
"""What is dated later than this after its arrival is refused: no level of storage could be trusted with it."""


def checked(message: Message, now: datetime) -> Message:
    """Return a message that arrived ``now`` as it may be stored. Raises ``WireError`` if it is from the far future.

    A window from a clock that runs ahead keeps its identity and is marked as untrusted. All else is said of now: dated
    in the future, nothing that follows could replace it.
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
        case AlertMessage():
            return message.model_copy(update={"at": now})
    return message


def _time(message: Message) -> datetime | None:
    match message:
        case WindowMessage():
            return message.end
        case StatusMessage():
            return message.since
        case HealthMessage() | AlertMessage() | ProbeMessage():
            return message.at
    return None
