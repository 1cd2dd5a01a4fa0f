"""``footlight-cloud demo``, the product's own promise: what walked by is what was published, within a minute."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.brokers import until
from tests.support.short_scene import stretch, write_clip

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class Shown:
    """A demo from beginning to end: what it printed, and what its page answered meanwhile."""

    result: dict[str, Any]
    page: str
    today: dict[str, Any]


def show(*arguments: str | Path) -> Shown:
    command = [sys.executable, "-W", "error", "-m", "cloud", "demo", "--json", *(str(a) for a in arguments)]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
        reader.start()
        try:
            until(lambda: address(lines) or process.poll() is not None, "the page is announced", timeout_s=60)
            url = address(lines)
            assert url, lines
            page = httpx.get(url, timeout=10, follow_redirects=True).text
            today: dict[str, Any] = httpx.get(f"{url}api/demo-shop/today", timeout=10).json()
            out = process.stdout.read()
            assert process.wait(20) == 0, lines
            reader.join(20)
        finally:
            process.kill()
    assert "Traceback" not in "".join(lines)
    return Shown(json.loads(out), page, today)


def address(lines: list[str]) -> str | None:
    return next((found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))), None)


@pytest.fixture(scope="module")
def scene() -> Shown:
    return show()


def test_as_many_visits_are_published_as_people_walked_by(scene: Shown) -> None:
    truth, published = scene.result["truth"], scene.result["published"]
    assert scene.result["source"] == "scene"
    assert abs(published["visits"] - truth["visits"]) <= 1
    assert published["viewers"] <= published["visits"]
    # a visit is counted where it ends, so a scene of 45 s fills ten windows of 5 s at most
    assert 8 <= published["windows"] <= 11


def test_gender_is_right_for_nine_in_ten_of_the_classified(scene: Shown) -> None:
    """From totals, as anybody could check it: of each gender no more can be right than walked by."""
    truth, published = scene.result["truth"]["gender"], scene.result["published"]["gender"]
    classified = published["female"] + published["male"]
    right = sum(min(published[gender], truth[gender]) for gender in ("female", "male"))
    assert sum(published.values()) == scene.result["published"]["visits"]
    assert classified >= 0.8 * scene.result["truth"]["visits"]
    assert right >= 0.9 * classified


def test_its_page_is_there_while_it_runs(scene: Shown) -> None:
    assert "Footlight" in scene.page
    assert scene.today["site"] == "demo-shop"


def test_a_file_is_shown_like_the_scene(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    result = show("--source", clip).result
    assert result["source"] == str(clip)
    assert result["truth"] is None
    assert result["published"]["visits"] == len(stretch().truth.visits)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nope.mp4", None, "nope.mp4: no such file; give a camera number"),
        ("text.mp4", b"not a video\n" * 40, "text.mp4: not a video, or cut off"),
    ],
)
def test_a_source_that_cannot_be_shown_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-W", "error", "-m", "cloud", "demo", "--source", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (line,) = done.stderr.splitlines()
    assert line.startswith("footlight-cloud: ")
    assert says in line
    assert (done.returncode, done.stdout.strip()) == (2, "")
