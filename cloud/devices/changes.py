"""Where people change the settings of devices: sends a change, keeps who asked for it, and hears the device's answer.

A message replaces the one before, so each one is made of the last settings that were not refused, with the changed
sections put in. Only the form is checked here: the device decides (docs/decisions/0043).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from cloud.devices.change_file import Change, ChangeFile, ChangesUnavailable
from cloud.domain import arrival
from cloud.domain.messages import gettext as _
from common.clock import Clock
from common.config_file import checked
from common.errors import UserError
from common.wire import (
    ROOT,
    AlertMessage,
    ConfigMessage,
    HealthMessage,
    PlacementMessage,
    WireError,
    decode,
    encode,
    one_line,
    short_hash,
    topic,
)

log = logging.getLogger(__name__)

PLACES = ("plan", "doors", "zones", "targets", "notices")
"""The sections that the editor changes, as in the file of a device."""
CHANNELS = ("config", "health", "alert", "placement")
"""What must be heard here: changes from elsewhere, answers, and the places in the files of devices."""
FILTERS = tuple(f"{ROOT}/+/+/{channel}" for channel in CHANNELS)
ELSEWHERE = "footlight-cloud configure"
"""Stands for whoever sent a change in another way."""


class NotSent(Exception):
    """The change has not reached the broker; the text says why, in a sentence."""


class NotPossible(Exception):
    """The change cannot be made; the text says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class InUse:
    """A change that a device uses since ``at``: figures before and after it are not counted alike."""

    device: str
    at: datetime
    sections: list[str]


class Sender(Protocol):
    """The way to the devices."""

    def send(self, topic: str, payload: bytes) -> None:
        """Publish a retained message; return once the broker has it. Raises ``NotSent``."""
        ...


class Changes:
    """The changes of all devices. Safe to use from several threads; all methods may block. Those for people raise
    ``ChangesUnavailable``."""

    def __init__(self, file: ChangeFile, sender: Sender, clock: Clock) -> None:
        self.file, self._sender, self._clock = file, sender, clock
        self._lock = threading.RLock()
        self._running: dict[tuple[str, str], str | None] = {}
        """The hash of the settings that each device uses."""
        self._own: dict[tuple[str, str], Mapping[str, JsonValue]] = {}

    def history(self, site: str, device: str) -> list[Change]:
        """Return the changes of a device, newest first."""
        return self.file.of(site, device)

    def own(self, site: str, device: str) -> dict[str, JsonValue] | None:
        """Return the places in the device's own file; None if it has not told them."""
        return self.file.own(site, device)

    def in_use(self, site: str, device: str, start: datetime, end: datetime) -> list[InUse]:
        """Return the changes that a device began to use in [start, end), oldest first."""
        history = self.file.of(site, device)
        return [
            InUse(device, change.answered, changed_sections(history, place))
            for place, change in reversed(list(enumerate(history)))
            if change.answer == "accepted" and change.answered is not None and start <= change.answered < end
        ]

    def change(
        self, site: str, device: str, sections: Mapping[str, JsonValue], *, who: str, seen: int | None
    ) -> Change:
        """Send ``sections`` together with the settings that were sent before.

        ``seen`` is the number of the last change that the person knew. Raises ``NotPossible`` if there is a later one
        or if a section is none of :data:`PLACES`, and ``NotSent``.
        """
        if unknown := sorted(sections.keys() - PLACES):
            raise NotPossible(
                _(
                    "The section %(section)s is none of %(sections)s.",
                    section=unknown[0],
                    sections=", ".join(PLACES),
                )
            )
        with self._lock:
            history = self.file.of(site, device)
            if seen != (history[0].number if history else None):
                raise NotPossible(
                    _(
                        "Somebody else has changed this device meanwhile. Load the page again, and repeat your change."
                    )
                )
            return self._send(site, device, {**settings_of(history), **sections}, who)

    def use_programme(
        self, site: str, device: str, programme: Mapping[str, JsonValue], *, who: str
    ) -> Change:
        """Send the approved programme of a display with the settings that were sent before. Raises ``NotSent``."""
        with self._lock:
            before = settings_of(self.file.of(site, device))
            return self._send(site, device, {**before, "signage": dict(programme)}, who)

    def restore(self, site: str, device: str, number: int, *, who: str) -> Change:
        """Send the settings of an earlier change again; 0 stands for the device's own file, without any change.

        Raises ``NotPossible`` if there is no such change, and ``NotSent``.
        """
        with self._lock:
            earlier = [change for change in self.file.of(site, device) if change.number == number]
            if number and not earlier:
                raise NotPossible(_("This version is not kept any more."))
            return self._send(site, device, earlier[0].settings if number else {}, who)

    def send_again(self) -> None:
        """Send the last change of every device again, to a broker that forgets when it stops; log what cannot be
        sent."""
        try:
            for change in self.file.latest():
                self._sender.send(topic(change.asked), change.payload)
        except (NotSent, ChangesUnavailable) as error:
            log.warning("changes: not sent again: %s", error)

    def hear(self, topic_name: str, payload: bytes) -> None:
        """Take a message of :data:`CHANNELS`; one that breaks the contract or cannot be kept is logged."""
        try:
            message = arrival.checked(decode(topic_name, payload), self._clock.now())
        except WireError:
            return  # who stores or shows this message complains about it
        try:
            with self._lock:
                match message:
                    case HealthMessage():
                        self._hear_health(message)
                    case AlertMessage(fault="config", active=True):
                        self._hear_refusal(message)
                    case ConfigMessage():
                        self._hear_config(message, payload)
                    case PlacementMessage():
                        self._hear_own(message)
        except ChangesUnavailable as error:
            log.warning("changes: the message of %s was not kept: %s", one_line(topic_name, 200), error)

    def _send(self, site: str, device: str, settings: Mapping[str, JsonValue], who: str) -> Change:
        try:
            parts = {"site": site, "device": device, "at": self._clock.now(), "settings": dict(settings)}
            asked = checked(parts, ConfigMessage)
            payload = encode(asked)
        except UserError as error:
            raise NotPossible(_("These settings cannot be sent: %(why)s.", why=str(error))) from None
        except WireError:
            raise NotPossible(
                _("These settings are too large to be sent. Use fewer zones or corners.")
            ) from None
        change = self.file.add(asked, payload, who=who, before=self._running.get((site, device)))
        try:
            self._sender.send(topic(asked), payload)
        except NotSent:
            self.file.forget(change)
            raise
        return change

    def _hear_health(self, health: HealthMessage) -> None:
        self._running[health.site, health.device] = health.config
        for change in self.file.of(health.site, health.device, most=1):
            if health.config_message == change.message and change.answer != "accepted":
                self.file.answer(change, "accepted", health.at, config=health.config)
            elif health.config_waiting == change.message and change.answer != "checked":
                self.file.answer(change, "checked", health.at)

    def _hear_refusal(self, alert: AlertMessage) -> None:
        for change in self.file.of(alert.site, alert.device, most=1):
            named, is_it, reason = alert.text.partition(f"config {change.message} ")
            if is_it and not named and (change.answer, change.reason) != ("refused", reason):
                self.file.answer(change, "refused", alert.at, reason=reason)

    def _hear_config(self, asked: ConfigMessage, payload: bytes) -> None:
        known = {change.message for change in self.file.of(asked.site, asked.device)}
        if short_hash(payload) not in known:
            before = self._running.get((asked.site, asked.device))
            self.file.add(asked, payload, who=ELSEWHERE, before=before)

    def _hear_own(self, told: PlacementMessage) -> None:
        of, own = (told.site, told.device), told.places.model_dump(mode="json")
        if self._own.get(of) != own:
            self.file.keep_own(*of, own, told.at)
            self._own[of] = own


def settings_of(history: Sequence[Change]) -> Mapping[str, JsonValue]:
    """Return the settings that are asked for, from changes in their order, newest first: those of a refused change were
    never in force."""
    return next((change.settings for change in history if change.answer != "refused"), {})


def changed_sections(history: Sequence[Change], place: int) -> list[str]:
    """Return the sections in which the change at ``place`` of a history differs from what was asked for before it."""
    after, before = history[place].settings, settings_of(history[place + 1 :])
    return sorted(
        key for key in {*after, *before} if key not in after or key not in before or after[key] != before[key]
    )
