"""``footlight-edge inspect``: describe every face of one picture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common.command_line import add_command


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``inspect``."""
    text = "Describe every face of one picture."
    parser = add_command(commands, "inspect", text)
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML settings")
    parser.add_argument("image", type=Path, metavar="IMAGE")
    parser.add_argument("--annotate", type=Path, metavar="OUT.png", help="draw the findings into a picture")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print the models' results for each face. Raises ``UserError``."""
    from edge.commands import tables
    from edge.commands.inspect.describe import draw, inspect_picture, save_picture
    from edge.config import Settings, load
    from edge.service.build import load_models

    settings = load(args.config) if args.config else Settings()
    image, faces = inspect_picture(args.image, settings, load_models(settings))
    if args.annotate:
        save_picture(args.annotate, draw(image, faces))
    if args.format == "json":
        print(json.dumps({"source": str(args.image), "faces": faces}))
    else:
        tables.show(tables.inspect_table(faces))
    return 0
