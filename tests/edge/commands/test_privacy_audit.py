"""The privacy audit as a command: what it cannot see is never fine, and head office hears of a leak."""

from __future__ import annotations

import json
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from common.errors import UserError
from common.wire import AlertMessage, decode, encode, topic
from edge.__main__ import main
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.command import INSPECTIONS, inspect
from edge.commands.privacy_audit.report import summary, tell
from edge.commands.privacy_audit.signatures import judge, picture_in
from edge.commands.privacy_audit.subject import Subject, cannot_tell
from edge.uplink.outbox import Outbox
from tests.edge.commands.audited import process, settings, subject
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.messages import MORNING, window

# What it cannot see.


def test_without_a_running_service_nothing_that_needs_it_is_fine(tmp_path: Path) -> None:
    looked_at = subject(tmp_path, None)
    states = {name: inspect(look, looked_at).state for name, look in INSPECTIONS}
    needs_it = ("files", "sockets", "messages", "publisher", "swap", "core dumps", "sandbox")
    assert {states[name] for name in needs_it} == {"amber"}
    for name, look in INSPECTIONS:
        found = inspect(look, looked_at)
        assert found.state != "amber" or (found.value.startswith("cannot tell: ") and found.fix), name


def test_what_only_root_may_see_is_never_fine(tmp_path: Path) -> None:
    def closed(_: Subject) -> Finding:
        raise PermissionError(13, "Permission denied", "/proc/1/fd")

    found = inspect(closed, subject(tmp_path, None))
    assert (found.state, found.fix) == ("amber", "run it as root")
    assert "/proc/1/fd" in found.value


def test_a_broker_that_is_away_is_never_fine(tmp_path: Path) -> None:
    own = settings(tmp_path, mqtt={"host": "127.0.0.1", "port": free_port()})
    with closing(Outbox(own.outbox.location(), max_messages=10)) as outbox, process(tmp_path) as running:
        outbox.put(topic(window(0)), encode(window(0)), MORNING)
        found = inspect(dict(INSPECTIONS)["publisher"], subject(tmp_path, running, own=own))
    assert found.state == "amber"
    assert "refused" in found.value


# The command.


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "footlight-edge.yaml"
    own = settings(tmp_path).model_dump(mode="json", include={"site", "camera", "outbox"})
    path.write_text(yaml.safe_dump(own))
    (tmp_path / "state").mkdir()
    return path


def arguments(config: Path, *more: str) -> list[str]:
    return ["privacy-audit", "--config", str(config), "--sign", str(config.with_name("sign.yaml")), *more]


def test_the_exit_code_tells_a_leak_from_what_nobody_can_tell(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(config)) == 2
    assert "cannot tell: no running service is known -> start it" in capsys.readouterr().out
    with process(tmp_path, "open('frame', 'wb').write(b'\\xff\\xd8\\xff\\xe0')") as running:
        assert main(arguments(config, "--json", "--pid", str(running.pid))) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["state"] == "red"
    assert [check["name"] for check in said["checks"]] == [name for name, _ in INSPECTIONS]
    files = said["checks"][0]
    assert (files["state"], files["value"]) == ("red", f"{tmp_path / 'state' / 'frame'} is a JPEG picture")


@pytest.mark.parametrize(
    ("more", "mistake"), [(("--pid", "4194304"), "--pid: there is no process 4194304"), ((), "no such file")]
)
def test_bad_input_is_one_line(
    config: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], mistake: str
) -> None:
    if not more:
        config.unlink()
    assert main(arguments(config, *more)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert mistake in line


def test_a_sign_that_says_nonsense_is_never_fine(tmp_path: Path) -> None:
    (tmp_path / "sign.yaml").write_text("profile: everything\n")
    found = inspect(dict(INSPECTIONS)["settings"], subject(tmp_path, None))
    assert found.state == "amber"
    assert "sign.yaml" in found.value


def test_settings_of_the_server_that_cannot_be_read_are_never_fine(tmp_path: Path) -> None:
    def unknown() -> Finding:
        raise UserError("footlight.config.json: cannot be read (PermissionError); run this as root")

    found = inspect(dict(INSPECTIONS)["settings"], subject(tmp_path, None, made_of=unknown))
    assert (found.state, found.fix) == ("amber", "run this as root")


# For the doctor and head office.


def test_the_doctor_names_the_checks_that_found_a_leak(tmp_path: Path) -> None:
    (tmp_path / "sign.yaml").write_text("profile: count\n")
    assert "leaks found by the audit: settings" in summary(subject(tmp_path, None)).value


@pytest.mark.mosquitto
def test_head_office_hears_of_a_leak_and_of_its_end(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        own = settings(tmp_path, mqtt={"host": "127.0.0.1", "port": mosquitto.port})
        looked_at = subject(tmp_path, None, own=own)
        for finding in (
            red("leaks found by the audit: files", "look"),
            cannot_tell("sandbox", "look"),
            green("none"),
        ):
            tell(finding, looked_at)
        until(lambda: len(listener.on("alert")) == 2, "two alerts")
        told = [decode(one.topic, bytes(one.payload)) for one in listener.on("alert")]
    alerts = [one for one in told if isinstance(one, AlertMessage)]
    assert [(one.fault, one.active) for one in alerts] == [("privacy", True), ("privacy", False)]


# What a content is.


@given(st.text())
def test_no_text_is_taken_for_a_picture_but_one_that_begins_like_one(text: str) -> None:
    content = text.replace("\0", "").encode()
    assert judge(BytesIO(content)) is None or picture_in(content) is not None


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp", ".tiff", ".ppm", ".jp2"])
def test_pictures_of_every_usual_kind_are_known(kind: str) -> None:
    import cv2
    import numpy as np

    done, encoded = cv2.imencode(kind, np.random.default_rng(2).integers(0, 255, (32, 48, 3), np.uint8))
    assert done
    found = picture_in(encoded.tobytes())
    assert found is not None
    assert "picture" in found


@pytest.mark.parametrize("place", [0, 5, (1 << 20) - 7, (1 << 20) + 3, 3 << 20])
def test_a_picture_inside_is_found_wherever_it_lies(place: int) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 100
    assert judge(BytesIO(b"a" * place + png), any_kind=True) is not None
    assert judge(BytesIO(b"a" * place + b"b" * 100)) is None
