"""``footlight-cloud notices``: list the open notices, and acknowledge one."""

from __future__ import annotations

import argparse
import getpass
import json
from contextlib import closing

from cloud.config import load
from cloud.domain.notices import is_current, said, taken_care_of
from cloud.ingest.acknowledging import acknowledge
from cloud.stores.connect import open_store
from cloud.stores.store import NoticeBook, StoreRejected, StoreUnavailable
from common.clock import Clock, SystemClock
from common.command_line import add_command, add_config
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``notices``."""
    parser = add_command(commands, "notices", "list the open notices for staff, or acknowledge one")
    what = parser.add_subparsers(required=True, metavar="WHAT")
    listing = add_command(what, "list", "list the open notices, and who takes care of them")
    add_config(listing)
    listing.add_argument("--site", metavar="S", help="only those of this shop")
    listing.add_argument("--json", action="store_true", help="print them as JSON")
    listing.set_defaults(command=run, what=_list)
    taking = add_command(what, "acknowledge", "take care of a notice, so that nobody else is called for it")
    add_config(taking)
    for name in ("site", "device", "name"):
        taking.add_argument(name, metavar=name.upper())
    taking.add_argument(
        "--who", metavar="WHO", help="who takes care of it (default: the user of this machine)"
    )
    taking.set_defaults(command=run, what=_acknowledge)


def run(args: argparse.Namespace) -> int:
    """Run the command; return 0. Raises ``UserError``, also if the store is unavailable."""
    clock = SystemClock()
    with closing(open_store(load(args.config), clock)) as store:
        try:
            args.what(args, store, clock)
        except (StoreUnavailable, StoreRejected) as error:
            raise UserError(str(error)) from None
    return 0


def _list(args: argparse.Namespace, book: NoticeBook, clock: Clock) -> None:
    known = book.acknowledgements(args.site)
    notices = [notice for notice in book.notices(args.site) if is_current(notice, clock.now())]
    pairs = [(notice, taken_care_of(notice, known)) for notice in notices]
    if args.json:
        rows = [
            {
                **notice.model_dump(
                    mode="json", include={"site", "device", "name", "rule", "at", "count", "limit"}
                ),
                "text": said(notice),
                "acknowledged": taken and {"who": taken.who, "at": taken.at.isoformat()},
            }
            for notice, taken in pairs
        ]
        print(json.dumps(rows, indent=2))
        return
    for notice, taken in pairs:
        care = "" if taken is None else f"  {taken.who} takes care of it since {taken.at:%H:%M} UTC"
        print(f"{notice.at:%Y-%m-%d %H:%M:%S} UTC  {notice.site} {notice.device} {said(notice)}{care}")
    if not pairs:
        print("no open notices")


def _acknowledge(args: argparse.Namespace, book: NoticeBook, clock: Clock) -> None:
    who = args.who or getpass.getuser()
    taken = acknowledge(book, site=args.site, device=args.device, name=args.name, who=who, at=clock.now())
    print(f"{taken.who} takes care of {taken.name} since {taken.at:%Y-%m-%d %H:%M} UTC")
