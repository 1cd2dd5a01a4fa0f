"""An emulated arm64 machine with a kernel of its own: what the aarch64 wheels and the limits on memory are tried on.

    python -m tests.appliance.vm bookworm     # boots one, says how to enter it, and ends it with Ctrl-C

It is a Pi as far as an emulator goes: the processor of a Pi 4 and a Debian of the same release, without its camera,
its firmware and its pace (some fifty times slower: no latency is ever taken from here). Its only network is an
ssh port on this machine's loopback. Needs root, mmdebstrap, arch-test, qemu-system-arm, qemu-user-static,
binfmt-support and the mirror.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Self

from tests.appliance.machine import BUILD, PACKAGES, RELEASES, bring, debian_mirror, end, say

BOOT_S = 600.0
STOP_S = 120.0
DISK_BYTES, DISK_ID = 6 << 30, 0x466F6F74
FIRST_BYTE = 1 << 20
"""Where the only partition of the disk begins. The kernel finds it by the disk's id: there are two disks, and either of
them may come first."""

# Beside what a container has: who reads the settings of a flashed card and with what it grows its file system, and what
# a kernel of its own wants.
MORE = ("cloud-init", "e2fsprogs", "kmod", "udev")
KERNEL = "linux-image-cloud-arm64"

# As Raspberry Pi OS names it; the files of a card (`ansible/image.yml`) know no other.
_COMMAND_LINE = f"root=PARTUUID={DISK_ID:08x}-01 rw console=ttyAMA0 quiet net.ifnames=0"


class VM:
    """One emulated machine of ``release``. Entering the context boots it; leaving ends it and forgets its disk.

    ``card`` are files by name that its first start finds on a small FAT disk, as on the boot partition of a card:
    user-data, network-config, meta-data. Without them cloud-init is off, and only root with our key gets in.
    """

    def __init__(
        self,
        release: str,
        *,
        hostname: str = "pi",
        card: Mapping[str, str] | None = None,
        memory_mib: int = 1536,
    ) -> None:
        self.release = release
        self._hostname = hostname
        self._card = card
        self._memory_mib = memory_mib
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path()
        self.port = 0
        """The port of its ssh on 127.0.0.1, while it runs."""

    @property
    def key(self) -> Path:
        """The private key with which root gets in."""
        return debian_disk(self.release) / "key"

    @property
    def console(self) -> str:
        """All that the machine has written on its console."""
        return (self._folder / "console").read_text(errors="replace")

    @property
    def reached(self) -> dict[str, Any]:
        """How Ansible gets in, as variables of a host."""
        options = "-F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_timeout": 300,  # a login and a sudo take longer here than the usual ten seconds
            "ansible_ssh_common_args": f"{options} -o ControlPersist=600",
        }

    def ssh(self, user: str = "root") -> tuple[str, ...]:
        """The command that runs what follows it as ``user`` inside; it joins that with spaces for a shell."""
        options = (
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "BatchMode=yes",
        )
        # One handshake for all: it is the most that a command costs an emulator.
        shared = ("ControlMaster=auto", f"ControlPath={self._folder}/%r", "ControlPersist=60")
        return (
            *("ssh", "-F", "/dev/null", "-i", str(self.key), "-p", str(self.port)),
            *(word for option in (*options, *shared, "ConnectTimeout=60") for word in ("-o", option)),
            f"{user}@127.0.0.1",
        )

    def boot(self) -> Self:
        """Returns when every unit that the boot pulls in is up, or has failed."""
        made = debian_disk(self.release)
        self._folder = BUILD / "machines" / f"arm64-{self.release}-{secrets.token_hex(4)}"
        self._folder.mkdir(parents=True)
        self.port = _free_port()
        line = f"{_COMMAND_LINE} systemd.hostname={self._hostname}"
        # The kernel finds ext4 on NVMe without modules, and so without an initramfs, which takes minutes to make.
        drives = ["-drive", f"file={made / 'disk.img'},format=raw,if=none,id=disk,snapshot=on,cache=unsafe"]
        drives += ["-device", "nvme,drive=disk,serial=disk"]
        if self._card is None:
            line += " cloud-init=disabled"
        else:
            # The kernel finds it on NVMe, too: cloud-init looks before any module is loaded. Imager says the same.
            line += " ds=nocloud"
            card = self._folder / "card"
            card.mkdir()
            for name, text in self._card.items():
                (card / name).write_text(text, encoding="utf-8")
            drives += ["-blockdev", f"driver=vvfat,node-name=card,dir={card},label=CIDATA,read-only=on"]
            drives += ["-device", "nvme,drive=card,serial=card"]
        with (self._folder / "console").open("wb") as console:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "TERM"),  # ends with this process, however that ends
                    *("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2"),
                    *("-accel", "tcg,thread=multi", "-m", str(self._memory_mib), "-nodefaults", "-nographic"),
                    *("-serial", "stdio", "-device", "virtio-rng-pci", *drives),
                    *("-kernel", str(made / "vmlinuz"), "-append", line),
                    *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22"),
                    *("-device", "virtio-net-pci,netdev=net,romfile="),
                ],
                env={"PATH": "/usr/bin:/bin", "TMPDIR": str(self._folder)},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        self.wait_until_up()
        return self

    def wait_until_up(self) -> None:
        """Until ssh answers and every unit of the boot is up, or has failed; also after a reboot."""
        assert self._process is not None, "not booted"
        deadline = time.monotonic() + BOOT_S
        while self.run("systemctl is-system-running --wait", check=False).stdout.strip() not in {
            "running",
            "degraded",
        }:
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.console
                self.stop()
                raise RuntimeError(f"{self.release} on arm64 does not boot:\n{said}")
            time.sleep(2)

    def run(
        self,
        command: str,
        *,
        text: str = "",
        check: bool = True,
        timeout_s: float = 600.0,
        user: str = "root",
    ) -> CompletedProcess[str]:
        """Run a line of shell as ``user`` inside, ``text`` on its standard input.

        Raises ``RuntimeError`` with everything it wrote when it fails and ``check`` is set.
        """
        program = [*self.ssh(user), f"sh -ec {shlex.quote(command)}"]
        return say(program, command, text=text, check=check, timeout_s=timeout_s)

    def copy(self, source: Path, target: str) -> None:
        """Put a file, or all that is in a folder, at the absolute path ``target`` inside; root owns it."""
        bring(self.ssh(), source, target)

    def stop(self) -> None:
        """Switch it off: nothing on its disk is kept, so nothing is shut down."""
        if self._process is None:
            return
        end(self._process, STOP_S)
        self._process = None
        shutil.rmtree(self._folder)

    def __enter__(self) -> Self:
        return self.boot()

    def __exit__(self, *exc: object) -> None:
        self.stop()


def debian_disk(release: str) -> Path:
    """A folder with disk.img, vmlinuz and root's key; made when first asked for, ten minutes or more."""
    digest = hashlib.sha256(" ".join((*PACKAGES, *MORE, KERNEL)).encode()).hexdigest()[:8]
    made = BUILD / "arm64" / f"{release}-{digest}"
    made.parent.mkdir(parents=True, exist_ok=True)
    with (made.parent / f"{release}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else may be making it
        if not made.exists():
            print(f"Making a Debian {release} for arm64 (ten minutes or more) ...", file=sys.stderr)
            part = made.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            _make_root(release, part / "root")
            _make_disk(part)
            shutil.rmtree(part / "root")
            part.rename(made)
    return made


def _make_root(release: str, root: Path) -> None:
    _need_emulated_programs()
    # Not debootstrap: all that mmdebstrap runs of arm64 is what the packages themselves run, and apt knows who provides
    # what cloud-init needs.
    include = f"--include={','.join((*PACKAGES, *MORE))}"
    _do("mmdebstrap", "--arch=arm64", "--variant=minbase", include, release, str(root), debian_mirror())
    _add_kernel(root)
    (root / "etc/resolv.conf").unlink()  # that of this machine
    network = root / "etc/systemd/network/wired.network"
    network.write_text("[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n")
    _do("chroot", str(root), "systemctl", "enable", "systemd-networkd", "ssh")
    # As every Pi has one; without it cloud-init wants an American one, and fails.
    (root / "etc/default/locale").write_text("LANG=C.UTF-8\n")
    # An identity, for a first boot of an image would turn every service on.
    (root / "etc/machine-id").write_text(f"{secrets.token_hex(16)}\n")


def _add_kernel(root: Path) -> None:
    """Unpack the kernel and its modules only: installing it would make an initramfs, in minutes, for nothing."""
    _do("chroot", str(root), "apt-get", "-qq", "-o", "APT::Sandbox::User=root", "update")
    shown = _do("chroot", str(root), "apt-cache", "--no-all-versions", "show", KERNEL)
    found = re.search(r"^Depends:.*?(linux-image-(\d\S*))", shown, flags=re.MULTILINE)
    assert found is not None, shown
    _do(
        "chroot",
        str(root),
        "sh",
        "-c",
        f"cd /var/tmp && apt-get -qq -o APT::Sandbox::User=root download {found[1]}",
    )
    (package,) = (root / "var/tmp").glob("linux-image-*.deb")
    # Not dpkg-deb --extract, which makes a folder of the link that /lib is.
    unpack = 'dpkg-deb --fsys-tarfile "$0" | tar --extract --keep-directory-symlink --directory "$1"'
    _do("sh", "-ec", unpack, str(package), str(root))
    package.unlink()
    _do("chroot", str(root), "depmod", found[2])
    shutil.move(root / f"boot/vmlinuz-{found[2]}", root.parent / "vmlinuz")


def _make_disk(part: Path) -> None:
    root = part / "root"
    _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "appliance test", "-f", str(part / "key"))
    keys = root / "root/.ssh/authorized_keys"
    keys.parent.mkdir(mode=0o700, exist_ok=True)
    keys.write_text((part / "key.pub").read_text())
    disk = part / "disk.img"
    disk.write_bytes(_partition_table())
    with disk.open("ab") as image:
        image.truncate(FIRST_BYTE + DISK_BYTES)
    # From the folder: no loop device is needed, and often there is none.
    offset, size = f"offset={FIRST_BYTE}", f"{DISK_BYTES >> 10}k"
    _do("mke2fs", "-q", "-t", "ext4", "-d", str(root), "-E", offset, str(disk), size)


def _partition_table() -> bytes:
    """Return the first sector of a disk with one Linux partition."""
    partition = struct.pack("<B3xB3xII", 0, 0x83, FIRST_BYTE // 512, DISK_BYTES // 512)
    return bytes(440) + struct.pack("<I2x", DISK_ID) + partition + bytes(48) + b"\x55\xaa"


def _need_emulated_programs() -> None:
    """Packages run programs of arm64 when they are set up; the kernel must know who emulates them."""
    registry = Path("/proc/sys/fs/binfmt_misc")
    if not (registry / "status").exists():
        _do("mount", "-t", "binfmt_misc", "binfmt_misc", str(registry))
    if not (registry / "qemu-aarch64").exists():
        _do("update-binfmts", "--enable", "qemu-aarch64")


def _do(*command: str) -> str:
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"},
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.appliance.vm", description="Boot an arm64 machine."
    )
    parser.add_argument("release", choices=RELEASES)
    with VM(parser.parse_args().release) as vm, contextlib.suppress(KeyboardInterrupt):
        print(f"{vm.release} runs on arm64, process {os.getpid()}. Enter it with:\n{' '.join(vm.ssh())}")
        print("Ctrl-C ends it.", flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
