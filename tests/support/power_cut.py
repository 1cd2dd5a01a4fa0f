"""A disk that loses its power: what could be on it after a cut at any moment, worked out from a recorded run.

A program runs once under strace. From each write, sync and rename of its folder, :func:`cuts` works out what a disk may
hold when the power goes between two of these calls: what was synced, and of the rest any part, in any order, down to
half a page. Names follow ext4, the file system of our devices: creations, renames and removals last in their order,
and an fsync makes all earlier ones last.

The method is that of Pillai et al., "All file systems are not created equal" (OSDI 2014), with random choices in place
of all of them.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.support.programs import require_program

PAGE = 4096
SECTOR = 512
_CALLS = (
    "openat,close,dup,dup2,dup3,lseek,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync,"
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,copy_file_range,sendfile"
)
_CALL = re.compile(r"^(?P<name>\w+)\((?P<given>.*)\)\s+= (?P<result>-?\d+)")
_UNFINISHED = re.compile(r"^(.*?)\s*<unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_NUMBER = re.compile(r"\d+")
_NAMING = {
    "rename": "rename",
    "renameat": "rename",
    "renameat2": "rename",
    "unlink": "unlink",
    "unlinkat": "unlink",
    "mkdir": "mkdir",
    "mkdirat": "mkdir",
}


class Event(NamedTuple):
    """One call on the folder, or a line that the program printed (``said``)."""

    call: str
    path: str = ""
    data: bytes = b""
    at: int = 0
    to: str = ""


def record(arguments: list[str], folder: Path, trace: Path) -> list[Event]:
    """Run ``python -m`` with ``arguments`` under strace, and return what it did in ``folder``.

    Raises ``AssertionError`` if the program fails, or uses a call that is not modelled.
    """
    command = [
        require_program("strace", "apt-get install strace"),
        "-f",
        "-xx",
        "-s",
        "100000000",
        "-e",
        f"trace={_CALLS}",
        "-e",
        "signal=none",
        "-o",
        str(trace),
    ]
    done = subprocess.run(
        [*command, sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return list(_Calls(str(folder)).events(trace))


@dataclass
class _Open:
    path: str
    at: int = 0


class _Calls:
    """Turns the calls of a trace into events; ``folder`` is all that is looked at."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._opened: dict[int, _Open] = {}

    def events(self, trace: Path) -> Iterator[Event]:
        unfinished: dict[str, str] = {}
        for line in trace.read_text().splitlines():
            thread, _, text = line.partition(" ")
            text = text.strip()
            if found := _UNFINISHED.match(text):
                unfinished[thread] = found[1]
                continue
            if found := _RESUMED.match(text):
                text = unfinished.pop(thread) + found[1]
            if (call := _CALL.match(text)) and not call["result"].startswith("-"):
                yield from self._call(call["name"], call["given"], int(call["result"]))

    def _call(self, name: str, given: str, result: int) -> Iterator[Event]:
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(given)]
        number = int(found[0]) if (found := _NUMBER.match(given)) else -1
        if name == "openat":
            yield from self._open(texts[0].decode(), given, result)
        elif name in _NAMING:
            if (path := texts[0].decode()).startswith(self._folder):
                yield Event(_NAMING[name], path, to=texts[-1].decode())
        elif name in {"truncate", "link", "linkat"}:
            assert not texts[0].decode().startswith(self._folder), f"{name} is not modelled"
        elif name == "close":
            self._opened.pop(number, None)
        elif name == "write" and number == 1:
            yield Event("said", data=texts[0])
        elif file := self._opened.get(number):
            yield from _file_call(name, file, given, texts, result)

    def _open(self, path: str, flags: str, result: int) -> Iterator[Event]:
        self._opened.pop(result, None)
        if not path.startswith(self._folder):
            return
        assert "O_APPEND" not in flags, f"{path}: appending is not modelled"
        self._opened[result] = _Open(path)
        if "O_CREAT" in flags:
            yield Event("create", path)
        if "O_TRUNC" in flags:
            yield Event("truncate", path)


def _file_call(name: str, file: _Open, given: str, texts: list[bytes], result: int) -> Iterator[Event]:
    match name:
        case "lseek":
            file.at = result
        case "write":
            yield Event("write", file.path, texts[0], file.at)
            file.at += result
        case "pwrite64":
            yield Event("write", file.path, texts[0], int(given.rsplit(",", 1)[1]))
        case "ftruncate":
            yield Event("truncate", file.path, at=int(given.rsplit(",", 1)[1]))
        case "fsync" | "fdatasync":
            yield Event(name, file.path)
        case _:
            raise AssertionError(f"{name} on {file.path} is not modelled")


@dataclass
class _Change:
    """A write that is not synced; without ``data`` a new length."""

    at: int
    data: bytes | None


@dataclass(eq=False)
class _File:
    synced: bytes = b""
    since: list[_Change] = field(default_factory=list)

    def now(self) -> bytes:
        return _applied(self.synced, self.since)


def _applied(content: bytes, changes: list[_Change]) -> bytes:
    held = bytearray(content)
    for change in changes:
        end = change.at + len(change.data or b"")
        held.extend(bytes(max(0, end - len(held))))
        if change.data is None:
            del held[change.at :]
        else:
            held[change.at : end] = change.data
    return bytes(held)


class _Step(NamedTuple):
    """A file got a name, a new one, or none (``to`` is empty)."""

    file: _File
    path: str
    to: str

    def take(self, names: dict[str, _File]) -> None:
        names.pop(self.path, None)
        if self.to:
            names[self.to] = self.file


@dataclass
class _Disk:
    names: dict[str, _File] = field(default_factory=dict)
    synced_names: dict[str, _File] = field(default_factory=dict)
    steps: list[_Step] = field(default_factory=list)
    """What changed in ``names`` since they were synced."""

    def take(self, event: Event) -> None:
        file = self.names.get(event.path)
        match event.call:
            case "create" if file is None:
                self._step(_Step(_File(), event.path, event.path))
            case "rename" | "unlink" if file is not None:
                self._step(_Step(file, event.path, event.to if event.call == "rename" else ""))
            case "write" if file is not None:
                file.since.append(_Change(event.at, event.data))
            case "truncate" if file is not None:
                file.since.append(_Change(event.at, None))
            case "fsync" | "fdatasync":
                if file is not None:  # else the folder
                    file.synced, file.since = file.now(), []
                if event.call == "fsync" or file not in self.synced_names.values():
                    self.synced_names, self.steps = dict(self.names), []

    def _step(self, step: _Step) -> None:
        self.steps.append(step)
        step.take(self.names)

    def cut(self, rng: random.Random) -> dict[str, bytes]:
        """What is found after the power comes back."""
        names = dict(self.synced_names)
        for step in self.steps[: rng.randint(0, len(self.steps))]:
            step.take(names)
        lasting = rng.choice((0.0, 0.2, 0.5, 0.8, 1.0))
        return {
            path: _applied(
                file.synced, [part for change in file.since for part in _parts(change, lasting, rng)]
            )
            for path, file in names.items()
        }


def _parts(change: _Change, lasting: float, rng: random.Random) -> Iterator[_Change]:
    """The parts of a change that reach the disk."""
    if change.data is None:
        if rng.random() < lasting:
            yield change
        return
    start, end = change.at, change.at + len(change.data)
    for page in range(start - start % PAGE, end, PAGE):
        if rng.random() >= lasting:
            continue
        first, last = max(page, start), min(page + PAGE, end)
        if rng.random() < 0.1:
            last = min(last, page + SECTOR * rng.randint(1, PAGE // SECTOR))
        if last > first:
            yield _Change(first, change.data[first - start : last - start])


def cuts(events: list[Event], folder: Path, target: Path, seed: int, number: int) -> Iterator[list[str]]:
    """Cut the power ``number`` times; each time make ``target`` what is then in ``folder``.

    Yields what the program had printed before the cut, line by line.
    """
    rng = random.Random(seed)
    moments = sorted(rng.choices(range(len(events) + 1), k=number))
    disk, said, done = _Disk(), b"", 0
    for moment in moments:
        for event in events[done:moment]:
            disk.take(event)
            said += event.data if event.call == "said" else b""
        done = moment
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for path, content in disk.cut(rng).items():
            new = target / Path(path).relative_to(folder)
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(content)
        yield said.decode().splitlines()
