"""``footlight-edge zones draw``: the places of a file, where they are in the picture."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from common.wire import encode
from edge.__main__ import main
from edge.commands.zones import COLUMNS, ROWS
from edge.config import load
from edge.service.remote_config import Remote
from tests.support.messages import asking

Capture = pytest.CaptureFixture[str]
PLACES = {
    "plan": {"points": [[0, 0], [1, 0], [1, 1], [0, 1]], "metres": [[0, 3], [4, 3], [4, 0], [0, 0]]},
    "doors": [{"name": "street", "line": [[0.25, 0.1], [0.75, 0.1]], "inside": [0.5, 0.3]}],
    "zones": [
        {"name": "left", "polygon": [[0, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]]},
        {"name": "till", "polygon": [[0.25, 0.5], [1, 0.5], [1, 1], [0.25, 1]], "exclude": True},
    ],
    "targets": [{"name": "screen", "yaw": 30, "pitch": 0}, {"name": "poster", "at": [0, 0, 1.8]}],
}


def file(folder: Path, **places: object) -> str:
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump({"site": "shop", "outbox": {"path": "outbox.sqlite"}, **places}))
    return str(path)


def test_every_place_is_where_it_is_in_the_picture(tmp_path: Path, capsys: Capture) -> None:
    assert main(["zones", "draw", file(tmp_path, **PLACES)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    grid, legend = lines[:ROWS], lines[ROWS:]
    assert (head[:3], head[-5:]) == ("0 %", "100 %")
    assert {len(row) for row in (head, *grid)} == {COLUMNS}
    middle = grid[3 * ROWS // 4]
    assert middle == 16 * "a" + 16 * "+" + 32 * "b"
    assert grid[1] == 16 * "." + 33 * "#" + 15 * "."
    assert grid[int(0.3 * ROWS)].index(">") == COLUMNS // 2
    assert [grid[row][column] for row in (0, -1) for column in (0, -1)] == 4 * ["*"]
    assert legend == [
        "a zone left (floor)",
        "b zone till (nobody is counted)",
        "* points of the floor plan",
        "# door street, inside at >",
        "  target screen (yaw 30, pitch 0)",
        "  target poster (at [0.0, 0.0, 1.8] m)",
        "+ several zones",
    ]


def test_what_the_server_asked_for_is_drawn_with_the_state(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    remote = Remote(load(Path(path)))
    remote.offer(encode(asking({"zones": [PLACES["zones"][0]]})))  # type: ignore[index]
    remote.turn(0, counted=False, in_view=False, seeing=True, closed=True)
    remote.turn(1, counted=True, in_view=False, seeing=True)
    assert main(["zones", "draw", path]) == 0
    assert capsys.readouterr().out.endswith("No places are set.\n")
    assert main(["zones", "draw", path, "--state", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("a zone left (floor)\n")


def test_a_file_that_is_wrong_is_one_line(tmp_path: Path, capsys: Capture) -> None:
    assert main(["zones", "draw", file(tmp_path, zones=[{"name": "x"}])]) == 2
    assert capsys.readouterr().err.count("\n") == 1
