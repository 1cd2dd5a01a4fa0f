"""``footlight-edge zones draw``: an installer without a screen sees where each place lies."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge.__main__ import main
from edge.commands.zones.drawing import ARROWS, Drawing
from edge.config import Settings
from edge.places.geometry import Polygon

PLAN = {"points": [[0.2, 0.5], [0.8, 0.5], [1, 1], [0, 1]], "metres": [[0, 5], [4, 5], [4, 0], [0, 0]]}
SHELF = {"name": "shelf", "polygon": [[0.1, 0.5], [0.4, 0.5], [0.4, 1], [0.1, 1]]}
TILL = {"name": "till", "polygon": [[0.3, 0.8], [0.6, 0.8], [0.6, 1], [0.3, 1]], "exclude": True}
STREET = {"name": "street", "line": [[0.5, 0.2], [0.9, 0.2]], "inside": [0.7, 0.9]}
TARGETS = [{"name": "poster", "at": [0, 4, 1.8]}, {"name": "screen", "yaw": -30, "pitch": 5, "zone": "shelf"}]


def drawing(columns: int = 80, **places: Any) -> Drawing:
    return Drawing(Settings.model_validate(places), columns)


def marks(drawn: Drawing) -> list[str]:
    return ["".join(cell.mark for cell in row) for row in drawn.cells]


def test_everything_is_where_it_is_in_the_picture() -> None:
    drawn = drawing(plan=PLAN, zones=[SHELF, TILL], doors=[STREET], targets=TARGETS)
    grid = marks(drawn)
    assert (len(grid), {len(row) for row in grid}) == (22, {80})

    def at(x: float, y: float) -> str:
        return grid[int(y * 22)][int(x * 80)]

    assert [at(0.2, 0.71), at(0.35, 0.91), at(0.5, 0.91), at(0.94, 0.94)] == ["A", "%", "B", " "]
    assert {at(x / 100, 0.2) for x in range(51, 90)} == {"1"}
    assert grid[int(0.2 * 22) + 2][int(0.7 * 80)] == "↓"
    poster = drawn.share((0, 4))
    assert poster is not None
    assert at(*poster) == "α"
    assert at(0.3, 0.1) == "·"
    assert at(0.5, 0.5) == "+"


corners = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6)


@given(corners, st.integers(20, 60))
def test_a_cell_shows_the_zone_if_its_middle_is_inside(
    polygon: list[tuple[float, float]], columns: int
) -> None:
    try:
        drawn = drawing(columns, zones=[{"name": "zone", "polygon": polygon}])
    except ValueError:
        assume(False)
        raise
    shape, rows = Polygon(polygon), drawn.rows
    for row, line in enumerate(marks(drawn)):
        for column, mark in enumerate(line):
            inside = shape.depth((column + 0.5) / columns, (row + 0.5) / rows, room=0.0) >= 0
            assert (mark == "A") == inside


shares = st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95))


@given(shares, shares, shares)
def test_the_arrow_of_a_door_points_inside(
    one: tuple[float, float], other: tuple[float, float], inside: tuple[float, float]
) -> None:
    try:
        drawn = drawing(doors=[{"name": "door", "line": [one, other], "inside": inside}])
    except ValueError:
        assume(False)
        raise
    angle = ARROWS.index(drawn.inwards(drawn.settings.doors[0])) * math.pi / 4
    aspect = drawn.aspect
    x, y = (inside[0] - one[0]) * aspect, inside[1] - one[1]
    along_x, along_y = (other[0] - one[0]) * aspect, other[1] - one[1]
    side = along_x * y - along_y * x
    assert side * (along_x * math.sin(angle) - along_y * math.cos(angle)) > 0


@given(st.floats(0, 1), st.floats(0.5, 1))
def test_from_the_picture_to_metres_and_back(x: float, y: float) -> None:
    drawn = drawing(plan=PLAN)
    metres = drawn.metres((x, y))
    assert metres is not None
    back = drawn.plan and drawn.plan.seen(metres)
    assert back == pytest.approx((x * drawn.aspect, y), abs=1e-6)


def test_without_a_plan_there_are_no_metres() -> None:
    drawn = drawing(zones=[SHELF])
    assert (drawn.metres((0.5, 0.9)), drawn.share((0, 0)), drawn.lines_of_metres()) == (None, None, ([], []))


def test_a_large_floor_has_a_line_for_every_few_metres() -> None:
    plan = {**PLAN, "metres": [[-3, 40], [20, 40], [20, 0], [-3, 0]]}
    across, along = drawing(plan=plan).lines_of_metres()
    assert across == [-3.0, 0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0]
    assert along == [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edge.yaml"
    places = {"plan": PLAN, "zones": [SHELF, TILL], "doors": [STREET], "targets": TARGETS}
    path.write_text(json.dumps(places))
    return path


def test_the_page_names_every_place_with_its_points_and_metres(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["zones", "draw", "--config", str(config)]) == 0
    page = capsys.readouterr().out
    assert page.splitlines()[0].split() == [f"{tenth / 10:.1f}" for tenth in range(11)]
    for line in (
        "A  shelf   zone, a stop is 5 s",
        "B  till    excluded: nobody whose head is here is counted",
        "1  street  door, inside is ↓",
        "α  poster  target, 15° around its place",
        "β  screen  target of shelf, 30° to the left and 5° up",
        "%: more than one zone",
        "2 m  0.11 0.74",
    ):
        assert line in page
    assert max(map(len, page.splitlines())) <= 160


def test_a_grid_wider_than_the_terminal_is_not_cut(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["zones", "draw", "--config", str(config), "--columns", "200"]) == 0
    assert "1" * 80 in capsys.readouterr().out


def test_programs_get_the_grid_and_every_point(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zones", "draw", "--config", str(config), "--columns", "60", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["grid"] == marks(
        drawing(60, plan=PLAN, zones=[SHELF, TILL], doors=[STREET], targets=TARGETS)
    )
    shelf, till = found["zones"]
    assert (shelf["mark"], shelf["polygon"]) == ("A", SHELF["polygon"])
    assert shelf["square_metres"] == pytest.approx(8.0, abs=0.1)
    assert (till["metres"], till["square_metres"]) == (None, None), "of heads, which are not on the floor"
    (door,) = found["doors"]
    assert (door["inwards"], door["wide_m"]) == ("↓", pytest.approx(4.44, abs=0.01))
    assert [target["picture"] is None for target in found["targets"]] == [False, True]
    (middle,) = (one["picture"] for one in found["metres"] if one["metres"] == [2.0, 0.0])
    assert middle == pytest.approx([0.5, 1.0])


def test_without_places_there_is_an_empty_grid_with_its_scale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text("site: shop\n")
    assert main(["zones", "draw", "--config", str(path)]) == 0
    assert "Nothing is drawn yet" in capsys.readouterr().out
