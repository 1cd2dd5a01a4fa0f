"""``footlight-edge doctor``: the checks in order, and the source of what each one measures."""

from __future__ import annotations

import os
import platform
import struct
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from common.clock import Clock
from edge.commands.doctor import camera, machine, models, service
from edge.commands.doctor.checks import Check, Finding, Look, amber, not_reached, run_checks
from edge.commands.doctor.delivery_path import DeliveryPath
from edge.commands.doctor.surroundings import in_force, surroundings
from edge.commands.privacy_audit.report import summary, tell
from edge.commands.privacy_audit.subject import Subject, main_process
from edge.config import SECONDS_PER_DAY, Settings
from edge.inference.manifest import load_manifest, packaged_models
from edge.scene.render import crowd
from edge.service.build import camera_of, load_models
from edge.service.host import (
    board_model,
    clock_error_s,
    clock_trusted,
    firmware_word,
    memory_mib,
    temperature_c,
    uptime_s,
)
from edge.service.status_line import Figures
from edge.vision.light import Light


def doctor(
    settings: Settings, config: Path, *, clock: Clock, environ: Mapping[str, str] = os.environ
) -> Iterator[Check]:
    """Yield each check when it is done. ``config`` is the file of the ``settings``."""
    unit, environ = surroundings(config, environ)
    return run_checks(_Examination(settings, unit, clock, environ).checks())


class _Examination:
    """One run of the doctor. Values that several checks need are read once."""

    def __init__(self, settings: Settings, unit: str, clock: Clock, environ: Mapping[str, str]) -> None:
        self._clock, self._environ, self._own = clock, environ, settings
        self._settings, self._made_of = in_force(settings, environ)
        self._unit = f"{unit}.service"
        self._outbox = settings.outbox.location(environ)
        self._properties = service.ask_systemd(self._unit)
        self._running = service.runs(self._properties)
        self._figures = Figures.read(self._properties.get("StatusText", "")) if self._running else None
        self._watched: camera.Watched | None = None
        self._models_are_right = False
        # A password that cannot be read is reported by the login check, not by an earlier one.
        without = settings.mqtt.model_copy(update={"password": None, "password_file": None})
        self._path = DeliveryPath(
            without.broker(environ),
            secret=partial(settings.mqtt.secret, environ),
            site=settings.site,
            device=settings.device,
            clock=clock,
        )

    def checks(self) -> list[tuple[str, Look]]:
        word = firmware_word()
        return [
            (
                "system",
                lambda: machine.system(
                    Path("/etc/os-release"), platform.machine(), bits=8 * struct.calcsize("P")
                ),
            ),
            ("python", lambda: machine.python(sys.version_info[:3])),
            ("board", self._board),
            ("processor", lambda: machine.processor(Path("/sys/devices/system/cpu"), word, temperature_c())),
            ("power", lambda: machine.power(word)),
            ("disk", self._disk),
            ("clock", lambda: machine.clock(trusted=clock_trusted(), error_s=clock_error_s())),
            ("settings", self._made_of),
            ("camera", self._camera),
            ("light", self._light),
            ("models", self._models),
            ("speed", self._speed),
            ("broker name", self._path.name),
            ("broker port", self._path.port),
            ("tls", self._path.tls),
            ("certificates", self._path.certificates),
            ("login", self._path.login),
            ("as itself", self._path.as_itself),
            ("as another", self._path.as_another),
            ("store and back", self._path.and_back),
            ("outbox", self._outbox_check),
            ("service", lambda: service.service(self._unit, self._properties)),
            ("sandbox", self._sandbox),
            ("privacy", self._privacy),
        ]

    def _board(self) -> Finding:
        total_mib, _ = memory_mib()
        return machine.board(board_model(), memory_mib=total_mib, processors=os.cpu_count() or 1)

    def _disk(self) -> Finding:
        # Each window is written to the outbox once and deleted once.
        writes_a_day = 2 * SECONDS_PER_DAY / self._settings.window.seconds
        return machine.disk(
            self._outbox.parent, sys=Path("/sys"), uptime_s=uptime_s(), writes_a_day=writes_a_day
        )

    def _camera(self) -> Finding:
        asked = self._settings.camera
        if self._running:
            if self._figures is None:
                return _NOT_TOLD
            if self._figures.moved:
                return camera.moved(counts=not self._settings.has_places)
            return camera.rate("the running service", self._figures.camera_fps, asked_fps=asked.fps)
        source = camera_of(asked, clock=self._clock)
        self._watched = camera.watch(source, self._clock)
        return camera.rate(self._watched.name, self._watched.fps, asked_fps=asked.fps)

    def _light(self) -> Finding:
        if self._running:
            if self._figures is None:
                return _NOT_TOLD
            return camera.light(Light(self._figures.luma, self._figures.burnt))
        return not_reached("no picture") if self._watched is None else camera.light(self._watched.light)

    def _models(self) -> Finding:
        finding = models.hashes(load_manifest(self._settings.models.directory or packaged_models()))
        self._models_are_right = True
        return finding

    def _speed(self) -> Finding:
        if not self._models_are_right:
            return not_reached("no models")
        asked, beside = self._settings.camera, ""
        if self._figures is not None:
            beside = "measured by the running service"
            measured = models.Speed(self._figures.step_ms, self._figures.slow_ms)
        else:
            loaded, scene = load_models(self._settings), crowd(1, asked.width, asked.height)
            pictures = [scene.render(index) for index in range(3)]
            measured = models.measure(
                loaded.detector, loaded.refiner, loaded.classifier, self._clock, pictures
            )
        budget_ms = self._settings.attributes.budget_ms
        return models.speed(measured, asked_fps=asked.fps, budget_ms=budget_ms, beside=beside)

    def _outbox_check(self) -> Finding:
        most = self._settings.outbox.max_messages
        return service.outbox(self._outbox, self._figures, running=self._running, most=most)

    def _sandbox(self) -> Finding:
        return service.sandbox(self._properties, service.exposure(self._unit), self._path.addresses)

    def _privacy(self) -> Finding:
        subject = Subject(
            settings=self._settings,
            own=self._own,
            unit=self._unit,
            process=main_process(self._properties),
            properties=self._properties,
            environ=self._environ,
            made_of=self._made_of,
            clock=self._clock,
        )
        finding = summary(subject)
        tell(finding, subject)
        return finding


_NOT_TOLD = amber(
    "in use by the service, which has not reported yet",
    "wait a minute (health.every_s), then run the doctor again",
)
