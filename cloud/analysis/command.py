"""``footlight-cloud compare``: the stores of a chain against each other."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

from cloud.config import load
from cloud.domain.chain import Chain
from cloud.stores.connect import open_tallies
from cloud.stores.store import StoreUnavailable
from common.errors import UserError

_PERIOD = "2026-10-01..2026-10-28"
_METRIC = "visits_per_open_hour"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("compare", help="the stores of a chain against each other")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--chain", type=Path, required=True, metavar="FILE", help="the stores of the chain")
    parser.add_argument(
        "--period", required=True, metavar="FIRST..LAST", help=f"local days, both included: {_PERIOD}"
    )
    parser.add_argument("--by", choices=("site",), default="site", help="what is compared (default: site)")
    parser.add_argument(
        "--metric",
        default=_METRIC,
        metavar="M",
        help="visits_per_open_hour (default), viewers_share, dwell_mean, attraction_ratio, or a share such as "
        "share:gender=female",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """The command. Raises ``UserError``."""
    # Here and not above: the other commands start without numpy, scipy and rich.
    from rich.console import Console

    from cloud.analysis.compare import compare
    from cloud.analysis.metrics import metric_named
    from cloud.analysis.table import show

    metric = metric_named(args.metric)
    first, last = period(args.period)
    settings, chain = load(args.config), Chain.load(args.chain)
    try:
        with open_tallies(settings, chain) as store:
            tallies = store.tallies(list(chain.sites), first, last)
    except StoreUnavailable as error:
        raise UserError(f"store: {error}; mend that and run it again") from None
    comparison = compare(tallies, metric, sites=chain.sites, first=first, last=last)
    console = Console()
    if args.json:
        console.print_json(json.dumps(asdict(comparison), default=str))
    else:
        show(comparison, {name: site.title for name, site in chain.sites.items()}, console)
    return 0


def period(text: str) -> tuple[date, date]:
    """First and last day of ``FIRST..LAST``. Raises ``UserError``."""
    try:
        first, last = (date.fromisoformat(part) for part in text.split(".."))
    except ValueError:
        raise UserError(f"--period {text}: write two days like {_PERIOD}") from None
    if last < first:
        raise UserError(f"--period {text}: ends before it begins")
    return first, last
