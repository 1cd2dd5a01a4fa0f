"""What a device says for the sign at the door, and an audit that holds the sign against settings and messages."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import yaml

from common.wire import encode, topic
from edge.__main__ import main
from edge.commands.doctor.checks import Finding
from edge.commands.privacy_audit.command import inspect
from edge.commands.privacy_audit.sign import sign
from edge.uplink.outbox import Outbox
from tests.edge.commands.audited import settings, subject
from tests.support.messages import MORNING, cohort, notice, window

DOORS = [{"name": "street", "line": [[0.3, 0.6], [0.7, 0.6]], "inside": [0.5, 0.9]}]


def written(folder: Path, **sections: object) -> Path:
    path = folder / "footlight-edge.yaml"
    path.write_text(yaml.safe_dump({"site": "shop", **sections}))
    return path


def test_a_device_says_what_it_is_set_to_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sign", str(written(tmp_path, doors=DOORS, privacy={"profile": "count"}))]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == {
        "site": "shop",
        "profile": "count",
        "k": 5,
        "window_s": 60,
        "measures": ["doors", "heat", "ways"],
    }


def test_a_device_without_a_smallest_group_has_no_sign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sign", str(written(tmp_path, privacy={"k": 1}))]) == 2
    assert capsys.readouterr().err.strip().endswith("a sign needs groups of at least 3, and this is 1")


def audited(folder: Path, capsys: pytest.CaptureFixture[str], **sections: object) -> Finding:
    """The sign is that of a device with doors; the device that is audited has these settings."""
    assert main(["sign", str(written(folder, doors=DOORS))]) == 0
    (folder / "sign.yaml").write_text(capsys.readouterr().out)
    return inspect(sign, subject(folder, None, own=settings(folder, **{"doors": DOORS, **sections})))


def test_a_device_that_tells_what_its_sign_says_is_fine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = audited(tmp_path, capsys)
    assert found.state == "green"
    told = "profile demographics, k 5, windows of 60 s, doors, heat, ways"
    assert found.value == f"{told}: the sign says so ({tmp_path / 'sign.yaml'})"


def test_settings_beyond_the_sign_are_a_leak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = audited(tmp_path, capsys, targets=[{"name": "screen", "yaw": 0, "pitch": 0}])
    assert found.state == "red"
    assert found.value.startswith("settings: targets: not on the sign")


def test_messages_beyond_the_sign_are_a_leak_whatever_the_settings_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Outbox(settings(tmp_path).outbox.location(), max_messages=10)) as outbox:
        outbox.put(topic(window(0)), encode(window(0)), MORNING)
        assert audited(tmp_path, capsys).state == "green"
        outbox.put(topic(notice()), encode(notice()), MORNING)
        assert audited(tmp_path, capsys).value.startswith("messages: notices: not on the sign")
        told = window(1, cohort=cohort())
        outbox.put(topic(told), encode(told), MORNING)
        found = audited(tmp_path, capsys)
    assert found.state == "red"
    assert found.value.startswith(
        "messages: members, notices, queues, staff, targets, zones: not on the sign"
    )


def test_the_sign_of_another_shop_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = audited(tmp_path, capsys, site="other")
    assert found.state == "red"
    assert "the sign is that of shop, and this device is in other" in found.value


def test_a_record_without_places_says_so(tmp_path: Path) -> None:
    (tmp_path / "sign.yaml").write_text("profile: demographics\n")
    found = inspect(sign, subject(tmp_path, None, own=settings(tmp_path, doors=DOORS)))
    assert found.state == "green"
    assert "nothing about places and notices" in found.value
