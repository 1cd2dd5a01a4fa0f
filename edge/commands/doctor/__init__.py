"""``footlight-edge doctor``: check each step from the camera to the store and back, one by one."""

from __future__ import annotations

import argparse
import logging

from common.clock import SystemClock
from common.command_line import add_command, add_config


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``doctor``."""
    text = "Check every step from the camera to the store and back."
    parser = add_command(commands, "doctor", text)
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of the table")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print each check when it is done; return 1 if one of them is red. Raises ``UserError``."""
    from rich.console import Console

    from edge.commands.doctor.command import doctor
    from edge.commands.doctor.table import as_json, show
    from edge.config import load

    checks = doctor(load(args.config), args.config, clock=SystemClock())
    logging.disable(logging.WARNING)  # the doctor shows these faults as its own lines
    try:
        if args.json:
            line, state = as_json(checks)
            print(line)
        else:
            state = show(checks, Console())
    finally:
        logging.disable(logging.NOTSET)
    return int(state == "red")
