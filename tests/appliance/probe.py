"""What the service may do, asked from where it stands: a program that the unit runs in the service's place.

Its attempts and how each must end (one of several words where systemd's versions differ) are ``NEEDED``, ``REFUSED``
and ``REFUSED_ANYHOW``. Run, it prints how each did end, as one JSON object: "done", or the name of the error.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

STATE = Path(os.environ.get("STATE_DIRECTORY", ""))
CREDENTIALS = Path(os.environ.get("CREDENTIALS_DIRECTORY", ""))
PORT = 1884
"""Where something listens on every address of the machine."""

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, PTRACE_ATTACH = 0x1000_0000, 16


def libc(name: str, *arguments: object) -> None:
    if getattr(LIBC, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def write(path: str) -> None:
    Path(path).write_text("written by the probe")


def look(path: str) -> None:
    list(Path(path).iterdir())


def open_device(name: str, mode: int = os.O_RDWR) -> None:
    os.close(os.open(f"/dev/{name}", mode))


def connect(address: str) -> None:
    with socket.create_connection((address, PORT), timeout=5):
        pass


def ask(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"what is the address of", (address, 53))


def run_what_it_wrote() -> None:
    program = Path(shutil.copy("/usr/bin/true", STATE / "program"))
    program.chmod(0o700)
    subprocess.run([str(program)], check=True)


def written_and_run() -> None:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def alone() -> None:
    seen = {entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    if seen != {str(os.getpid())}:
        raise LookupError(f"sees {len(seen)} processes")


def no_core() -> None:
    filtered = Path("/proc/self/coredump_filter").read_text()
    if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0) or int(filtered, 16):
        raise LookupError(f"may dump core, filter {filtered}")


def run_models() -> None:
    """By XNNPACK: its kernels must get by without memory that is both written and run."""
    import numpy as np

    from edge.inference.manifest import load_manifest, packaged_models
    from edge.inference.model import Model

    manifest = load_manifest(packaged_models())
    for entry in (manifest.detector, manifest.landmarks, manifest.attributes):
        model = Model(entry, threads=2)
        model.run(np.zeros((model.height, model.width, 3), np.uint8))
        operations = {item["op_name"] for item in model._interpreter._get_ops_details()}
        if "DELEGATE" not in operations:
            raise LookupError(f"{entry.path.name} runs by {sorted(operations)}")


def start_threads() -> None:
    """As many as camera, models, OpenCV and network take together."""
    threads = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


Attempts = dict[str, tuple[Callable[[], object], str]]

NEEDED: Attempts = {
    "keep its state": (lambda: write(f"{STATE}/kept"), "done"),
    "write for a moment": (lambda: write("/tmp/moment"), "done"),
    "read its configuration": ((CREDENTIALS / "config.yaml").read_text, "done"),
    "read its key": ((CREDENTIALS / "device.key").read_text, "done"),
    # The machine has the device file and no driver behind it: past all permissions.
    "open the camera": (lambda: open_device("video0"), "ENXIO"),
    "speak to a broker here": (lambda: connect("127.0.0.1"), "done"),
    "speak to the broker of the shop": (lambda: connect("192.0.2.10"), "done"),
    "look up a name": (lambda: socket.getaddrinfo("localhost", PORT), "done"),
    "run the models": (run_models, "done"),
    "know its processor": (Path("/proc/cpuinfo").read_text, "done"),
    "know its memory": (Path("/proc/self/statm").read_text, "done"),
    "know its temperature": (lambda: look("/sys/class/thermal"), "done"),
    "know that the clock is set": (Path("/run/systemd/timesync/synchronized").stat, "done"),
    "start its threads": (start_threads, "done"),
    "see no process but itself": (alone, "done"),
    "dump no core": (no_core, "done"),
}

# Everybody may write to the folders called open, and use the devices: it is the sandbox that refuses.
REFUSED: Attempts = {
    "write beside the program": (lambda: write("/opt/footlight/open/x"), "EROFS"),
    "write beside the configuration": (lambda: write("/etc/footlight/open/x"), "EROFS"),
    "write beside the state": (lambda: write("/var/lib/open/x"), "EROFS"),
    "write shared memory": (lambda: write("/dev/shm/x"), "EACCES"),
    "read a home": (Path("/home/owner/note").read_text, "EACCES"),
    "open a network tunnel": (lambda: open_device("tunnel"), "EPERM"),
    "open a microphone": (lambda: open_device("microphone"), "EPERM"),
    "connect elsewhere": (lambda: connect("198.51.100.1"), "ETIMEDOUT"),
    "connect elsewhere by IPv6": (lambda: connect("2001:db8::1"), "ETIMEDOUT"),
    "ask somebody else for a name": (lambda: ask("198.51.100.1"), "EPERM"),
    "listen to the kernel": (
        lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "EAFNOSUPPORT",
    ),
    "run what it wrote": (run_what_it_wrote, "EACCES"),
    "have memory that is written and run": (written_and_run, "EPERM EACCES"),
    "write a program for somebody else's rights": (lambda: Path(STATE, "kept").chmod(0o4755), "EPERM"),
    "set its priority": (
        lambda: os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0)),
        "EPERM",
    ),
}

# An ordinary user may not either, here or anywhere.
REFUSED_ANYHOW: Attempts = {
    "read the key where it is kept": (
        Path("/etc/footlight/tls/footlight-edge/device.key").read_text,
        "EACCES",
    ),
    "read the state of others": (Path("/var/lib/private/other/note").read_text, "ENOENT"),
    "look into another process": (Path("/proc/1/environ").read_text, "ENOENT"),
    "signal another process": (lambda: os.kill(1, 0), "EPERM"),
    "trace another process": (lambda: libc("ptrace", PTRACE_ATTACH, 1, 0, 0), "EPERM"),
    "write kernel settings": (lambda: write("/proc/sys/kernel/hostname"), "EROFS"),
    "open the disk": (lambda: open_device("disk", os.O_RDONLY), "EPERM"),
    "make a device": (lambda: os.mknod(STATE / "node", 0o20666, os.makedev(1, 3)), "EPERM"),
    "sniff packets": (lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW), "EAFNOSUPPORT"),
    "have a namespace": (lambda: libc("unshare", CLONE_NEWUSER), "EPERM"),
    "become root": (lambda: os.setuid(0), "EPERM"),
    "give files away": (lambda: os.chown(STATE / "kept", 0, 0), "EPERM"),
    "mount": (lambda: libc("mount", b"none", os.fsencode(STATE), b"tmpfs", 0, None), "EPERM"),
    "set the clock": (lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()), "EPERM"),
    "run before everybody else": (
        lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        "EPERM",
    ),
}


def end(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except TimeoutError:  # what is sent is dropped without a word
        return "ETIMEDOUT"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except Exception as error:  # noqa: BLE001  Whatever else it was is for the test to show.
        return f"{type(error).__name__}: {error}"
    return "done"


if __name__ == "__main__":
    assert os.geteuid() != 0, "root would really set the clock"
    tried = {**NEEDED, **REFUSED, **REFUSED_ANYHOW}
    json.dump({name: end(attempt) for name, (attempt, _) in tried.items()}, sys.stdout)
