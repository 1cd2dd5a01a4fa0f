"""``footlight-edge privacy-audit``: look for leaks on this device: files, sockets, memory, sandbox, code."""

from __future__ import annotations

import argparse
from pathlib import Path

from common.clock import SystemClock
from common.command_line import positive

DEVICE = Path("/etc/footlight/footlight-edge.yaml")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``privacy-audit``."""
    text = "Look for leaks on this device: files, sockets, messages, memory, sandbox, models, code."
    parser = commands.add_parser(
        "privacy-audit",
        help=text,
        description=f"{text} Exit code 0: nothing found; 1: a leak; 2: one check cannot tell, or bad input.",
    )
    text = f"YAML settings of the service ({DEVICE} without this)"
    parser.add_argument("--config", type=Path, default=DEVICE, metavar="FILE", help=text)
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of the table")
    parser.add_argument("--pid", type=positive, help="process of a service that systemd did not start")
    parser.add_argument("--sign", type=Path, metavar="FILE", help="what the sign at the door says")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print each check when it is done. Raises ``UserError``."""
    from rich.console import Console

    from edge.commands.doctor.table import as_json, show
    from edge.commands.privacy_audit.command import EXIT_CODES, audit, subject_of
    from edge.commands.privacy_audit.subject import SIGN
    from edge.config import load

    subject = subject_of(
        load(args.config), args.config, clock=SystemClock(), pid=args.pid, sign=args.sign or SIGN
    )
    checks = audit(subject)
    if args.json:
        line, state = as_json(checks)
        print(line)
    else:
        state = show(checks, Console())
    return EXIT_CODES[state]
