"""The daemon: one run of the service after another; a new run begins when the server asks for other settings."""

from __future__ import annotations

import logging
from threading import Event

from common.clock import Clock
from common.errors import UserError
from common.mqtt.broker import Broker
from edge.capture.camera import Camera
from edge.config import Settings
from edge.service.build import Models, build
from edge.service.remote_config import Remote


def serve(
    settings: Settings,
    *,
    clock: Clock,
    stop: Event,
    camera: Camera | None = None,
    broker: Broker | None = None,
    models: Models | None = None,
) -> None:
    """Run until ``stop``; start a new run whenever the server asks for other settings.

    Raises ``UserError`` as ``build`` and ``Run.run`` do. While a config is on trial, the config is dropped instead.
    """
    remote, again = Remote(settings), True
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
                stop=stop,
            )
            again = app.run()
        except UserError as error:
            again = remote.drop(str(error))
            if not again:
                raise
    remote.leave()
