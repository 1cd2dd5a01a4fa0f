"""Which camera a source means, and what files and devices give."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.camera import Camera, CameraError
from edge.capture.factory import open_camera
from edge.capture.live import stream_camera
from edge.capture.replay import Paced, replay
from edge.capture.video import LONGEST_LEAP_S, presentation_s
from edge.types import Image
from tests.support.clock import ManualClock

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def shade(number: int) -> Image:
    """A picture that tells its number by its brightness."""
    return np.full((48, 64, 3), number * 8, np.uint8)


def write_video(path: Path, frames: int = 20, fps: float = 10, codec: str = "MJPG") -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(shade(number))
    writer.release()
    return path


def camera_of(source: object, clock: ManualClock | None = None, fps: float = 4) -> Camera:
    assert isinstance(source, (int, str, Path))
    text = source if isinstance(source, int) else str(source)
    return open_camera(text, width=64, height=48, fps=fps, clock=clock or ManualClock(START))


def failure_of(source: object) -> CameraError:
    """The one line that a user gets who opens and plays ``source``."""
    with pytest.raises(CameraError) as caught:
        list(replay(camera_of(source)))
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "mp4v"), ("avi", "MJPG"), ("mkv", "MJPG")])
def test_a_video_gives_every_frame_with_its_own_time(tmp_path: Path, suffix: str, codec: str) -> None:
    path = write_video(tmp_path / f"clip.{suffix}", codec=codec)
    frames = list(replay(camera_of(path)))
    assert [frame.sequence for frame in frames] == list(range(20))
    assert [frame.monotonic_s for frame in frames] == pytest.approx([n / 10 for n in range(20)], abs=0.001)
    assert [frame.captured_at for frame in frames] == [
        START + timedelta(seconds=frame.monotonic_s) for frame in frames
    ]
    assert [frame.image.mean() for frame in frames] == pytest.approx([n * 8 for n in range(20)], abs=4)
    assert frames[0].image.shape == (48, 64, 3)


def test_a_video_can_be_opened_again(tmp_path: Path) -> None:
    camera = camera_of(write_video(tmp_path / "clip.avi"))
    assert len(list(replay(camera))) == len(list(replay(camera))) == 20


def shown(stated: Sequence[float], period_s: float) -> list[float]:
    """When the frames are shown for which a container states these times."""
    times: list[float] = []
    for stated_s in stated:
        times.append(presentation_s(stated_s, times[-1] if times else None, period_s))
    return times


@given(st.lists(st.floats(-10, 1e6) | st.just(float("nan")), min_size=2), st.floats(0.001, 10))
def test_time_goes_on_whatever_a_container_states(stated: list[float], period_s: float) -> None:
    times = shown(stated, period_s)
    assert times[0] >= 0
    assert all(later > earlier for earlier, later in pairwise(times))


@given(st.lists(st.floats(0, LONGEST_LEAP_S), unique=True).map(sorted))
def test_times_that_make_sense_are_kept(stated: list[float]) -> None:
    assert shown(stated, 0.1) == stated


@given(st.floats(LONGEST_LEAP_S + 1, 1e300))
def test_a_time_stamp_that_leaps_by_more_than_a_day_is_broken(leap: float) -> None:
    assert shown([leap, 0.5, 0.5 + leap], 0.1) == pytest.approx([0, 0.5, 0.6])


def test_a_container_that_states_no_times_plays_at_its_rate() -> None:
    assert shown([0.0] * 4, 0.125) == [0, 0.125, 0.25, 0.375]


def test_a_video_that_breaks_off_plays_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_video(tmp_path / "whole.avi", frames=30)
    assert len(list(replay(camera_of(whole)))) == 30
    assert not caplog.records
    broken = tmp_path / "broken.avi"
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    count = len(list(replay(camera_of(broken))))
    assert 0 < count < 30
    assert [record.getMessage() for record in caplog.records] == [
        f"video {broken}: ends after {count} of 30 frames"
    ]


def not_a_video(path: Path) -> Path:
    path.write_bytes(bytes(range(256)) * 20)
    return path


def empty_file(path: Path) -> Path:
    path.touch()
    return path


def letters(path: Path) -> Path:
    path.write_text("FFmpeg would play this as a film of letters.\n" * 50)
    return path


def beginning_of_a_video(path: Path) -> Path:
    whole = write_video(path.with_name("whole.mp4"), codec="mp4v").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def nothing(path: Path) -> Path:
    return path


def folder_without_pictures(path: Path) -> Path:
    path.mkdir()
    (path / "notes.txt").touch()
    return path


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("clip.mp4", not_a_video, "not a video"),
        ("clip.mp4", empty_file, "not a video"),
        ("clip.txt", letters, "not a video"),
        ("clip.mp4", beginning_of_a_video, "not a video, or cut off"),
        ("clip.mp4", nothing, "no such file"),
        ("face.jpg", not_a_video, "not a readable picture"),
        ("face.png", empty_file, "not a readable picture"),
        ("faces", folder_without_pictures, "contains no pictures (.bmp"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(
    tmp_path: Path, name: str, make: Callable[[Path], Path], says: str
) -> None:
    error = failure_of(make(tmp_path / name))
    assert str(tmp_path / name) in str(error)
    assert says in str(error)
    assert error.permanent


@pytest.mark.parametrize(
    ("name", "make"), [("clip.mp4", not_a_video), ("c.mp4", beginning_of_a_video), ("face.png", not_a_video)]
)
def test_the_libraries_add_no_lines_of_their_own(
    tmp_path: Path, name: str, make: Callable[[Path], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    failure_of(make(tmp_path / name))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_video_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi")
    path.chmod(0)
    assert "no permission" in str(failure_of(path))


def test_a_picture_is_one_frame(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "face.png"), shade(9))
    (frame,) = replay(camera_of(tmp_path / "face.png"))
    assert np.array_equal(frame.image, shade(9))
    assert (frame.captured_at, frame.monotonic_s, frame.sequence) == (START, 0, 0)


def test_a_folder_plays_its_pictures_by_name_at_the_rate_asked(tmp_path: Path) -> None:
    for number, name in [(2, "b.png"), (1, "a.PNG"), (3, "c.bmp"), (9, "._a.png")]:
        cv2.imwrite(str(tmp_path / name), shade(number))
    (tmp_path / "truth.json").touch()
    frames = list(replay(camera_of(tmp_path, fps=4)))
    assert [int(frame.image[0, 0, 0]) // 8 for frame in frames] == [1, 2, 3]
    assert [frame.monotonic_s for frame in frames] == [0, 0.25, 0.5]
    assert [frame.sequence for frame in frames] == [0, 1, 2]


def test_a_folder_with_a_broken_picture_names_it(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), shade(1))
    not_a_video(tmp_path / "b.png")
    assert str(tmp_path / "b.png") in str(failure_of(tmp_path))


def test_a_file_played_as_live_comes_when_it_is_due(tmp_path: Path) -> None:
    clock = ManualClock(START)
    clock.advance(5)
    camera = Paced(camera_of(write_video(tmp_path / "clip.avi"), clock), clock=clock, wait=clock.advance)
    assert camera.live
    camera.open()
    for number in range(20):
        frame = camera.read()
        assert frame is not None
        assert frame.monotonic_s == pytest.approx(clock.monotonic(), abs=0.001)
        assert frame.captured_at == START + timedelta(seconds=5 + number / 10)
    assert camera.read() is None
    assert clock.elapsed_s == pytest.approx(5 + 1.9)


def test_a_file_that_is_late_catches_up_without_waiting(tmp_path: Path) -> None:
    clock = ManualClock(START)
    waits: list[float] = []
    camera = Paced(camera_of(write_video(tmp_path / "clip.avi"), clock), clock=clock, wait=waits.append)
    camera.open()
    clock.advance(60)
    while camera.read() is not None:
        pass
    assert waits == []


def test_realtime_makes_a_finite_source_live(tmp_path: Path) -> None:
    path = str(write_video(tmp_path / "clip.avi"))
    clock = ManualClock(START)
    assert not open_camera(path, width=64, height=48, fps=4, clock=clock).live
    assert open_camera(path, width=64, height=48, fps=4, clock=clock, realtime=True).live


def test_replay_refuses_what_never_ends() -> None:
    assert "never ends" in str(failure_of("rtsp://127.0.0.1:9/x"))


def test_replay_closes_what_is_not_played_to_the_end(tmp_path: Path) -> None:
    camera = camera_of(write_video(tmp_path / "clip.avi"))
    frames = replay(camera)
    assert isinstance(frames, Iterator)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    with pytest.raises(CameraError, match="not open"):
        camera.read()


@pytest.mark.parametrize("source", [99, "99", "/dev/video99"])
def test_a_camera_that_is_not_there_cannot_be_waited_for(source: int | str) -> None:
    with pytest.raises(CameraError, match=r"^camera /dev/video99: no such device; found: ") as caught:
        camera_of(source).open()
    assert caught.value.permanent


def test_a_device_that_is_no_camera_is_one_line() -> None:
    with pytest.raises(CameraError, match=r"^camera /dev/null: cannot be opened"):
        camera_of("/dev/null").open()


def test_a_stream_that_is_off_may_come_and_its_password_is_not_told(
    capfd: pytest.CaptureFixture[str],
) -> None:
    camera = camera_of("rtsp://admin:hunter2@127.0.0.1:9/sub")
    assert camera.describe() == "rtsp://***@127.0.0.1:9/sub"
    assert camera.live
    with pytest.raises(CameraError, match=r"^camera rtsp://\*\*\*@127\.0\.0\.1:9/sub: no stream") as caught:
        camera.open()
    assert not caught.value.permanent
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("ftp://u:hunter2@host/x", "cannot read 'ftp'; use rtsp"),
        ("csi:left", "write csi:0"),
        ("scene:x", "write scene:0"),
    ],
)
def test_a_source_that_means_nothing_is_one_line(source: str, says: str) -> None:
    error = failure_of(source)
    assert says in str(error)
    assert "hunter2" not in str(error)
    assert error.permanent


def test_a_live_camera_stamps_frames_when_it_grabs_them_and_says_when_it_stops(tmp_path: Path) -> None:
    path, clock = write_video(tmp_path / "clip.avi", frames=4), ManualClock(START)
    camera = stream_camera(path.as_uri(), clock=clock)
    camera.open()  # takes two: they must differ
    clock.advance(3)
    first = camera.read()
    clock.advance(4)
    second = camera.read()
    assert first is not None
    assert second is not None
    assert (first.captured_at, first.monotonic_s) == (START + timedelta(seconds=3), 1003)
    assert (second.captured_at, second.monotonic_s) == (START + timedelta(seconds=7), 1007)
    with pytest.raises(CameraError, match=r"clip\.avi: stopped sending pictures") as caught:
        camera.read()
    assert not caught.value.permanent
    camera.open()
    again = camera.read()
    assert again is not None
    assert (first.sequence, second.sequence, again.sequence) == (0, 1, 2)
    camera.close()


def test_the_settings_can_be_read_without_opencv() -> None:
    code = "import sys, edge.config; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
