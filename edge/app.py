"""The daemon: builds a run of the service from the settings, and another when the server asks for other settings."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping
from threading import Event

from edge.capture.camera import Camera
from edge.capture.thread import CameraThread
from edge.clock import Clock
from edge.config import Settings
from edge.errors import UserError
from edge.health import Health
from edge.pacing import Heat, Pacer
from edge.remote import Remote, fingerprint
from edge.service import App, software_version
from edge.stages import Models, build_pipeline, camera_of, load_models
from edge.systemd import Notifier, Watchdog
from edge.uplink.mqtt import Broker
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from edge.uplink.tls import Tls
from edge.vision.privacy import CohortRule


def build(
    settings: Settings,
    *,
    clock: Clock,
    camera: Camera | None = None,
    broker: Broker | None = None,
    models: Models | None = None,
    remote: Remote | None = None,
    rule: CohortRule | None = None,
    stop: Event | None = None,
) -> App:
    """Compose one run of the service; ``camera``, ``broker`` and ``models`` replace those of the settings in tests.

    ``remote`` knows what the server asked for, and ``rule`` the visits of the run before that wait for their cohort.
    Raises ``UserError`` for whatever is wrong with models, files or the source.
    """
    location = settings.outbox.location()
    remote = remote or Remote(settings)
    settings = remote.settings
    boot_id = secrets.token_hex(8)
    software = software_version()
    models = models or load_models(settings)
    notifier = Notifier()
    source = camera or camera_of(settings.camera, clock=clock)
    broker = broker or broker_of(settings)
    # Last, so that whatever else is refused leaves no file open.
    outbox = Outbox(location, max_messages=settings.outbox.max_messages)
    return App(
        settings,
        pipeline=build_pipeline(
            settings,
            models,
            clock,
            budget_s=settings.attributes.budget_ms / 1000,
            counted_until=outbox.counted_until,
        ),
        camera=CameraThread(source, clock=clock),
        uplink=Uplink(
            outbox,
            broker,
            site=settings.site,
            device=settings.device,
            boot_id=boot_id,
            software=software,
            clock=clock,
            late_after_s=2 * settings.window.seconds,
        ),
        health=Health(
            site=settings.site,
            device=settings.device,
            boot_id=boot_id,
            software=software,
            model=models.manifest.version,
            clock=clock,
            state=location.parent,
            config=fingerprint(settings),
        ),
        remote=remote,
        pacer=Pacer(idle_fps=settings.pacing.idle_fps),
        heat=Heat(hot_c=settings.pacing.hot_c),
        rule=rule or _rule(settings),
        watchdog=Watchdog(notifier, clock),
        notifier=notifier,
        manifest=models.manifest,
        boot_id=boot_id,
        clock=clock,
        stop=stop or Event(),
    )


def serve(
    settings: Settings,
    *,
    clock: Clock,
    stop: Event,
    camera: Camera | None = None,
    broker: Broker | None = None,
    models: Models | None = None,
) -> None:
    """Run until ``stop``, and again with other settings whenever the server asks for them.

    Raises ``UserError`` as ``build`` and ``App.run`` do, unless it comes of a config on trial: then that is dropped.
    """
    remote, rule, again = Remote(settings), _rule(settings), True
    while again:
        logging.getLogger().setLevel(remote.settings.log.level.upper())
        try:
            app = build(
                settings,
                clock=clock,
                camera=camera,
                broker=broker,
                models=models,
                remote=remote,
                rule=rule,
                stop=stop,
            )
            again = app.run()
        except UserError as error:
            again = remote.drop(str(error))
            if not again:
                raise
    remote.leave()


def _rule(settings: Settings) -> CohortRule:
    privacy = settings.privacy
    return CohortRule(k=privacy.k, profile=privacy.profile, max_cohort=privacy.max_cohort)


def broker_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> Broker:
    """Where the settings say the broker is. Raises ``UserError`` for a password file that cannot be read."""
    mqtt = settings.mqtt
    return Broker(
        host=mqtt.host,
        port=mqtt.port,
        protocol=mqtt.protocol,
        username=mqtt.username,
        password=mqtt.secret(environ),
        tls=None if mqtt.tls is None else Tls(*mqtt.tls.files(environ)),
        keepalive_s=mqtt.keepalive_s,
    )
