"""A service or server that cannot begin ends with one line that says why, or waits where that helps."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cloud.__main__ import main as cloud
from edge.uplink.outbox import Outbox
from tests.edge.uplink.boxes import pending
from tests.support.brokers import Mosquitto, free_port, until
from tests.support.short_scene import write_clip
from tests.test_command_lines import Capture, config, letters, one_line, run

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


def service(folder: Path, **changes: Any) -> Path:
    values = {
        "camera": {"source": "scene"},
        "outbox": {"path": str(folder / "outbox.sqlite")},
        "mqtt": {"host": "127.0.0.1", "port": free_port()},
        **changes,
    }
    return config(folder, json.dumps(values))  # JSON is YAML


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (99, "camera /dev/video99: no such device; found: "),
        ("/dev/video99", "camera /dev/video99: no such device; found: "),
        ("absent.mp4", "camera source absent.mp4: no such file; give "),
    ],
)
def test_the_service_without_its_camera_does_not_begin(tmp_path: Path, source: object, says: str) -> None:
    done = run("edge", "run", "--config", service(tmp_path, camera={"source": source}))
    assert (done.returncode, done.stdout) == (2, "")
    assert one_line(done.stderr, "footlight-edge").startswith(says)


def test_the_service_with_a_file_that_is_no_video_does_not_begin(tmp_path: Path) -> None:
    chosen = service(tmp_path, camera={"source": str(letters(tmp_path))})
    done = run("edge", "run", "--config", chosen)
    assert (done.returncode, done.stdout) == (2, "")
    assert "clip.mp4: not a video, or cut off" in one_line(done.stderr, "footlight-edge")


def test_a_login_that_is_refused_at_the_start_ends_no_service(tmp_path: Path) -> None:
    """The user database of a broker may be slow: counting goes on, and what was counted waits."""
    box = tmp_path / "outbox.sqlite"
    with Mosquitto(tmp_path, anonymous=False) as mosquitto:
        mqtt = {"port": mosquitto.port, "host": "127.0.0.1"}
        done = run("edge", "run", "--config", service(tmp_path, mqtt=mqtt, outbox={"path": str(box)}))
    assert (done.returncode, done.stdout) == (0, "")
    assert f"broker 127.0.0.1:{mosquitto.port} refuses this client: " in done.stderr
    assert "; check mqtt.username and mqtt.password; messages are kept and delivered later" in done.stderr
    with closing(Outbox(box, max_messages=100)) as outbox:
        assert any(item.topic.endswith("/window") for item in pending(outbox, 100))


@pytest.mark.parametrize("key", ["ca", "cert", "key"])
def test_a_tls_file_that_is_missing_is_named(tmp_path: Path, capfd: Capture, key: str) -> None:
    there = tmp_path / "there.pem"
    there.write_text("")
    files = {name: str(there) for name in ("cert", "key")} | {key: str(tmp_path / "absent.pem")}
    done = run("edge", "run", "--config", service(tmp_path, mqtt={"tls": files}))
    assert (done.returncode, done.stdout) == (2, "")
    says = f"mqtt.tls.{key}: {tmp_path}/absent.pem is not a readable file"
    assert one_line(done.stderr, "footlight-edge") == says
    chosen = config(
        tmp_path, json.dumps({"mqtt": {"tls": files}, "store": {"path": str(tmp_path / "store")}})
    )
    assert cloud(["bridge", "--config", str(chosen)]) == 2
    out, error = capfd.readouterr()
    assert one_line(error, "footlight-cloud") == says
    assert out == ""


def test_the_service_whose_outbox_cannot_be_had_does_not_begin(tmp_path: Path) -> None:
    done = run("edge", "run", "--config", service(tmp_path, outbox={"path": str(tmp_path)}))
    assert (done.returncode, done.stdout) == (2, "")
    assert one_line(done.stderr, "footlight-edge").startswith(
        f"outbox.path: {tmp_path}: is a folder; name a file in it"
    )


def test_a_publish_that_the_broker_forbids_is_told_once_and_kept(tmp_path: Path) -> None:
    """An access list is mended on the broker while the device goes on counting: no reason to end."""
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic write footlight/v1/+/+/status\n")
    clip, log = write_clip(tmp_path / "clip.mp4", seconds=3), tmp_path / "log"
    with Mosquitto(tmp_path, f"acl_file {acl}") as mosquitto, log.open("wb") as stderr:
        chosen = service(
            tmp_path,
            camera={"source": str(clip), "realtime": True},
            mqtt={"host": "127.0.0.1", "port": mosquitto.port},
            window={"seconds": 30},
            log={"level": "warning"},
        )
        command = [sys.executable, "-W", "error", "-m", "edge", "run", "--config", str(chosen)]
        with subprocess.Popen(command, stderr=stderr) as process:
            try:
                until(lambda: b"Not authorized" in log.read_bytes(), "the refusal is told")
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
            finally:
                process.kill()
    (line,) = log.read_text().splitlines()
    assert re.search(r"ERROR .*: footlight/v1/demo-shop/door/\w+: Not authorized; messages are kept$", line)


# The server that cannot begin


@pytest.mark.parametrize("command", ["serve", "bridge"])
def test_a_store_that_cannot_be_opened_is_one_line(tmp_path: Path, capfd: Capture, command: str) -> None:
    (tmp_path / "file").write_text("")
    chosen = config(
        tmp_path,
        json.dumps(
            {
                "store": {"path": str(tmp_path / "file" / "store.sqlite")},
                "serve": {"broker": {"port": 0}, "page": {"port": 0}},
            }
        ),
    )
    assert cloud([command, "--config", str(chosen)]) == 2
    out, error = capfd.readouterr()
    assert out == ""
    assert one_line(error, "footlight-cloud").startswith(f"store.path: {tmp_path}/file/store.sqlite: ")


@pytest.mark.parametrize("refuses", ["everybody", "the subscription"])
def test_the_bridge_that_the_broker_refuses_ends_with_one_line(tmp_path: Path, refuses: str) -> None:
    # mosquitto's access file grants every subscription and then sends nothing; its plugin does refuse
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"defaultACLAccess": {"subscribe": False}}))
    (plugin,) = Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")
    plugged = [f"plugin {plugin}", f"plugin_opt_config_file {rules}"]
    lines = plugged if refuses == "the subscription" else []
    with Mosquitto(tmp_path, *lines, anonymous=refuses != "everybody") as mosquitto:
        chosen = config(
            tmp_path,
            json.dumps(
                {
                    "mqtt": {"host": "127.0.0.1", "port": mosquitto.port},
                    "store": {"path": str(tmp_path / "store")},
                }
            ),
        )
        done = run("cloud", "bridge", "--config", chosen)
    assert (done.returncode, done.stdout) == (2, "")
    *log, last = done.stderr.splitlines()
    assert last.startswith(f"footlight-cloud: broker 127.0.0.1:{mosquitto.port} refuses")
    # before it was refused the subscription, it told that it is connected
    assert all(line.startswith("INFO cloud.ingest.bridge: ") for line in log)
