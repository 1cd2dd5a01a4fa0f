"""``footlight-edge bench``: every figure it promises is there, and its advice follows from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.__main__ import main
from edge.commands.bench.advice import BUSY, LARGE, LARGEST, RATES, SMALL, Advice, advise, fewest
from edge.commands.bench.measure import STAGES, Cost, Machine, Slice, Stage, machine
from edge.commands.bench.report import configuration, lines
from edge.config import Settings

pytestmark = pytest.mark.slow

PI = Machine("Raspberry Pi 4 Model B", 4, 0.1, 3000.0, "ondemand", 1500.0, 50.0, throttled=False)


def cost(
    step_ms: float, *, threads: int = 1, cpu_ms: float = 20.0, slow: float = 1.0, near_ms: float = 0.0
) -> Cost:
    """Return the cost of steps of ``step_ms`` without near looks, which take ``near_ms`` each, at every frame."""
    stages = {stage: Stage(1.0, 1.0) for stage in STAGES} | {"near": Stage(near_ms, near_ms)}
    stages["step"] = Stage(step_ms + near_ms, slow * step_ms + near_ms)
    return Cost(1280, 720, 3, threads, stages, step_ms + near_ms, Stage(step_ms, slow * step_ms), 1.0, cpu_ms)


def advised(
    small: Cost,
    large: Cost | None = None,
    largest: Cost | None = None,
    *,
    run: list[Slice] | None = None,
    rss_mib: float = 100,
) -> Advice:
    large = large or small
    sizes = {SMALL: small, LARGE: large, LARGEST: largest or large}
    return advise([large], sizes, run or slices(20, 20), machine=PI, rss_mib=rss_mib)


def slices(*rates: float, throttled: bool = False) -> list[Slice]:
    return [Slice(5.0 * number, fps, 60.0, throttled) for number, fps in enumerate(rates, 1)]


def test_the_whole_benchmark_measures_what_it_promises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(yaml.safe_dump({"detection": {"min_face_px": 16}}))
    assert main(["bench", "--config", str(config), "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["people"] for each in found["people"]] == [0, 1, 3, 6]
    assert [each["width"] for each in found["size"]] == [640, 1280, 1920]
    assert found["threads"][0]["threads"] == 1
    for each in (*found["people"], *found["threads"], *found["size"]):
        stages = each["stages"]
        assert tuple(stages) == STAGES
        assert stages["step"]["p95_ms"] >= stages["wide"]["median_ms"] > 0
        assert each["cpu_ms"] > 0
        assert each["step_ms"] == pytest.approx(1000 / each["fps"], rel=0.02)
    nobody, crowd = found["people"][0], found["people"][-1]
    assert nobody["stages"]["classify"]["p95_ms"] == 0
    assert crowd["stages"]["classify"]["median_ms"] > 0
    assert crowd["stages"]["refine"]["median_ms"] > 0
    assert crowd["stages"]["near"]["median_ms"] > 0
    assert 0 < crowd["near_share"] <= 1
    assert len(found["sustained"]) >= 2
    assert found["advice"]["threads"] in [each["threads"] for each in found["threads"]]
    assert found["before"]["cores"] >= 1


@given(
    steps=st.lists(st.floats(1, 400), min_size=1, max_size=4),
    slow=st.floats(1, 2),
    near_ms=st.floats(0, 60),
    rates=st.lists(st.floats(1, 100), min_size=2, max_size=5),
)
def test_the_advised_rate_leaves_room_and_the_advised_configuration_is_one(
    steps: list[float], slow: float, near_ms: float, rates: list[float]
) -> None:
    costs = [cost(step, threads=number, slow=slow, near_ms=near_ms) for number, step in enumerate(steps, 1)]
    chosen = fewest(costs)
    assert chosen.step_ms <= 1.15 * min(each.step_ms for each in costs)
    sizes = dict.fromkeys((SMALL, LARGE, LARGEST), chosen)
    advice = advise(costs, sizes, slices(*rates), machine=PI, rss_mib=100)
    assert advice.threads == chosen.threads
    room_ms = 1000 * BUSY * min(1.0, rates[-1] / rates[0])
    step_ms = chosen.without_near.p95_ms
    assert advice.fps * (step_ms + near_ms / 2) <= room_ms
    if advice.fps < max(RATES):
        faster = min(rate for rate in RATES if rate > advice.fps)
        assert faster * (step_ms + near_ms / 2) > room_ms
    if advice.fps:
        assert near_ms / 2 - 1 <= advice.near_budget_ms <= near_ms + 1
        assert advice.fps * (step_ms + advice.near_budget_ms) <= room_ms + 1e-6
        settings = Settings.model_validate(yaml.safe_load("\n".join(configuration(advice))))
        assert (settings.camera.fps, settings.detection.threads) == (advice.fps, advice.threads)
        assert settings.detection.near_budget_ms == advice.near_budget_ms


def test_a_thread_that_brings_little_is_not_advised() -> None:
    costs = [cost(40, threads=1), cost(22, threads=2), cost(21, threads=3), cost(30, threads=4)]
    assert fewest(costs).threads == 2


def test_the_larger_picture_is_advised_where_the_machine_carries_it() -> None:
    fast, middle, slow = cost(20), cost(80), cost(130)
    sizes = [(one.width, one.fps) for one in (advised(fast), advised(fast, middle), advised(fast, slow))]
    assert sizes == [(1280, 15), (1280, 8), (640, 15)]
    assert [one.width for one in (advised(slow, slow), advised(slow, cost(400)))] == [1280, 640]
    assert advised(fast, fast, middle).largest_fps == 8
    assert advised(fast, fast, cost(400)).largest_fps == 0


def test_near_looks_get_the_time_that_is_left_but_never_more_than_one_look_takes() -> None:
    assert advised(cost(20, near_ms=11.5)).near_budget_ms == 12
    room_ms = 1000 * BUSY / 15
    assert advised(cost(room_ms - 8.5, near_ms=16)).near_budget_ms == 8


def test_cameras_are_as_many_as_time_and_memory_carry() -> None:
    one = cost(30, cpu_ms=50)
    by_time = advised(one)
    assert by_time.cameras == int(BUSY * 4 * 1000 / (50 * by_time.fps)) > 1
    assert advised(one, rss_mib=1500).cameras == 1


def test_a_board_that_slows_down_gets_the_rate_that_it_keeps() -> None:
    assert advised(cost(45), run=slices(22, 22)).fps == 15
    assert advised(cost(45), run=slices(22, 11)).fps < 10


@pytest.mark.parametrize(
    ("before", "run", "said"),
    [
        (PI, slices(10, 10), "fps: 15"),
        (PI, slices(10, 10), "width: 1280"),
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
    assert said in "\n".join(lines(before, before, run, advised(cost(40), run=run)))


def test_too_slow_is_said_and_no_configuration_given() -> None:
    said = "\n".join(lines(PI, PI, slices(2, 2), advised(cost(400))))
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
