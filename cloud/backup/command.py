"""``footlight-cloud backup`` and ``restore``: a whole machine in one archive, and back."""

from __future__ import annotations

import argparse
from pathlib import Path

from cloud.backup import plan
from cloud.backup.archive import SUFFIX
from cloud.backup.copies import restore_copies
from cloud.backup.restoring import restore
from cloud.backup.saving import save
from common.command_line import add_command
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud backup`` and ``restore``."""
    parser = add_command(commands, "backup", "save this machine's whole server in one archive")
    parser.add_argument("plan", type=Path, metavar="FILE", help="what to save: see backup.example.yaml")
    parser.add_argument(
        "archive", type=Path, nargs="?", metavar="ARCHIVE", help="(default: a new one in the plan's folder)"
    )
    parser.set_defaults(command=_run_backup)

    parser = add_command(commands, "restore", "bring back a whole server, or what is missing from a copy")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="where the store is; default: as the archive says (needed for a nightly copy)",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="also replace files that are there; of an archive: stop the services before",
    )
    parser.add_argument(
        "--admin-token-file",
        type=Path,
        metavar="FILE",
        help="a token that may create databases in InfluxDB, in the first line of a file; default: store.token",
    )
    parser.add_argument(
        "backup",
        type=Path,
        nargs="?",
        metavar="BACKUP",
        help=f"an archive (*{SUFFIX}), or a nightly copy (default: store.backup)",
    )
    parser.set_defaults(command=_run_restore)


def _run_backup(args: argparse.Namespace) -> int:
    for line in save(plan.load(args.plan), args.archive):
        print(line)
    return 0


def _run_restore(args: argparse.Namespace) -> int:
    if args.backup is not None and args.backup.suffix == SUFFIX:
        lines = restore(
            args.backup, config=args.config, replace=args.replace, admin_token_file=args.admin_token_file
        )
    elif args.config is None:
        raise UserError(
            f"--config FILE: is needed for a nightly copy; the name of an archive ends with {SUFFIX}"
        )
    else:
        lines = restore_copies(args.config, args.backup, replace=args.replace)
    for line in lines:
        print(line, flush=True)
    return 0
