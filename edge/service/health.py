"""The state of the device: the numbers of a health message, and the faults that become alerts."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from common.clock import Clock
from common.wire import AlertMessage, HealthMessage
from edge.service.host import disk_free_mb, rss_mb, temperature_c, throttled

Fault = Literal["camera", "moved", "picture", "dark", "outbox", "clock", "config"]

_STEPS = 512
"""Number of step times in the median: half a minute at 15 frames a second."""


class HourlyShare:
    """The share of frames with a near look, over the last whole hour and rounded to 0.05.

    Near looks are taken while somebody is in view who is not described yet. So coarse, the share does not show when one
    person came and went.
    """

    HOUR_S = 3600.0
    STEPS = 20

    def __init__(self, began_s: float) -> None:
        self._began_s = began_s
        self._frames = self._with = 0
        self.value: float | None = None
        """None until the first hour is over."""

    def add(self, at_s: float, *, near: bool) -> None:
        """Record a frame at ``at_s``, monotonic seconds."""
        if at_s - self._began_s >= self.HOUR_S:
            if self._frames:
                self.value = round(self._with / self._frames * self.STEPS) / self.STEPS
            self._began_s, self._frames, self._with = at_s, 0, 0
        self._frames += 1
        self._with += near


class Health:
    """Collects the values of a health message. ``state`` is the directory of the outbox, ``config`` the hash of the
    current settings. ``thermal`` and ``platform`` are the folders where Linux shows its sensors."""

    def __init__(
        self,
        *,
        site: str,
        device: str,
        boot_id: str,
        software: str,
        model: str,
        clock: Clock,
        state: Path,
        config: str | None = None,
        thermal: Path = Path("/sys/class/thermal"),
        platform: Path = Path("/sys/devices/platform"),
    ) -> None:
        self._site, self._device, self._boot_id = site, device, boot_id
        self._software, self._model, self._config = software, model, config
        self._clock, self._state = clock, state
        self._thermal, self._platform = thermal, platform
        self._steps: deque[float] = deque(maxlen=_STEPS)
        self._started_s = clock.monotonic()
        self._near = HourlyShare(self._started_s)
        self._dropped_before = 0
        self._faults: dict[Fault, str | None] = {}

    def step(self, seconds: float, *, near: bool) -> None:
        """Record that one frame took ``seconds`` to process, and whether it had a ``near`` look."""
        self._steps.append(seconds)
        self._near.add(self._clock.monotonic(), near=near)

    @property
    def slow_step_ms(self) -> float:
        """The 95th percentile of the step times, in ms; the health message carries their median."""
        if len(self._steps) < 2:
            return 1000 * sum(self._steps)
        return 1000 * statistics.quantiles(self._steps, n=20, method="inclusive")[-1]

    def message(
        self,
        *,
        fps: float,
        camera_open: bool,
        dropped_total: int,
        outbox_depth: int,
        outbox_lost: int,
        clock_trusted: bool,
        config_message: str | None = None,
        config_waiting: str | None = None,
    ) -> HealthMessage:
        """Return the current state; dropped frames are counted since the last call. ``fps`` is the rate of the camera.
        The rate of processed frames would reveal for how long somebody was in view."""
        dropped = max(0, dropped_total - self._dropped_before)
        self._dropped_before = dropped_total
        return HealthMessage(
            site=self._site,
            device=self._device,
            at=self._clock.now(),
            boot_id=self._boot_id,
            software=self._software,
            model=self._model,
            camera_open=camera_open,
            fps=round(fps, 2),
            step_ms=round(1000 * statistics.median(self._steps), 2) if self._steps else 0.0,
            near_share=self._near.value,
            dropped=dropped,
            outbox_depth=outbox_depth,
            outbox_lost=outbox_lost,
            clock_trusted=clock_trusted,
            temperature_c=temperature_c(self._thermal),
            throttled=throttled(self._platform),
            disk_free_mb=disk_free_mb(self._state),
            rss_mb=round(rss_mb(), 1),
            uptime_s=round(self._clock.monotonic() - self._started_s, 1),
            config=self._config,
            config_message=config_message,
            config_waiting=config_waiting,
        )

    def alerts(self, faults: Mapping[Fault, str | None]) -> list[AlertMessage]:
        """Return an alert for each fault that began or ended since the last call. ``faults`` holds a text for each
        fault, or None where all is well.

        The first call reports every fault, also those that are over: a run that crashed may have left an alert open
        at the receiver. Alerts that were sent with a wrong clock are sent again when it is right, because the
        receiver may see them as older than earlier ones.
        """
        found = []
        clock_was_wrong = self._faults.get("clock") is not None
        for fault in get_args(Fault):
            text, before = faults.get(fault), self._faults.get(fault)
            # The text of a camera fault may vary while the fault is the same; each refused config is a new fault.
            differs = text != before if fault == "config" else (text is None) != (before is None)
            if fault not in self._faults or differs:
                over = f"over: {before}" if before else "none"
                found.append(self._alert(fault, text is not None, over if text is None else text))
                self._faults[fault] = text
        if clock_was_wrong and self._faults["clock"] is None:
            self._faults = {"clock": None}
        return found

    def _alert(self, fault: Fault, active: bool, text: str) -> AlertMessage:
        at = self._clock.now()
        return AlertMessage(
            site=self._site, device=self._device, at=at, fault=fault, active=active, text=text[:240]
        )
