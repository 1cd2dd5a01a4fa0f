"""``footlight-edge zones draw``: the places of a configuration as a grid of characters, to check them in a terminal."""

from __future__ import annotations

import argparse
import string
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from common.command_line import add_config

if TYPE_CHECKING:
    from edge.place_settings import PlaceSettings

COLUMNS, ROWS = 64, 18
"""A character is about twice as high as wide, so this is the shape of an HD picture."""
_SIGNS = string.ascii_lowercase + string.ascii_uppercase
OVERLAP, DOOR, INSIDE, CORNER, NOTHING = "+", "#", ">", "*", "."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``zones draw``."""
    zones = commands.add_parser("zones", help="show where the places of a configuration are")
    actions = zones.add_subparsers(dest="action", required=True, metavar="ACTION")
    draw = actions.add_parser("draw", help="print zones, doors and the floor plan as a grid")
    add_config(draw)
    draw.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="include the settings that the server asked for, stored by the service in this folder",
    )
    draw.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print the grid and its legend. Raises ``UserError``."""
    from edge.config import load

    settings = load(args.config)
    if args.state is not None:
        from edge.service.remote_config import as_kept

        settings, _ = as_kept(settings, args.state)
    print("\n".join(drawn(settings)))
    return 0


def drawn(settings: PlaceSettings) -> Iterator[str]:
    """Return the lines of the grid, and one line for each place."""
    grid = [[NOTHING] * COLUMNS for _ in range(ROWS)]
    legend = [*_zones(grid, settings), *_plan(grid, settings), *_doors(grid, settings)]
    for target in settings.targets:
        where = f"at {list(target.at)} m" if target.at else f"yaw {target.yaw:g}, pitch {target.pitch:g}"
        legend.append(f"  target {target.name} ({where})")
    if any(OVERLAP in row for row in grid):
        legend.append(f"{OVERLAP} several zones")
    yield f"0 %{'100 %':>{COLUMNS - 3}}"
    yield from ("".join(row) for row in grid)
    yield from legend or ["No places are set."]


def _zones(grid: list[list[str]], settings: PlaceSettings) -> Iterator[str]:
    from edge.places.geometry import Polygon

    for sign, zone in zip(_SIGNS, settings.zones, strict=False):
        polygon = Polygon(list(zone.polygon))
        for row, column in product(range(ROWS), range(COLUMNS)):
            if polygon.depth((column + 0.5) / COLUMNS, (row + 0.5) / ROWS, room=0.0) >= 0:
                grid[row][column] = sign if grid[row][column] == NOTHING else OVERLAP
        what = "nobody is counted" if zone.exclude else "queue" if zone.queue else zone.where
        yield f"{sign} zone {zone.name} ({what})"


def _plan(grid: list[list[str]], settings: PlaceSettings) -> Iterator[str]:
    if settings.plan is not None:
        for corner in settings.plan.points:
            _put(grid, corner, CORNER)
        yield f"{CORNER} points of the floor plan"


def _doors(grid: list[list[str]], settings: PlaceSettings) -> Iterator[str]:
    for door in settings.doors:
        (x1, y1), (x2, y2) = door.line
        for step in range(COLUMNS + 1):
            share = step / COLUMNS
            _put(grid, (x1 + share * (x2 - x1), y1 + share * (y2 - y1)), DOOR)
        _put(grid, door.inside, INSIDE)
        yield f"{DOOR} door {door.name}, inside at {INSIDE}"


def _put(grid: list[list[str]], point: tuple[float, float], sign: str) -> None:
    x, y = point
    grid[min(ROWS - 1, int(y * ROWS))][min(COLUMNS - 1, int(x * COLUMNS))] = sign
