"""The command ``footlight-cloud provision``; :mod:`cloud.grafana.provision` does the work."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from cloud.config import InfluxSettings, load
from cloud.domain.chain import Chain
from cloud.domain.levels import LEVELS, bucket_of
from common.command_line import add_command, add_config
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud provision``."""
    parser = add_command(commands, "provision", "create folders, teams, dashboards and alerts in Grafana")
    add_config(parser)
    parser.add_argument("--chain", type=Path, required=True, metavar="FILE", help="the chain file")
    parser.add_argument("--dry-run", action="store_true", help="only list what would be changed")
    parser.add_argument("--json", action="store_true", help="print the changes as JSON")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit code. Raises ``UserError``."""
    from cloud.grafana.contacts import Contact
    from cloud.grafana.provision import (
        Source,
        load_bundle,
        provision,
    )  # here: other commands need no HTTP client

    settings = load(args.config)
    grafana, store = settings.grafana, settings.store
    if grafana is None:
        raise UserError(f"{args.config}: grafana: is required for 'provision'; see cloud/example.yaml")
    if not isinstance(store, InfluxSettings):
        raise UserError(
            "store.kind: Grafana needs InfluxDB ('influx'); an embedded store has the built-in page instead"
        )
    token = grafana.influx_token.get_secret_value()
    sources = [
        Source(
            uid="footlight" if level == "raw" else f"footlight-{level}",
            url=grafana.influx_url,
            database=bucket_of(store.bucket, level).partition("/")[0],
            token=token,
        )
        for level in LEVELS
    ]
    changes = provision(
        grafana.url,
        grafana.token.get_secret_value(),
        chain=Chain.load(args.chain),
        bundle=load_bundle(),
        sources=sources,
        contacts={
            audience: Contact(contact.email, contact.webhook)
            for audience, contact in grafana.contacts.items()
        },
        dry_run=args.dry_run,
    )
    if args.json:
        print(json.dumps([asdict(change) for change in changes]))
    else:
        for change in changes:
            print(f"{change.verb} {change.kind}: {change.name}")
        print(f"{len(changes)} changes {'to make' if args.dry_run else 'made'}")
    return 0
