"""Videos and streams as they come from cameras and editors: interlaced, anamorphic, turned, cut into segments."""

from __future__ import annotations

import logging
import struct
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

import edge.capture.opencv  # noqa: F401  FFmpeg asks how much to say when it is first used, here by the writer
from common.clock import SystemClock
from edge.capture.camera import Camera, CameraError
from edge.capture.factory import open_camera
from edge.capture.replay import replay
from edge.types import Image
from tests.support.programs import require_program

SIZE = (160, 120)
RATE = 10
X264 = ("-c:v", "libx264", "-crf", "10")

OPENCV_DECODES_INTERLACED = tuple(map(int, cv2.__version__.split(".")[:2])) < (4, 13)


def ffmpeg(*arguments: object) -> None:
    program = require_program("ffmpeg", "apt-get install ffmpeg")
    subprocess.run([program, "-loglevel", "error", "-y", *map(str, arguments)], check=True)


def moving(number: int) -> Image:
    """A bright ball that goes to the right over a soft background."""
    across = np.linspace(40, 120, SIZE[0], dtype=np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(across[None, :, None], (SIZE[1], SIZE[0], 3)))
    cv2.circle(picture, (20 + 4 * number, 60), 15, (200, 240, 160), -1)
    return picture


def write(path: Path, pictures: list[Image]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), RATE, SIZE)
    assert writer.isOpened()
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the ball."""
    return write(tmp_path_factory.mktemp("clip") / "clip.avi", [moving(number) for number in range(2 * RATE)])


def camera_of(source: object, **settings: object) -> Camera:
    asked = {"width": SIZE[0], "height": SIZE[1], "fps": RATE, "clock": SystemClock(), **settings}
    return open_camera(str(source), **asked)  # type: ignore[arg-type]


def pictures_of(source: object, **settings: object) -> list[Image]:
    return [frame.image for frame in replay(camera_of(source, **settings))]


def difference(one: Image, other: Image) -> float:
    return float(cv2.absdiff(one, other).mean())


INTERLACED = {
    "fake.mp4": (*X264, "-x264-params", "fake-interlaced=1:tff=1"),
    "mbaff.mp4": (*X264, "-x264-params", "interlaced=1:tff=1"),
    "422.mkv": ("-vf", "setfield=tff", "-pix_fmt", "yuv422p", "-c:v", "ffv1"),
    "dvd.mpg": ("-r", "25", "-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ilme+ildct"),
}
SEGMENTED_FRAMES = (*X264, "-x264-params", "pic-struct=1:fake-interlaced=1", "-vf", "setfield=prog")


@pytest.mark.parametrize("name", INTERLACED)
def test_an_interlaced_video_shows_its_pictures_or_is_a_fault(clip: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    ffmpeg("-i", clip, *INTERLACED[name], path)
    original = pictures_of(
        clip
    )  # lies in memory now, which OpenCV may hand out as the picture of the next video
    if OPENCV_DECODES_INTERLACED:
        step = 2.5 if "-r" in INTERLACED[name] else 1
        for number, picture in enumerate(pictures_of(path)):
            assert difference(picture, original[min(19, round(number / step))]) < 8
        return
    with pytest.raises(CameraError, match="interlaced video; convert it: ffmpeg") as refused:
        pictures_of(path)
    assert str(path) in str(refused.value)
    assert refused.value.permanent


def test_progressive_pictures_in_an_interlaced_stream_are_seen(clip: Path, tmp_path: Path) -> None:
    ffmpeg("-i", clip, *SEGMENTED_FRAMES, tmp_path / "psf.ts")
    found = pictures_of(tmp_path / "psf.ts")
    assert len(found) == 2 * RATE
    assert max(map(difference, found, pictures_of(clip))) < 8


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The folder of the test over HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_interlaced_stream_shows_its_pictures_or_is_a_fault_that_may_end(
    clip: Path, tmp_path: Path, web: str
) -> None:
    ffmpeg("-i", clip, *INTERLACED["fake.mp4"], tmp_path / "stream.ts")
    camera = camera_of(f"{web}/stream.ts")
    if OPENCV_DECODES_INTERLACED:
        camera.open()
        frame = camera.read()
        camera.close()
        assert frame is not None
        assert difference(frame.image, moving(2)) < 8
        return
    with pytest.raises(CameraError, match="interlaced video; switch the camera to progressive") as refused:
        camera.open()
    assert not refused.value.permanent


@pytest.mark.parametrize("shade", [0, 90, 255])
@pytest.mark.parametrize(
    "codec", [("-c:v", "mpeg4", "-q:v", "2"), X264, ("-c:v", "ffv1", "-pix_fmt", "yuv420p")]
)
def test_a_video_of_a_still_picture_is_no_fault(tmp_path: Path, codec: tuple[str, ...], shade: int) -> None:
    still = write(tmp_path / "still.avi", [np.full((SIZE[1], SIZE[0], 3), shade, np.uint8)] * 20)
    ffmpeg("-i", still, *codec, "-pix_fmt", "yuv420p", "-color_range", "tv", tmp_path / "still.mkv")
    found = pictures_of(tmp_path / "still.mkv")
    assert len(found) == 20
    assert abs(float(found[0].mean()) - shade) < 8


def test_a_video_that_is_nothing_but_black_is_no_empty_shop(tmp_path: Path) -> None:
    black = write(tmp_path / "black.avi", [np.zeros((SIZE[1], SIZE[0], 3), np.uint8)] * 20)
    with pytest.raises(CameraError, match="is black, or of a kind that OpenCV"):
        pictures_of(black)


def test_a_still_stream_is_no_fault(tmp_path: Path, web: str) -> None:
    still = write(tmp_path / "still.avi", [moving(3)] * 20)
    ffmpeg("-i", still, "-c:v", "mpeg4", "-q:v", "2", tmp_path / "still.ts")
    camera = camera_of(f"{web}/still.ts")
    camera.open()
    frame = camera.read()
    camera.close()
    assert frame is not None
    assert difference(frame.image, moving(3)) < 8


@pytest.mark.parametrize("name", ["12:30.mp4", "http:.mp4", "a: b%03d?.mp4", "concat:x.mp4", "#1.mp4"])
def test_a_file_name_may_hold_what_ffmpeg_takes_for_a_protocol(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ffmpeg("-i", clip, *X264, tmp_path / "plain.mp4")
    (tmp_path / "plain.mp4").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(pictures_of(f"./{name}")) == 2 * RATE
    if not name.startswith("http"):
        assert len(pictures_of(name)) == 2 * RATE


@pytest.mark.parametrize(
    ("aspect", "wanted"),
    [("16/11", (120, 233)), ("2/1", (120, 320)), ("1/2", (240, 160)), ("1/1", (120, 160))],
)
@pytest.mark.parametrize("suffix", ["mp4", "ts", "mkv"])
def test_pixels_that_are_not_square_are_made_so(
    clip: Path, tmp_path: Path, suffix: str, aspect: str, wanted: tuple[int, int]
) -> None:
    path = tmp_path / f"clip.{suffix}"
    ffmpeg("-i", clip, "-vf", f"setsar={aspect}", *X264, path)
    found = pictures_of(path)
    assert found[0].shape[:2] == pytest.approx(wanted, abs=1)
    as_stored = cv2.resize(found[3], SIZE)
    assert difference(np.asarray(as_stored, np.uint8), moving(3)) < 8


def state_a_turn(path: Path, degrees: int) -> None:
    """Write into an MP4 that its picture is to be turned to the right: FFmpeg 5 and 7 are told in different ways."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    struct.pack_into(">9i", content, matrix, cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turn_that_the_file_states_is_made(clip: Path, tmp_path: Path, degrees: int) -> None:
    path, upright = tmp_path / "turned.mp4", tmp_path / "upright.png"
    ffmpeg("-i", clip, *X264, path)
    state_a_turn(path, degrees)
    ffmpeg("-i", path, "-frames:v", 1, upright)  # ffmpeg turns it
    (wanted,) = pictures_of(upright)
    assert (wanted.shape[:2] == SIZE) == (degrees != 180), "ffmpeg does not see the turn"
    assert difference(pictures_of(path)[0], wanted) < 2


def test_pixels_are_square_after_a_turn_too(clip: Path, tmp_path: Path) -> None:
    ffmpeg("-i", clip, "-vf", "setsar=2/1", *X264, tmp_path / "turned.mp4")
    state_a_turn(tmp_path / "turned.mp4", 90)
    assert pictures_of(tmp_path / "turned.mp4")[0].shape[:2] == (320, 120)


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("realtime", [False, True])
def test_a_camera_that_hangs_turned_is_turned_back(clip: Path, degrees: int, realtime: bool) -> None:
    camera = camera_of(clip, rotate=degrees, realtime=realtime)
    assert camera.live == realtime
    camera.open()
    frame = camera.read()
    camera.close()
    assert frame is not None
    assert np.array_equal(np.rot90(frame.image, degrees // 90), pictures_of(clip)[0])


LEAP = "setpts='PTS+if(gt(N,9),{seconds}/TB,0)'"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("hour.mkv", ("-output_ts_offset", 3600)),
        ("hour.ts", ("-output_ts_offset", 3600)),
        ("leap.mkv", ("-vf", LEAP.format(seconds=20), "-vsync", "passthrough")),
        # The edit list of FFmpeg 7 would leave the last picture out.
        ("leap.mp4", ("-vf", LEAP.format(seconds=20), "-vsync", "passthrough", "-use_editlist", 0)),
        ("years.mkv", ("-vf", LEAP.format(seconds=100_000_000), "-vsync", "passthrough")),
    ],
)
def test_time_stamps_that_begin_late_or_leap_are_no_missing_frames(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, arguments: tuple[object, ...]
) -> None:
    ffmpeg("-i", clip, *X264, *arguments, tmp_path / name)
    frames = list(replay(camera_of(tmp_path / name)))
    assert len(frames) == 2 * RATE
    assert not caplog.records
    assert frames[-1].monotonic_s < 100


def test_the_last_segment_of_a_long_recording_is_whole(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    segments = ("-f", "segment", "-segment_time", "0.5", "-segment_format", "matroska")
    ffmpeg("-i", clip, *X264, "-g", 5, "-output_ts_offset", 3600, *segments, tmp_path / "%d.mkv")
    found = [len(pictures_of(path)) for path in sorted(tmp_path.glob("*.mkv"))]
    assert (len(found), sum(found)) == (4, 2 * RATE)
    assert not caplog.records


@pytest.mark.parametrize("offset_s", [0, 3600])
def test_a_video_without_its_end_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, offset_s: int
) -> None:
    caplog.set_level(logging.WARNING)
    long = write(tmp_path / "long.avi", [moving(number % 30) for number in range(60)])
    ffmpeg("-i", long, *X264, "-g", 5, "-output_ts_offset", offset_s, tmp_path / "whole.mkv")
    whole = (tmp_path / "whole.mkv").read_bytes()
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(whole[: len(whole) // 2])
    assert 0 < len(pictures_of(broken)) < 40
    assert [record.getMessage().split(": ends after ")[0] for record in caplog.records] == [f"video {broken}"]
