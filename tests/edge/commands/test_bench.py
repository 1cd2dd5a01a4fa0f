"""``footlight-edge bench``: every figure it promises is there, and its advice follows from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.__main__ import main
from edge.commands.bench.advice import BUSY, RATES, advise
from edge.commands.bench.measure import STAGES, Cost, Machine, Slice, Stage, machine
from edge.commands.bench.report import lines
from edge.config import DetectionSettings, Settings

pytestmark = pytest.mark.slow

PI = Machine("Raspberry Pi 4 Model B", 4, 0.1, 3000.0, "ondemand", 1500.0, 50.0, throttled=False)


def cost(step_ms: float, *, threads: int = 1, cpu_ms: float = 20.0, slow: float = 1.0) -> Cost:
    stages = {stage: Stage(1.0, 1.0) for stage in STAGES} | {"step": Stage(step_ms, slow * step_ms)}
    return Cost(640, 480, 3, threads, stages, cpu_ms)


def slices(*rates: float, throttled: bool = False) -> list[Slice]:
    return [Slice(5.0 * number, fps, 60.0, throttled) for number, fps in enumerate(rates, 1)]


def test_the_whole_benchmark_measures_what_it_promises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(yaml.safe_dump({"detection": {"min_face_px": 16}}))
    assert main(["bench", "--config", str(config), "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["faces"] for each in found["faces"]] == [0, 1, 3, 6]
    assert [each["width"] for each in found["size"]] == [320, 640, 1280]
    assert found["threads"][0]["threads"] == 1
    for each in (*found["faces"], *found["threads"], *found["size"]):
        stages = each["stages"]
        assert tuple(stages) == STAGES
        assert stages["step"]["median_ms"] >= stages["detect"]["median_ms"] > 0
        assert each["cpu_ms"] > 0
    nobody, crowd = found["faces"][0]["stages"], found["faces"][-1]["stages"]
    assert nobody["classify"]["p95_ms"] == 0
    assert crowd["classify"]["median_ms"] > 0
    assert crowd["refine"]["p95_ms"] > 0  # not in every frame
    assert len(found["sustained"]) >= 2
    assert found["advice"]["threads"] in [each["threads"] for each in found["threads"]]
    assert found["before"]["cores"] >= 1


@given(
    steps=st.lists(st.floats(1, 400), min_size=1, max_size=4),
    slow=st.floats(1, 2),
    rates=st.lists(st.floats(1, 100), min_size=2, max_size=5),
)
def test_the_advised_rate_leaves_room_and_the_advised_configuration_is_one(
    steps: list[float], slow: float, rates: list[float]
) -> None:
    costs = [cost(step, threads=number, slow=slow) for number, step in enumerate(steps, 1)]
    advice = advise(costs, costs[-1], slices(*rates), machine=PI, rss_mib=100)
    chosen = costs[advice.threads - 1]
    room_ms = 1000 * BUSY * min(1.0, rates[-1] / rates[0])
    assert chosen.stages["step"].median_ms <= 1.15 * min(steps)
    assert advice.fps * chosen.stages["step"].p95_ms <= room_ms
    if advice.fps < max(RATES):
        faster = min(rate for rate in RATES if rate > advice.fps)
        assert faster * chosen.stages["step"].p95_ms > room_ms
    DetectionSettings(threads=advice.threads)
    if advice.fps:
        Settings.model_validate({"camera": {"fps": advice.fps}})


def test_a_thread_that_brings_little_is_not_advised() -> None:
    costs = [cost(40, threads=1), cost(22, threads=2), cost(21, threads=3), cost(30, threads=4)]
    assert advise(costs, costs[-1], slices(20, 20), machine=PI, rss_mib=100).threads == 2


def test_cameras_are_as_many_as_time_and_memory_carry() -> None:
    one = cost(30, cpu_ms=50)
    by_time = advise([one], one, slices(20, 20), machine=PI, rss_mib=100)
    assert by_time.cameras == int(BUSY * 4 * 1000 / (50 * by_time.fps)) > 1
    assert advise([one], one, slices(20, 20), machine=PI, rss_mib=1500).cameras == 1


def test_a_board_that_slows_down_gets_the_rate_that_it_keeps() -> None:
    one = cost(45)
    assert advise([one], one, slices(22, 22), machine=PI, rss_mib=100).fps == 15
    assert advise([one], one, slices(22, 11), machine=PI, rss_mib=100).fps < 10


@pytest.mark.parametrize(
    ("before", "run", "said"),
    [
        (PI, slices(10, 10), "fps: 15"),
        (PI, slices(10, 5, throttled=True), "slowed by the firmware"),
        (
            Machine("AMD", 4, 3.5, 3000.0, None, None, None, None),
            slices(10, 10),
            "Other programs use the processor",
        ),
        (Machine("AMD", 4, 0.1, 3000.0, None, None, None, None), slices(10, 10), "not a Raspberry Pi"),
    ],
)
def test_it_says_what_else_there_is_to_know(before: Machine, run: list[Slice], said: str) -> None:
    one = cost(40)
    advice = advise([one], one, run, machine=before, rss_mib=100)
    assert said in "\n".join(lines(before, before, run, advice))


def test_too_slow_is_said_and_no_configuration_given() -> None:
    one = cost(400)
    said = "\n".join(lines(PI, PI, slices(2, 2), advise([one], one, slices(2, 2), machine=PI, rss_mib=100)))
    assert "Too slow" in said
    assert "camera:" not in said


def test_the_machine_is_read_from_where_linux_shows_it(tmp_path: Path) -> None:
    for name, text in {
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
        "thermal/thermal_zone0/temp": "61500\n",
        "platform/soc/soc:firmware/get_throttled": "0x4\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = machine(
        proc=tmp_path / "proc",
        cpu=tmp_path / "cpu",
        thermal=tmp_path / "thermal",
        platform=tmp_path / "platform",
    )
    assert found.board == "Raspberry Pi 5 Model B Rev 1.0"
    assert found.free_mib > 0
    assert (found.governor, found.mhz, found.temperature_c, found.throttled) == ("ondemand", 2400, 61.5, True)
    bare = machine(proc=tmp_path, cpu=tmp_path, thermal=tmp_path, platform=tmp_path)
    assert (bare.board, bare.governor, bare.temperature_c, bare.throttled) == ("unknown", None, None, None)
