"""``footlight-cloud sign``: the sign at the door of a shop, its impact assessment, and the record for its devices."""

from __future__ import annotations

import argparse
from functools import reduce
from operator import or_
from pathlib import Path

from cloud.config import Settings, load
from cloud.domain.chain import Controller, shop_zone
from cloud.stores.connect import add_chain, open_reader, read_chain
from cloud.stores.store import StoreUnavailable
from common.clock import Clock, SystemClock
from common.command_line import add_command, add_config
from common.config_file import load_yaml_model, masked_yaml
from common.errors import UserError
from common.sign import Statement, Told


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud sign``."""
    text = "Write the sign at the door of a shop, its impact assessment, and the record for its devices."
    parser = add_command(commands, "sign", text)
    add_config(parser)
    add_chain(parser)
    parser.add_argument("--site", required=True, metavar="S", help="the shop")
    parser.add_argument("--language", default="en", metavar="CODE", help="de, en, es or fr (default: en)")
    parser.add_argument(
        "--device",
        type=Path,
        action="append",
        metavar="FILE",
        help="what footlight-edge sign printed on a device, once for each device of the shop (default: what they"
        " sent in the last week)",
    )
    text = "name and address of the company (default: that of the chain file, or a line to fill in)"
    parser.add_argument("--controller", metavar="TEXT", help=text)
    parser.add_argument("--contact", metavar="TEXT", help="where people can ask (with --controller)")
    parser.add_argument("--folder", type=Path, default=Path(), metavar="DIR", help="where to write")
    parser.add_argument("--pdf", action="store_true", help="write PDF, if Chromium is installed")
    parser.set_defaults(command=lambda args: run(args, SystemClock()))


def run(args: argparse.Namespace, clock: Clock) -> int:
    """Write the documents and the record, and print their names. Raises ``UserError``."""
    # Imported here so that the other commands start without the page and matplotlib.
    from cloud.reports.printing import require_browser, write
    from cloud.web.languages import TITLES, language
    from cloud.web.sign import DOCUMENTS, NothingTold, facts, written
    from cloud.web.site_pages import page_templates

    if args.language not in TITLES:
        raise UserError(f"--language {args.language}: use {', '.join(sorted(TITLES))}")
    if args.pdf:
        require_browser()
    settings = load(args.config)
    chain, site = read_chain(settings, args.chain), args.site
    if chain is not None and site not in chain.sites:
        known = ", ".join(sorted(chain.sites)[:10])
        raise UserError(f"--site {site}: is not a site of the chain; known sites: {known}")
    listed = chain.sites[site] if chain else None
    zone = listed.zone if listed else shop_zone(settings.serve.page.timezone)
    try:
        told = _of_devices(site, args.device) if args.device else _of_store(settings, site, clock)
        about = facts(
            chain,
            site,
            told,
            settings.store.kept_days,
            _controller(args),
            clock.now().astimezone(zone).date(),
        )
    except NothingTold as error:
        raise UserError(
            f"--site {site}: {error} Use --device with what footlight-edge sign prints on each device"
        ) from None
    environment = page_templates().env
    for document in DOCUMENTS:
        path = args.folder / f"{document}-{site}{'.pdf' if args.pdf else '.html'}"
        write(written(environment, document, about, language(args.language)), path, option="--folder")
        print(path)
    record = args.folder / f"sign-{site}.yaml"
    write(masked_yaml(about.statement), record, option="--folder")
    print(record)
    return 0


def _controller(args: argparse.Namespace) -> Controller | None:
    if (args.controller is None) != (args.contact is None):
        raise UserError("--controller and --contact: give both, or neither")
    if args.controller is None:
        return None
    try:
        return Controller(name=args.controller, contact=args.contact)
    except ValueError:
        raise UserError("--controller and --contact: give 1 to 200 characters for each") from None


def _of_devices(site: str, files: list[Path]) -> Told:
    """Return what the devices of a site are set to tell, all together."""
    statements = {file: load_yaml_model(file, Statement) for file in files}
    for file, statement in statements.items():
        if statement.site != site:
            raise UserError(
                f"{file}: site: is {statement.site}, not {site}; use the statement of its devices"
            )
        if statement.measures is None:
            raise UserError(f"{file}: measures: is missing; print the file with footlight-edge sign")
    return reduce(or_, (statement.told for statement in statements.values()))


def _of_store(settings: Settings, site: str, clock: Clock) -> Told:
    from cloud.web.sign import told_lately

    try:
        with open_reader(settings, clock) as reader:
            return told_lately(reader, reader, site, clock.now())
    except StoreUnavailable as error:
        raise UserError(f"store: {error}; fix this, then run the command again") from None
