"""A Debian that boots with its own systemd, beside this one: what the units and the playbook are tried on.

    python -m tests.appliance.machine bookworm         # boots one, says how to enter it, and ends it with Ctrl-C
    python -m tests.appliance.machine bookworm --once  # only tries whether one boots here; exit code 1 if not

It is a container without a network but its own loopback; its files are a layer over a root that is made once and
kept under ``build/appliance``. Needs root, debootstrap, systemd-container, and this machine's mirror of Debian.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Self

from tests.appliance.patience import PATIENCE_S
from tests.support.paths import ROOT

RELEASES = ("bookworm", "trixie")
"""Those of Raspberry Pi OS; their Pythons are 3.11 and 3.13."""

BUILD = ROOT / "build" / "appliance"
BOOT_S = 300.0
STOP_S = 60.0

# What Raspberry Pi OS has from the start, and what the playbook adds: there is no mirror in the container.
PACKAGES = (
    *("ca-certificates", "dbus", "iproute2", "libnss-systemd", "libpam-systemd", "openssh-server", "sudo"),
    *("mosquitto", "mosquitto-clients", "systemd", "systemd-sysv", "systemd-timesyncd"),
    *(
        "nftables",
        "python3",
        "python3-apt",
        "python3-systemd",
        "python3-venv",
        "tzdata",
        "unattended-upgrades",
    ),
)

# Where the host's init is not systemd and its cgroups are hybrid, nspawn needs a pure hierarchy of its own.
_BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/$NAME
echo $$ >/sys/fs/cgroup/$NAME/cgroup.procs
mount -t overlay overlay -o lowerdir=$LOWER,upperdir=$FOLDER/upper,workdir=$FOLDER/work $FOLDER/root
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn -D $FOLDER/root --boot --register=no --keep-unit --console=pipe --machine=$NAME \
    --private-network --capability=all --system-call-filter=bpf
"""
_REBOOT = 133
"""How nspawn ends when the container wants to boot again and somebody else is to see to that."""

_KNOCK = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))"
# The kernel beneath a sandbox may let systemd boot and ignore what it asks for.
_HELD = f"""
systemd-run --quiet --wait python3 -c "{_KNOCK}"
! systemd-run --quiet --wait --property=IPAddressDeny=any python3 -c "{_KNOCK}"
"""

_ENTER = ("-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w")
_ENVIRON = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")


class Machine:
    """One booted container of ``release``. Entering the context boots it; leaving ends it and removes its files.

    ``layers`` are folders whose files it has besides those of its Debian.
    """

    def __init__(self, release: str, *, layers: Sequence[Path] = (), hostname: str = "pi") -> None:
        self.release = release
        self._layers = layers
        self._hostname = hostname
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path()
        self._leader: int | None = None

    @property
    def leader(self) -> int:
        """The process id, on this machine, of the container's init: whom ``nsenter -t`` follows."""
        assert self._leader is not None, "not booted"
        return self._leader

    @property
    def console(self) -> str:
        """All that the machine has written on its console."""
        return (self._folder / "console").read_text(errors="replace")

    @property
    def enter(self) -> tuple[str, ...]:
        """The command that runs what follows it as root inside."""
        return ("nsenter", "-t", str(self.leader), *_ENTER, *_ENVIRON)

    @property
    def reached(self) -> dict[str, Any]:
        """How Ansible gets in, as variables of a host."""
        return {"ansible_connection": "community.docker.nsenter", "ansible_nsenter_pid": self.leader}

    def boot(self) -> Self:
        """Returns when every unit that the boot pulls in is up, or has failed."""
        self._folder = BUILD / "machines" / f"{self.release}-{secrets.token_hex(4)}"
        for part in ("upper/etc", "work", "root"):
            (self._folder / part).mkdir(parents=True)
        etc = self._folder / "upper/etc"
        # An identity of its own, and not the first boot of an image, which would turn every service on.
        (etc / "machine-id").write_text(f"{secrets.token_hex(16)}\n")
        (etc / "hostname").write_text(f"{self._hostname}\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {self._hostname}\n")
        self._power_on()
        return self

    def await_reboot(self) -> None:
        """Returns when a machine that is about to reboot is up again; ``leader`` is another then."""
        assert self._process is not None
        code = self._process.wait(BOOT_S)
        assert code == _REBOOT, f"{self.release} ended with {code}\n{self.console}"
        self._leader = None
        _remove_cgroup(self._folder.name)
        self._power_on()

    def _power_on(self) -> None:
        environ = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "NAME": self._folder.name,
            "LOWER": ":".join(map(str, (*self._layers, debian_root(self.release)))),
            "FOLDER": str(self._folder),
        }
        # ends with this process, however that ends
        command = ["setpriv", "--pdeathsig", "TERM", "unshare", "-m", "bash", "-c", _BOOT]
        with (self._folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        deadline = time.monotonic() + BOOT_S
        while not self._booted():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.console
                self.stop()
                raise RuntimeError(f"{self.release} does not boot:\n{said}")
            time.sleep(0.1)

    def run(
        self, command: str, *, text: str = "", check: bool = True, timeout_s: float = PATIENCE_S
    ) -> CompletedProcess[str]:
        """Run a line of shell as root inside, ``text`` on its standard input.

        Raises ``RuntimeError`` with everything it wrote when it fails and ``check`` is set.
        """
        return say([*self.enter, "sh", "-ec", command], command, text=text, check=check, timeout_s=timeout_s)

    def copy(self, source: Path, target: str) -> None:
        """Put a file, or all that is in a folder, at the absolute path ``target`` inside; root owns it."""
        bring(self.enter, source, target)

    def stop(self) -> None:
        """Shut it down and remove its files."""
        if self._process is None:
            return
        end(self._process, STOP_S)  # nspawn tells the container's init to power off
        self._process = self._leader = None
        _remove_cgroup(self._folder.name)
        shutil.rmtree(self._folder)

    def __enter__(self) -> Self:
        return self.boot()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _booted(self) -> bool:
        assert self._process is not None
        pid = self._process.pid
        with contextlib.suppress(OSError):  # it may just have ended
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                    self._leader = int(child)
        if self._leader is None:
            return False
        state = self.run("systemctl is-system-running --wait", check=False).stdout.strip()
        return state in {"running", "degraded"}


def say(
    program: Sequence[str], command: str, *, text: str, check: bool, timeout_s: float
) -> CompletedProcess[str]:
    """Run ``program``, by which a machine is told ``command``, as ``run`` of a machine promises."""
    done = subprocess.run(program, input=text, capture_output=True, text=True, check=False, timeout=timeout_s)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def bring(enter: Sequence[str], source: Path, target: str) -> None:
    """Put a file, or all that is in a folder, at ``target`` of the machine that ``enter`` leads into."""
    folder = target if source.is_dir() else str(Path(target).parent)
    pack = ["tar", "--create", "--owner=0", "--group=0", "--directory"]
    if source.is_dir():
        pack += [str(source), "."]
    else:
        pack += [str(source.parent), f"--transform=s|.*|{Path(target).name}|", source.name]
    subprocess.run([*enter, "mkdir", "-p", folder], check=True)
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
        subprocess.run([*enter, "tar", "--extract", "--directory", folder], stdin=packing.stdout, check=True)
    assert packing.returncode == 0, f"{source} cannot be packed"


def end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Ask a machine's process to end, and end it when it does not."""
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def debian_root(release: str) -> Path:
    """A folder with ``release`` and :data:`PACKAGES`; made when it is asked for the first time, a minute or two."""
    digest = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    root = BUILD / f"{release}-{digest}"
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f"{release}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else may be making it
        if root.exists():
            return root
        print(f"Making a Debian {release} (a minute or two) ...", file=sys.stderr)
        part = root.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        done = subprocess.run(
            [
                "debootstrap",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                release,
                str(part),
                debian_mirror(),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"debootstrap cannot make a Debian {release}:\n{done.stdout}")
        (part / "etc/resolv.conf").unlink()  # that of this machine
        # No kernel of its own, so no modules to load.
        (part / "etc/systemd/system/systemd-modules-load.service").symlink_to("/dev/null")
        part.rename(root)
    return root


def debian_mirror() -> str:
    """The mirror of Debian that this machine's apt uses."""
    uris = subprocess.run(["apt-get", "--print-uris", "update"], capture_output=True, text=True, check=False)
    found = re.search(r"^'(.*)/dists/[a-z]+/InRelease'", uris.stdout, flags=re.MULTILINE)
    if found is None:
        raise RuntimeError("this machine's apt knows no mirror of Debian")
    return found[1]


def _remove_cgroup(name: str) -> None:
    for root in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
        if (group := root / name).is_dir():
            for folder in sorted(group.rglob("*/"), reverse=True):
                folder.rmdir()
            group.rmdir()
            return


def main() -> int:
    """0 booted and ended, 1 impossible here (why on standard error)."""
    parser = argparse.ArgumentParser(prog="python -m tests.appliance.machine", description="Boot a machine.")
    parser.add_argument("release", choices=RELEASES)
    parser.add_argument("--once", action="store_true", help="only try whether one boots here")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Machine(asked.release) as machine, contextlib.suppress(KeyboardInterrupt):
            print(f"{asked.release} runs; its init is {machine.leader}.")
            if asked.once:
                machine.run(_HELD)
            else:
                print(f"Enter it with:\n{' '.join(machine.enter)} bash\nCtrl-C ends it.", flush=True)
                signal.pause()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"{asked.release} cannot be booted here, or holds no unit: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
