"""``footlight-cloud compare``: compares the sites of a chain with each other."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import date

from cloud.config import load
from cloud.domain.chain import ROLES, Chain, Role
from cloud.stores.check_file import opened_checks
from cloud.stores.connect import add_chain, open_tallies
from cloud.stores.tallies import every_day
from common.command_line import add_command, add_config
from common.errors import UserError

_PERIOD = "2026-10-01..2026-10-28"
_METRIC = "visits_per_open_hour"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud compare``."""
    parser = add_command(commands, "compare", "compare the sites of a chain with each other")
    add_config(parser)
    add_chain(parser)
    parser.add_argument(
        "--period", required=True, metavar="FIRST..LAST", help=f"local days, both included, such as {_PERIOD}"
    )
    parser.add_argument(
        "--metric",
        default=_METRIC,
        metavar="M",
        help="visits_per_open_hour (default), viewers_share, dwell_mean, attraction_ratio,"
        " entries_per_open_hour, capture_rate, conversion_rate, sales_per_entry, items_per_sale,"
        " staff_hours_per_entry, one of the chain file, or a share such as share:gender=female",
    )
    parser.add_argument(
        "--role",
        choices=ROLES,
        help="which cameras: entrance, area, display, or unassigned (not in the chain file) "
        "(default: the first of these that the chain has)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit code. Raises ``UserError``."""
    # Imported here so that the other commands start without numpy, scipy and rich.
    from rich.console import Console

    from cloud.analysis.compare import compare
    from cloud.analysis.corrected import corrected_rates
    from cloud.analysis.metrics import metric_named
    from cloud.analysis.table import show

    first, last = period(args.period)
    settings = load(args.config)
    with (
        open_tallies(settings, args.chain, last) as (chain, store),
        opened_checks(settings.checks_file()) as checks,
    ):
        metric = metric_named(args.metric, formulas=chain.formulas)
        role = role_of_chain(chain, args.role)
        sites = chain.with_role(role)
        tallies = every_day(store, sites.values(), first, last, role)
        comparison = compare(tallies, metric, sites=sites, role=role, first=first, last=last)
        formula = next((one for one in chain.formulas if one.name == args.metric), None)
        right = corrected_rates(comparison, tallies, sites, checks, formula)
    console = Console()
    if args.json:
        told = {**asdict(comparison), "corrected": {site: asdict(one) for site, one in right.items()}}
        console.print_json(json.dumps(told, default=str))
    else:
        titles = {name: site.title for name, site in chain.sites.items()}
        without = [titles[name] for name in chain.sites if name not in sites]
        show(comparison, titles, console, corrected=right, without=without)
    return 0


def role_of_chain(chain: Chain, asked: Role | None) -> Role:
    """Return the requested role, or else the most informative one of the chain. Raises ``UserError``."""
    if asked is not None and asked not in chain.roles:
        raise UserError(f"--role {asked}: no camera of the chain has this role; use {', '.join(chain.roles)}")
    return asked or chain.roles[0]


def period(text: str) -> tuple[date, date]:
    """Parse ``FIRST..LAST`` to its first and last day. Raises ``UserError``."""
    try:
        first, last = (date.fromisoformat(part) for part in text.split(".."))
    except ValueError:
        raise UserError(f"--period {text}: write two days like {_PERIOD}") from None
    if last < first:
        raise UserError(f"--period {text}: ends before it begins")
    return first, last
