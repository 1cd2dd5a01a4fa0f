"""``footlight-cloud ledger``: how many windows each device made, and how many of them are stored."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import timedelta

from cloud.config import load
from cloud.domain.ledger import Ledger, ledgers
from cloud.stores.connect import open_reader
from cloud.stores.store import StoreUnavailable
from common.clock import Clock, SystemClock
from common.command_line import add_command, add_config, between
from common.errors import UserError

_MOST_DAYS = 92


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``ledger``."""
    text = "tell how many windows of each device are stored, late, missing, or came more than once"
    parser = add_command(commands, "ledger", text)
    add_config(parser)
    parser.add_argument("--site", metavar="S", help="only this shop")
    parser.add_argument(
        "--days",
        type=between(1, _MOST_DAYS, "days"),
        default=1,
        metavar="N",
        help="how far to look back (default: %(default)d)",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.set_defaults(command=lambda args: run(args, SystemClock()))


def run(args: argparse.Namespace, clock: Clock) -> int:
    """Run the command: return 0 if no window is missing, else 1. Raises ``UserError``, also for an unknown site."""
    end = clock.now()
    start = end - timedelta(days=args.days)
    try:
        with open_reader(load(args.config), clock) as reader:
            sites = reader.sites()
            if args.site is not None and args.site not in sites:
                raise UserError(
                    f"--site {args.site}: has never sent data; known are {', '.join(sites[:10]) or 'none'}"
                )
            found = {
                (site, device): one
                for site in ([args.site] if args.site else sites)
                for device, one in ledgers(
                    reader.windows(site, start, end), reader.duplicates(site, start, end)
                ).items()
            }
    except StoreUnavailable as error:
        raise UserError(f"store: {error}; fix this, then run the command again") from None
    if args.json:
        rows = [
            {"site": site, "device": device, **asdict(one), "lost": one.lost}
            for (site, device), one in sorted(found.items())
        ]
        print(json.dumps(rows, indent=2))
    else:
        for (site, device), one in sorted(found.items()):
            print(f"{site}/{device}: {_said(one)}")
        if not found:
            print("no windows")
    return int(any(one.lost for one in found.values()))


def _said(one: Ledger) -> str:
    parts = [f"{one.received} of {one.expected} windows"]
    parts += [
        f"{count} {what}"
        for count, what in (
            (one.late, "of them late"),
            (one.lost, "missing"),
            (one.duplicates, "came once more and count once"),
        )
        if count
    ]
    return ", ".join(parts)
