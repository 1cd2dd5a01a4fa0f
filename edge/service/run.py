"""One run of the service: frames in, messages out, and the tasks that continue when no frame comes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from importlib.metadata import version
from threading import Event

from common.clock import Clock
from common.wire import Coverage, WindowMessage
from edge.capture.thread import CameraThread
from edge.config import Settings
from edge.inference.manifest import Manifest
from edge.pipeline import Pipeline, Step
from edge.service.health import Fault, Health
from edge.service.host import temperature_c, throttled
from edge.service.notice_messages import NoticeMessages
from edge.service.pacing import Heat, Pacer
from edge.service.remote_config import Remote
from edge.service.signage import Signage
from edge.service.status_line import Sampler
from edge.service.systemd import Notifier, Watchdog
from edge.service.trust import ClockTrust
from edge.service.view_faults import ViewFaults
from edge.types import Frame, TrackState, WindowAggregate
from edge.uplink.publisher import Uplink
from edge.vision.motion import Motion
from edge.vision.privacy import CohortRule
from edge.vision.waiting import Waiting

_log = logging.getLogger(__name__)

FRAME_WAIT_S = 0.5
"""How long the loop waits for a frame before it does its other tasks: windows, health, the watchdog."""

CAMERA_LIMIT_S = 20.0
"""A camera call may take twice the read timeout of a stream, which is about 9 s; after that it is stuck."""

UPLINK_LIMIT_S = 60.0
STOP_S = 5.0
HEAT_EVERY_S = 10.0
CHECKPOINT_EVERY_S = 10.0
"""A power cut loses the visits of this many seconds. Each write wears the card, so we write only after a new visit."""
FIRST_HEALTH_S = 5.0
"""The first health message comes early, but late enough to measure a frame rate."""


@cache
def software_version() -> str:
    return version("footlight")


class Run:
    """One run of the service. ``run()`` returns when ``stop`` is set, when a finite source has ended, or when the next
    run must begin with other settings."""

    def __init__(
        self,
        settings: Settings,
        *,
        pipeline: Pipeline,
        camera: CameraThread,
        uplink: Uplink,
        health: Health,
        remote: Remote,
        pacer: Pacer,
        heat: Heat,
        rule: CohortRule,
        watchdog: Watchdog,
        notifier: Notifier,
        notices: NoticeMessages,
        signage: Signage,
        manifest: Manifest,
        boot_id: str,
        clock: Clock,
        trust: ClockTrust,
        stop: Event,
    ) -> None:
        self._settings, self._pipeline, self._camera, self._uplink = settings, pipeline, camera, uplink
        self._health, self._rule, self._watchdog, self._notifier = health, rule, watchdog, notifier
        self._remote, self._again, self._counted, self._in_view = remote, False, False, False
        self._day_ended = False
        self._manifest, self._boot_id, self._clock, self._trust = manifest, boot_id, clock, trust
        self._pacer, self._motion, self._heat, self._notices = pacer, Motion(), heat, notices
        self._view = ViewFaults(has_places=settings.has_places)
        self._signage = signage
        self._heat_due_s = 0.0
        self._sampler = Sampler()
        self._seq = 0
        self._dropped_before = 0
        self._health_due_s = 0.0
        self._checkpoint_due_s = 0.0
        self._kept: tuple[datetime, int, int] | None = None  # start, visits, crossings of the open window
        self._last_frame_s = 0.0
        self.stop = stop

    def run(self) -> bool:
        """Run, and return whether another run must follow with the settings that the server asked for. Raises
        ``UserError`` when the camera or the broker refuses permanently."""
        closing = False  # a crash must not be treated as closing time
        try:
            self._camera.start()  # first: a missing camera ends the service, a broker that is not reachable does not
            self._uplink.start()
            self._signage.start()
            for message in self._notices.at_start():
                self._uplink.send(message)
            self._watch()
            self._trust.now()
            self._health_due_s = self._clock.monotonic() + FIRST_HEALTH_S
            self._notifier.ready()
            while not (self.stop.is_set() or self._camera.ended or self._again):
                self._next(self._camera.frames.get(FRAME_WAIT_S))
                self._look_after()
            if not self._again:
                self._notifier.stopping()
            is_over = closing = self._camera.ended and not self.stop.is_set()
        finally:
            self._signage.stop()
            self._camera.stop()
            self._finish(closing=closing)
            # The next run opens the outbox and delivers the messages in it.
            while not self._uplink.stop(0.0 if self._again else STOP_S) and self._again:
                pass
            if self._again:
                self._notifier.watchdog()  # ending is progress too, and the next run needs time to start
        if is_over:
            self._tell_end()
        return self._again

    def _tell_end(self) -> None:
        """Log why the service ends by itself, and how many messages are not delivered yet."""
        ended = f"camera {self._camera.describe()}: the source has ended, and with it the service"
        waiting = self._uplink.outbox_depth
        if waiting:
            _log.warning("%s; %d messages wait in the outbox for the next run", ended, waiting)
        else:
            _log.info("%s; every message was delivered", ended)

    def _finish(self, *, closing: bool) -> None:
        """End the visits and the open window. Visits that wait for a cohort keep waiting for the next run, except at
        the end of a file. Otherwise a person who can stop the service, change its settings or crash it could release
        a cohort right after one visit, and learn about that visit."""
        windows = self._pipeline.finish(self._last_frame_s).windows
        self._publish(windows if closing else [replace(window, closing=False) for window in windows])

    def _next(self, frame: Frame | None) -> None:
        """Take the next frame of the camera, None if there was none."""
        if frame is not None:
            self._sampler.frame(frame)
            if self._camera.live and self._view.see(frame):  # a file may be cut together from several views
                for message in self._notices.stop():
                    self._uplink.send(message)
        if frame is not None and not self._view.stops_counting:
            if self._due(frame):
                self._process(frame)
        elif self._camera.live:  # a file has its own time, which stands still while it is read
            self._take(self._pipeline.idle(self._clock.now(), self._clock.monotonic()))

    def _due(self, frame: Frame) -> bool:
        """Return whether to process this frame; every frame of a file is processed."""
        if not self._camera.live:
            return True
        moved = bool(self._motion.seen(frame.image, frame.monotonic_s))
        return self._pacer.due(frame.monotonic_s, moved=moved, spacing_s=self._heat.spacing_s)

    def _process(self, frame: Frame) -> None:
        began = self._clock.monotonic()
        dropped = self._camera.frames.dropped
        step = self._pipeline.step(frame, dropped=dropped - self._dropped_before)
        self._dropped_before = dropped
        self._last_frame_s = frame.monotonic_s
        self._pacer.saw(step.tracks.active, frame.monotonic_s)
        self._health.step(self._clock.monotonic() - began, near=step.plan.corner is not None)
        self._counted = True
        self._take(step)
        self._notice(frame)

    def _notice(self, frame: Frame) -> None:
        """Tell what staff should know now."""
        if not self._notices.any:
            return
        hour, live = frame.captured_at.astimezone().hour, self._pipeline.live(frame.monotonic_s)
        for message in self._notices.update(live, frame.monotonic_s, hour):
            self._uplink.send(message)

    def _take(self, step: Step) -> None:
        self._signage.exchange()
        self._in_view = any(track.state is not TrackState.TENTATIVE for track in step.tracks.active)
        self._publish(step.windows)

    def _publish(self, windows: Sequence[WindowAggregate]) -> None:
        trusted = self._trust.until_now() if windows else False
        for window in windows:
            self._day_ended |= window.closing
            message = self._message(window, trusted=trusted)
            self._uplink.send(message, waiting=Waiting(self._rule.pool).dump())

    def _message(self, window: WindowAggregate, *, trusted: bool) -> WindowMessage:
        """Turn a window into a message with the privacy rules applied: windows leave the process only this way."""
        settings, release = self._settings, self._rule.release(window)
        message = WindowMessage(
            site=settings.site,
            device=settings.device,
            camera=settings.camera.name,
            start=window.start,
            duration_s=settings.window.seconds,
            boot_id=self._boot_id,
            seq=self._seq,
            clock_trusted=trusted,
            software=software_version(),
            model=self._manifest.version,
            calibration=self._manifest.calibration,
            profile=settings.privacy.profile,
            k=settings.privacy.k,
            totals=release.totals,
            coverage=Coverage(share=round(window.coverage.covered_s / settings.window.seconds, 4)),
            pending=release.pending,
            cohort=release.cohort,
        )
        self._seq += 1
        return message

    def _look_after(self) -> None:
        """Do the tasks that continue when no frame comes: watchdog, alerts and health."""
        self._watchdog.feed()
        self._receive_settings()
        faults: dict[Fault, str | None] = {
            "camera": self._camera.fault,
            **self._view.faults,
            "outbox": self._uplink.outbox_fault,
            "clock": self._clock_fault(),
            "config": self._remote.fault,
        }
        for alert in self._health.alerts(faults):
            self._uplink.send(alert)
        now_s = self._clock.monotonic()
        if self._camera.live and now_s >= self._checkpoint_due_s:
            self._checkpoint_due_s = now_s + CHECKPOINT_EVERY_S
            self._checkpoint()
        if now_s >= self._heat_due_s:
            self._heat_due_s = now_s + HEAT_EVERY_S
            self._heat.update(now_s, temperature_c(), throttled())
        if now_s >= self._health_due_s:
            self._health_due_s = now_s + self._settings.health.every_s
            message = self._health.message(
                fps=self._sampler.fps,
                camera_open=self._camera.is_open,
                dropped_total=self._camera.frames.dropped,
                outbox_depth=self._uplink.outbox_depth,
                outbox_lost=self._uplink.outbox_lost,
                clock_trusted=self._trust.now(),
                config_message=self._remote.message,
                config_waiting=self._remote.for_closing,
            )
            self._uplink.send(message)
            figures = self._sampler.figures(
                step_ms=message.step_ms,
                slow_ms=self._health.slow_step_ms,
                waiting=message.outbox_depth,
                lost=message.outbox_lost,
                delivered=self._uplink.windows_delivered,
                moved=self._view.moved,
            )
            fault = self._uplink.broker_fault
            self._notifier.status(str(figures) if fault is None else f"{figures}; {fault}")

    def _clock_fault(self) -> str | None:
        if not self._trust.now():
            return "the clock is not synchronised"
        held_until = self._pipeline.held_until(self._clock.now()) if self._camera.live else None
        if held_until is None:
            return None
        return (
            f"the clock was set back: what is counted now is told at {held_until:%Y-%m-%d %H:%M} UTC, because an"
            " earlier window would be overwritten"
        )

    def _checkpoint(self) -> None:
        window = self._pipeline.open_window
        if window is None:
            return
        crossings = sum(door.entries + door.exits for door in window.places.doors.values())
        now = window.start, window.visits, crossings
        if (window.visits or crossings) and now != self._kept:
            self._kept = now
            self._uplink.remember(Waiting(self._rule.pool, window).dump())

    def _receive_settings(self) -> None:
        """Receive settings from the server. A file is counted once, with the settings it began with."""
        asked, before = self._uplink.asked(), (self._remote.message, self._remote.for_closing)
        if asked is not None:
            self._remote.offer(asked)
            if (self._remote.message, self._remote.for_closing) != before:
                # These settings run already, or wait for closing time: answer at once with a health message.
                self._health_due_s = self._clock.monotonic()
        self._again = self._camera.live and self._remote.turn(
            self._clock.monotonic(),
            counted=self._counted,
            in_view=self._in_view,
            seeing=self._camera.fault is None,
            closed=self._day_ended,
        )
        self._day_ended = False

    def _watch(self) -> None:
        """Watch the two other threads; the main loop is watched because it feeds the watchdog."""

        def camera_alive() -> object:
            # A call that returns is progress, and so is waiting to reopen; a call that hangs is not.
            return object() if self._camera.stalled_s < CAMERA_LIMIT_S else None

        self._watchdog.watch("camera", camera_alive, limit_s=1.0)
        self._watchdog.watch("uplink", lambda: self._uplink.progress, limit_s=UPLINK_LIMIT_S)
