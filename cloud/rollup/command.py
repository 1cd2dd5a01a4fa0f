"""``footlight-cloud rollup``: which days are rolled up, and what is said of it."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime, timedelta

from cloud.config import InfluxSettings, load
from cloud.domain.chain import Chain
from cloud.rollup.setup_command import add_setup, run_setup
from cloud.rollup.tallying import Rolled, rollup
from cloud.stores.check_file import CheckFile, opened_checks
from cloud.stores.connect import open_influx, open_influxql
from cloud.stores.store import StoreRejected, StoreUnavailable
from cloud.stores.tallies import InfluxTallies
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillTallies, open_till
from cloud.stores.windows import InfluxWindows
from common.clock import Clock, SystemClock
from common.command_line import add_command, add_config
from common.errors import UserError

LATE_DAYS = 7
"""The default number of days that are rolled up again: data of a device that was offline for this long still counts."""

_GAPS_TOLD = 20


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud rollup``."""
    parser = add_command(commands, "rollup", "sum windows up by quarter of an hour and by day in InfluxDB")
    add_config(parser)
    add_setup(parser)
    parser.add_argument(
        "--from",
        dest="first",
        type=date.fromisoformat,
        metavar="DAY",
        help="default: a week before --to; without --to, also all days that were never rolled up",
    )
    parser.add_argument(
        "--to", dest="last", type=date.fromisoformat, metavar="DAY", help="included; default: yesterday"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=lambda args: run(args, SystemClock()))


def run(args: argparse.Namespace, clock: Clock) -> int:
    """Run the command and return its exit code. Raises ``UserError``."""
    settings = load(args.config)
    store = settings.store
    if args.setup:
        return run_setup(store, args.admin_token_file, as_json=args.json)
    chain = Chain.load(args.chain)
    if not isinstance(store, InfluxSettings):
        print(
            "nothing to do: the embedded store needs no rollup; compare and report read its windows directly"
        )
        return 0
    first, last = period(args.first, args.last, clock.now(), store.retention_days)
    since = None if args.first or args.last else first_kept(clock.now(), store.retention_days)
    with open_till(settings.till_file()) as till, opened_checks(settings.checks_file()) as checks:
        rolled = _roll_up(store, chain, till, checks, clock, first, last, since)
    if args.json:
        print(json.dumps({"from": first.isoformat(), "to": last.isoformat(), **asdict(rolled)}, default=str))
        return 0
    print(f"{first} to {last}: {rolled.days} days of {rolled.sites} sites from {rolled.windows} windows")
    for days_without, why in ((rolled.closed, "closed"), (rolled.empty, "open, but without windows")):
        if days_without:
            print(f"{why}: {days_without} days")
    for gap in rolled.gaps[:_GAPS_TOLD]:
        print(gap)
    if len(rolled.gaps) > _GAPS_TOLD:
        print(f"and {len(rolled.gaps) - _GAPS_TOLD} more gaps; --json lists all of them")
    for kind, left_out in (("sites", rolled.unregistered), ("cameras", rolled.unlisted)):
        if left_out:
            print(f"{kind} that are not in {args.chain} were skipped: {', '.join(left_out)}")
    return 0


def _roll_up(
    store: InfluxSettings,
    chain: Chain,
    till: TillFile,
    checks: CheckFile | None,
    clock: Clock,
    first: date,
    last: date,
    since: date | None,
) -> Rolled:
    from cloud.rollup.comparisons import comparison_points  # imported here: they need numpy and scipy
    from cloud.rollup.figures import Shops, write_figures

    with closing(open_influx(store, clock)) as target, closing(open_influxql(store)) as source:
        windows, tallies = InfluxWindows(source), InfluxTallies(source)
        try:
            rolled = rollup(
                chain, windows, tallies, target, first=first, last=last, now=clock.now(), since=since
            )
            sold = TillTallies(tallies, till, chain)
            target.write_points(comparison_points(sold, chain, last), "day")
            shops = Shops(chain, sold, till, checks, tallies)
            write_figures(shops, target, first=first, last=last, now=clock.now())
        except (StoreUnavailable, StoreRejected) as error:
            raise UserError(f"store: {error}; fix this, then run the rollup again") from None
    return rolled


def period(first: date | None, last: date | None, now: datetime, retention_days: int) -> tuple[date, date]:
    """Return the first and last day to roll up.

    Raises ``UserError`` if some of their windows may already be deleted: the tally of a whole day would be overwritten
    by that of the remaining windows.
    """
    last = last or now.date() - timedelta(days=1)
    kept = first_kept(now, retention_days)
    given = first is not None
    first = first or max(kept, last - timedelta(days=LATE_DAYS - 1))
    if last < first:
        raise UserError(
            f"--to {last}: is before --from {first}" if given else f"--to {last}: is before {kept}"
        )
    if first < kept:
        raise UserError(
            f"--from {first}: windows are kept for {retention_days} days (store.retention_days); begin at {kept}"
        )
    return first, last


def first_kept(now: datetime, retention_days: int) -> date:
    """Return the first day whose windows are all kept.

    This is two days less than the retention: one for today, one because a date in the far east begins before UTC.
    """
    return now.date() - timedelta(days=retention_days - 2)
