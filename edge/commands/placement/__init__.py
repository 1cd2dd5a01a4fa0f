"""Will this camera position work? Half a minute of watching, answered in words and numbers, never in pictures."""

from __future__ import annotations

import argparse

from common.clock import SystemClock
from common.command_line import add_config


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``place``."""
    text = "Tell within half a minute whether this camera position will work."
    parser = commands.add_parser("place", help=text, description=text)
    add_config(parser)
    parser.add_argument("--seconds", type=_seconds, default=30.0, metavar="S", help="how long to watch (30)")
    parser.add_argument("--json", action="store_true", help="every figure, and nothing else, when it is over")
    parser.add_argument(
        "--publish", action="store_true", help="show numbers and outlines on the built-in page"
    )
    parser.set_defaults(command=run)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 5 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: give 5 to 3600 seconds")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Watch and tell: 0 works, 1 works with limits or too little was seen, 2 will not work. Raises ``UserError``."""
    from edge.commands.placement.command import place
    from edge.config import load

    return place(
        load(args.config),
        seconds=args.seconds,
        as_json=args.json,
        publish=args.publish,
        clock=SystemClock(),
    )
