"""Machines of a chaos run: network namespaces on one cable, and the processes that run in them."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Self

from common.errors import UserError
from tests.chaos.cable import End
from tests.chaos.schedule import Link
from tests.support.paths import ROOT

_NETWORK = 0x40000000
"""CLONE_NEWNET of setns(2)."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_MTU = 1500
_PATIENCE_S = 20.0


def why_not() -> str | None:
    """Say what this machine lacks for hosts of their own, None if it has everything."""
    if os.geteuid() != 0:
        return "each host is a network namespace: run this as root"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "the hosts are connected by /dev/net/tun, which is missing: modprobe tun, or give it to the container"
    probe = f"chaos-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "hosts are made with ip: apt-get install iproute2"
    if made.returncode:
        return f"no network namespace can be made ({made.stderr.strip()}): it needs the right CAP_SYS_ADMIN"
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return None


class Hosts:
    """The hosts of these names, on one cable. Raises ``UserError`` where that is not possible."""

    def __init__(self, names: Sequence[str], seed: int) -> None:
        if why := why_not():
            raise UserError(why)
        self.ends = {
            name: End(name, f"10.77.{number // 250}.{number % 250 + 1}", f"chaos-{os.getpid()}-{name}")
            for number, name in enumerate(names)
        }
        self._seed = seed
        self._running = ExitStack()
        self._cable: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as started:
            for end in self.ends.values():
                subprocess.run(["ip", "netns", "add", end.namespace], check=True)
                started.callback(subprocess.run, ["ip", "netns", "del", end.namespace], check=False)
            self._cable = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.cable"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            started.callback(self._unplug, self._cable)
            self._tell({"ends": [asdict(end) for end in self.ends.values()], "mtu": _MTU, "seed": self._seed})
            assert self._cable.stdout is not None
            assert self._cable.stdout.readline() == "ready\n", "the cable did not start"
            self._running = started.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()

    def link(self, name: str, link: Link) -> None:
        """Change how the cable treats this host."""
        self._tell({"name": name, "link": asdict(link)})

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command that runs ``arguments`` on this host; the process keeps its id."""
        return ["ip", "netns", "exec", self.ends[name].namespace, *arguments]

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Sockets that this thread makes in the block are those of this host."""
        there = Path("/run/netns", self.ends[name].namespace)
        with Path("/proc/thread-self/ns/net").open() as before, there.open() as wanted:
            _enter(wanted.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def _tell(self, what: Mapping[str, object]) -> None:
        assert self._cable is not None
        assert self._cable.stdin is not None
        print(json.dumps(what), file=self._cable.stdin, flush=True)

    @staticmethod
    def _unplug(cable: subprocess.Popen[str]) -> None:
        with cable:
            assert cable.stdin is not None
            cable.stdin.close()
            cable.wait(_PATIENCE_S)


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


class Part:
    """One process of a run: it is started again when it ends, as systemd does, unless it is held down.

    ``log`` gets what it says on its standard error, and on its output if nobody listens to that. Its input stays open.
    """

    def __init__(self, role: str, command: Sequence[str], log: Path, *, listens: bool = False) -> None:
        self.role = role
        self._command, self._log, self._listens = list(command), log, listens
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._down = self._frozen = False
        self._ended_at: float | None = None
        self.heard: dict[str, object] = {}
        """The last line of JSON that it said, without those of earlier runs."""
        self.starts = self.own_ends = 0
        self.peak_mib = 0.0

    def start(self) -> None:
        """Start it now."""
        with self._lock, self._log.open("ab") as log:
            self._down, self._frozen, self._ended_at, self.heard = False, False, None, {}
            output = subprocess.PIPE if self._listens else log
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=output, stderr=log, cwd=ROOT
            )
            self.starts += 1
            if self._listens:
                threading.Thread(target=self._hear, args=(self._process,), daemon=True).start()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, and hold it down until ``start``."""
        with self._lock:
            self._down = True
            self.look()
            if self._process is not None:
                self._process.send_signal(how)
                try:
                    self._process.wait(_PATIENCE_S)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
                self._forget()

    def restart(self) -> None:
        """End it as an administrator does, and start it again; nothing if it is held down or frozen."""
        with self._lock:
            if not self._down and not self._frozen:
                self.kill(signal.SIGTERM)
                self.start()

    def freeze(self) -> None:
        self._frozen = True
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._frozen = False
        self._signal(signal.SIGCONT)

    def tell(self, what: Mapping[str, object]) -> None:
        """Write a line to its input; nobody hears it if it is down."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                with suppress(BrokenPipeError):
                    self._process.stdin.write(f"{json.dumps(what)}\n".encode())
                    self._process.stdin.flush()

    def look(self) -> None:
        """Note its memory, and that it has ended; start it a second later."""
        with self._lock:
            if self._process is None:
                if self._ended_at is not None and not self._down and time.monotonic() - self._ended_at > 1.0:
                    self.start()
                return
            if self._process.poll() is None:
                self.peak_mib = max(self.peak_mib, _peak_mib(self._process.pid))
            elif not self._down:
                self.own_ends += 1
                self._forget()
                self._ended_at = time.monotonic()

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if self._process is not None:
                self._process.send_signal(number)

    def _forget(self) -> None:
        assert self._process is not None
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process = None

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                said = json.loads(line)
                with self._lock:
                    if process is self._process:
                        self.heard = said


def _peak_mib(pid: int) -> float:
    """The most memory that a process has had, in MiB."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024
