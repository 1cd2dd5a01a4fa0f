"""``footlight-edge bench``: measure the speed of this machine, and recommend settings."""

from __future__ import annotations

import argparse

from common.clock import SystemClock
from common.command_line import add_command, add_config


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``bench``."""
    text = "Measure the speed of this machine, and recommend settings."
    parser = add_command(commands, "bench", text)
    add_config(parser, required=False)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, less exact")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Measure, and print. Raises ``UserError``."""
    from edge.commands.bench.command import bench
    from edge.config import Settings, load

    settings = load(args.config) if args.config else Settings()
    return bench(settings, clock=SystemClock(), quick=args.quick, as_text=not args.json)
