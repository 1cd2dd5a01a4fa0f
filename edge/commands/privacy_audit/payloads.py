"""The last messages in the outbox, in plain words; each must be one of Footlight's, as private as the settings say."""

from __future__ import annotations

from collections.abc import Iterator

from common.sign import PROFILES
from common.wire import (
    AlertMessage,
    HealthMessage,
    Message,
    NoticeMessage,
    WindowMessage,
    WireError,
    decode,
    one_line,
)
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.signatures import picture_in
from edge.commands.privacy_audit.subject import Subject, cannot_tell

SHOWN = 5


def payloads(subject: Subject) -> Finding:
    """Read all messages that the outbox still has."""
    try:
        there = subject.outbox.exists()
    except PermissionError:
        return cannot_tell(f"{subject.outbox} cannot be read", "run it as root")
    if not there:
        return cannot_tell("there is no outbox yet", "start the service, and run this again after a window")
    wrong: list[str] = []
    messages: list[Message] = []
    for item in subject.kept:
        if what := picture_in(item.payload):
            wrong.append(f"{item.topic}: the payload is {what}")
            continue
        try:
            message = decode(item.topic, item.payload)
        except WireError as error:
            wrong.append(f"no message of Footlight: {one_line(str(error), 120)}")
            continue
        messages.append(message)
        wrong += _too_open(message, subject)
    if wrong:
        fix = "stop the service; somebody changed its settings or its code since it was started"
        return red("; ".join(dict.fromkeys(wrong)), fix)
    said = "; ".join(words(message) for message in messages[-SHOWN:])
    return green(f"{len(messages)} kept; the last: {said}" if messages else "none kept")


def _too_open(message: Message, subject: Subject) -> Iterator[str]:
    if (message.site, message.device) != (subject.own.site, subject.own.device):
        yield f"a message of {message.site}/{message.device}, which is another device"
    if isinstance(message, WindowMessage):
        allowed = subject.settings.privacy
        if PROFILES.index(message.profile) > PROFILES.index(allowed.profile):
            yield f"a window told profile {message.profile}; the settings say {allowed.profile}"
        if message.k < allowed.k:
            yield f"a window told groups of {message.k}; the settings say {allowed.k}"
        if message.cohort is not None and message.profile != "count" and allowed.noise_budget is not None:
            noise = message.cohort.noise
            if noise is None:
                yield f"a window told verdicts without noise; the settings say a budget of {allowed.noise_budget:g}"
            elif noise.budget > allowed.noise_budget:
                yield f"a window told noise of budget {noise.budget:g}; the settings say {allowed.noise_budget:g}"


def words(message: Message) -> str:
    """Say in plain words what a message tells."""
    match message:
        case WindowMessage():
            totals = message.totals
            text = f"window of {message.start:%H:%M} UTC: {totals.visits} visits, {totals.viewers} viewers"
            if totals.doors:
                entries = sum(door.entries for door in totals.doors.values())
                text += f", {entries} entries"
            if message.cohort is None:
                return f"{text}, no breakdown"
            lists = ", ".join(message.cohort.lists())
            noise = "" if message.cohort.noise is None else "; all verdicts only with noise"
            return f"{text}, and a breakdown of {message.cohort.visits} visits by {lists}{noise}"
        case HealthMessage():
            return f"health at {message.at:%H:%M} UTC: {message.fps:g} frames a second, nobody in it"
        case AlertMessage():
            return f"alert at {message.at:%H:%M} UTC: {message.fault} {'begins' if message.active else 'is over'}"
        case NoticeMessage():
            return (
                f"notice at {message.at:%H:%M} UTC: {message.name} {'begins' if message.active else 'ends'}"
            )
        case _:
            return message.kind.removeprefix("footlight.").partition("/")[0]
