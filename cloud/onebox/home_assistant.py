"""Figures of one box for Home Assistant, by its MQTT discovery.

Home Assistant finds an entity by a retained message below :data:`DISCOVERY`, and reads its value from a retained
message below :data:`STATES`. Everything told here is on the page, too: totals of today, the state of devices, and
notices. A queue has no length here, because a device tells it hours later, with its cohort; that it is long is told by
a notice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from cloud.domain.access import DISCOVERY, STATES
from cloud.domain.notices import is_current, said
from cloud.stores.shops import Shops
from cloud.stores.store import DeviceState, Reader, StoreUnavailable
from cloud.web.day import day_bounds, day_figures
from common.clock import Clock

log = logging.getLogger(__name__)

EVERY_S: Final = 30.0
"""How often values are published."""
_EXPIRE_S: Final = 300
"""Home Assistant shows a value that is older than this as unavailable."""

Json = dict[str, Any]
Publish = Callable[[str, bytes], Awaitable[None]]
"""Publishes a retained message on a topic."""


@dataclass(frozen=True, slots=True)
class Message:
    """A retained message."""

    topic: str
    content: Json

    @property
    def payload(self) -> bytes:
        return json.dumps(self.content).encode()


def messages(
    site: str,
    title: str,
    figures: Mapping[str, int | None],
    notices: Sequence[str],
    devices: Sequence[DeviceState],
) -> Iterator[Message]:
    """Yield the messages about one site: its entities and devices, then their values.

    ``figures`` has ``visits_today`` and ``inside``, which is None without doors: then there is no such entity.
    """
    state = f"{STATES}/{site}"
    shop = _Thing(f"footlight_{_slug(site)}", title, state)
    yield shop.sensor("visits_today", "Visits today", "visits", "total_increasing")
    if figures["inside"] is not None:
        yield shop.sensor("inside", "Inside now", "people", "measurement")
    yield shop.binary("notice", "Notice", None, also={
        "json_attributes_topic": state,
        "json_attributes_template": "{{ {'notices': value_json.notices} | tojson }}",
    })  # fmt: skip
    yield Message(state, {**figures, "notice": bool(notices), "notices": list(notices)})
    for one in devices:
        topic = f"{state}/{one.device}"
        thing = _Thing(
            f"{shop.name}_{_slug(one.device)}",
            f"{title}: {one.device}",
            topic,
            via=shop.name,
            software=one.software,
        )
        yield thing.binary("online", "Online", "connectivity")
        yield thing.binary("camera_fault", "Camera fault", "problem")
        fault = any(alert.fault in ("camera", "moved") for alert in one.alerts)
        yield Message(topic, {"online": bool(one.online), "camera_fault": fault})


@dataclass(frozen=True, slots=True)
class _Thing:
    """What Home Assistant calls a device: a shop, or one of its devices."""

    name: str
    title: str
    state: str
    """The topic of its values."""
    via: str | None = None
    software: str | None = None

    def sensor(self, key: str, title: str, unit: str, state_class: str) -> Message:
        template = f"{{{{ value_json.{key} }}}}"
        return self._entity(
            "sensor", key, title, template, {"unit_of_measurement": unit, "state_class": state_class}
        )

    def binary(self, key: str, title: str, device_class: str | None, also: Json | None = None) -> Message:
        template = f"{{{{ 'ON' if value_json.{key} else 'OFF' }}}}"
        of_class = {} if device_class is None else {"device_class": device_class}
        return self._entity("binary_sensor", key, title, template, {**of_class, **(also or {})})

    def _entity(self, component: str, key: str, title: str, template: str, more: Json) -> Message:
        about = {
            "identifiers": [self.name],
            "name": self.title,
            "manufacturer": "Footlight",
            **({"via_device": self.via} if self.via else {}),
            **({"sw_version": self.software} if self.software else {}),
        }
        content = {
            "name": title,
            "unique_id": f"{self.name}_{key}",
            "state_topic": self.state,
            "value_template": template,
            "expire_after": _EXPIRE_S,
            **more,
            "device": about,
            "origin": {"name": "Footlight"},
        }
        return Message(f"{DISCOVERY}/{component}/{self.name}/{key}/config", content)


def _slug(name: str) -> str:
    """Return a name that Home Assistant takes; one with a dot gets a hash, so that no two become the same."""
    if "." not in name:
        return name
    return f"{name.replace('.', '-')}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


class HomeAssistant:
    """Publishes the entities of every site in the store, and their values again and again."""

    def __init__(
        self,
        reader: Reader,
        shops: Shops,
        zone: ZoneInfo,
        clock: Clock,
        publish: Publish,
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._reader, self._shops, self._zone, self._clock = reader, shops, zone, clock
        self._publish, self._every_s = publish, every_s
        self._told: dict[str, bytes] = {}
        self._fault = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until ``stop`` is set."""
        while not stop.is_set():
            await self._tell()
            try:
                await asyncio.wait_for(stop.wait(), self._every_s)
            except TimeoutError:
                continue

    async def _tell(self) -> None:
        try:
            found = await asyncio.to_thread(self._read)
        except StoreUnavailable as error:
            if str(error) != self._fault:
                log.warning("home assistant: %s", error)
            self._fault = str(error)
            return
        self._fault = ""
        for message in found:
            payload = message.payload
            # An entity stays as it is; a value is told again, so that it does not expire.
            if message.topic.startswith(f"{STATES}/") or self._told.get(message.topic) != payload:
                await self._publish(message.topic, payload)
                self._told[message.topic] = payload

    def _read(self) -> list[Message]:
        now = self._clock.now()
        return [message for site in self._reader.sites() for message in self._of_site(site, now)]

    def _of_site(self, site: str, now: datetime) -> Iterator[Message]:
        listed = self._shops.site(site)
        zone = listed.zone if listed else self._zone
        start, end = day_bounds(now, zone)
        day = day_figures(self._reader.windows(site, start, end), now, zone)
        figures = {"visits_today": day.visits, "inside": day.doors.inside if day.doors else None}
        notices = [said(notice) for notice in self._reader.notices(site) if is_current(notice, now)]
        title = listed.title if listed else site
        yield from messages(site, title, figures, notices, self._reader.devices(site))
