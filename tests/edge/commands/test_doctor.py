"""The doctor's checks on this machine: each says what it measured, and what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from common.errors import UserError
from edge.__main__ import main
from edge.capture.camera import CameraError
from edge.commands.doctor import camera, machine, models
from edge.commands.doctor.checks import STATES, Check, Finding, State, green, run_checks, worst, worst_of
from edge.commands.doctor.surroundings import surroundings
from edge.commands.doctor.table import as_json, show
from edge.inference.manifest import load_manifest, packaged_models
from edge.service.host import board_model
from edge.types import Frame
from edge.vision.light import Light, light_of
from tests.support.clock import ManualClock
from tests.support.messages import MORNING
from tests.support.paths import ROOT

# How they are gone through.


def refuse() -> Finding:
    raise UserError("camera /dev/video9: no such device; plug it in")


def test_a_hop_that_fails_is_a_red_line_and_stops_nothing() -> None:
    found = list(
        run_checks([("one", lambda: green("well")), ("two", refuse), ("three", lambda: green("well"))])
    )
    assert found == [
        Check("one", "green", "well", ""),
        Check("two", "red", "camera /dev/video9: no such device", "plug it in"),
        Check("three", "green", "well", ""),
    ]


def test_what_only_root_may_see_says_so() -> None:
    def closed() -> Finding:
        raise PermissionError(13, "Permission denied", "/var/lib/private/footlight-edge")

    (check,) = run_checks([("outbox", closed)])
    assert (check.state, check.fix) == ("red", "run the doctor as root")
    assert "/var/lib/private/footlight-edge" in check.value


@given(st.lists(st.sampled_from(STATES)))
def test_several_findings_are_as_ill_as_the_worst_and_tell_only_what_mends_that(states: list[State]) -> None:
    findings = [Finding(state, f"value {i}", f"fix {state} {i}") for i, state in enumerate(states)]
    together = worst_of(findings)
    assert together.state == worst(states)
    assert all(finding.value in together.value for finding in findings)
    assert all((finding.fix in together.fix) == (finding.state == together.state) for finding in findings)


HOPS = [Check("disk", "green", "12 GiB free", ""), Check("clock", "red", "not [right]", "set it")]


def test_programs_read_json_and_pipes_one_line_a_hop() -> None:
    line, state = as_json(HOPS)
    assert (state, json.loads(line)["state"], [check["name"] for check in json.loads(line)["checks"]]) == (
        "red",
        "red",
        ["disk", "clock"],
    )
    console = Console(width=20)
    with console.capture() as captured:
        assert show(HOPS, console) == "red"
    lines = captured.get().splitlines()
    assert lines[1].split() == ["red", "clock", "not", "[right]", "->", "set", "it"]
    assert lines[2:] == ["1 red, 1 green"]


# The Pi itself.


@pytest.mark.parametrize(
    ("codename", "processor", "bits", "state"),
    [
        ("bookworm", "aarch64", 64, "green"),
        ("trixie", "x86_64", 64, "green"),
        ("bullseye", "aarch64", 64, "amber"),
        ("bookworm", "aarch64", 32, "red"),  # a 64-bit kernel under 32-bit programs
        ("bookworm", "armv7l", 32, "red"),
    ],
)
def test_only_64_bit_systems_will_do(
    tmp_path: Path, codename: str, processor: str, bits: int, state: State
) -> None:
    release = tmp_path / "os-release"
    release.write_text(f'PRETTY_NAME="Raspberry Pi OS"\nVERSION_CODENAME={codename}\n')
    found = machine.system(release, processor, bits=bits)
    assert (found.state, found.value) == (state, f"Raspberry Pi OS, {processor}, {bits}-bit")


@pytest.mark.parametrize(
    ("version", "state"), [((3, 11, 2), "green"), ((3, 13, 5), "green"), ((3, 14, 0), "amber")]
)
def test_pythons_that_were_tried_are_green(version: tuple[int, int, int], state: State) -> None:
    assert machine.python(version).state == state


@pytest.mark.parametrize(
    ("model", "memory_kib", "state"),
    [
        ("Raspberry Pi 3 Model B Plus Rev 1.3\0", 944_000, "green"),
        ("Raspberry Pi 5 Model B Rev 1.0\0", 8_245_000, "green"),
        ("Raspberry Pi Zero 2 W Rev 1.0\0", 426_000, "amber"),
        ("Raspberry Pi 2 Model B Rev 1.1\0", 944_000, "amber"),
        (None, 8_000_000, "green"),
    ],
)
def test_the_model_of_pi_is_told(tmp_path: Path, model: str | None, memory_kib: int, state: State) -> None:
    if model is not None:
        (tmp_path / "device-tree").mkdir()
        (tmp_path / "device-tree" / "model").write_text(model)
    found = machine.board(board_model(tmp_path), memory_mib=memory_kib / 1024, processors=4)
    assert found.state == state
    assert found.value.startswith((model or "not a Raspberry Pi").rstrip("\0"))


@pytest.mark.parametrize(
    ("word", "processor", "power"),
    [
        (None, "green", "green"),
        (0x0, "green", "green"),
        (0x1, "green", "red"),
        (0x10000, "green", "amber"),
        (0x4, "red", "green"),
        (0x2, "amber", "green"),
        (0x8, "amber", "green"),
        (0x40000, "amber", "green"),
        (0x50005, "red", "red"),
        (0xA0000, "amber", "green"),
    ],
)
def test_the_firmware_tells_of_heat_and_power_now_and_since_boot(
    tmp_path: Path, word: int | None, processor: State, power: State
) -> None:
    assert machine.processor(tmp_path, word, 48.3).state == processor
    assert machine.power(word).state == power


@pytest.mark.parametrize(
    ("governor", "driver", "state"),
    [
        ("ondemand", "cpufreq-dt", "green"),
        ("powersave", "cpufreq-dt", "amber"),
        ("powersave", "intel_pstate", "green"),
    ],
)
def test_the_governor_must_let_it_run(tmp_path: Path, governor: str, driver: str, state: State) -> None:
    policy = tmp_path / "cpufreq" / "policy0"
    policy.mkdir(parents=True)
    (policy / "scaling_governor").write_text(f"{governor}\n")
    (policy / "scaling_driver").write_text(f"{driver}\n")
    found = machine.processor(tmp_path, None, None)
    assert (found.state, found.value) == (state, f"governor {governor}")


def disk_in(sys: Path, folder: Path, *, life: str | None) -> None:
    """A partition of an eMMC that ``folder`` lies on, as sysfs shows it."""
    device = folder.stat().st_dev
    partition = sys / "devices" / "mmc" / "mmcblk0" / "mmcblk0p2"
    partition.mkdir(parents=True)
    (sys / "dev" / "block").mkdir(parents=True)
    (sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}").symlink_to(partition)
    if life is not None:
        (partition.parent / "device").mkdir()
        (partition.parent / "device" / "life_time").write_text(f"{life}\n")
    ext4 = sys / "fs" / "ext4" / "mmcblk0p2"
    ext4.mkdir(parents=True)
    (ext4 / "lifetime_write_kbytes").write_text(f"{40 * 2**20}\n")
    (ext4 / "session_write_kbytes").write_text(f"{2**19}\n")


@pytest.mark.parametrize(
    ("life", "state", "words"),
    [
        ("0x01 0x02", "green", "wear: 10 to 20 % of its life"),
        ("0x09 0x01", "amber", "wear: 80 to 90 % of its life"),
        ("0x0b 0x01", "red", "wear: life used up"),
        (None, "green", "wear: not reported by this disk"),
    ],
)
def test_the_disk_tells_what_was_written_and_how_worn_it_is(
    tmp_path: Path, life: str | None, state: State, words: str
) -> None:
    disk_in(tmp_path, tmp_path, life=life)
    found = machine.disk(tmp_path / "not" / "yet", sys=tmp_path, uptime_s=43_200, writes_a_day=2880)
    assert found.state == state
    assert "40 GiB written so far, 1.00 GiB a day since boot" in found.value
    assert words in found.value
    assert "2,880 outbox writes a day" in found.value


def test_a_full_disk_is_red(tmp_path: Path) -> None:
    """/proc is a file system with nothing free."""
    found = machine.disk(Path("/proc/self"), sys=tmp_path, uptime_s=1, writes_a_day=0)
    assert (found.state, found.value.split(",")[0]) == ("red", "0.0 GiB free")


def test_a_clock_that_was_never_set_is_told() -> None:
    assert machine.clock(trusted=True, error_s=0.012) == green("synchronised, at most 12 ms off")
    assert machine.clock(trusted=True, error_s=None) == green("synchronised")
    assert machine.clock(trusted=False, error_s=None).state == "amber"


# Camera and light.


class Ticking:
    """A live camera whose frames come every ``period_s`` of its own clock; it is that clock, too."""

    live = True

    def __init__(self, period_s: float, *, error: CameraError | None = None) -> None:
        self._period_s, self._error = period_s, error
        self._now_s, self._sequence, self.closed = 0.0, 0, False

    def now(self) -> object:
        return MORNING

    def monotonic(self) -> float:
        return self._now_s

    def open(self) -> None:
        """It is open as soon as it is plugged in."""

    def read(self) -> Frame | None:
        if self._error is not None:
            raise self._error
        self._now_s += self._period_s
        self._sequence += 1
        return Frame(np.full((48, 64, 3), 120, np.uint8), MORNING, self._now_s, self._sequence)

    def close(self) -> None:
        self.closed = True

    def describe(self) -> str:
        return "camera 0"


def test_the_rate_is_that_of_the_frames_whoever_else_is_slow() -> None:
    ticking = Ticking(0.08)
    watched = camera.watch(ticking, ticking)  # type: ignore[arg-type]
    assert watched.fps == pytest.approx(12.5)
    assert (watched.light, ticking.closed) == (Light(120.0, 0.0), True)


def test_a_camera_that_gives_nothing_says_why_and_is_closed() -> None:
    silent = Ticking(
        0.1, error=CameraError("camera 0: stopped sending pictures; check cable, power, network")
    )
    with pytest.raises(CameraError, match="stopped sending pictures; check cable"):
        camera.watch(silent, ManualClock(), patience_s=0.05)
    assert silent.closed


@pytest.mark.parametrize(
    ("fps", "state"), [(15.0, "green"), (12.0, "green"), (11.9, "amber"), (2.9, "red"), (None, "amber")]
)
def test_the_rate_is_held_against_what_was_asked_for(fps: float | None, state: State) -> None:
    assert camera.rate("camera 0", fps, asked_fps=15).state == state


@pytest.mark.parametrize(
    ("picture", "state"),
    [
        (np.full((480, 640, 3), 120, np.uint8), "green"),
        (np.full((480, 640, 3), 40, np.uint8), "amber"),
        (np.full((480, 640, 3), 8, np.uint8), "red"),
        (np.where(np.arange(640)[None, :, None] < 256, 255, 90).repeat(480, 0).repeat(3, 2), "amber"),
    ],
)
def test_too_dark_and_against_the_light_are_told(picture: np.ndarray, state: State) -> None:
    assert camera.light(light_of(picture.astype(np.uint8))).state == state


# The models.


def test_a_model_that_was_changed_is_red(tmp_path: Path) -> None:
    assert models.hashes(load_manifest(packaged_models())).state == "green"
    folder = tmp_path / "models"
    shutil.copytree(packaged_models(), folder, ignore=shutil.ignore_patterns("*.py", "cards", "__pycache__"))
    changed = load_manifest(folder).attributes.path
    changed.write_bytes(changed.read_bytes()[:-1])
    (check,) = run_checks([("models", lambda: models.hashes(load_manifest(folder)))])
    assert check.state == "red"
    assert str(changed) in check.value


@pytest.mark.parametrize(
    ("speed", "state"),
    [
        (models.Speed(40, 60, 30), "green"),
        (models.Speed(40, 70, 30), "amber"),  # the slow ones skip a frame of 67 ms
        (models.Speed(40, 60, 41), "amber"),  # no face fits into the budget
        (models.Speed(400, 500, 30), "red"),
        (models.Speed(0, 0), "green"),
    ],
)
def test_the_speed_is_held_against_the_interval_and_the_budget(speed: models.Speed, state: State) -> None:
    assert models.speed(speed, asked_fps=15, budget_ms=40).state == state


# The command.


def test_the_unit_is_that_of_the_file_or_of_the_folder_that_systemd_names() -> None:
    config = Path("/run/credentials/x/config.yaml")
    environ = {
        "STATE_DIRECTORY": "/var/lib/footlight-edge@aisle",
        "CREDENTIALS_DIRECTORY": "/run/credentials/x",
    }
    assert surroundings(config, environ) == ("footlight-edge@aisle", environ)
    assert surroundings(Path("/etc/footlight/footlight-edge.yaml"), {})[0] == "footlight-edge"


def test_what_the_server_asked_for_is_what_it_is_held_against(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, state = tmp_path / "shop.yaml", tmp_path / "footlight-edge"
    config.write_text("camera: {source: /dev/video99}\nmqtt: {host: broker.invalid}\n")
    state.mkdir()
    overlay = {"message": "0123456789ab", "settings": {"camera": {"fps": 7}}}
    (state / "footlight.config.json").write_text(json.dumps({"proven": overlay}))
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    main(["doctor", "--config", str(config), "--json"])
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert "config message 0123456789ab sets these camera.fps: 7.0, not 15.0" in checks["settings"]["value"]
    assert " of 143 ms; " in checks["speed"]["value"]  # the interval of 7 frames a second
    (state / "footlight.config.json").write_text("{")
    main(["doctor", "--config", str(config), "--json"])
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["settings"]["state"] == "red"
    assert " of 67 ms; " in checks["speed"]["value"]


def test_every_hop_is_measured_though_nothing_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text(
        "camera: {source: /dev/video99}\n"
        "mqtt: {host: broker.invalid, tls: {ca: none.crt}, username: door, password_file: none}\n"
    )
    assert main(["doctor", "--config", str(config), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    checks = {check["name"]: check for check in told["checks"]}
    assert told["state"] == "red"
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert [check["name"] for check in told["checks"]] == re.findall(
        r"^\| ([a-z ]+) \| .* \|.*\|.*\|", page, re.MULTILINE
    )[1:]
    assert checks["camera"]["value"].startswith("camera /dev/video99: no such device")
    assert checks["broker name"]["state"] == checks["tls"]["state"] == "red"
    assert checks["store and back"]["value"].startswith("not reached")
    assert checks["models"]["state"] == "green"
    assert " ms a frame" in checks["speed"]["value"]
    reached = [check for check in told["checks"] if not check["value"].startswith("not reached: ")]
    assert all(bool(check["fix"]) == (check["state"] != "green") for check in reached)


def test_a_configuration_that_is_wrong_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text("camra: {}\n")
    assert main(["doctor", "--config", str(config)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
