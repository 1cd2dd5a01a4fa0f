"""What the content of a file is, whatever its name: a picture, a video, an array of pixels, or nothing to fear."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import BinaryIO

_CHUNK = 1 << 20
_OVERLAP = 64

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (rb"\xff\xd8\xff", "a JPEG picture"),
    (rb"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (rb"GIF8[79]a", "a GIF picture"),
    (rb"BM.{4}\0\0\0\0.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "a BMP picture"),
    (rb"(?:II\*\0|MM\0\*)", "a TIFF picture"),
    (rb"RIFF.{4}WEBP", "a WebP picture"),
    (rb"RIFF.{4}AVI ", "an AVI video"),
    (rb"P[1-7]\s+(?:#.*\n)?\d+\s+\d+|P7\nWIDTH", "a PNM picture"),
    (rb".{4}ftyp(?:avif|avis|heic|heix|mif1|msf1)", "an AVIF or HEIF picture"),
    (rb".{4}ftyp", "an MP4 video"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (rb"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (rb"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (rb"FLV\x01", "an FLV video"),
    (rb"OggS", "an Ogg stream"),
    (rb"YUV4MPEG2", "a raw video (Y4M)"),
    (rb"\0\0\0?\x01[\xb3\xba]", "an MPEG video"),
    (rb"\0\0\0?\x01(?:[\x27\x47\x67]|\x40\x01)", "an H.264 or H.265 stream"),
    (rb"\x47.{187}\x47.{187}\x47", "an MPEG transport stream"),
    (rb"\x93NUMPY", "a NumPy array"),
    (rb"\x89HDF\r\n", "an HDF5 array"),
    (rb"\x80[\x02-\x05]", "a Python pickle"),
    (rb"PK\x03\x04", "a ZIP archive or NumPy arrays"),
    (rb"\x1f\x8b|\xfd7zXZ|\x28\xb5\x2f\xfd|BZh[1-9]|7z\xbc\xaf", "compressed content"),
    (rb"\x7fELF.{12}\x04\0|\x7fELF.{12}\0\x04", "a core dump"),
)  # fmt: skip
_BEGINS = tuple((re.compile(pattern, re.DOTALL), name) for pattern, name in _BEGINNINGS)

# Long enough that they do not come up by chance: also inside a database, and in text as base64.
_INSIDE = re.compile(
    rb"\xff\xd8\xff(?:\xdb\0\x43|\xe0\0\x10JFIF|\xe1..Exif)|\x89PNG\r\n\x1a\n|RIFF.{4}WEBPVP8|\x93NUMPY[\x01-\x03]\0"
    rb"|GIF8[79]a.{4}[\x80-\xff]|\0\0\0.ftyp(?:avif|heic|isom|mp4|iso)"
    rb"|/9j/(?:4AAQ|2wBD|4Q)|iVBORw0KGgo|R0lGOD[lh]h?|UklGR[\w+/]{6}XRUJQ|k05VTVBZ",
    re.DOTALL,
)

_PLAIN = re.compile(rb"SQLite format 3\0|\x37\x7f\x06[\x82\x83]|\xd9\xd5\x05\xf9|\x18\xe2\x2d\0")
"""An SQLite database, its write-ahead log, its journal and its index: made of rows, which are searched for pictures."""

PICTURES: tuple[tuple[int, int], ...] = (
    (160, 120), (320, 240), (320, 256), (640, 360), (640, 480), (800, 600), (1024, 768), (1280, 720), (1280, 960),
    (1640, 1232), (1920, 1080), (2304, 1296), (2560, 1440), (2592, 1944), (3280, 2464), (3840, 2160), (4056, 3040),
    (4608, 2592),
)  # fmt: skip
"""Sizes that cameras give, and the input of the detector; width and height in pixels."""
_PIXEL_BYTES = ((1, 1), (3, 2), (2, 1), (3, 1), (4, 1))
"""Bytes of a pixel as a fraction: grey, YUV 4:2:0, YUYV or RGB565, RGB, RGBA."""


def picture_in(content: bytes) -> str | None:
    """Name the picture, video or array that ``content`` is, or that is inside it; None if there is none."""
    for pattern, name in _BEGINS:
        if pattern.match(content):
            return name
    return "a picture or an array inside" if _INSIDE.search(content) else None


def judge(file: BinaryIO, pictures: Iterable[tuple[int, int]] = (), *, any_kind: bool = False) -> str | None:
    """Name what a file must not be, or return None for text, an SQLite file and an empty file without any picture in
    them. ``pictures`` are sizes of the camera besides the usual ones. With ``any_kind``, the file may be anything but
    a picture, a video or an array."""
    chunk = file.read(_CHUNK)
    if not chunk:
        return None
    if name := picture_in(chunk):
        return name
    plain, text = bool(_PLAIN.match(chunk)), _Text()
    size = 0
    while chunk:
        size += len(chunk)
        text.add(chunk)
        tail = chunk[-_OVERLAP:]
        chunk = file.read(_CHUNK)
        if chunk and _INSIDE.search(tail + chunk):
            return "a picture or an array inside"
    if plain or text.is_text():
        return None
    return _array(size, pictures) or (None if any_kind else f"unknown binary content ({size} bytes)")


def _array(size: int, pictures: Iterable[tuple[int, int]]) -> str | None:
    """Name the pictures that fill ``size`` bytes exactly."""
    for width, height in (*pictures, *PICTURES):
        for above, below in _PIXEL_BYTES:
            one = width * height * above // below
            if size % one == 0:
                count = size // one
                return f"an array of pixel size ({count} x {width} x {height} x {above / below:g} bytes)"
    return None


class _Text:
    """Decides whether bytes that come in parts are text in UTF-8."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._good = True

    def add(self, chunk: bytes) -> None:
        if not self._good:
            return
        try:
            self._good = "\0" not in self._decoder.decode(chunk)
        except UnicodeDecodeError:
            self._good = False

    def is_text(self) -> bool:
        return self._good
