"""One device of the simulation: turns a day of visitors into its messages, as they would reach the broker."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import numpy as np

from cloud.domain.chain import Site
from cloud.simulation.chain import CAMERA, Camera, Character
from cloud.simulation.faults import Faults, overlap_s, within
from cloud.simulation.places import PLANS, at_places
from cloud.simulation.visitors import STAFF_S, Eyes, Visitors
from cloud.simulation.watched import followed_of, taken_for_staff, watched_s
from cloud.simulation.windows import windows
from common.wire import (
    AlertMessage,
    Coverage,
    HealthMessage,
    Message,
    StatusMessage,
    WindowMessage,
    short_hash,
)
from edge.types import WindowAggregate
from edge.vision.pool import Pool
from edge.vision.privacy import CohortRule

K = 5
CAMERA_FPS = 15.0
RELEASE_HOUR = 12
HEALTH_EVERY_S = 600
"""Ten times the default of a device: a dashboard would not show more with ten times the points."""

Fault = Literal["camera", "clock", "outbox"]
_ALERTS: Mapping[Fault, str] = {
    "camera": "the camera sends no pictures",
    "clock": "the clock is not synchronised",
    "outbox": "the outbox is full",
}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message, and when it reaches the broker."""

    at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class Release:
    """The software and models on a device."""

    software: str
    model: str
    eyes: Eyes

    @property
    def config(self) -> str:
        """The config hash, the same for all devices of a release."""
        return short_hash(f"{self.software} {self.model}".encode())


@dataclass(frozen=True, slots=True, eq=False)
class DeviceDay:
    """One day of a device: ``arrivals`` in order of time, and the people behind them.

    ``came``: all who were in front of the camera, with staff. ``counted``: those whose visits the arrivals count.
    ``left_out``: those who were left out of the same windows as staff.
    """

    arrivals: Sequence[Arrival]
    came: Visitors
    counted: Visitors
    left_out: Visitors


class Device:
    """A device. Call ``day`` in order of the days: cohorts, sequence numbers and uptime continue from day to day.

    Messages that would arrive after ``until`` are left out. With a ``noise_budget``, verdicts are told with noise; it
    is drawn from ``rng``, so that equal seeds give equal messages.
    """

    def __init__(
        self,
        camera: Camera,
        site: Site,
        character: Character,
        faults: Faults,
        *,
        window_s: int,
        until: datetime,
        rng: np.random.Generator,
        noise_budget: float | None = None,
    ) -> None:
        self._name, self._camera = camera.device, camera
        self._site, self._character, self._faults = site, character, faults
        self._window_s, self._until, self._rng = window_s, until, rng
        self._places_rng, self._beside_rng, noise_rng = rng.spawn(3)
        self._noise_budget = noise_budget
        self._below = random.Random(noise_rng.bytes(16)).randrange
        self._plan = replace(
            PLANS[camera.purpose],
            leaves_out_staff=bool(character.staff),
            counts_members=character.loyalty,
        )
        self._rule = self._new_rule(Pool())
        self._release: Release | None = None
        """The running release; None while there is no power."""
        self._boot_id = ""
        self._booted_at = self._clock_set_at = self._health_due = _LONG_AGO
        self._seq = self._lost = 0
        self._connected = False
        self._alerted: dict[Fault, bool] = {"camera": False, "clock": False, "outbox": False}

    def day(self, day: date, everybody: Visitors, release: Release) -> DeviceDay:
        """Simulate one day, from half an hour before opening to half an hour after closing.

        Nights are left out, because nothing happens then. A day on which the shop is closed has no messages.
        """
        opening = self._site.opening_intervals(day)
        if not opening:
            nobody = everybody.only(np.zeros(len(everybody.end_s), dtype=bool))
            return DeviceDay((), everybody, nobody, nobody)
        start = opening[0][0].timestamp() - STAFF_S
        count = math.ceil((opening[-1][1].timestamp() + STAFF_S - start) / self._window_s)
        edges_s = start + self._window_s * np.arange(count + 1, dtype=np.float64)
        covered_s = watched_s(self._rng, self._faults, edges_s)
        known = taken_for_staff(self._beside_rng, everybody, self._character, opening)
        came = at_places(self._places_rng, self._camera.purpose, known)
        followed = followed_of(came, self._faults, edges_s, covered_s)
        is_staff = followed.beside.known
        seen, left_out = followed.only(~is_staff), followed.only(is_staff)
        verdicts = release.eyes.see(self._rng, seen.labels, seen.described)
        arrivals: list[Arrival] = []
        counted = np.zeros(count, dtype=bool)
        noon_s = datetime.combine(day, time(RELEASE_HOUR), self._site.zone).timestamp()
        for index, window in enumerate(
            windows(
                seen,
                verdicts,
                edges_s,
                covered_s,
                self._camera.purpose,
                due_s=noon_s,
                staff_s=left_out.end_s,
            )
        ):
            if overlap_s(window.start, window.end, self._faults.off):
                arrivals += self._go_off(window.start)
                continue
            arrivals += self._boot(window.start, release)
            arrivals += self._change_connection(window)
            arrivals += self._change_alerts(window)
            sent = self._window(window)
            counted[index] = sent is not None and sent.at <= self._until
            arrivals += [sent] if sent else []
            arrivals += self._health(window)
        arrivals = sorted((a for a in arrivals if a.at <= self._until), key=lambda arrival: arrival.at)
        told = [
            some.only(counted[np.searchsorted(edges_s, some.end_s, side="right") - 1])
            for some in (seen, left_out)
        ]
        return DeviceDay(arrivals, came, *told)

    def _new_rule(self, pool: Pool) -> CohortRule:
        return CohortRule(
            k=K,
            profile=self._character.profile,
            plan=self._plan,
            pool=pool,
            noise_budget=self._noise_budget,
            below=self._below,
        )

    def _go_off(self, at: datetime) -> Iterator[Arrival]:
        if self._release is not None and self._connected:
            yield Arrival(at, self._status(online=False, since=self._booted_at))
        self._release, self._connected = None, False

    def _boot(self, at: datetime, release: Release) -> Iterator[Arrival]:
        """Start the service if it is not running or the release is new. Visits that wait for a cohort are kept."""
        if release == self._release:
            return
        if (
            self._boot_id and self._release is None
        ):  # a Pi has no clock battery: after a power cut it must get the time from the network
            self._clock_set_at = at + timedelta(minutes=3)
        self._release, self._booted_at, self._health_due = release, at, at
        self._boot_id = self._rng.bytes(8).hex()
        self._seq = self._lost = 0
        self._rule = self._new_rule(self._rule.pool)
        self._connected = False
        yield from ()

    def _change_connection(self, window: WindowAggregate) -> Iterator[Arrival]:
        outage = within(window.end, self._faults.offline)
        if outage is not None and self._connected:
            self._connected = False
            yield Arrival(outage[0], self._status(online=False, since=self._booted_at))
        elif outage is None and not self._connected:
            self._connected = True
            yield Arrival(window.start, self._status(online=True, since=window.start))

    def _change_alerts(self, window: WindowAggregate) -> Iterator[Arrival]:
        faults: dict[Fault, bool] = {
            "camera": overlap_s(window.start, window.end, self._faults.blind) > 0,
            "clock": window.start < self._clock_set_at,
            "outbox": self._waiting(window.end) > self._faults.outbox,
        }
        for fault, active in faults.items():
            if active != self._alerted[fault]:
                self._alerted[fault] = active
                message = AlertMessage(
                    site=self._site.name,
                    device=self._name,
                    at=window.start,
                    fault=fault,
                    active=active,
                    text=_ALERTS[fault] if active else "",
                )
                yield self._arrival(window.start, message)

    def _window(self, window: WindowAggregate) -> Arrival | None:
        """Make the message of a window; None if the outbox is full."""
        assert self._release is not None
        released = self._rule.release(window)
        self._seq += 1
        if self._waiting(window.end) > self._faults.outbox:
            self._lost += 1
            return None
        message = WindowMessage(
            site=self._site.name,
            device=self._name,
            camera=CAMERA,
            start=window.start,
            duration_s=self._window_s,
            boot_id=self._boot_id,
            seq=self._seq - 1,
            clock_trusted=window.start >= self._clock_set_at,
            is_historical=not self._connected,
            software=self._release.software,
            model=self._release.model,
            calibration=self._release.eyes.calibration,
            profile=self._character.profile,
            k=K,
            totals=released.totals,
            coverage=Coverage(share=round(window.coverage.covered_s / self._window_s, 4)),
            pending=released.pending,
            cohort=released.cohort,
        )
        return self._arrival(window.end, message)

    def _health(self, window: WindowAggregate) -> Iterator[Arrival]:
        if window.end < self._health_due:
            return
        self._health_due = window.end + timedelta(seconds=HEALTH_EVERY_S)
        assert self._release is not None
        fps = CAMERA_FPS if window.coverage.frames else 0.0
        message = HealthMessage(
            site=self._site.name,
            device=self._name,
            at=window.end,
            boot_id=self._boot_id,
            software=self._release.software,
            model=self._release.model,
            camera_open=window.coverage.frames > 0,
            fps=round(fps, 1),
            step_ms=round(float(self._rng.normal(41, 2)) + 4 * window.occupancy_mean, 1),
            near_share=0.25,
            dropped=window.coverage.dropped * HEALTH_EVERY_S // self._window_s,
            outbox_depth=min(self._waiting(window.end), self._faults.outbox),
            outbox_lost=self._lost,
            clock_trusted=window.start >= self._clock_set_at,
            temperature_c=round(self._faults.temperature_c + float(self._rng.normal(0, 1)), 1),
            throttled=self._faults.temperature_c > 70,
            disk_free_mb=20_000.0,
            rss_mb=round(float(self._rng.normal(146, 1)), 1),
            uptime_s=(window.end - self._booted_at).total_seconds(),
            config=self._release.config,
        )
        yield self._arrival(window.end, message)

    def _waiting(self, at: datetime) -> int:
        """Return the number of windows in the outbox."""
        outage = within(at, self._faults.offline)
        return 0 if outage is None else int((at - outage[0]).total_seconds() // self._window_s)

    def _arrival(self, at: datetime, message: Message) -> Arrival:
        outage = within(at, self._faults.offline)
        return Arrival(outage[1] if outage else at, message)

    def _status(self, *, online: bool, since: datetime) -> StatusMessage:
        assert self._release is not None
        return StatusMessage(
            site=self._site.name,
            device=self._name,
            online=online,
            since=since,
            boot_id=self._boot_id,
            software=self._release.software,
        )
