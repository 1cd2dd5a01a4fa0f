"""The drawing as a page of a terminal, and as figures for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edge.commands.zones.drawing import SEVERAL, Drawing, Kind
from edge.place_settings import TargetSettings, ZoneSettings
from edge.places.geometry import Point, area

MARGIN = 6
"""Characters to the left of the grid, for its scale, and to the right."""

STYLES: Mapping[Kind, str] = {
    "empty": "", "tenth": "dim", "metre": "cyan", "zone": "green", "excluded": "red", "several": "bold green",
    "door": "bold yellow", "inside": "bold yellow", "target": "bold magenta",
}  # fmt: skip


def sheet(drawing: Drawing) -> Iterator[RenderableType]:
    """Yield the parts of the page: the grid, the places, and where each metre is."""
    yield _grid(drawing)
    if not drawing.settings.has_places:
        yield Text("Nothing is drawn yet. Points are x, y from the top left; every dot is a tenth.")
        return
    yield _places(drawing)
    if any(cell.kind == "several" for row in drawing.cells for cell in row):
        yield Text(f"{SEVERAL}: more than one zone")
    if drawing.plan is not None:
        yield Text("\nWhere + is: whole metres of the plan, and their points of the picture", "dim")
        yield _metres(drawing)


def figures(drawing: Drawing) -> dict[str, Any]:
    """Return everything that the page shows, with every point in shares of the picture and in metres."""
    across, along = drawing.lines_of_metres()
    return {
        "aspect": drawing.aspect,
        "grid": ["".join(cell.mark for cell in row) for row in drawing.cells],
        "zones": [
            {
                "mark": mark,
                "name": zone.name,
                "what": _what(zone),
                "polygon": zone.polygon,
                "metres": _on_floor(drawing, zone.polygon, on_floor=_is_on_floor(zone)),
                "square_metres": _area(drawing, zone),
            }
            for mark, zone in drawing.zones
        ],
        "doors": [
            {
                "mark": mark,
                "name": door.name,
                "line": door.line,
                "inside": door.inside,
                "inwards": drawing.inwards(door),
                "metres": _on_floor(drawing, door.line),
                "wide_m": _wide(drawing, door.line),
            }
            for mark, door in drawing.doors
        ],
        "targets": [
            {"mark": mark, **target.model_dump(mode="json"), "picture": _seen(drawing, target)}
            for mark, target in drawing.targets
        ],
        "metres": [
            {"metres": (x, y), "picture": seen}
            for y in along
            for x in across
            if (seen := drawing.share((x, y))) is not None
        ],
    }


def _grid(drawing: Drawing) -> Text:
    text, columns = Text(), drawing.columns
    ruler = [" "] * (columns + 3)
    for tenth in range(11):
        at = min(columns - 1, tenth * columns // 10)
        ruler[at : at + 3] = f"{tenth / 10:.1f}"
    text.append(" " * (MARGIN - 2) + "".join(ruler).rstrip() + "\n", "dim")
    tenths = {min(drawing.rows - 1, tenth * drawing.rows // 10): tenth for tenth in range(11)}
    for number, row in enumerate(drawing.cells):
        label = f"{tenths[number] / 10:.1f} " if number in tenths else "    "
        text.append(label, "dim")
        for cell in row:
            text.append(cell.mark, STYLES[cell.kind])
        text.append("\n")
    return text


def _places(drawing: Drawing) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    headings = ("", "place", "what", "points of the picture (x, y)", *(["metres"] if drawing.plan else []))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for mark, zone in drawing.zones:
        large = _area(drawing, zone)
        size = "" if large is None else f"{_points(_on_floor(drawing, zone.polygon))}, {large:.1f} m²"
        style = STYLES["excluded" if zone.exclude else "zone"]
        table.add_row(mark, zone.name, _what(zone), _points(zone.polygon), size, style=style)
    for mark, door in drawing.doors:
        wide = _wide(drawing, door.line)
        size = "" if wide is None else f"{_points(_on_floor(drawing, door.line))}, {wide:.1f} m wide"
        what = f"door, inside is {drawing.inwards(door)}"
        table.add_row(mark, door.name, what, _points(door.line), size, style=STYLES["door"])
    for mark, target in drawing.targets:
        seen = _seen(drawing, target)
        place = "" if target.at is None else " ".join(f"{metre:g}" for metre in target.at)
        picture = "" if seen is None else _points([seen])
        table.add_row(mark, target.name, _aim(target), picture, place, style=STYLES["target"])
    return table


def _metres(drawing: Drawing) -> Table:
    """Return where whole metres of the plan are in the picture."""
    across, along = drawing.lines_of_metres()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("y", *(f"x {x:g} m" for x in across)):
        table.add_column(heading)
    for y in along:
        seen = [drawing.share((x, y)) for x in across]
        table.add_row(f"{y:g} m", *("" if point is None else _points([point]) for point in seen))
    return table


def _what(zone: ZoneSettings) -> str:
    if zone.exclude:
        return "excluded: nobody whose head is here is counted"
    if zone.front is not None:
        return f"queue before {zone.front}"
    return "zone on the shelf, of heads" if zone.where == "shelf" else f"zone, a stop is {zone.stop_s:g} s"


def _aim(target: TargetSettings) -> str:
    of = "" if target.zone is None else f" of {target.zone}"
    if target.direction is None:
        return f"target{of}, {target.half_angle:g}° around its place"
    yaw, pitch = target.direction
    side = "right" if yaw >= 0 else "left"
    return f"target{of}, {abs(yaw):g}° to the {side} and {abs(pitch):g}° {'up' if pitch >= 0 else 'down'}"


def _is_on_floor(zone: ZoneSettings) -> bool:
    return zone.where == "floor" and not zone.exclude


def _on_floor(drawing: Drawing, points: Sequence[Point], *, on_floor: bool = True) -> list[Point] | None:
    """Return the points in metres; None if one of them is not on the floor."""
    found = [drawing.metres(point) for point in points] if on_floor else []
    known = [point for point in found if point is not None]
    return known if known and len(known) == len(points) else None


def _area(drawing: Drawing, zone: ZoneSettings) -> float | None:
    corners = _on_floor(drawing, zone.polygon, on_floor=_is_on_floor(zone))
    return None if corners is None else area(corners)


def _wide(drawing: Drawing, line: Sequence[Point]) -> float | None:
    ends = _on_floor(drawing, line)
    return None if ends is None else math.dist(*ends)


def _seen(drawing: Drawing, target: TargetSettings) -> Point | None:
    return None if target.at is None else drawing.share((target.at[0], target.at[1]))


def _points(points: Sequence[Point] | None) -> str:
    return "  ".join(f"{x:.2f} {y:.2f}" for x, y in points or ())
