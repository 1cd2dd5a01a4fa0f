"""Counting on clips: the arithmetic, on tracks made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import clips
from benchmarks.clips import Genders, glances, judge, truths, wrong_ages
from benchmarks.crossings import Crossings, Line, crossings
from benchmarks.following import Held
from common.errors import UserError
from edge.types import Box

LEVEL = Line(100, 200, 500, 200, height=400)
SURELY = 8.0


def head(track_id: int, x: float, y: float, *, confirmed: bool = True, body: Box | None = None) -> Held:
    return Held(track_id, Box(x - 10, y - 10, x + 10, y + 10), confirmed, body)


def alone(*points: tuple[float, float], confirmed: bool = True) -> list[list[Held]]:
    return [[head(1, x, y, confirmed=confirmed)] for x, y in points]


def test_who_walks_down_and_back_crosses_in_both_ways() -> None:
    assert crossings(alone((300, 150), (300, 250)), LEVEL) == Crossings(1, 0)
    assert crossings(alone((300, 250), (300, 150)), LEVEL) == Crossings(0, 1)
    assert crossings(alone((300, 150), (300, 250), (300, 150)), LEVEL) == Crossings(1, 1)


def test_an_upright_line_is_crossed_to_the_right() -> None:
    upright = Line(300, 0, 300, 400, height=400)
    assert crossings(alone((250, 100), (350, 100)), upright) == Crossings(1, 0)


def test_who_waits_on_the_line_and_jitters_crosses_once_at_most() -> None:
    jitter = [(300.0, 200 + SURELY * 0.9 * (-1) ** turn) for turn in range(20)]
    assert crossings(alone(*jitter), LEVEL) == Crossings(0, 0)
    assert crossings(alone((300, 150), *jitter, (300, 250)), LEVEL) == Crossings(1, 0)
    assert crossings(alone((300, 150), *jitter, (300, 150)), LEVEL) == Crossings(0, 0)


def test_who_passes_beside_the_end_of_the_line_does_not_cross_it() -> None:
    assert crossings(alone((50, 150), (50, 250)), LEVEL) == Crossings(0, 0)
    assert crossings(alone((50, 150), (50, 250), (300, 250), (300, 150)), LEVEL) == Crossings(0, 1)


def test_only_visits_count_and_each_for_itself() -> None:
    assert crossings(alone((300, 150), (300, 250), confirmed=False), LEVEL) == Crossings(0, 0)
    late = [[head(1, 300, 150, confirmed=False)], [head(1, 300, 250)]]
    assert crossings(late, LEVEL) == Crossings(1, 0)
    two = [[head(1, 300, 150), head(2, 200, 250)], [head(1, 300, 250), head(2, 200, 150)]]
    assert crossings(two, LEVEL) == Crossings(1, 1)


def test_the_centre_is_that_of_the_body_also_where_the_body_is_missed() -> None:
    """The head is at 150, above the line; the centre of the body 100 px below it."""
    body = Box(270, 140, 330, 360)
    seen = [head(1, 300, 150, body=body)]
    assert crossings([seen, [head(1, 300, 150)], seen], LEVEL) == Crossings(0, 0)
    walks_up = [seen, [head(1, 300, 80)]]
    assert crossings(walks_up, LEVEL) == Crossings(0, 1)


@pytest.mark.parametrize(
    ("told", "expected", "judged"),
    [
        (["male"], ["male"], Genders(1, 0, 0)),
        (["female"], ["male"], Genders(0, 1, 0)),
        (["unknown"], ["male"], Genders(0, 0, 1)),
        (["not_seen", "male"], ["male"], Genders(1, 0, 1)),
        (["male", "female", "female"], ["female", "male", "female"], Genders(3, 0, 0)),
        (["male", "male"], ["female", "male"], Genders(1, 1, 0)),
        ([], ["male"], Genders(0, 0, 0)),
    ],
)
def test_genders_are_compared_whoever_is_who(told: list[str], expected: list[str], judged: Genders) -> None:
    assert judge(told, expected) == judged


def test_an_age_band_that_nobody_in_the_video_has_is_wrong() -> None:
    told = ["18-24", "0-17", "unknown", "not_seen"]
    assert wrong_ages(told, ("18-24", "25-34")) == 1
    assert wrong_ages(told, ("0-17",)) == 1


def test_twenty_frames_are_spread_over_a_clip() -> None:
    assert glances(3) == [0, 1, 2]
    chosen = glances(500)
    assert (len(chosen), chosen[0], chosen[-1]) == (20, 0, 499)
    assert len(set(chosen)) == 20


def test_a_line_that_cannot_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "truth.csv"
    bad.write_text("clip,width\na.mp4,640\n")
    with pytest.raises(UserError, match=r"truth\.csv: cannot be read"):
        truths(bad)
    bad.write_text("clip,height,last,x1,y1,x2,y2,down_or_right,up_or_left\n")
    with pytest.raises(UserError, match=r"truth\.csv: nobody crosses a line"):
        truths(bad)
    assert clips.main(["--data", str(tmp_path)]) == 2  # no folder clips in there
    assert "no clips/truth.csv" in capsys.readouterr().err
