"""``footlight-edge replay``: play files through the whole pipeline and print what was counted."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common.clock import SystemClock
from common.command_line import add_command, complain
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``replay``."""
    text = "Play files through the whole pipeline and print what was counted."
    parser = add_command(commands, "replay", text)
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML settings")
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="video, picture or folder of pictures")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Play each source; return 0 if all could be played, or 2 with one line for each that could not."""
    from edge.commands import tables
    from edge.commands.replay.play import replay_source
    from edge.config import Settings, load
    from edge.service.build import load_models

    settings = load(args.config) if args.config else Settings()
    results, code = [], 0
    for source in args.sources:
        # New models for each source, so that one file cannot influence the next.
        models = load_models(settings)
        try:
            with tables.progress(source) as progress:
                result = replay_source(source, settings, models, SystemClock(), progress=progress)
        except UserError as error:  # continue with the other sources
            code = complain("footlight-edge", error)
            continue
        if args.format == "json":
            print(json.dumps(result), flush=True)
        results.append(result)
    if args.format == "table" and results:
        tables.show(tables.replay_table(results))
    return code
