"""Offers from the command line of the machine: two users, a real broker, and a line for each mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cloud.__main__ import main
from tests.cloud.devices.test_offers import TEXT
from tests.support.brokers import Listener, Mosquitto, until

pytestmark = pytest.mark.mosquitto

Capture = pytest.CaptureFixture[str]
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, capsys: Capture) -> Run:
    config = tmp_path / "cloud.yaml"
    config.write_text(f"store: {{path: {tmp_path}/store.sqlite}}\n")

    def command(*arguments: str, code: int = 0) -> str:
        assert main([*arguments, "--config", str(config)]) == code
        out, err = capsys.readouterr()
        return err if code else out

    for name, role in (("anna", "manager"), ("ben", "manager"), ("vera", "viewer")):
        command("users", "add", name, "--role", role, "--site", "shop")
    return command


def test_one_drafts_and_another_approves(run: Run, tmp_path: Path) -> None:
    programme, configure = tmp_path / "programme.yaml", tmp_path / "configure.yaml"
    programme.write_text(TEXT)
    shop = ("--site", "shop")
    assert run("offers", "draft", *shop, "--by", "anna", "--device", "window", str(programme)) == (
        "1\twindow\tdrafted\tanna\n"
    )
    with Mosquitto(tmp_path) as server, Listener(server.port, "footlight/#") as listener:
        configure.write_text(f"mqtt: {{host: 127.0.0.1, port: {server.port}}}\n")
        approve = ("offers", "approve", *shop, "1", "--configure", str(configure), "--by")
        assert "somebody else must approve it" in run(*approve, "anna", code=2)
        assert "may work with offers" in run(*approve, "vera", code=2)
        assert "may work with offers" in run(*approve, "nobody", code=2)
        assert run(*approve, "ben") == "1\twindow\tapproved\tanna\tby ben\n"
        until(lambda: listener.on("config"), "the approved programme")
        assert b'"rotation":["welcome"]' in bytes(listener.on("config")[0].payload)
    assert run("offers", "list", *shop) == "1\twindow\tapproved\tanna\tby ben\n"
    audit = run("audit")
    assert "approved\tdraft 1 for the display of window in shop, by ben" in audit


def test_a_mistake_is_one_line(run: Run, tmp_path: Path) -> None:
    programme = tmp_path / "programme.yaml"
    draft = ("offers", "draft", "--site", "shop", "--by", "anna", "--device", "window", str(programme))
    assert "cannot be read" in run(*draft, code=2)
    programme.write_text("clips: 1\n")
    said = run(*draft, code=2)
    assert "clips" in said
    assert said.count("\n") == 1
    assert run("offers", "list", "--site", "shop") == ""


def test_a_display_cannot_be_configured_without_an_approval(run: Run, tmp_path: Path) -> None:
    change = tmp_path / "change.yaml"
    change.write_text("signage: {rotation: [welcome]}\n")
    said = run("configure", "--site", "shop", "--device", "window", str(change), code=2)
    assert "must be approved by somebody else" in said
