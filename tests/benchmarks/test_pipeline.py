"""The benchmark's arithmetic and the shape of what it says; how fast anything is, is not tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import pipeline as bench
from benchmarks.contestants import Run
from common.errors import UserError

pytestmark = pytest.mark.slow

STAGES = ("decode", "detect", "refine", "track", "classify", "rest")


def a_run(milliseconds: float, *, frames: int = 10) -> Run:
    spent = {
        "decode": 1.0,
        "detect": milliseconds - 1.0,
        "refine": 0.0,
        "track": 0.0,
        "classify": 0.0,
        "rest": 0.0,
    }
    cpu_s = {stage: value * frames / 1000 for stage, value in spent.items()}
    return Run(
        frames,
        frames * 0.02,
        {**cpu_s, "total": sum(cpu_s.values())},
        {"found": 2 * frames, "looks": frames // 2, "visits": 3},
    )


def a_result(ours: float, haar: float) -> bench.Json:
    runs = {"decode": [a_run(1)], bench.FOOTLIGHT: [a_run(ours)], bench.HAAR: [a_run(haar)]}
    return bench.result(bench.Clip(Path("film.avi"), 640, 480, 2), runs)


def test_numbers_are_medians_per_frame_and_ratios_are_of_the_same_round() -> None:
    runs = {
        bench.FOOTLIGHT: [a_run(4), a_run(8), a_run(5)],
        bench.HAAR: [a_run(40, frames=2), a_run(400, frames=2), a_run(20, frames=2)],
    }
    result = bench.result(bench.Clip(Path("film.avi"), 640, 480, 2), runs)
    mine, peer = (result["contestants"][name] for name in (bench.FOOTLIGHT, bench.HAAR))
    assert mine["cpu_ms"]["total"] == 5
    assert mine["cpu_ms"]["detect"] == 4
    assert mine["fps"] == 50
    assert (mine["found_per_frame"], mine["looks_per_frame"], mine["visits"]) == (2, 0.5, 3)
    assert peer["cpu_ms"]["total"] == 40
    assert result["footlight_cpu_over"] == {bench.HAAR: 0.1}  # of 0.1, 0.02 and 0.25


def test_one_number_of_faces_at_which_the_cascade_is_cheaper_is_a_defeat() -> None:
    assert bench.cheaper_everywhere([a_result(4, 40), a_result(5, 50)])
    assert not bench.cheaper_everywhere([a_result(4, 40), a_result(50, 5)])


def test_a_real_film_is_played_by_everybody() -> None:
    heard: list[str] = []
    everybody = bench.contestants(None)
    (result,) = bench.measure(
        everybody, sizes=[(640, 480)], faces=[5], frames=6, rounds=1, progress=heard.append
    )
    assert len(heard) == 1 + len(everybody)
    assert (result["size"], result["faces"]) == ("640x480", 5)
    each = result["contestants"]
    assert set(each) == {bench.FLOOR, bench.FOOTLIGHT, bench.HAAR}
    for one in each.values():
        assert one["cpu_ms"]["total"] == pytest.approx(sum(one["cpu_ms"][s] for s in STAGES), abs=0.01)
    assert each[bench.FOOTLIGHT]["frames"] == each[bench.FLOOR]["frames"] == 6
    assert each[bench.FOOTLIGHT]["found_per_frame"] >= 4
    assert each[bench.FOOTLIGHT]["visits"] >= 4
    assert each[bench.HAAR]["looks_per_frame"] == each[bench.HAAR]["found_per_frame"] > 0
    for name in (bench.FOOTLIGHT, bench.HAAR):
        assert all(each[name]["cpu_ms"][stage] > 0 for stage in ("decode", "detect", "classify"))
    assert each[bench.FOOTLIGHT]["cpu_ms"]["track"] > 0
    assert json.loads(json.dumps(result)) == result


def test_a_film_that_is_too_short_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        bench.main(["--frames", "0"])
    assert stop.value.code == 2
    assert "'0' is not a whole number of at least 1" in capsys.readouterr().err


def test_a_network_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "yunet.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(UserError, match=r"yunet\.onnx: not YuNet"):
        bench.contestants(broken)
