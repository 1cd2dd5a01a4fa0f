"""``footlight-edge sign``: what this device tells, for the sign at the door of the shop."""

from __future__ import annotations

import argparse
import os

from common.command_line import add_command, add_config
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-edge sign``."""
    text = "Print what this device is set to tell, for footlight-cloud sign --device FILE."
    parser = add_command(commands, "sign", text)
    add_config(parser)
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print the statement of the settings in force, as YAML. Raises ``UserError``."""
    from common.config_file import masked_yaml
    from common.sign import LEAST_K, Statement
    from edge.commands.doctor.surroundings import in_force, surroundings
    from edge.commands.told import told_by_settings
    from edge.config import load

    own = load(args.config)
    _unit, environ = surroundings(args.config, os.environ)
    settings, made_of = in_force(own, environ)
    made_of()  # raises where the settings of the server cannot be read
    if settings.privacy.k < LEAST_K:
        raise UserError(
            f"privacy.k: a sign needs groups of at least {LEAST_K}, and this is {settings.privacy.k}"
        )
    print(masked_yaml(Statement.of(settings.site, told_by_settings(settings))), end="")
    return 0
