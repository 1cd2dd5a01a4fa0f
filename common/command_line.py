"""What the two command lines have in common: how a command is added, how it names its configuration, how it ends.

A command is a module with ``add_parser(commands)``, which sets ``command`` to its ``run(args)``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from common.errors import UserError
from common.masking import masked
from common.mistakes import one_line

Number = TypeVar("Number", int, float)


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    """Add a command that says in one sentence what it does: in the list of all, and in its own help."""
    sentence = f"{text[0].upper()}{text[1:]}".removesuffix(".") + "."
    return commands.add_parser(name, help=sentence, description=sentence)


def add_config(
    parser: argparse.ArgumentParser, *, text: str = "YAML settings", required: bool = True
) -> None:
    """Let a command take its configuration as ``FILE`` or as ``--config FILE``; it is in ``args.config``."""
    parser.set_defaults(config=None)  # before the arguments, whose defaults it would replace
    group = parser.add_mutually_exclusive_group(required=required)
    unset = argparse.SUPPRESS  # or the form that is not used would overwrite the one that is
    group.add_argument("config", type=_path, nargs="?", metavar="FILE", default=unset, help=text)
    group.add_argument("--config", type=Path, metavar="FILE", default=unset, help="the same")


def _path(text: str) -> Path | str:
    """Convert to a path; argparse passes even the mark of an unset default through here."""
    return text if text is argparse.SUPPRESS else Path(text)


def positive(text: str) -> int:
    """Convert the value of an option, for argparse, which reports what is no whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def between(least: Number, most: Number, unit: str) -> Callable[[str], Number]:
    """Return what converts the value of an option, for argparse, to the type of ``least``, and reports what is no such
    number from ``least`` to ``most``."""

    def convert(text: str) -> Number:
        with suppress(ValueError):
            if least <= (number := type(least)(text)) <= most:
                return number
        raise argparse.ArgumentTypeError(f"{text}: give {least:g} to {most:g} {unit}")

    return convert


def add_config_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    *,
    check: Callable[[Path], None],
    show: Callable[[argparse.Namespace], str],
) -> argparse.ArgumentParser:
    """Add ``check-config`` and ``show-config``, and return the parser of the latter for further options.

    ``check`` raises ``UserError`` for a file that is wrong.
    """

    def run_check(args: argparse.Namespace) -> int:
        check(args.config)
        print(f"{args.config}: ok")
        return 0

    def run_show(args: argparse.Namespace) -> int:
        print(show(args), end="")
        return 0

    checking = add_command(commands, "check-config", "say whether a configuration is right")
    add_config(checking)
    checking.set_defaults(command=run_check)
    showing = add_command(commands, "show-config", "print all settings in force, secrets masked")
    add_config(showing)
    showing.set_defaults(command=run_show)
    return showing


def run_command(parser: argparse.ArgumentParser, argv: Sequence[str] | None, *, extra: str) -> int:
    """Parse ``argv``, run the command, and return the exit code: 2 for bad input, with one line on standard error.

    ``extra`` is the part of the installation that the commands need.
    """
    args = parser.parse_args(argv)
    try:
        code = int(args.command(args))
        sys.stdout.flush()  # here, where a reader that has gone is expected
    except UserError as error:
        return complain(parser.prog, error)
    except ModuleNotFoundError as error:  # a machine of the other role has this command too
        missing = UserError(f"{error.name} is not installed; install Footlight with the {extra} extra")
        return complain(parser.prog, missing)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest when it ends
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def complain(program: str, error: UserError) -> int:
    """Print what a person can mend, in one line without secrets; 2 is the exit code of bad input."""
    print(f"{program}: {masked(one_line(str(error)))}", file=sys.stderr)
    return 2
