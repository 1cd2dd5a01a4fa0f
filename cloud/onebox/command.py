"""``footlight-cloud serve`` and ``footlight-cloud demo``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from typing import TYPE_CHECKING

from cloud.config import load
from cloud.onebox.log_rate import LogRate
from common.clock import SystemClock
from common.command_line import add_config

if TYPE_CHECKING:
    from cloud.onebox.serve import Box

log = logging.getLogger(__name__)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``serve`` and ``demo``."""
    parser = commands.add_parser(
        "serve", help="run broker, bridge, embedded store and page in one process (one box)"
    )
    add_config(parser)
    parser.set_defaults(command=run)
    demo = commands.add_parser("demo", help="show Footlight counting, from the camera to the page")
    demo.add_argument(
        "--source", metavar="S", help="camera number, file or rtsp:// address (default: the sample scene)"
    )
    demo.add_argument("--stay", action="store_true", help="keep the page running at the end")
    demo.add_argument("--port", type=int, default=0, help="port of the page (default: any free one)")
    demo.add_argument("--json", action="store_true", help="print the result as JSON")
    demo.set_defaults(command=run_demo)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal arrives. Raises ``UserError``."""
    from cloud.onebox.serve import serve  # imported here: no other command needs a broker and a page

    settings = load(args.config)
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogRate())

    def ready(box: Box) -> None:
        log.info("broker on port %d, page at %s", box.mqtt_port, box.page_url)

    async def until_signal() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(settings, clock=SystemClock(), stop=stop, ready=ready)

    asyncio.run(until_signal())
    return 0


def run_demo(args: argparse.Namespace) -> int:
    """Run the demo. Raises ``UserError``."""
    from cloud.onebox import demo  # imported here: it starts the whole edge

    return int(demo.run(args))
