"""``footlight-edge badge``: the badge of staff as a page to print."""

from __future__ import annotations

import argparse
from pathlib import Path

from common.command_line import add_command
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``badge``."""
    text = "Write the badge of staff as an SVG page to print. It is the same for everybody."
    parser = add_command(commands, "badge", text)
    parser.add_argument(
        "--output", type=Path, default=Path("badge.svg"), metavar="FILE", help="the page (%(default)s)"
    )
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Write the page; return 0. Raises ``UserError`` for a file that cannot be written."""
    from edge.badge import BADGE_M

    try:
        args.output.write_text(page(), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{args.output}: {error.strerror}; choose another file with --output") from None
    print(
        f"{args.output}: print it at 100 %, on paper or card that does not shine. The black square must be"
        f" {100 * BADGE_M:g} cm wide; cut along the line."
    )
    return 0


_PAGE_MM, _CARD_MM, _RULER_MM = (210, 297), 150, 100
_TOP_MM = 25


def page() -> str:
    """Return an A4 page, as SVG in millimetres."""
    from edge.badge import BADGE_CELLS, BADGE_M

    width, height = _PAGE_MM
    side = 1000 * BADGE_M
    cell = side / len(BADGE_CELLS)
    left, top = (width - side) / 2, _TOP_MM + (_CARD_MM - side) / 2
    white = "".join(
        f"M{left + column * cell:g} {top + row * cell:g}h{cell:g}v{cell:g}h{-cell:g}z"
        for row, cells in enumerate(BADGE_CELLS)
        for column, is_white in enumerate(cells)
        if is_white
    )
    card, below = (width - _CARD_MM) / 2, _TOP_MM + _CARD_MM + 20
    ruler = (width - _RULER_MM) / 2
    words = (
        f"Footlight: badge of staff, the same for everybody. Print at 100 %: the black square is {side:g} mm wide.",
        "Wear it flat on the chest, on a light card, and nothing over it. Cut along the line.",
    )
    text = "".join(
        f'<text x="{width / 2:g}" y="{below + 16 + 7 * line:g}">{one}</text>'
        for line, one in enumerate(words)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm"'
        f' viewBox="0 0 {width} {height}"><title>Badge of staff</title>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<rect x="{card:g}" y="{_TOP_MM}" width="{_CARD_MM}" height="{_CARD_MM}" fill="none" stroke="#999"'
        ' stroke-width=".2" stroke-dasharray="2"/>'
        f'<path d="M{left:g} {top:g}h{side:g}v{side:g}h{-side:g}z"/>'
        f'<path fill="#fff" shape-rendering="crispEdges" d="{white}"/>'
        f'<path d="M{ruler:g} {below - 2:g}v4m0-2h{_RULER_MM}m0-2v4" fill="none" stroke="#000" stroke-width=".3"/>'
        f'<g font-family="sans-serif" font-size="4" text-anchor="middle">'
        f'<text x="{width / 2:g}" y="{below - 3:g}">this line is {_RULER_MM} mm long</text>{text}</g></svg>\n'
    )
