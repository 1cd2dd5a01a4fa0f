"""``GET /metrics``: the state of devices and intake for Prometheus, for this machine or with an access token.

The labels are names of sites and devices, of at most :data:`MOST_DEVICES`, and the faults: nothing that grows with
time or visits.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cloud.stores.store import DeviceState, Reader, StoreUnavailable
from cloud.web.access import guarded, is_forwarded
from common.clock import Clock

MOST_DEVICES: Final = 2000
WATCHED_FOR: Final = timedelta(hours=1)
_LATE: Final = timedelta(minutes=5)
"""How long the newest windows may need to arrive."""
_DEVICE: Final = ("site", "device")


def routes(reader: Reader, clock: Clock, more: Sequence[Collector]) -> list[BaseRoute]:
    """Return the route of the metrics; ``more`` are those of the process that serves it."""
    return [guarded("/metrics", _Metrics(reader, clock, more).metrics, needs="nothing")]


@dataclass(frozen=True, slots=True)
class _Metrics:
    reader: Reader
    clock: Clock
    more: Sequence[Collector]

    def metrics(self, request: Request) -> Response:
        user = request.state.user
        if not (_is_local(request) or (user is not None and user.may("numbers") and user.sees_all)):
            raise HTTPException(
                401,
                "Ask from this machine, or with the access token of a user who may see every shop.",
                {"www-authenticate": "Bearer"},
            )
        registry = CollectorRegistry()
        for collector in (DeviceMetrics(self.reader, self.clock), *self.more):
            registry.register(collector)
        encode, media = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": media, "cache-control": "no-store"})


def _is_local(request: Request) -> bool:
    """Tell whether a program on this machine asks for itself, and not for somebody else as a proxy does."""
    if request.client is None or is_forwarded(request):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


class DeviceMetrics(Collector):
    """What the devices told last, and how much they watched lately."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader, self._clock = reader, clock

    def describe(self) -> list[Metric]:
        """Return nothing: registering must not read the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        end = self._clock.now() - _LATE
        try:
            found = self._reader.fleet()
            watched_s = self._reader.watched_s(end - WATCHED_FOR, end)
        except StoreUnavailable:
            yield GaugeMetricFamily("footlight_store_up", "Whether the store can be read", 0)
            return
        yield GaugeMetricFamily("footlight_store_up", "Whether the store can be read", 1)
        yield GaugeMetricFamily("footlight_devices", "Devices that are known", len(found))
        yield from _of_devices(found[:MOST_DEVICES], watched_s)


def _of_devices(found: Sequence[DeviceState], watched_s: dict[tuple[str, str], float]) -> Iterator[Metric]:
    online = _gauge("online", "Whether it is connected to the broker")
    last_seen = _gauge("last_seen_timestamp_seconds", "When it sent its last window, health message or alert")
    coverage = _gauge("coverage_ratio", "Share of the last hour that it watched")
    camera = _gauge("camera_open", "Whether its camera works")
    fps = _gauge("fps", "Frames a second that its camera gives")
    clock = _gauge("clock_trusted", "Whether its clock is synchronised")
    waiting = _gauge("outbox_messages", "Messages that wait for the broker")
    temperature = _gauge("temperature_celsius", "Of its processor")
    alert = _gauge("alert", "1 for each fault that goes on", "fault")
    for one in found:
        key = (one.site, one.device)
        if one.online is not None:
            online.add_metric(key, one.online)
        if one.last_seen is not None:
            last_seen.add_metric(key, one.last_seen.timestamp())
        coverage.add_metric(key, min(1.0, watched_s.get(key, 0.0) / WATCHED_FOR.total_seconds()))
        if (health := one.health) is not None:
            camera.add_metric(key, health.camera_open)
            fps.add_metric(key, health.fps)
            clock.add_metric(key, health.clock_trusted)
            waiting.add_metric(key, health.outbox_depth)
            if health.temperature_c is not None:
                temperature.add_metric(key, health.temperature_c)
        for fault in one.alerts:
            alert.add_metric((*key, fault.fault), 1)
    yield from (online, last_seen, coverage, camera, fps, clock, waiting, temperature, alert)


def _gauge(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"footlight_device_{name}", about, labels=(*_DEVICE, *labels))
