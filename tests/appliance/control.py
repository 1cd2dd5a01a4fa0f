"""The control machine: a chain's inventory in a folder, and the playbooks played to booted machines from it."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.appliance.machine import Machine
from tests.support.paths import ROOT
from tests.support.programs import require_made

ANSIBLE = ROOT / "ansible"
PLAY_S = 2700.0
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class Played:
    """What a playbook did: ``failed`` of all hosts together, ``changed`` by host, and all that Ansible wrote."""

    changed: Mapping[str, int]
    failed: int
    output: str


class Reached(Protocol):
    """A booted machine."""

    @property
    def reached(self) -> Mapping[str, Any]:
        """How Ansible gets in, as variables of a host."""
        ...


class Control:
    """Plays to ``hosts``, each of which may be any of the booted machines; one machine may be several hosts."""

    def __init__(
        self,
        folder: Path,
        hosts: Mapping[str, Reached],
        groups: Mapping[str, list[str]],
        variables: Mapping[str, Any],
        *,
        timeout_s: float = PLAY_S,
    ) -> None:
        program = ROOT / ".venv-ansible" / "bin" / "ansible-playbook"
        require_made(program, "make setup-ansible")
        self._program = str(program)
        self.folder = folder
        self._timeout_s = timeout_s
        inventory = {
            "all": {
                "hosts": {
                    name: {"ansible_python_interpreter": "/usr/bin/python3", **machine.reached}
                    for name, machine in hosts.items()
                },
                "children": {name: {"hosts": dict.fromkeys(members)} for name, members in groups.items()},
                "vars": dict(variables),
            }
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))

    def play(self, playbook: Path, *arguments: str, check: bool = True) -> Played:
        """Play it with further ``arguments`` of ``ansible-playbook``; fail with what it wrote when it does."""
        done = subprocess.run(
            [self._program, "--inventory", str(self.folder / "hosts.yml"), str(playbook), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "HOME": str(self.folder),
                "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
                "ANSIBLE_ROLES_PATH": str(ANSIBLE / "roles"),
                "ANSIBLE_NOCOLOR": "1",
            },
            stdin=subprocess.DEVNULL,  # Ansible refuses one that another program has made non-blocking
            capture_output=True,
            text=True,
            check=False,
            timeout=self._timeout_s,
        )
        output = done.stdout + done.stderr
        recap = re.findall(
            r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", output, flags=re.MULTILINE
        )
        played = Played(
            changed={host: int(changed) for host, changed, _, _ in recap},
            failed=sum(int(unreachable) + int(failed) for _, _, unreachable, failed in recap),
            output=output,
        )
        assert not check or done.returncode == 0, output
        return played


@contextmanager
def network_of(machine: Machine) -> Iterator[None]:
    """Be on the machine's own loopback: what this thread opens or starts from here on is there, and nowhere else."""
    home, there = (os.open(f"/proc/{who}/ns/net", os.O_RDONLY) for who in ("thread-self", machine.leader))
    try:
        _set_network(there)
        yield
    finally:
        _set_network(home)
        os.close(home)
        os.close(there)


def _set_network(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET) != 0:  # os.setns is of Python 3.12
        raise OSError(ctypes.get_errno(), "setns")
