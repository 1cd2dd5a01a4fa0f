"""``footlight-edge run``: the service."""

from __future__ import annotations

import argparse
import signal
from threading import Event

from common.clock import SystemClock
from common.command_line import add_command, add_config
from edge.service.systemd import configure_logging


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``run``."""
    text = "Run the service: camera to MQTT, until stopped."
    parser = add_command(commands, "run", text)
    add_config(parser)
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Count until a signal comes or a finite source has ended. Raises ``UserError``."""
    from edge.config import load, refuse_to_publish
    from edge.service.supervisor import serve

    settings = load(args.config)
    refuse_to_publish(settings)
    names = {"SITE": settings.site, "DEVICE": settings.device, "CAMERA": settings.camera.name}
    configure_logging(settings.log.level, fields={f"FOOTLIGHT_{key}": name for key, name in names.items()})
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(settings, clock=SystemClock(), stop=stop)
    return 0
