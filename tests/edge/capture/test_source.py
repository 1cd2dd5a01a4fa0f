"""What the text of a camera source means, and what can be told of a mistake before anything is opened."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.masking import masked
from edge.__main__ import main
from edge.capture.source import Device, File, Ribbon, SampleScene, Source, Stream, parse_source


@pytest.mark.parametrize(
    ("source", "means"),
    [
        ("0", Device("/dev/video0")),
        ("2", Device("/dev/video2")),
        ("/dev/v4l/by-id/usb-cam", Device("/dev/v4l/by-id/usb-cam")),
        ("rtsp://u:p@cam.lan:554/sub", Stream("rtsp://u:p@cam.lan:554/sub")),
        ("RTSP://cam/x", Stream("RTSP://cam/x")),
        ("http://[::1]:8080/v", Stream("http://[::1]:8080/v")),
        ("csi", Ribbon(0)),
        ("csi:1", Ribbon(1)),
        ("scene", SampleScene(None)),
        ("scene:0", SampleScene(0)),
        ("scene:door", SampleScene(None, "door")),
        ("scene:shelf:3", SampleScene(3, "shelf")),
        ("clip.mp4", File(Path("clip.mp4"))),
        ("12:30.mp4", File(Path("12:30.mp4"))),
        ("./rtsp:x.mp4", File(Path("rtsp:x.mp4"))),
    ],
)
def test_a_source_is_known_by_its_text(source: str, means: Source) -> None:
    assert parse_source(source) == means


@pytest.mark.parametrize(
    ("source", "way_out"),
    [
        ("rtps://admin:hunter2@cam/sub", "did you mean rtsps:// or rtsp://?"),
        ("hhtp://cam", "did you mean http://?"),
        ("mqtt://cam", "use rtsp, rtsps, http, https"),
        ("rtsp:/admin:hunter2@cam/sub", "write rtsp://host/path"),
        ("rtsp:admin:hunter2@cam/sub", "write rtsp://host/path"),
        ("rtsp//admin:hunter2@cam/sub", "write rtsp://host/path"),
        ("rtsp://", "has no host; write rtsp://host/path"),
        ("rtsp://admin:hunter2/x@cam/sub", "in a password as %2F"),
        ("rtsp://cam:99999/sub", "port cannot be read"),
        ("rtsp://[::1/sub", "host or port cannot be read"),
        ("rtsp://cam..lan/sub", "'cam..lan' is not a host name or address"),
        ("rtsp://cam/my stream", "write it as %20"),
        ("rtsp://cam/sub\\n", "contains a line break"),
        ("csi:left", "write csi:0"),
        ("scene:x", "write scene:0"),
        ("scene:door:x", "write scene:door:0"),
    ],
)
def test_check_config_refuses_what_can_never_be_a_camera_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, way_out: str
) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(f'camera: {{source: "{source}"}}')
    assert main(["check-config", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path}: camera.source: " in line
    assert way_out in line
    assert "hunter2" not in line


@given(
    st.text() | st.builds("{}{}".format, st.sampled_from(["rtsp://", "http:", "csi:", "/dev/"]), st.text())
)
def test_any_text_is_a_source_or_refused(text: str) -> None:
    with suppress(ValueError):
        parse_source(text)


SECRET = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1).map(
    lambda text: f"s3cr3t{text}"
)


@given(SECRET, st.sampled_from(["rtsp://", "rtsp:/", "rtsp:", "rtsp//", "rtps://"]))
def test_no_password_survives_masking(password: str, scheme: str) -> None:
    hidden = masked(f"camera {scheme}admin:{password}@cam.lan/sub is off")
    assert hidden == f"camera {scheme}***@cam.lan/sub is off"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://cam.lan:554/sub", "rtsp://cam.lan:554/sub"),
        ("http://cam/v?user=bob&password=x&channel=1", "http://cam/v?user=***&password=***&channel=1"),
        ("rtsp://cam/user=bob&pwd=x&channel=1", "rtsp://cam/user=***&pwd=***&channel=1"),
        ("/home/me@home/clip.mp4", "/home/me@home/clip.mp4"),
    ],
)
def test_masking_keeps_what_helps(text: str, shown: str) -> None:
    assert masked(text) == shown
