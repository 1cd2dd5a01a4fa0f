"""A camera on the ribbon cable, which only a Raspberry Pi has: a stand-in for its library takes its place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.capture.camera import Camera, CameraError
from edge.capture.factory import open_camera
from tests.support.clock import ManualClock

LIBCAMERA = '''
"""Stands for a Raspberry Pi with one camera: as much of picamera2 as Footlight uses."""
import numpy as np

class Picamera2:
    frames = 2

    @staticmethod
    def global_camera_info():
        return [{"Model": "imx219"}]

    def __init__(self, camera_num):
        assert camera_num == 0

    def create_video_configuration(self, main, controls):
        return {"main": main, "controls": controls}

    def configure(self, config):
        assert config["main"]["format"] == "RGB888"
        assert config["controls"] == {"FrameRate": 4}
        self.width, self.height = config["main"]["size"]

    def start(self):
        self.left = self.frames

    def capture_array(self, name):
        if self.left == 0:
            raise RuntimeError("camera frontend has timed out")
        self.left -= 1
        return np.zeros((self.height, self.width, 3), np.uint8)

    def close(self):
        pass
'''


def csi_camera(source: str) -> Camera:
    return open_camera(source, width=64, height=48, fps=4, clock=ManualClock())


@pytest.fixture
def one_csi_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "picamera2.py").write_text(LIBCAMERA)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    yield
    sys.modules.pop("picamera2", None)


@pytest.mark.usefixtures("one_csi_camera")
def test_a_csi_camera_gives_frames_until_it_fails() -> None:
    camera = csi_camera("csi")
    assert camera.live
    camera.open()
    frames = [camera.read(), camera.read()]
    assert [frame.image.shape for frame in frames if frame] == [(48, 64, 3)] * 2
    with pytest.raises(
        CameraError, match=r"^camera csi:0: stopped sending pictures \(camera frontend"
    ) as caught:
        camera.read()
    assert not caught.value.permanent
    camera.close()


@pytest.mark.usefixtures("one_csi_camera")
def test_a_csi_camera_that_is_not_there_says_how_many_are() -> None:
    with pytest.raises(CameraError, match=r"^camera csi:1: 1 found; check the ribbon cable") as caught:
        csi_camera("csi:1").open()
    assert caught.value.permanent


def test_without_picamera2_a_csi_camera_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match="sudo apt install python3-picamera2") as caught:
        csi_camera("csi").open()
    assert caught.value.permanent
