"""``footlight-cloud rollup --setup``: creates what bridge and rollup write to, with :mod:`cloud.stores.setup`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from cloud.config import InfluxSettings, StoreSettings
from cloud.stores.connect import as_admin, set_up_influx
from cloud.stores.store import StoreUnavailable
from common.errors import UserError


def add_setup(parser: argparse.ArgumentParser) -> None:
    """Let ``rollup`` take ``--setup`` instead of ``--chain``."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--chain", type=Path, metavar="FILE", help="the chain file")
    what.add_argument(
        "--setup",
        action="store_true",
        help="only create the databases or buckets of all levels, with their retention; what is right is left alone",
    )
    parser.add_argument(
        "--admin-token-file",
        type=Path,
        metavar="FILE",
        help="with --setup: a token that may create them, in the first line of a file; default: store.token",
    )


def run_setup(store: StoreSettings, admin_token_file: Path | None, *, as_json: bool) -> int:
    """Create what is missing, print a line for each thing, and return the exit code. Raises ``UserError``."""
    if not isinstance(store, InfluxSettings):
        print("nothing to do: the embedded store creates its file itself")
        return 0
    admin = as_admin(store, admin_token_file)
    steps = []
    try:
        for step in set_up_influx(admin):
            steps.append(asdict(step))
            if not as_json:
                print(step)
    except StoreUnavailable as error:
        raise UserError(
            f"store: {error}; --setup needs a token that may create databases or buckets (--admin-token-file)"
        ) from None
    if as_json:
        print(json.dumps(steps))
    return 0
