"""Both command lines: one clear line for every mistake, and results that another program can read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cloud.__main__ import main as cloud
from common.vocabulary import ATTRIBUTES, NOT_SEEN, UNKNOWN, age_band
from edge.__main__ import main as edge
from edge.inference.manifest import packaged_models
from edge.types import Box
from tests.support.short_scene import clear_frame, stretch, write_clip

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

Capture = pytest.CaptureFixture[str]
Make = Callable[[Path], Path]


def one_line(error: str, program: str) -> str:
    """What the program says, which must be one line and nothing beside it."""
    found = re.fullmatch(rf"{program}: ([^\n]+)\n", error)
    assert found, error
    return found[1]


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A process of its own, in which every warning would be seen."""
    command = [sys.executable, "-W", "error", "-m", program, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


# Files as they go wrong


def absent(folder: Path) -> Path:
    return folder / "absent"


def a_folder(folder: Path) -> Path:
    (folder / "folder").mkdir()
    return folder / "folder"


def config(folder: Path, text: str | bytes) -> Path:
    path = folder / "footlight.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def letters(folder: Path) -> Path:
    path = folder / "clip.mp4"
    path.write_text("not a video\n" * 40)
    return path


def noise(folder: Path) -> Path:
    path = folder / "clip.mp4"
    path.write_bytes(np.random.default_rng(1).bytes(20_000))
    return path


def beginning(folder: Path) -> Path:
    path = write_clip(folder / "clip.mp4", seconds=1)
    path.write_bytes(path.read_bytes()[:3000])
    return path


def no_picture(folder: Path) -> Path:
    path = folder / "photo.jpg"
    path.write_text("not a picture")
    return path


def written(text: str | bytes) -> Make:
    return lambda folder: config(folder, text)


# The configuration

CONFIG_MISTAKES: dict[str, tuple[Make, str]] = {
    "missing": (absent, "absent: no such file"),
    "a folder": (a_folder, "folder: cannot be read (Is a directory)"),
    "broken encoding": (written(b"site: caf\xe9\n"), "footlight.yaml: not a text file in UTF-8"),
    "broken syntax": (written("camera:\n  source: [0\n"), "footlight.yaml: line 3: "),
    "no settings": (written("- a\n- b\n"), "footlight.yaml: must hold 'key: value' lines"),
}
EDGE_MISTAKES: dict[str, tuple[Make, str]] = {
    **CONFIG_MISTAKES,
    "unknown key": (written("camera: {sorce: 0}"), "camera.sorce: unknown key; did you mean 'source'?"),
    "unknown section": (written("mtqt: {}"), "mtqt: unknown key; did you mean 'mqtt'?"),
    "wrong value": (written("camera: {fps: fast}"), "camera.fps: "),
    "wrong kind of value": (written("mqtt: broker.local"), "mqtt: "),
    "a window that fills no day": (
        written("window: {seconds: 7}"),
        "window: seconds 7 does not divide a day",
    ),
    "a key given twice": (written("site: a\nsite: b\n"), "line 2: key 'site' is given twice"),
}
CLOUD_MISTAKES: dict[str, tuple[Make, str]] = {
    **CONFIG_MISTAKES,
    "unknown key": (written("store: {pth: a}"), "store.pth: unknown key; did you mean 'path'?"),
    "wrong value": (written("serve: {page: {port: web}}"), "serve.page.port: "),
    "unknown time zone": (
        written("serve: {page: {timezone: Mars/Olympus}}"),
        "serve.page.timezone: is not a time zone; write one like Europe/Berlin; found 'Mars/Olympus'",
    ),
}


@pytest.mark.parametrize("mistake", EDGE_MISTAKES)
@pytest.mark.parametrize("command", [["run", "--config"], ["check-config"], ["show-config"]])
def test_the_device_says_what_is_wrong_with_its_configuration(
    tmp_path: Path, capfd: Capture, command: Sequence[str], mistake: str
) -> None:
    make, says = EDGE_MISTAKES[mistake]
    assert edge([*command, str(make(tmp_path))]) == 2
    out, error = capfd.readouterr()
    assert says in one_line(error, "footlight-edge")
    assert out == ""


@pytest.mark.parametrize("mistake", CLOUD_MISTAKES)
@pytest.mark.parametrize("command", [["serve", "--config"], ["bridge", "--config"], ["check-config"]])
def test_the_server_says_what_is_wrong_with_its_configuration(
    tmp_path: Path, capfd: Capture, command: Sequence[str], mistake: str
) -> None:
    make, says = CLOUD_MISTAKES[mistake]
    assert cloud([*command, str(make(tmp_path))]) == 2
    out, error = capfd.readouterr()
    assert says in one_line(error, "footlight-cloud")
    assert out == ""


# Sources

BAD_SOURCES: dict[str, tuple[Make, str]] = {
    "missing": (lambda folder: folder / "absent.mp4", "absent.mp4: no such file"),
    "a camera": (lambda folder: Path("/dev/video99"), "/dev/video99: never ends"),
    "letters": (letters, "clip.mp4: not a video, or cut off"),
    "noise": (noise, "clip.mp4: not a video, or cut off"),
    "the beginning of a video": (beginning, "clip.mp4: not a video, or cut off"),
    "an empty folder": (a_folder, "folder: contains no pictures"),
    "no picture": (no_picture, "photo.jpg: not a readable picture"),
}


@pytest.mark.parametrize("kind", BAD_SOURCES)
def test_replay_says_what_is_wrong_with_its_source(tmp_path: Path, capfd: Capture, kind: str) -> None:
    make, says = BAD_SOURCES[kind]
    assert edge(["replay", str(make(tmp_path)), "--format", "json"]) == 2
    out, error = capfd.readouterr()
    assert says in one_line(error, "footlight-edge")
    assert out == ""


@pytest.mark.parametrize("make", [absent, a_folder, no_picture, letters], ids=lambda make: make.__name__)
def test_inspect_says_that_it_is_no_picture(tmp_path: Path, capfd: Capture, make: Make) -> None:
    path = make(tmp_path)
    assert edge(["inspect", str(path)]) == 2
    out, error = capfd.readouterr()
    assert one_line(error, "footlight-edge") == f"picture {path}: not a readable picture; repair or remove it"
    assert out == ""


@pytest.mark.parametrize("place", ["absent/out.png", "out.nothing", "."])
def test_annotate_says_where_it_cannot_write(tmp_path: Path, capfd: Capture, photo: Path, place: str) -> None:
    assert edge(["inspect", str(photo), "--annotate", str(tmp_path / place)]) == 2
    out, error = capfd.readouterr()
    assert one_line(error, "footlight-edge").startswith(f"--annotate {tmp_path / place}: cannot write there")
    assert out == ""


# Models


def truncated(models: Path) -> str:
    path = models / "detector.tflite"
    path.write_bytes(path.read_bytes()[:-1000])
    return "detector.tflite: truncated or tampered with"


def tampered(models: Path) -> str:
    path = models / "attributes.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return "attributes.tflite: truncated or tampered with"


def without_model(models: Path) -> str:
    (models / "detector.tflite").unlink()
    return "detector.tflite: cannot read the model"


def without_manifest(models: Path) -> str:
    (models / "manifest.toml").unlink()
    return "manifest.toml: cannot read the manifest"


def broken_manifest(models: Path) -> str:
    (models / "manifest.toml").write_text("version = ")
    return "manifest.toml: not a manifest"


def harmed(folder: Path, harm: Callable[[Path], str]) -> tuple[Path, str]:
    """A configuration with a harmed copy of the models, and what must be said of it."""
    models = folder / "models"
    models.mkdir()
    for path in (*packaged_models().glob("*.tflite"), packaged_models() / "manifest.toml"):
        shutil.copy(path, models)
    says = harm(models)
    return config(folder, f"models: {{directory: '{models}'}}\noutbox: {{path: '{folder}/outbox'}}\n"), says


@pytest.mark.parametrize("command", ["replay", "inspect"])
@pytest.mark.parametrize(
    "harm",
    [truncated, tampered, without_model, without_manifest, broken_manifest],
    ids=lambda harm: harm.__name__,
)
def test_harmed_models_are_refused(
    tmp_path: Path, capfd: Capture, photo: Path, command: str, harm: Callable[[Path], str]
) -> None:
    chosen, says = harmed(tmp_path, harm)
    assert edge([command, str(photo), "--config", str(chosen)]) == 2
    out, error = capfd.readouterr()
    assert says in one_line(error, "footlight-edge")
    assert out == ""


def test_the_service_with_harmed_models_does_not_begin(tmp_path: Path) -> None:
    chosen, says = harmed(tmp_path, truncated)
    done = run("edge", "run", "--config", chosen)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in one_line(done.stderr, "footlight-edge")


# Results


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    assert cv2.imwrite(str(path), clear_frame()[1])
    return path


def check_result(result: dict[str, Any], source: Path) -> None:
    """The shape that the other programs of an installer may rely on."""
    assert result["source"] == str(source)
    for attribute, labels in ATTRIBUTES.items():
        assert list(result[attribute]) == [*labels, UNKNOWN, NOT_SEEN]
        assert sum(result[attribute].values()) == result["visits"]
    assert list(result["gender"]) == ["female", "male", "unknown", "not_seen"]
    assert result["visits"] - result["gender"]["not_seen"] == result["described"]
    assert len(result["dwell_s"]) == result["visits"] >= result["viewers"]
    assert isinstance(result["frames"], int)
    assert isinstance(result["windows"], int)
    assert result["fps"] > 0


def test_replay_prints_one_object_for_each_source_and_goes_on_after_a_bad_one(
    tmp_path: Path, capfd: Capture, clip: Path, photo: Path
) -> None:
    bad = tmp_path / "absent.mp4"
    assert edge(["replay", str(clip), str(bad), str(photo), "--format", "json"]) == 2
    out, error = capfd.readouterr()
    assert one_line(error, "footlight-edge").startswith(f"camera source {bad}: no such file")
    of_clip, of_photo = (json.loads(line) for line in out.splitlines())
    check_result(of_clip, clip)
    check_result(of_photo, photo)
    assert of_clip["frames"] == len(stretch())
    assert of_clip["seconds"] == pytest.approx(len(stretch()) / stretch().fps, abs=0.1)
    assert of_clip["visits"] == len(stretch().truth.visits)
    assert all(0 < dwell < stretch().seconds for dwell in of_clip["dwell_s"])
    assert of_clip["windows"] >= 1
    # nobody is a visit after a single picture
    assert (of_photo["frames"], of_photo["visits"]) == (1, 0)


def test_replay_of_a_folder_of_pictures(tmp_path: Path, capfd: Capture) -> None:
    """Pictures of one second, fifteen of them, in which somebody stands."""
    middle, _ = clear_frame()
    for index in range(middle - 7, middle + 8):
        assert cv2.imwrite(str(tmp_path / f"{index:04}.png"), stretch().render(index))
    assert edge(["replay", str(tmp_path), "--format", "json"]) == 0
    out, error = capfd.readouterr()
    (line,) = out.splitlines()
    result = json.loads(line)
    check_result(result, tmp_path)
    assert result["frames"] == 15
    assert result["visits"] >= 1
    assert error == ""


def test_replay_and_inspect_print_tables_for_people(capfd: Capture, photo: Path) -> None:
    assert edge(["replay", str(photo)]) == 0
    assert "nothing published" in capfd.readouterr().out
    assert edge(["inspect", str(photo)]) == 0
    assert "expression" in capfd.readouterr().out


def test_inspect_describes_and_draws_every_face(tmp_path: Path, capfd: Capture, photo: Path) -> None:
    drawn = tmp_path / "drawn.png"
    assert edge(["inspect", str(photo), "--format", "json", "--annotate", str(drawn)]) == 0
    out, error = capfd.readouterr()
    assert error == ""
    result = json.loads(out)
    assert result["source"] == str(photo)
    (truth,) = stretch().truth.faces[clear_frame()[0]]
    face = max(result["faces"], key=lambda face: Box(*face["box"]).iou(truth.box))
    assert Box(*face["box"]).iou(truth.box) > 0.4
    landmarks = np.array(face["landmarks"])
    assert landmarks.shape == (5, 2)
    assert np.abs(landmarks - truth.landmarks).max() < 0.2 * truth.box.height
    assert 0 <= face["age"] <= 116
    assert face["age_band"] == age_band(face["age"])
    for attribute in ("gender", "expression"):
        probabilities = face[attribute]["probabilities"]
        assert list(probabilities) == list(ATTRIBUTES[attribute])
        assert sum(probabilities.values()) == pytest.approx(1, abs=0.01)
        assert face[attribute]["label"] == max(probabilities, key=probabilities.__getitem__)
    before, after = cv2.imread(str(photo)), cv2.imread(str(drawn))
    assert before is not None
    assert after is not None
    assert after.shape == before.shape
    changed = (before != after).any(2)
    assert changed.any()
    assert not changed[-20:].any()  # what is far from every face is left alone


def test_the_scene_tells_who_walks_by(capfd: Capture) -> None:
    assert edge(["scene", "--format", "json"]) == 0
    truth = json.loads(capfd.readouterr().out)
    assert truth["visits"] == len(truth["people"]) == sum(truth["gender"].values())


def test_the_door_of_the_second_act_is_told_and_drawn(tmp_path: Path, capfd: Capture) -> None:
    picture = tmp_path / "shop.png"
    assert edge(["scene", "--camera", "door", "--format", "json", "--picture", str(picture)]) == 0
    truth = json.loads(capfd.readouterr().out)
    (door,) = truth["places"]["doors"].values()
    assert door["entries"] + door["turned"] + door["passers"] < truth["visits"]
    assert cv2.imread(str(picture)) is not None


def test_the_shelf_of_the_second_act_is_told(capfd: Capture) -> None:
    assert edge(["scene", "--camera", "shelf", "--format", "json"]) == 0
    truth = json.loads(capfd.readouterr().out)
    (queue,) = truth["places"]["queues"].values()
    assert len(queue["waits_s"]) == queue["served"] + queue["abandoned"]
    assert {zone["name"] for zone in truth["settings"]["zones"]} == set(truth["places"]["zones"])


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path, capfd: Capture) -> None:
    assert edge(["scene", "--picture", str(tmp_path / "none" / "x.png")]) == 2
    assert capfd.readouterr().err.strip().endswith("x.png: No such file or directory")


@pytest.mark.parametrize("program", ["edge", "cloud"])
def test_the_example_is_a_right_configuration(program: str, capfd: Capture) -> None:
    example = Path(sys.modules[f"{program}.__main__"].__file__ or "").with_name("example.yaml")
    assert {"edge": edge, "cloud": cloud}[program](["check-config", str(example)]) == 0
    out, error = capfd.readouterr()
    assert out.startswith(f"{example}: ")
    assert error == ""


def test_a_reader_that_goes_away_is_no_error() -> None:
    """As in ``footlight-edge scene | head``."""
    command = [sys.executable, "-W", "error", "-m", "edge", "scene", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
