"""``footlight-cloud``: the command line of the server."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from cloud.accounts import command as accounts
from cloud.analysis import command as compare
from cloud.config import load
from cloud.devices import configure, loyalty, offer_command
from cloud.exports import command as export
from cloud.grafana import command as provision
from cloud.ingest import command as bridge
from cloud.ingest import dead_letters, ledger_command, notice_command
from cloud.onebox import backup
from cloud.onebox import command as onebox
from cloud.reports import command as report
from cloud.rollup import command as rollup
from cloud.simulation import command as simulate
from cloud.till import command as till
from cloud.web import sign_command as sign
from common.command_line import add_config_commands, run_command
from common.config_file import masked_yaml
from common.masking import MaskingFormatter

COMMANDS = (
    bridge, onebox, rollup, compare, report, export, simulate, provision, configure, offer_command,
    notice_command, dead_letters, ledger_command, backup, accounts, till, sign, loyalty,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0 on success, 2 if the user must fix something first."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for chatty in ("amqtt", "transitions", "uvicorn", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return run_command(_parser(), argv, extra="cloud")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="footlight-cloud",
        description="Footlight's server: bridge, store, page, reports and fleet commands.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_parser(commands)
    add_config_commands(commands, check=_check, show=lambda args: masked_yaml(load(args.config)))
    return parser


def _check(path: Path) -> None:
    load(path).mqtt.secret()  # a password file that cannot be read is an error too


if __name__ == "__main__":
    sys.exit(main())
