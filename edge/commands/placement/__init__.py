"""Check a camera position: watch for half a minute, and report in words and numbers, never in pictures."""

from __future__ import annotations

import argparse

from common.clock import SystemClock
from common.command_line import add_command, add_config, between


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``place``."""
    text = "Find out within half a minute whether this camera position will work."
    parser = add_command(commands, "place", text)
    add_config(parser)
    parser.add_argument(
        "--seconds",
        type=between(5.0, 3600.0, "seconds"),
        default=30.0,
        metavar="S",
        help="how long to watch (30)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print every figure as JSON at the end, and nothing else"
    )
    parser.add_argument(
        "--publish", action="store_true", help="also show numbers and outlines on the built-in page"
    )
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Watch and report: 0 works, 1 works with limits or too few faces seen, 2 will not work. Raises ``UserError``."""
    from edge.commands.placement.command import place
    from edge.config import load

    return place(
        load(args.config),
        seconds=args.seconds,
        as_json=args.json,
        publish=args.publish,
        clock=SystemClock(),
    )
