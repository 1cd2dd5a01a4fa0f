"""``footlight-cloud serve``, ``page``, ``api`` and ``demo``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud.config import load
from cloud.domain.chain import Chain
from cloud.onebox.log_rate import LogRate
from cloud.stores.connect import read_chain
from common.clock import SystemClock
from common.command_line import add_command, add_config

if TYPE_CHECKING:
    from cloud.onebox.serve import Box

log = logging.getLogger(__name__)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``serve``, ``page``, ``api`` and ``demo``."""
    parser = add_command(
        commands, "serve", "run broker, bridge, embedded store and page in one process (one box)"
    )
    add_config(parser)
    _add_chain(parser, required=False)
    parser.set_defaults(command=run)
    page = add_command(commands, "page", "show the page of a chain from InfluxDB")
    add_config(page)
    _add_chain(page, required=True)
    page.add_argument(
        "--configure",
        type=Path,
        metavar="FILE",
        help="settings with the broker and its user 'configure' (default: places cannot be changed on the page)",
    )
    page.set_defaults(command=run_page)
    api = add_command(commands, "api", "answer the read API alone, from either store")
    add_config(api)
    _add_chain(api, required=False)
    api.set_defaults(command=run_api)
    demo = add_command(commands, "demo", "show Footlight counting, from the camera to the page")
    demo.add_argument(
        "--source", metavar="S", help="camera number, file or rtsp:// address (default: the sample scene)"
    )
    demo.add_argument("--stay", action="store_true", help="keep the page running at the end")
    demo.add_argument("--port", type=int, default=0, help="port of the page (default: any free one)")
    demo.add_argument("--json", action="store_true", help="print the result as JSON")
    demo.set_defaults(command=run_demo)


def _add_chain(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--chain",
        type=Path,
        required=required,
        metavar="FILE",
        help="the chain file with the sites"
        + ("" if required else " (default: the one made on the page, or else opening hours are estimated)"),
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal arrives. Raises ``UserError``."""
    from cloud.onebox.serve import serve  # imported here: no other command needs a broker and a page

    settings = load(args.config)
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogRate())

    def ready(box: Box) -> None:
        log.info("broker on port %d, page at %s", box.mqtt_port, box.page_url)

    return _until_signal(
        lambda stop: serve(settings, clock=SystemClock(), stop=stop, ready=ready, chain=args.chain)
    )


def run_page(args: argparse.Namespace) -> int:
    """Show the page until a signal arrives. Raises ``UserError``."""
    from cloud.onebox.chain_page import serve_page  # imported here: no other command needs it

    settings, chain = load(args.config), Chain.load(args.chain)
    configure = load(args.configure).mqtt.broker() if args.configure else None
    return _until_signal(
        lambda stop: serve_page(
            settings,
            chain,
            clock=SystemClock(),
            stop=stop,
            ready=lambda url: log.info("page at %s", url),
            chain_file=args.chain,
            configure=configure,
        )
    )


def run_api(args: argparse.Namespace) -> int:
    """Answer the read API until a signal arrives. Raises ``UserError``."""
    from cloud.onebox.chain_page import serve_api

    settings = load(args.config)
    chain = read_chain(settings, args.chain)
    return _until_signal(
        lambda stop: serve_api(
            settings,
            chain,
            clock=SystemClock(),
            stop=stop,
            ready=lambda url: log.info("API at %sapi/v1", url),
        )
    )


def _until_signal(serving: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> int:
    async def until_signal() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serving(stop)

    asyncio.run(until_signal())
    return 0


def run_demo(args: argparse.Namespace) -> int:
    """Run the demo. Raises ``UserError``."""
    from cloud.onebox import demo  # imported here: it starts the whole edge

    return int(demo.run(args))
