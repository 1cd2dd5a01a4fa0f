"""``footlight-edge place``: each way to hang a camera wrongly is told by its name, and no picture gets out."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from rich.console import Console

from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.wire import FLOOR_S, MOST_FLOOR_POINTS, PlacementMessage, decode
from edge.__main__ import main
from edge.capture.camera import Camera, CameraError
from edge.capture.rotation import Rotated
from edge.commands.placement.assessment import Assessment
from edge.commands.placement.check import Moment, stood
from edge.commands.placement.command import check
from edge.commands.placement.panel import follow, panel
from edge.commands.placement.publish import Page, message, places
from edge.config import Settings
from edge.scene.camera import SceneCamera
from edge.scene.render import Scene
from edge.types import Frame
from tests.edge.commands.spoiled import (
    FPS,
    Spoil,
    Spoiled,
    backlit,
    blurred,
    dark,
    far,
    tilted,
    too_low,
    turned,
)
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.short_scene import models

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

SECONDS = 15
"""The first third of the sample scene."""


def judged(source: Camera, /, seconds: float = SECONDS, **settings: object) -> Assessment:
    *_, last = check(
        Settings.model_validate(settings),
        seconds=seconds,
        clock=SystemClock(),
        camera=source,
        models=models(),
    )
    return last.assessment


def test_the_sample_scene_is_a_good_position() -> None:
    found = judged(Spoiled())
    assert (found.verdict, found.advice) == ("works", ())
    assert found.figures.counted >= 4
    assert found.figures.fps == pytest.approx(FPS)


@pytest.mark.parametrize(
    ("spoil", "cause", "words"),
    [
        (far, "size", "Use 1280x720 .*, or come closer"),
        (dark, "light", "Add more light"),
        (blurred, "sharpness", "Focus it"),
        (partial(tilted, degrees=25), "roll", r"Turn the camera 2\d° clockwise, seen from behind"),
        (partial(tilted, degrees=-25), "roll", r"Turn the camera 2\d° anticlockwise, seen from behind"),
        (partial(turned, degrees=180), "roll", "Set camera.rotate: 180 .* it hangs upside down"),
        (partial(turned, degrees=90), "roll", "Set camera.rotate: 270 .* it hangs on its side"),
        (partial(turned, degrees=270), "roll", "Set camera.rotate: 90 .* it hangs on its side"),
        (backlit, "backlight", "Turn it away from the window"),
        (too_low, "cut", "Tilt it up"),
    ],
    ids=["far", "dark", "blurred", "clockwise", "anticlockwise", "head", "right", "left", "backlit", "low"],
)
def test_each_fault_is_the_first_thing_to_change(spoil: Spoil, cause: str, words: str) -> None:
    found = judged(Spoiled(spoil))
    assert found.verdict in ("limits", "fails")
    assert found.advice[0].cause == cause, found.advice
    assert re.match(words, found.advice[0].text)


def test_the_value_to_set_counts_from_the_one_that_is_set() -> None:
    found = judged(Spoiled(partial(turned, degrees=90)), camera={"rotate": 180})
    assert found.advice[0].text.startswith("Set camera.rotate: 90 in the settings")
    mended = judged(Rotated(Spoiled(partial(turned, degrees=90)), 270), camera={"rotate": 270})
    assert (mended.verdict, mended.advice) == ("works", ())


def test_a_camera_much_too_far_away_does_not_work_although_everybody_is_counted() -> None:
    found = judged(Spoiled(partial(far, scale=0.3)), seconds=30)
    assert found.figures.missed == 0
    assert found.verdict == "fails"
    assert [advice.cause for advice in found.advice[:2]] == ["size", "distance"]
    assert all(advice.text.startswith("Use 1280x720 (") for advice in found.advice[:2])


def test_a_slow_camera_is_told_first() -> None:
    found = judged(Spoiled(step=4))
    assert (found.verdict, found.advice[0].cause) == ("fails", "fps")
    assert "it sends 2.0 frames a second instead of 15" in found.advice[0].text


def test_a_zone_that_excludes_nearly_everybody_is_told() -> None:
    everywhere = {"name": "till", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]], "exclude": True}
    found = judged(Spoiled(), zones=[everywhere])
    assert (found.verdict, found.figures.people) == ("fails", 0)
    assert "100% of the faces are in them" in found.advice[0].text


def test_the_smallest_face_is_that_of_the_settings() -> None:
    found = judged(Spoiled(), attributes={"min_face_px": 200})
    assert found.advice[0].cause == "size"
    assert "where 200 are needed" in found.advice[0].text
    counted = judged(Spoiled(), attributes={"min_face_px": 200}, privacy={"profile": "count"})
    assert (counted.verdict, counted.figures.unknown) == ("works", {})


def test_a_scene_without_people_is_not_praised() -> None:
    empty = SceneCamera(clock=SystemClock(), scene=Scene(fps=FPS, seconds=6, walks=(), pillars=()))
    found = judged(empty, seconds=5)
    assert (found.verdict, [advice.cause for advice in found.advice]) == ("unclear", ["few"])


class _Away:
    """A camera that another program holds. Waiting does not help."""

    live = True

    def open(self) -> None:
        raise CameraError("camera /dev/video0: cannot be opened; stop the program that uses it")

    def read(self) -> Frame | None:
        raise AssertionError("it was never open")

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "/dev/video0"


class _Hasty(SystemClock):
    """Five seconds pass with every look at it."""

    def __init__(self) -> None:
        self._s = 0.0

    def monotonic(self) -> float:
        self._s += 5.0
        return self._s


def test_a_camera_that_the_service_holds_is_one_clear_line() -> None:
    with pytest.raises(UserError, match=r"stop the program that uses it; .*systemctl stop footlight-edge"):
        list(check(Settings(), seconds=5, clock=_Hasty(), camera=_Away(), models=models()))


def config(folder: Path, text: str = "camera: {source: scene}") -> Path:
    path = folder / "footlight.yaml"
    path.write_text(text)
    return path


def test_the_command_tells_programs_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["place", "--config", str(config(tmp_path)), "--seconds", "10", "--json"])
    out, error = capsys.readouterr()
    told = json.loads(out)
    assert (code, told["verdict"], error) == (0, "works", "")
    assert told["figures"]["counted"] >= 2
    assert {reading["name"] for reading in told["readings"]} >= {"fps", "light", "size", "unknown"}


def test_the_command_speaks_in_lines_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["place", "--config", str(config(tmp_path)), "--seconds", "5"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "5 s left, 0 visits"
    assert any(line.startswith("Face size: ") for line in lines)
    assert lines[-1] == "This position works." or lines[-1][0].isdigit()


@pytest.mark.parametrize("seconds", ["4", "x", "99999"])
def test_a_time_that_makes_no_sense_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: str
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["place", "--config", str(config(tmp_path)), "--seconds", seconds])
    assert refused.value.code == 2
    assert "--seconds" in capsys.readouterr().err


@cache
def moments() -> tuple[Moment, ...]:
    found = check(Settings(), seconds=10, clock=SystemClock(), camera=Spoiled(), models=models())
    return tuple(found)


def drawn(width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(panel(moments()[-2], "Camera position: door in demo-shop", width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_panel_fits_the_terminal(width: int) -> None:
    text = drawn(width)
    assert max(map(len, text.splitlines())) <= width
    assert len(text.splitlines()) <= 24
    assert "Face size" in text
    assert "s left" in text


def test_the_panel_shows_where_faces_are() -> None:
    assert any(corner in drawn(120) for corner in ("┌", "□"))


def test_the_panel_ends_with_the_verdict() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    last = follow(iter(moments()), "Camera position", console)
    assert isinstance(console.file, io.StringIO)
    assert (last.left_s, "This position works." in console.file.getvalue()) == (0.0, True)


def test_what_is_published_is_numbers_and_outlines() -> None:
    said = message(moments()[-2], site="shop", device="door", camera="main", clock=SystemClock())
    assert said.faces
    assert all(
        round(value, 2) == value for face in said.faces for value in (face.x1, face.y1, face.x2, face.y2)
    )
    assert len(said.model_dump_json()) < 8000


def test_where_people_stood_is_published_without_who_and_when() -> None:
    said = message(moments()[-1], site="shop", device="door", camera="main", clock=SystemClock())
    assert len(said.floor) > 10
    assert list(said.floor) == sorted(set(said.floor)), "each point once, and in no order of time"
    assert all(round(value, 2) == value for point in said.floor for value in point)
    assert min(y for _, y in said.floor) > 0.5, "feet, not heads"


def test_floor_points_of_a_crowd_are_thinned_and_forgotten_after_a_minute() -> None:
    before, after = moments()[-1].glance, moments()[-1].glance
    crowd = tuple((x / 100, y / 100) for x in range(100) for y in range(100))
    full = replace(before, at_s=100.0, floor=crowd)
    assert MOST_FLOOR_POINTS / 2 < len(stood([full])) <= MOST_FLOOR_POINTS
    assert stood([full, replace(after, at_s=100.0 + FLOOR_S + 1, floor=((0.5, 0.754),))]) == ((0.5, 0.75),)
    assert stood([replace(after, floor=())]) == ()


def test_the_places_of_the_file_are_published_for_the_editor() -> None:
    own = {
        "doors": [{"name": "street", "line": [[0.3, 0.6], [0.7, 0.6]], "inside": [0.5, 0.9]}],
        "zones": [{"name": "shelf", "polygon": [[0.1, 0.5], [1 / 3, 0.5], [0.4, 1]], "stop_s": 8.0}],
    }
    told = places(Settings.model_validate(own))
    own["zones"][0]["polygon"][1] = [0.3333, 0.5]  # type: ignore[index]
    assert told.model_dump(mode="json") == own
    assert places(Settings()).model_dump() == {}


def test_every_setting_of_places_can_be_told_to_the_editor() -> None:
    """A setting that the message does not know would end the check."""
    full: dict[str, list[dict[str, object]]] = {
        "doors": [{"name": "street", "line": [[0, 0], [1, 1]], "inside": [0.5, 0.9]}],
        "zones": [
            {"name": "desk", "polygon": [[0, 0], [1, 0], [1, 1]], "where": "shelf", "stop_s": 3600.0},
            {"name": "line", "polygon": [[0, 0], [1, 0], [1, 1]], "queue": True, "front": "desk"},
            {"name": "till", "polygon": [[0, 0], [1, 0], [1, 1]], "exclude": True},
        ],
        "targets": [
            {"name": "screen", "yaw": 90.0, "pitch": -60.0, "half_angle": 60.0, "zone": "desk"},
            {"name": "poster", "at": [-1000.0, 1000.0, 1.8]},
        ],
        "notices": [
            {"name": "long", "rule": "queue_over", "zone": "line", "limit": 10_000, "seconds": 86_400.0},
            {"name": "nobody", "rule": "nobody_at_desk", "zone": "line", "desk": "desk", "seconds": 1.0},
            {"name": "empty", "rule": "zone_empty", "zone": "desk", "seconds": 60.0, "hours": [0, 24]},
        ],
    }
    plan = {"points": [[0, 0], [1, 0], [1, 1], [0, 1]], "metres": [[0, 0], [4, 0], [4, 5], [0, 5]]}
    settings = Settings.model_validate({"plan": plan, **full})
    for part, items in full.items():
        written = {key for item in items for key in item}
        kinds = {type(item) for item in getattr(settings, part)}
        assert written == {key for kind in kinds for key in kind.model_fields}, (
            f"a setting of {part} is missing here"
        )
    assert places(settings).model_dump(mode="json") == {"plan": plan, **full}


def test_nobody_is_shown_on_the_page_for_more_than_ten_minutes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["place", "--config", str(config(tmp_path)), "--seconds", "601", "--publish"]) == 2
    assert "--seconds: with --publish at most 600" in capsys.readouterr().err


def test_the_check_is_published_while_it_runs_and_nothing_is_retained(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, Listener(broker.port, "footlight/#") as listener:
        text = f"site: shop\ncamera: {{source: scene}}\nmqtt: {{port: {broker.port}}}"
        main(["place", "--config", str(config(tmp_path, text)), "--seconds", "5", "--publish", "--json"])
        until(lambda: listener.messages and b'"left_s":0.0' in listener.messages[-1].payload, "the last word")
        assert all(
            isinstance(decode(one.topic, bytes(one.payload)), PlacementMessage) for one in listener.messages
        )
        assert {(one.qos, one.retain) for one in listener.messages} == {(0, False)}
        with Listener(broker.port, "footlight/#", client_id="late") as late:
            late.publish("footlight/v1/end", b"said")
            until(lambda: late.messages, "what is said after it came")
            assert [one.topic for one in late.messages] == ["footlight/v1/end"]


def test_a_broker_that_is_away_is_one_clear_line() -> None:
    with pytest.raises(UserError, match="without --publish the check is shown here only"):
        Page(Broker("127.0.0.1", free_port()), site="shop", device="door", camera="main", clock=SystemClock())
