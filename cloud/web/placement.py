"""Camera positions that are being checked now: the newest placement message of each camera, only in memory.

``GET /api/{site}/positions`` returns them as JSON::

    positions[]   one for each camera that was checked within the last hour, the newest first:
                  {device, camera, heard_s, state, left_s, width, height, visits, readings, faces, floor, advice,
                  verdict}
                  heard_s: seconds since its last message; state: watching, done, or silent if the messages stopped
                  before the end of the check; for the other fields see ``PlacementMessage`` in docs/wire.md
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from common.clock import Clock
from common.wire import PlacementMessage, WireError, decode

log = logging.getLogger(__name__)

KEPT_S = 3600.0
"""How long the result of a check stays visible."""
PEOPLE_S = 600.0
"""How long it stays visible where people were."""
SILENT_S = 5.0
"""After this time without a message a check counts as interrupted; it normally sends one every second."""
MOST = 64
"""Positions kept: more than a shop has cameras, but limited in case somebody sends invented names."""

Json = dict[str, Any]
State = Literal["watching", "done", "silent"]


@dataclass(frozen=True, slots=True)
class _Heard:
    message: PlacementMessage
    at_s: float


class Positions:
    """The positions that are being checked. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._heard: dict[tuple[str, str, str], _Heard] = {}

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message as it was received; log and drop an invalid one, since the next follows in a second."""
        try:
            message = decode(topic, payload)
        except WireError as error:
            log.warning("placement: %s", error)
            return
        if not isinstance(message, PlacementMessage):
            return
        key = (message.site, message.device, message.camera)
        with self._lock:
            self._heard.pop(key, None)  # moves it to the end: the dictionary is in order of arrival
            self._heard[key] = _Heard(message, self._clock.monotonic())
            if len(self._heard) > MOST:
                del self._heard[next(iter(self._heard))]

    def sites(self) -> set[str]:
        """Return the sites in which a camera was checked within the last hour."""
        return {heard.message.site for heard in self._lately()}

    def devices(self, site: str) -> set[str]:
        """Return the devices of a site that were checked within the last hour."""
        return {heard.message.device for heard in self._lately() if heard.message.site == site}

    def of(self, site: str) -> Json:
        """Return the answer described above for one site."""
        now_s = self._clock.monotonic()
        found = [heard for heard in reversed(self._lately()) if heard.message.site == site]
        return {"positions": [_position(heard.message, now_s - heard.at_s) for heard in found]}

    def _lately(self) -> list[_Heard]:
        now_s = self._clock.monotonic()
        with self._lock:
            self._heard = {key: heard for key, heard in self._heard.items() if now_s - heard.at_s <= KEPT_S}
            return list(self._heard.values())


def _position(message: PlacementMessage, heard_s: float) -> Json:
    state: State = "done" if message.left_s == 0 else "silent" if heard_s > SILENT_S else "watching"
    said = message.model_dump(mode="json", exclude={"kind", "site", "at", "places"})
    if heard_s > PEOPLE_S:
        said |= {"faces": [], "floor": []}
    return {**said, "heard_s": round(heard_s, 1), "state": state}
