"""``footlight-edge check-config`` and ``show-config``."""

from __future__ import annotations

import argparse
from pathlib import Path

from common.command_line import add_config_commands


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``check-config`` and ``show-config``."""
    showing = add_config_commands(commands, check=check, show=show)
    showing.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="include the settings that the server asked for, stored by the service in this folder",
    )


def check(path: Path) -> None:
    """Raise ``UserError`` for an invalid configuration."""
    from edge.config import load, refuse_to_publish

    settings = load(path)
    settings.mqtt.secret()  # a password file that cannot be read is an error too
    settings.loyalty.keys()
    refuse_to_publish(settings)


def show(args: argparse.Namespace) -> str:
    """Return the effective configuration as YAML. Raises ``UserError``."""
    from edge.config import load, show

    settings, notes = load(args.config), ""
    if args.state is not None:
        from edge.service.remote_config import as_kept

        settings, explained = as_kept(settings, args.state)
        notes = "".join(f"# {line}\n" for line in explained)
    return notes + show(settings)
