"""What the settings cannot be is one line that names the key and the way out, and tells no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from cloud.config import Settings as Server
from cloud.domain.chain import Chain
from common.mistakes import FILES, one_line
from edge.config import Settings as Device
from tests.common.config_files import KINDS, mistake


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (Server, "notices: {url: 'https://a.b', quiet_hours: [20]}", "notices.quiet_hours.1: "),
        (
            Device,
            "camera:\nsource: 0",
            "source: unknown key; it belongs under 'camera:'; indent it there by two",
        ),
        (
            Device,
            "source: 0",
            "source: unknown key; it belongs under 'camera:'; indent it there by two spaces",
        ),
        (
            Device,
            "detection:\nthreads: 2\nmin_face_px: 9",
            "threads: unknown key; it belongs under 'detection:'; indent it there by two spaces (and 1 more)",
        ),
        (
            Device,
            "min_face_px: 9",
            "min_face_px: unknown key; it belongs under 'detection:' or 'attributes:'",
        ),
        (
            Device,
            "camera:\n  source: 0\n  mqtt: {host: a}",
            "camera.mqtt: unknown key; 'mqtt' is a key of its own; write it at the left margin, without indent",
        ),
        (Device, "site: My Shop", "site: must be letters, digits, '_', '.' or '-', no spaces, 64 at most"),
        (Device, "site: 12", "site: must be text; put it in quotes; found 12"),
        (Device, "site:", "site: has no value; write one, or remove the line"),
        (Device, "mqtt: {host: }", "mqtt.host: has no value; write one, or remove the line"),
        (Device, "camera: {width: 1}", "camera.width: must be at least 64; found 1"),
        (Device, "camera: {width: 1.5}", "camera.width: must be a whole number; found 1.5"),
        (Device, "camera: {fps: fast}", "camera.fps: must be a number; found 'fast'"),
        (Device, "camera: {fps: [1]}", "camera.fps: must be a number; found a list"),
        (Device, "camera: {realtime: 2}", "camera.realtime: must be true or false; found 2"),
        (
            Device,
            "camera: door",
            "camera: must hold 'key: value' lines, each indented by two spaces; found 'door'",
        ),
        (Device, "zones: {}", "zones: must be a list; found a mapping"),
        (Device, "1: a", "1: the key must be text; put it in quotes"),
        (Device, '"a\\nb": 1', "a\\nb: unknown key"),
        (Server, "store: embedded", "store: must hold 'key: value' lines, each indented by two spaces"),
        (Server, "store: {kind: duckdb}", "store.kind: must be one of 'embedded', 'influx'; found 'duckdb'"),
        (
            Server,
            "store: {url: 'http://a', token: x}",
            "store: token is a setting of InfluxDB; add 'kind: influx'",
        ),
        (
            Server,
            "store: {kind: , url: 'http://a'}",
            "store: url is a setting of InfluxDB; add 'kind: influx'",
        ),
        (Chain, "name: a\nsites: {}", "sites: must have at least 1 entries"),
        (Chain, "name: a\nsites:", "sites: has no value; write one, or remove the line"),
    ],
)
def test_a_mistake_names_the_key_and_the_way_out(
    tmp_path: Path, kind: type[BaseModel], text: str, says: str
) -> None:
    assert mistake(tmp_path, text, kind).startswith(says)


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (
            Server,
            "site: a\nmqtt: {host: b}",
            "site: unknown key; this looks like a device's file (footlight-edge)",
        ),
        (
            Server,
            "mqtt: {host: b}\ncamera: {source: 0}",
            "camera: unknown key; this looks like a device's file",
        ),
        (
            Device,
            "mqtt: {host: b}\nstore: {path: c}",
            "store: unknown key; this looks like the server's file",
        ),
        (
            Device,
            "name: a\nsites: {}",
            "sites: unknown key; this looks like a chain file (--chain), and a device's",
        ),
        (
            Chain,
            "mqtt: {}\nserve: {}",
            "serve: unknown key; this looks like the server's file (footlight-cloud)",
        ),
    ],
)
def test_a_file_of_another_kind_is_known(tmp_path: Path, kind: type[BaseModel], text: str, says: str) -> None:
    assert mistake(tmp_path, text, kind).startswith(says)


def test_a_kind_of_file_is_known_by_keys_that_it_alone_has() -> None:
    for kind, names in zip(KINDS, FILES.values(), strict=True):
        assert names <= kind.model_fields.keys()
        for other in KINDS:
            assert other is kind or not names & other.model_fields.keys()


@pytest.mark.parametrize(
    "text",
    [
        "camera: rtsp://admin:hunter2@cam/sub",
        "camera: {fps: 'rtsp://admin:hunter2@cam/sub'}",
        "mqtt: {pasword: hunter2}",
        "mqtt: {username: a, password: [hunter2]}",
        "mqtt: {username: a, password: {x: hunter2}}",
        "mqtt: {username: a, password: *hunter2}",
        "mqtt: {username: a, password: !hunter2 x}",
        "mqtt: {username: a, password: !!int hunter2}",
        "mqtt: {username: a, password: @hunter2}",
        "mqtt: {username: a, password: hunter2",
        "mqtt: {username: a, password: 'hunter2}",
        'mqtt: {username: a, password: "\\hunter2"}',
        "mqtt:\n  username: a\n  password: hunter2: x",
        'mqtt: {username: a, password: "hunter2\\nhunter2"}',
        "serve: {broker: {users: {door: [hunter2]}}}",
        "store: {kind: influx, url: 'http://a', token: hunter2\u20ac}",
        "store: {kind: influx, url: 'http://a:hunter2@b:x', token: a}",
    ],
)
def test_no_mistake_tells_a_secret(tmp_path: Path, text: str) -> None:
    for kind in (Device, Server):
        assert "hunter2" not in mistake(tmp_path, text, kind)


def test_text_from_outside_is_one_line() -> None:
    assert one_line("a\nb\x1b[31m\u2028 \u00fc \U0001f600") == "a\\nb\\x1b[31m\\u2028 \u00fc \U0001f600"
