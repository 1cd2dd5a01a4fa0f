"""Parse the text of a camera source. Nothing is opened or looked up, so that any machine can check it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

STREAM_SCHEMES: Final = ("rtsp", "rtsps", "http", "https")
SCENE_CAMERAS: Final = ("door", "shelf")
PICTURE_SUFFIXES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

_SCHEME_WITHOUT_SLASHES: Final = re.compile(rf"({'|'.join(STREAM_SCHEMES)})(:|//)", re.IGNORECASE)
_RESERVED_HINT = "write / ? # @ and : in a password as %2F %3F %23 %40 and %3A"


@dataclass(frozen=True, slots=True)
class Device:
    """A USB or built-in camera (V4L2)."""

    path: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A network camera."""

    url: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A camera at the ribbon connector of a Raspberry Pi (libcamera)."""

    index: int


@dataclass(frozen=True, slots=True)
class SampleScene:
    """The sample scene; seed None is the scene of the demo. ``camera``: one of the two cameras of its second act, at
    the door of a shop, or at its shelf and desk."""

    seed: int | None
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A video, a picture, or a folder of pictures."""

    path: Path


Source = Device | Stream | Ribbon | SampleScene | File


def parse_source(text: str) -> Source:
    """Return the source that ``text`` names; digits are a camera number.

    Raises ``ValueError``, which says what to do, for a text that cannot name a camera. Its message does not repeat
    ``text``, which may contain a password.
    """
    if not text.isprintable():
        raise ValueError("contains a line break or another invisible character; remove it")
    if text.isdecimal() or text.startswith("/dev/"):
        return Device(f"/dev/video{int(text)}" if text.isdecimal() else text)
    if "://" in text:
        return Stream(_checked_url(text))
    if begins := _SCHEME_WITHOUT_SLASHES.match(text):
        scheme = begins[1]
        raise ValueError(f"write {scheme}://host/path; for a file of this name, write ./ before it")
    kind, _, argument = text.partition(":")
    if kind == "csi":
        return Ribbon(_number(kind, argument) or 0)
    if kind == "scene":
        camera, _, seed = argument.partition(":")
        if camera in SCENE_CAMERAS:
            return SampleScene(_number(f"scene:{camera}", seed), camera)
        return SampleScene(_number(kind, argument))
    return File(Path(text))


def _checked_url(text: str) -> str:
    scheme = text.partition("://")[0]
    if scheme.lower() not in STREAM_SCHEMES:
        near = [f"{known}://" for known in get_close_matches(scheme.lower(), STREAM_SCHEMES, cutoff=0.7)]
        hint = f"did you mean {' or '.join(near)}?" if near else f"use {', '.join(STREAM_SCHEMES)}"
        raise ValueError(f"cannot read {scheme!r}; {hint}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"host or port cannot be read; {_RESERVED_HINT}") from None
    if not host:
        raise ValueError(f"has no host; write {scheme}://host/path")
    if any(character.isspace() for character in text):
        raise ValueError("contains a space; write it as %20")
    if port == 0:
        raise ValueError("port 0 does not exist; leave it out for the default port")
    if not _is_host(host):
        raise ValueError(f"{host!r} is not a host name or address")
    return text


def _is_host(host: str) -> bool:
    """Return whether ``text`` is a valid host name; it does not have to exist yet."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _number(kind: str, text: str) -> int | None:
    """Return the number after the last colon of ``csi:1`` or ``scene:7``; None without one."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ValueError(
            f"{text!r} is not a number; write {kind}:0; for a file of this name, write ./ before it"
        )
    return int(text)
