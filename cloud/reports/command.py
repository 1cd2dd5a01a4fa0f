"""``footlight-cloud report``: a week of a store, or of the chain, for the wall."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.config import load
from cloud.domain.chain import Chain, Site
from cloud.reports.week import IsoWeek, last_week, require_over, week_named
from cloud.stores.connect import open_tallies
from cloud.stores.store import StoreUnavailable
from common.clock import Clock, SystemClock
from common.errors import UserError

if TYPE_CHECKING:
    from cloud.stores.tallies import Tallies


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``footlight-cloud report``."""
    parser = commands.add_parser("report", help="a week of a store, or of the chain, on two pages")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--chain", type=Path, required=True, metavar="FILE", help="the stores of the chain")
    parser.add_argument("--site", metavar="S", help="the store (default: all of them side by side)")
    parser.add_argument("--week", metavar="W", help="such as 2026-W46 (default: the last one)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=".html, or .pdf where Chromium is installed (default: WEEK-SITE.html)",
    )
    where.add_argument(
        "--folder", type=Path, metavar="DIR", help="write the chain's report and each store's to DIR/WEEK"
    )
    where.add_argument("--json", action="store_true", help="print the figures as JSON and write no report")
    parser.add_argument("--pdf", action="store_true", help="PDF, whatever the name says")
    parser.set_defaults(command=lambda args: run(args, SystemClock()))


def run(args: argparse.Namespace, clock: Clock) -> int:
    """The command. Raises ``UserError``."""
    settings, chain = load(args.config), Chain.load(args.chain)
    site = _site(chain, args.site, args.chain)
    now = clock.now()
    week = week_named(args.week) if args.week else last_week(now)
    if args.folder and site:
        raise UserError("--site: --folder writes the reports of all stores; give one of them")
    require_over(week, [site] if site else chain.sites.values(), now)
    try:
        with open_tallies(settings, chain) as source:
            _report(args, source, chain, site, week)
    except StoreUnavailable as error:
        raise UserError(f"store: {error}; mend that and run it again") from None
    return 0


def _report(
    args: argparse.Namespace, source: Tallies, chain: Chain, site: Site | None, week: IsoWeek
) -> None:
    # Here and not above: the other commands start without numpy, scipy and matplotlib.
    from cloud.reports import page
    from cloud.reports.chain import chain_report
    from cloud.reports.store import store_report

    if args.json:
        found = store_report(source, chain, site, week) if site else chain_report(source, chain, week)
        print(json.dumps(page.as_json(found), default=str))
        return
    suffix = ".pdf" if args.pdf else ".html"
    if suffix == ".pdf" or (args.out and args.out.suffix == ".pdf"):
        page.require_browser()

    def write(path: Path, of: Site | None) -> None:
        html = (
            page.store_page(store_report(source, chain, of, week))
            if of
            else page.chain_page(chain_report(source, chain, week))
        )
        target = path.with_suffix(".pdf") if args.pdf else path
        page.write(html, target)
        print(target)

    if args.folder:
        folder = args.folder / week.name
        write(folder / f"chain{suffix}", None)
        for of in chain.sites.values():
            write(folder / f"site-{of.name}{suffix}", of)
    else:
        write(args.out or Path(f"{week.name}-{site.name if site else 'chain'}{suffix}"), site)


def _site(chain: Chain, name: str | None, path: Path) -> Site | None:
    if name is not None and name not in chain.sites:
        raise UserError(f"--site {name}: is not in {path}; it has {', '.join(sorted(chain.sites)[:10])}")
    return chain.sites[name] if name is not None else None
