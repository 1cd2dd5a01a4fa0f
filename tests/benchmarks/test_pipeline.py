"""The benchmark's arithmetic and the shape of what it says; how fast anything is, is not tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import pipeline as bench
from benchmarks.contestants import DONE, Run
from benchmarks.cost_tables import tables
from benchmarks.peers import PeerFiles, peer_files
from common.errors import UserError

pytestmark = pytest.mark.slow

STAGES = ("decode", "wide", "near", "refine", "classify", "track", "rest")


def a_run(milliseconds: float, *, frames: int = 10) -> Run:
    """Return a run that spends a millisecond a frame on decoding, and the rest on the whole view."""
    spent = dict.fromkeys(STAGES, 0.0) | {"decode": 1.0, "wide": milliseconds - 1.0}
    cpu_s = {stage: value * frames / 1000 for stage, value in spent.items()}
    return Run(
        frames,
        frames * 0.02,
        {**cpu_s, "total": sum(cpu_s.values())},
        dict.fromkeys(DONE, 0) | {"faces": 2 * frames, "near": frames // 2, "visits": 3},
    )


def a_result(ours: float, haar: float, yunet: float = 1000.0) -> bench.Json:
    runs = {
        "decode": [a_run(1)],
        bench.FOOTLIGHT: [a_run(ours)],
        bench.HAAR: [a_run(haar)],
        bench.YUNET: [a_run(yunet)],
    }
    return bench.result(bench.Clip(Path("film.avi"), 640, 480, 2, far=False), runs)


def test_numbers_are_medians_per_frame_and_ratios_are_of_the_same_round() -> None:
    runs = {
        bench.FOOTLIGHT: [a_run(4), a_run(8), a_run(5)],
        bench.HAAR: [a_run(40, frames=2), a_run(401, frames=2), a_run(21, frames=2)],
    }
    result = bench.result(bench.Clip(Path("film.avi"), 640, 480, 2, far=True), runs)
    mine, peer = (result["contestants"][name] for name in (bench.FOOTLIGHT, bench.HAAR))
    assert mine["cpu_ms"]["total"] == 5
    assert mine["cpu_ms"]["wide"] == 4
    assert mine["fps"] == 50
    assert (mine["per_frame"]["faces"], mine["per_frame"]["near"], mine["visits"]) == (2, 0.5, 3)
    assert peer["cpu_ms"]["total"] == 40
    assert result["footlight_cpu_over"] == {bench.HAAR: 0.1}  # of 0.1, 0.02 and 0.24
    assert result["footlight_cpu_over_without_decoding"] == {bench.HAAR: 0.0769}  # of 3/39, 7/400 and 4/20


def test_one_film_in_which_a_goal_is_missed_is_told() -> None:
    assert not bench.missed([a_result(4, 40), a_result(5, 50)])
    (line,) = bench.missed([a_result(4, 40), a_result(50, 5)])
    assert "more than 1 of haar in 1 of 2 films; most, 10.00, at 640x480 with 2 people" in line
    (line,) = bench.missed([a_result(4, 40, yunet=12), a_result(4, 40, yunet=8)])
    assert "more than 0.33 of yunet in 2 of 2 films; most, 0.50" in line


def test_real_films_are_played_by_everybody(tmp_path: Path) -> None:
    heard: list[str] = []
    everybody, frames = bench.contestants(PeerFiles()), 45
    clips = [bench.film(tmp_path, (1280, 720), 2, frames, far=far) for far in (False, True)]
    close, far = bench.measure(everybody, clips, frames=frames, rounds=1, progress=heard.append)
    assert len(heard) == 2 * len(everybody)
    assert [(each["size"], each["people"], each["far"]) for each in (close, far)] == [
        ("1280x720", 2, False),
        ("1280x720", 2, True),
    ]
    for result in (close, far):
        each = result["contestants"]
        assert set(each) == {"decode", bench.FOOTLIGHT, bench.HAAR}
        for one in each.values():
            assert one["cpu_ms"]["total"] == pytest.approx(sum(one["cpu_ms"][s] for s in STAGES), abs=0.01)
        mine, haar = each[bench.FOOTLIGHT], each[bench.HAAR]
        assert mine["frames"] == each["decode"]["frames"] == frames
        assert (mine["visits"], mine["described"]) == (2, 2)
        assert mine["cpu_ms"]["track"] > 0
        assert haar["per_frame"]["classified"] == haar["per_frame"]["faces"]
        for stage in ("decode", "wide", "classify"):
            assert mine["cpu_ms"][stage] > 0
        assert json.loads(json.dumps(result)) == result
    assert close["contestants"][bench.FOOTLIGHT]["per_frame"]["near"] < 0.2
    assert far["contestants"][bench.FOOTLIGHT]["per_frame"]["near"] > 0.2
    assert len(list(tables([close, far], bench.GOALS, bench.CODEC))) == 2


def test_a_film_that_is_too_short_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        bench.main(["--frames", "0"])
    assert stop.value.code == 2
    assert "'0' is not a whole number of at least 1" in capsys.readouterr().err


def test_a_network_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "yunet.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(UserError, match=r"yunet\.onnx: not YuNet"):
        bench.contestants(PeerFiles(broken))


def test_systems_whose_files_are_absent_are_left_out_and_told(tmp_path: Path) -> None:
    said: list[str] = []
    assert peer_files(None, None, said.append) == PeerFiles()
    assert peer_files(tmp_path, None, said.append) == PeerFiles()
    (tmp_path / "teacher").mkdir()
    yunet = tmp_path / "teacher" / "yunet_n_320_320.onnx"
    yunet.touch()
    assert peer_files(tmp_path, None, said.append) == PeerFiles(yunet)
    assert peer_files(None, yunet, said.append) == PeerFiles(yunet)
    assert [line.partition(" is skipped")[0] for line in said] == [
        "YuNet, alone and with Yolo-Fastest,",
        "YuNet, alone and with Yolo-Fastest,",
        "Yolo-Fastest",
        "Yolo-Fastest",
    ]
    assert "yolo-fastest-1.1_body.cfg" in said[2]
