"""``footlight-cloud till``: takes what a till tells from a file, and removes it again."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from cloud.config import load
from cloud.domain.till import TillError, checked_rows
from cloud.stores.connect import add_chain, open_tallies
from cloud.stores.store import StoreUnavailable
from cloud.stores.till_tallies import open_till
from cloud.till.csv_file import till_rows
from common.clock import Clock, SystemClock
from common.command_line import add_command, add_config
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud till``."""
    parser = add_command(commands, "till", "take the sales of shops from a file, or remove some")
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    take = add_command(kinds, "import", "take all rows of a CSV file, or none (docs/till.md)")
    take.add_argument("file", type=Path, metavar="FILE")
    _add_site(take, "the site of all rows, if the file has no column 'site'")
    take.set_defaults(command=lambda args: run_import(args, SystemClock()))
    remove = add_command(kinds, "remove", "remove the rows of some days, to import others")
    _add_site(remove, "the site (may be left out if there is one)")
    for option, what in (("--from", "the first local day"), ("--to", "the last, included")):
        remove.add_argument(option, dest=option[2:], type=_day, required=True, metavar="DAY", help=what)
    remove.set_defaults(command=lambda args: run_remove(args, SystemClock()))


def _add_site(parser: argparse.ArgumentParser, what: str) -> None:
    add_config(parser)
    add_chain(parser)
    parser.add_argument("--site", metavar="S", help=what)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write one like 2026-03-02") from None


def run_import(args: argparse.Namespace, clock: Clock) -> int:
    """Take a file. Raises ``UserError``."""
    settings, now = load(args.config), clock.now()
    with (
        open_tallies(settings, args.chain, now.date()) as (chain, _),
        open_till(settings.till_file()) as till,
    ):
        sites = chain.sites
        if args.site is not None and args.site not in sites:
            raise UserError(f"--site {args.site}: is not a site; known are {', '.join(sorted(sites)[:10])}")
        only = next(iter(sites)) if len(sites) == 1 else None
        read = list(till_rows(args.file, sites, args.site or only))
        try:
            taken = till.take(checked_rows([(site, row) for _, site, row in read], now), now)
        except TillError as error:
            raise UserError(f"{args.file}: line {read[error.place][0]}: {error}; nothing was taken") from None
        except StoreUnavailable as error:
            raise UserError(str(error)) from None
    print(f"{taken.new} rows are new, {taken.corrected} corrected, {taken.unchanged} unchanged")
    return 0


def run_remove(args: argparse.Namespace, clock: Clock) -> int:
    """Remove days of one site. Raises ``UserError``."""
    settings = load(args.config)
    first, last = getattr(args, "from"), args.to
    if last < first:
        raise UserError(f"--to {last}: is before --from {first}")
    with (
        open_tallies(settings, args.chain, clock.now().date()) as (chain, _),
        open_till(settings.till_file()) as till,
    ):
        name = args.site or (next(iter(chain.sites)) if len(chain.sites) == 1 else "")
        if name not in chain.sites:
            raise UserError(f"--site {name}: is not a site; known are {', '.join(sorted(chain.sites)[:10])}")
        site = chain.sites[name]
        removed = till.remove(name, site.local_day(first)[0], site.local_day(last)[1])
    print(f"{removed} rows removed")
    return 0
