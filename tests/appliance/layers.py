"""Footlight as a layer of a machine's files: installed by the playbook once, used by many tests."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.appliance.control import Control
from tests.appliance.machine import BUILD, Machine
from tests.appliance.releases import WHEELHOUSE
from tests.support.programs import require_made

INSTALL = """
- name: Install
  hosts: edge
  become: true
  tasks:
    - {name: Know what runs, ansible.builtin.include_role: {name: edge, tasks_from: version, public: true}}
    - {name: Install the version, ansible.builtin.include_role: {name: edge, tasks_from: install}}
"""


def footlight_layer(release: str) -> Path:
    """A folder with ``/opt/footlight/versions`` of the wheelhouse and nothing else; made when first asked for."""
    require_made(WHEELHOUSE / "manifest.json", "make wheelhouse ARCH=x86_64 EXTRAS='edge cloud'")
    digest = hashlib.sha256((WHEELHOUSE / "manifest.json").read_bytes()).hexdigest()[:8]
    layer = BUILD / f"{release}-footlight-{digest}"
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f"{release}-footlight.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else may be making it
        if layer.exists():
            return layer
        print(f"Installing Footlight on {release} ...", file=sys.stderr)
        part = layer.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        with Machine(release) as machine, tempfile.TemporaryDirectory() as folder:
            variables = {"edge_site": "shop", "edge_wheelhouse": str(WHEELHOUSE)}
            control = Control(Path(folder), {"pi": machine}, {"edge": ["pi"]}, variables)
            playbook = Path(folder, "install.yml")
            playbook.write_text(INSTALL)
            control.play(playbook)
            pack = [*machine.enter, "tar", "--create", "--directory=/", "opt/footlight"]
            with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
                subprocess.run(["tar", "--extract", "--directory", part], stdin=packing.stdout, check=True)
            assert packing.returncode == 0, "the layer cannot be packed"
        part.rename(layer)
    return layer
