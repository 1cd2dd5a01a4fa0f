"""``footlight-edge``: run the service, try it on files, check its configuration."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from common.command_line import run_command
from edge.commands import (
    badge,
    bench,
    config,
    doctor,
    inspect,
    placement,
    privacy_audit,
    replay,
    run,
    scene,
    sign,
    zones,
)

COMMANDS = (run, replay, scene, doctor, privacy_audit, sign, placement, zones, badge, bench, inspect, config)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0 on success, 2 for bad input (one line on standard error)."""
    return run_command(_parser(), argv, extra="edge")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="footlight-edge",
        description="Counts visits on the device with the camera; no picture leaves it.",
    )
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
