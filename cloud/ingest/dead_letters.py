"""``footlight-cloud dead-letters``: lists messages that could not be stored, with the reason."""

from __future__ import annotations

import argparse
import json

from cloud.config import load
from cloud.stores.connect import open_store
from cloud.stores.store import StoreUnavailable
from common.clock import SystemClock
from common.command_line import add_command, add_config
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``dead-letters``."""
    parser = add_command(commands, "dead-letters", "list messages that could not be stored")
    add_config(parser)
    parser.add_argument("--last", type=int, default=20, metavar="N", help="how many (default: %(default)d)")
    parser.add_argument("--json", action="store_true", help="print them as JSON, with their content")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Run the command: return 0 without dead letters, 1 with some. Raises ``UserError`` if the store is unavailable."""
    store = open_store(load(args.config), SystemClock())
    try:
        letters = store.dead_letters(max(1, args.last))
    except StoreUnavailable as error:
        raise UserError(str(error)) from None
    finally:
        store.close()
    if args.json:
        rows = [
            {
                "at": letter.at.isoformat(),
                "site": letter.site,
                "device": letter.device,
                "topic": letter.topic,
                "reason": letter.reason,
                "payload": letter.payload.decode(errors="replace"),
            }
            for letter in letters
        ]
        print(json.dumps(rows, indent=2))
    else:
        for letter in letters:
            print(f"{letter.at:%Y-%m-%d %H:%M:%S} UTC  {letter.site}/{letter.device}  {letter.reason}")
        if not letters:
            print("no dead letters")
    return 1 if letters else 0
