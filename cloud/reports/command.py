"""``footlight-cloud report``: a printable report of one week, for a site or the whole chain."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.analysis.command import role_of_chain
from cloud.config import load
from cloud.domain.chain import ROLES, Chain, Role, Site
from cloud.reports.week import IsoWeek, last_week, require_over, week_named
from cloud.stores.check_file import opened_checks
from cloud.stores.connect import add_chain, open_tallies
from common.clock import Clock, SystemClock
from common.command_line import add_command, add_config
from common.errors import UserError

if TYPE_CHECKING:
    from cloud.reports.chain import ChainReport
    from cloud.reports.site import SiteReport
    from cloud.stores.check_file import CheckFile
    from cloud.stores.tallies import Tallies


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud report``."""
    parser = add_command(commands, "report", "write a two-page report of one week, for a site or the chain")
    add_config(parser)
    add_chain(parser)
    parser.add_argument("--site", metavar="S", help="the site (default: a report that compares all sites)")
    parser.add_argument("--week", metavar="W", help="such as 2026-W46 (default: last week)")
    parser.add_argument(
        "--role",
        choices=ROLES,
        help="which cameras (default: the most informative role that the shop has, entrances first)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="a .html file, or .pdf if Chromium is installed (default: WEEK-SITE.html)",
    )
    where.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="write the reports of all sites, and of the chain if it has several, to DIR/WEEK",
    )
    where.add_argument("--json", action="store_true", help="print the figures as JSON and write no report")
    parser.add_argument("--pdf", action="store_true", help="write PDF, whatever the file name")
    parser.set_defaults(command=lambda args: run(args, SystemClock()))


def run(args: argparse.Namespace, clock: Clock) -> int:
    """Run the command and return its exit code. Raises ``UserError``."""
    settings, now = load(args.config), clock.now()
    week = week_named(args.week) if args.week else last_week(now)
    if args.folder and args.site:
        raise UserError(
            "--site: cannot be used with --folder, which writes the reports of all sites; remove one of the two"
        )
    with (
        open_tallies(settings, args.chain, week.last) as (chain, source),
        opened_checks(settings.checks_file()) as checks,
    ):
        site = _site(chain, args.site)
        require_over(week, [site] if site else chain.sites.values(), now)
        _report(args, _Reports(source, chain, week, args.role, checks), site)
    return 0


@dataclass(frozen=True, slots=True)
class _Reports:
    """The reports of one week."""

    source: Tallies
    chain: Chain
    week: IsoWeek
    asked: Role | None
    """The role that was asked for."""
    checks: CheckFile | None

    def figures(self, site: Site | None) -> SiteReport | ChainReport:
        """Compute the report of one site, or of the chain if ``site`` is None."""
        from cloud.reports.chain import chain_report
        from cloud.reports.site import site_report

        if site is None:
            return chain_report(self.source, self.chain, self.week, role_of_chain(self.chain, self.asked))
        if self.asked is not None and self.asked not in site.roles:
            raise UserError(
                f"--role {self.asked}: no camera of {site.name} has this role; use {', '.join(site.roles)}"
            )
        return site_report(self.source, self.chain, site, self.week, self.asked or site.roles[0], self.checks)


def _report(args: argparse.Namespace, reports: _Reports, site: Site | None) -> None:
    # Imported here so that the other commands start without numpy, scipy and matplotlib.
    from cloud.reports import page, printing

    if args.json:
        print(json.dumps(page.as_json(reports.figures(site)), default=str))
        return
    suffix = ".pdf" if args.pdf else ".html"
    if suffix == ".pdf" or (args.out and args.out.suffix == ".pdf"):
        printing.require_browser()

    def write(path: Path, of: Site | None) -> None:
        target = path.with_suffix(".pdf") if args.pdf else path
        printing.write(page.html(reports.figures(of)), target)
        print(target)

    week = reports.week.name
    if args.folder:
        folder = args.folder / week
        if len(reports.chain.sites) > 1:  # a single site has no other to compare with
            write(folder / f"chain{suffix}", None)
        for of in reports.chain.sites.values():
            write(folder / f"site-{of.name}{suffix}", of)
    else:
        write(args.out or Path(f"{week}-{site.name if site else 'chain'}{suffix}"), site)


def _site(chain: Chain, name: str | None) -> Site | None:
    if name is not None and name not in chain.sites:
        raise UserError(
            f"--site {name}: is not a site of the chain; known sites: {', '.join(sorted(chain.sites)[:10])}"
        )
    return chain.sites[name] if name is not None else None
