"""The settings of a device: the documented defaults, and one clear line for every mistake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

import edge
from common.errors import UserError
from edge.config import Settings, WindowSettings, load, refuse_to_publish, show

EXAMPLE = Path(edge.__path__[0]) / "example.yaml"


def write(folder: Path, text: str) -> Path:
    path = folder / "footlight.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistake(folder: Path, text: str) -> str:
    """The one line a user gets for a configuration file with ``text``, after the name of the file."""
    path = write(folder, text)
    with pytest.raises(UserError) as caught:
        load(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


def keys(node: object, prefix: str = "") -> set[str]:
    if not isinstance(node, dict):
        return {prefix}
    return {key for name, below in node.items() for key in keys(below, f"{prefix}.{name}".strip("."))}


def test_the_example_is_the_defaults_and_names_every_key() -> None:
    assert load(EXAMPLE) == Settings()
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert keys(example) == keys(Settings().model_dump(mode="json"))


def test_every_key_of_the_example_has_a_comment() -> None:
    """Directly above it, or above the group of lines it belongs to."""
    explained = False
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("#"):
            explained = True
        elif not text or text.endswith(":"):
            explained = False
        else:
            assert explained, line


@pytest.mark.parametrize("text", ["", "# nothing\n", "camera:\n  # source: 1\n"])
def test_what_is_not_given_is_the_default(tmp_path: Path, text: str) -> None:
    assert load(write(tmp_path, text)) == Settings()


def test_a_complete_configuration_is_read(tmp_path: Path) -> None:
    settings = load(
        write(
            tmp_path,
            """
            site: store-12
            camera: {source: "rtsp://admin:pw@10.0.0.9/sub", fps: 12.5}
            zones:
              - {name: till, polygon: [[0.5, 0], [1, 0], [1, 1]], exclude: true}
            mqtt:
              host: broker.example
              port: 8883
              username: store-12
              password: hunter2
              tls: {ca: ca.pem, cert: device.pem, key: device.key}
              protocol: 5
            """,
        )
    )
    assert settings.camera.source == "rtsp://admin:pw@10.0.0.9/sub"
    assert settings.zones[0].polygon == ((0.5, 0), (1, 0), (1, 1))
    assert settings.mqtt.secret() == "hunter2"
    assert settings.mqtt.tls is not None
    assert settings.mqtt.tls.key == Path("device.key")
    assert settings.mqtt.protocol == "5"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("camera: {widht: 320}", "camera.widht: unknown key; did you mean 'width'?"),
        ("camra: {}", "camra: unknown key; did you mean 'camera'?"),
        ("mqtt: {tls: {cart: x}}", "mqtt.tls.cart: unknown key; did you mean 'cert'?"),
        ("zones: [{name: a, poligon: []}]", "zones.0.poligon: unknown key; did you mean 'polygon'?"),
        (
            "detection: {low_score: 0.7}",
            "detection: low_score 0.7 must not exceed min_score 0.5",
        ),
        (
            "window: {seconds: 7}",
            "window: seconds 7 does not divide a day (86400); use 60, 300 or 900",
        ),
        ("window: {max_gap_s: 60}", "window: max_gap_s 60 must be less than seconds 60"),
        ("privacy: {k: 500}", "privacy: max_cohort 200 must not be less than k 500"),
        ("privacy: {noise_budget: 0}", "privacy.noise_budget: must be at least 0.01; found 0"),
        ("privacy: {noise_budget: 11}", "privacy.noise_budget: must be at most 10; found 11"),
        ("privacy: {noise_budget: .inf}", "privacy.noise_budget: must be"),
        ("privacy: {noise_budget: on}", "privacy.noise_budget: must be a number; found 'on'"),
        (
            "privacy: {noise_budget: 1, profile: count}",
            "privacy: noise_budget: with profile count no verdict is told",
        ),
        ("privacy: {profile: all}", "'count', 'demographics' or 'expression'; found 'all'"),
        ("mqtt: {port: 70000}", "mqtt.port: "),
        ("mqtt: {protocol: 4}", "mqtt.protocol: "),
        ("mqtt: {host: broker..local}", "mqtt.host: is not the name of a machine; write one like"),
        ("mqtt: {host: 'mqtt://x'}", "mqtt.host: write the name alone, without '://' and '/'"),
        ("mqtt: {host: 'x:1883'}", "mqtt.host: write the name alone; 1883 belongs under 'port'"),
        ("privacy: {k: on}", "privacy.k: must be a whole number; found 'on'"),
        ("privacy: {k: true}", "privacy.k: must not be true or false; found true"),
        ("window: {seconds: yes}", "window.seconds: must be a whole number; found 'yes'"),
        ("zones: [{name: a, polygon: [[0, 0], [1, 0], [1, true]]}]", "zones.0.polygon: must not be true or"),
        ("site: north/12", "site: "),
        ("camera: {fps: .nan}", "camera.fps: "),
        ("camera: {source: -1}", "camera.source: must be a camera number, or a text such as rtsp://"),
        ("camera: {source: ''}", "camera.source: must be a camera number, or a text such as rtsp://"),
        ("zones: [{name: a, polygon: [[0, 0], [1, 1]]}]", "zones.0.polygon: "),
        ("zones: [{name: a, polygon: [[0, 0], [1, 2], [1, 0]]}]", "zones.0.polygon.1.1: "),
        ("zones: [{name: a, polygon: [[0, 0], [1, 1], [0.5, 0.5]]}]", "zone 'a' has no area"),
        (
            "zones: [{name: a, polygon: &p [[0, 0], [1, 0], [1, 1]]}, {name: a, polygon: *p}]",
            "the name 'a' is used twice",
        ),
        ("camera: 0", "camera: "),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key_and_the_way_out(
    tmp_path: Path, text: str, line: str
) -> None:
    assert line in mistake(tmp_path, text)


def test_show_tells_everything_but_secrets(tmp_path: Path) -> None:
    settings = load(
        write(
            tmp_path,
            """
            camera: {source: "rtsp://admin:hunter2@10.0.0.9/sub"}
            mqtt: {username: door, password: hunter2}
            """,
        )
    )
    text = show(settings)
    assert "hunter2" not in text
    assert "hunter2" not in repr(settings.mqtt)
    shown = yaml.safe_load(text)
    assert shown["camera"]["source"] == "rtsp://***@10.0.0.9/sub"
    assert set(shown["mqtt"]["password"]) == {"*"}
    assert keys(shown) == keys(settings.model_dump(mode="json"))


def test_what_is_shown_without_secrets_can_be_loaded_again(tmp_path: Path) -> None:
    text = "camera: {source: csi}\nzones: [{name: a, polygon: [[0, 0], [1, 0], [1, 1]]}]\nmqtt: {tls: {}}"
    settings = load(write(tmp_path, text))
    assert load(write(tmp_path, show(settings))) == settings


@pytest.mark.parametrize(
    ("path", "environ", "where"),
    [
        ("a.db", {}, "a.db"),
        ("a.db", {"STATE_DIRECTORY": "/var/lib/footlight"}, "/var/lib/footlight/a.db"),
        ("a.db", {"STATE_DIRECTORY": "/var/lib/footlight:/var/lib/other"}, "/var/lib/footlight/a.db"),
        ("/data/a.db", {"STATE_DIRECTORY": "/var/lib/footlight"}, "/data/a.db"),
    ],
)
def test_the_outbox_lies_in_the_state_directory(path: str, environ: dict[str, str], where: str) -> None:
    settings = Settings.model_validate({"outbox": {"path": path}})
    assert settings.outbox.location(environ) == Path(where)


@given(st.integers(-10, 100_000))
def test_a_window_is_accepted_only_if_windows_fill_a_day(seconds: int) -> None:
    fills = 1 < seconds <= 3600 and 86_400 % seconds == 0
    try:
        WindowSettings(seconds=seconds)
    except ValidationError:
        assert not fills
    else:
        assert fills


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().mqtt.password = SecretStr("x")


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({"privacy": {"k": 1}}, "privacy.k: 1 would publish single visits"),
        ({"window": {"seconds": 20}}, "window.seconds: 20 would reveal when a single visit ended"),
        ({"privacy": {"k": 1}, "camera": {"source": "clip.mp4"}}, "privacy.k: 1 would publish single visits"),
        ({"privacy": {"k": 3}, "window": {"seconds": 30}}, None),
        ({"privacy": {"k": 1}, "window": {"seconds": 2}, "camera": {"source": "scene"}}, None),
        ({"privacy": {"k": 1}, "window": {"seconds": 2}, "camera": {"source": "scene:shelf:3"}}, None),
        ({"privacy": {"k": 1}, "camera": {"source": "./scene"}}, "privacy.k: 1 would publish single visits"),
    ],
)
def test_what_would_tell_of_one_person_is_not_run(asked: dict[str, Any], refused: str | None) -> None:
    settings = Settings.model_validate(asked)
    if refused is None:
        refuse_to_publish(settings)
    else:
        with pytest.raises(UserError, match=re.escape(refused)):
            refuse_to_publish(settings)
