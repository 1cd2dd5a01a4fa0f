"""``footlight-cloud export``: figures of a site as a file."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from cloud.api.endpoints import Chart, Format, OfWeek, Period, Table
from cloud.config import load
from cloud.domain.chain import ROLES, Chain
from cloud.exports.files import csv_lines, parquet
from cloud.exports.tables import table_of
from cloud.stores.check_file import opened_checks
from cloud.stores.connect import add_chain, open_tallies
from cloud.stores.tallies import Tallies
from common.clock import Clock, SystemClock
from common.command_line import add_command
from common.errors import UserError
from common.mistakes import explain


@dataclass(frozen=True, slots=True)
class _Opened:
    """The chain and the tallies of an open store, as :mod:`cloud.api.ask` reads them."""

    chain: Chain
    tallies: Tallies

    def until(self, last: date) -> tuple[Chain, Tallies]:
        return self.chain, self.tallies


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``export``."""
    parser = add_command(commands, "export", "write days, hours, places, clips or a chart to a file")
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    for table in get_args(Table):
        one = add_command(kinds, table, f"a table of {table}")
        _add_site(one)
        one.add_argument("--from", dest="first", metavar="DAY", help="default: four weeks before --to")
        one.add_argument("--to", dest="last", metavar="DAY", help="included; default: yesterday")
        one.add_argument("--format", choices=get_args(Format), help="default: that of --out, or csv")
        one.set_defaults(command=lambda args: run_table(args, SystemClock()), table=table)
    chart = add_command(kinds, "chart", "a chart of a week as PNG")
    chart.add_argument("chart", choices=get_args(Chart), help="which chart")
    _add_site(chart)
    chart.add_argument("--week", metavar="W", help="such as 2026-W46; default: last week")
    chart.set_defaults(command=lambda args: run_chart(args, SystemClock()))


def _add_site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML settings")
    add_chain(parser)
    parser.add_argument("--site", metavar="S", help="the site (may be left out if there is one)")
    parser.add_argument("--role", choices=ROLES, help="which cameras; default: the most informative role")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")


def run_table(args: argparse.Namespace, clock: Clock) -> int:
    """Write a table. Raises ``UserError``."""
    period = _question(Period, {"first": args.first, "last": args.last, "role": args.role})
    suffix = args.out.suffix if args.out else ""
    as_parquet = (args.format or suffix.removeprefix(".")) == "parquet"
    now = clock.now()
    last = period.last or now.date()
    settings = load(args.config)
    with (
        open_tallies(settings, args.chain, last) as (chain, source),
        opened_checks(settings.checks_file()) as checks,
    ):
        site, shops = _site(chain, args.site), _Opened(chain, source)
        table = table_of(args.table, shops, site, period, now, bounded=False, checks=checks)
    _write(parquet(table) if as_parquet else "".join(csv_lines(table)).encode(), args.out)
    return 0


def run_chart(args: argparse.Namespace, clock: Clock) -> int:
    """Write a chart. Raises ``UserError``."""
    from cloud.exports.charts import chart_png  # imported here: it needs matplotlib
    from cloud.exports.weeks import report_of

    asked = _question(OfWeek, {"week": args.week, "role": args.role})
    now = clock.now()
    with open_tallies(load(args.config), args.chain, now.date()) as (chain, source):
        site = _site(chain, args.site)
        report = report_of(_Opened(chain, source), site, asked.week, asked.role, now)
    _write(chart_png(args.chart, report), args.out)
    return 0


def _question(model: type[Any], given: dict[str, str | None]) -> Any:
    """Check options as the API checks its parameters. Raises ``UserError``."""
    values = {name: value for name, value in given.items() if value is not None}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        said = explain(error.errors(), model, values)
        raise UserError(said.replace("first:", "--from:").replace("last:", "--to:")) from None


def _site(chain: Chain, name: str | None) -> str:
    if name is None and len(chain.sites) > 1:
        raise UserError(f"--site: is needed; the sites are {', '.join(sorted(chain.sites)[:10])}")
    return name if name is not None else next(iter(chain.sites))


def _write(content: bytes, path: Path | None) -> None:
    if path is None:
        sys.stdout.buffer.write(content)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise UserError(f"--out {path}: {error.strerror or error}") from None
