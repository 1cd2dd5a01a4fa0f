"""Pictures that are cut off or damaged: refused with one line, and nothing else on standard error."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.camera import CameraError
from edge.capture.pictures import read_picture
from edge.types import Image


def noise() -> Image:
    return np.random.default_rng(0).integers(0, 255, (100, 120, 3), np.uint8)


def saved(path: Path) -> bytes:
    cv2.imwrite(str(path), noise())
    return path.read_bytes()


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def scratched(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + b"x" * 20 + data[middle + 20 :]


def wrong_checksum(data: bytes) -> bytes:
    """A PNG whose pictures can all be read, but whose data has another CRC."""
    start = data.index(b"IDAT")
    length = int.from_bytes(data[start - 4 : start])
    end = start + 4 + length
    crc = zlib.crc32(data[start:end]) ^ 1
    return data[:end] + crc.to_bytes(4) + data[end + 4 :]


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        ("jpg", cut),
        ("jpg", scratched),
        ("png", cut),
        ("png", scratched),
        ("png", wrong_checksum),
        ("tif", cut),
        ("bmp", cut),
        ("webp", cut),
    ],
)
def test_a_damaged_picture_is_refused_with_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str, damage: object
) -> None:
    path = tmp_path / f"face.{suffix}"
    assert callable(damage)
    path.write_bytes(damage(saved(path)))
    with pytest.raises(CameraError) as refused:
        read_picture(path)
    assert str(path) in str(refused.value)
    assert "repair or remove it" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "webp"])
def test_a_whole_picture_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"face.{suffix}"
    saved(path)
    assert read_picture(path).shape == (100, 120, 3)


def test_what_a_camera_adds_after_a_whole_jpeg_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "face.jpg"
    path.write_bytes(saved(path) + bytes(500))
    assert read_picture(path).shape == (100, 120, 3)


def test_lines_of_others_are_passed_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "face.png"
    saved(path)

    def with_another_thread(*_: object) -> Image:
        os.write(2, b"from another thread\n")
        return noise()

    monkeypatch.setattr(cv2, "imread", with_another_thread)
    assert read_picture(path).shape == (100, 120, 3)
    assert capfd.readouterr().err == "from another thread\n"
