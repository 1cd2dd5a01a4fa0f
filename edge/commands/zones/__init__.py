"""``footlight-edge zones draw``: the places of the settings as a drawing of characters, without any picture."""

from __future__ import annotations

import argparse
import json
import sys

from common.command_line import add_command, add_config, between


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``zones``."""
    parser = add_command(commands, "zones", "draw zones, doors and targets in the terminal")
    what = parser.add_subparsers(required=True, metavar="WHAT")
    text = "Draw zones, doors and targets on a grid of the view, with their scale. No camera is opened."
    drawing = add_command(what, "draw", text)
    add_config(drawing)
    drawing.add_argument(
        "--columns",
        type=between(20, 400, "columns"),
        metavar="N",
        help="width of the grid in characters (as wide as the terminal)",
    )
    drawing.add_argument(
        "--json", action="store_true", help="print the grid and every point as JSON, and nothing else"
    )
    drawing.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Draw the places; return 0. Raises ``UserError``."""
    from rich.console import Console
    from rich.text import Text

    from edge.commands.zones.drawing import Drawing
    from edge.commands.zones.sheet import MARGIN, figures, sheet
    from edge.config import load

    settings, console = load(args.config), Console()
    drawing = Drawing(settings, args.columns or max(20, min(120, console.width - MARGIN)))
    if args.json:
        sys.stdout.write(json.dumps(figures(drawing)) + "\n")
    else:
        for part in sheet(drawing):
            console.print(part, highlight=False, soft_wrap=isinstance(part, Text))
    return 0
