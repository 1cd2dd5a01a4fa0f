"""How the device does: the numbers of a health message, and the faults that become alerts."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from common.clock import Clock
from common.wire import AlertMessage, HealthMessage
from edge.service.host import disk_free_mb, rss_mb, temperature_c, throttled

Fault = Literal["camera", "outbox", "clock", "config"]

_STEPS = 512
"""Step times the median is taken over: half a minute at 15 frames a second."""


class Health:
    """Collects what a health message says. ``state`` is the directory that the outbox lies in, ``config`` the hash of
    the settings in force; ``thermal`` and ``platform`` are where Linux shows its state."""

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
        self._dropped_before = 0
        self._faults: dict[Fault, str | None] = {}

    def step(self, seconds: float) -> None:
        """One frame was processed and took so long."""
        self._steps.append(seconds)

    @property
    def slow_step_ms(self) -> float:
        """The 95th percentile of the steps whose median a message tells."""
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
    ) -> HealthMessage:
        """The state now; dropped frames are those since the last call. ``fps`` is what the camera gives, because the
        number of processed frames would tell for how long somebody was in view."""
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
        )

    def alerts(self, faults: Mapping[Fault, str | None]) -> list[AlertMessage]:
        """What began or ended since the last call. ``faults`` says in words what is wrong, or None if nothing.

        The first call speaks of every fault: a run that ended without a word, in a crash, may have left one open,
        and whoever listens knows only the last that was said. What was said by a wrong clock is said again when it
        is right, since it may be dated before that.
        """
        found = []
        clock_was_wrong = self._faults.get("clock") is not None
        for fault in get_args(Fault):
            text, before = faults.get(fault), self._faults.get(fault)
            # why a camera is away may be put in ever other words; of a config each refusal is an answer
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
