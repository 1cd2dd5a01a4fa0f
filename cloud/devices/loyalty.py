"""``footlight-cloud loyalty``: the key of the codes that members show, and the codes themselves."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

from common.command_line import add_command, positive
from common.errors import UserError
from common.loyalty import LAST_DAY, new_code, new_key, parse_key
from common.settings import first_line

MOST_CODES = 100_000
_SQUARE_PX = 20


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``loyalty``."""
    parser = add_command(commands, "loyalty", "make the key and the codes of members: docs/loyalty.md")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    key = add_command(actions, "key", "Write a new key into a file that only you can read.")
    key.add_argument("--output", type=Path, default=Path("loyalty.key"), metavar="FILE", help="(%(default)s)")
    key.set_defaults(command=_make_key)
    codes = add_command(
        actions, "codes", "Write codes as pictures, each valid up to a day. They are random and name nobody."
    )
    codes.add_argument("--key", type=Path, required=True, metavar="FILE", help="the file of the key")
    codes.add_argument("--count", type=positive, default=1, metavar="N", help="how many (%(default)s)")
    codes.add_argument(
        "--until", type=_day, required=True, metavar="DATE", help="their last day, as 2027-06-30"
    )
    codes.add_argument("--output", type=Path, default=Path("codes"), metavar="DIR", help="(%(default)s)")
    codes.add_argument("--format", choices=("svg", "png"), default="svg", help="(%(default)s)")
    codes.set_defaults(command=_make_codes)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it like 2027-06-30") from None


def _make_key(args: argparse.Namespace) -> int:
    """Write a key; return 0. Raises ``UserError``, also for a file that exists."""
    try:
        handle = os.open(args.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UserError(
            f"--output: {args.output} exists; without its key, all codes made with it end. Choose another file"
        ) from None
    except OSError as error:
        raise UserError(f"--output: {args.output} cannot be written ({error.strerror})") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{new_key()}\n")
    sys.stdout.write(
        f"{args.output}: give it to each device that may see members (loyalty.key_file), and keep it secret\n"
    )
    return 0


def _make_codes(args: argparse.Namespace) -> int:
    """Write codes; return 0. Raises ``UserError``."""
    import segno

    if not date.today() <= args.until <= LAST_DAY:  # noqa: DTZ011 - the calendar on the wall
        raise UserError(f"--until: {args.until} must be a day from today up to {LAST_DAY}")
    if args.count > MOST_CODES:
        raise UserError(f"--count: {args.count} is too many; make at most {MOST_CODES} at a time")
    key = parse_key(first_line(args.key, "--key"), f"--key: {args.key}")
    try:
        args.output.mkdir(parents=True, exist_ok=True)
        for number in range(1, args.count + 1):
            path = args.output / f"{number:06}.{args.format}"
            # The smallest code with the least correction: larger squares are read from farther away.
            code = segno.make_qr(new_code(key, args.until), version=1, error="l", boost_error=False)
            code.save(str(path), scale=_SQUARE_PX, border=4)
    except OSError as error:
        raise UserError(f"--output: {args.output} cannot be written ({error.strerror})") from None
    sys.stdout.write(f"{args.output}: {args.count} codes, valid up to {args.until}\n")
    return 0
