"""Footlight as a layer of a machine's files: installed once, used by many tests."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.appliance.machine import BUILD, Machine
from tests.appliance.releases import WHEELHOUSE
from tests.support.programs import require_made

INSTALL_S = 3600.0
# What role edge makes of a wheelhouse, in the same places, without the time that the playbook takes for it.
INSTALL = """
python3 -m venv --system-site-packages /opt/footlight/versions/{version}
cd /opt/footlight/versions/{version}
bin/pip install --quiet --no-index --ignore-installed --find-links /srv/wheels \\
    --require-hashes --requirement /srv/wheels/requirements.txt
mv /srv/units .
cp /srv/manifest.json manifest.json
cp manifest.json complete
"""


def footlight_layer(release: str) -> Path:
    """A folder with ``/opt/footlight/versions`` of the wheelhouse and nothing else; made when first asked for."""
    require_made(WHEELHOUSE / "manifest.json", "make wheelhouse ARCH=x86_64 EXTRAS='edge cloud'")
    manifest = (WHEELHOUSE / "manifest.json").read_bytes()
    layer = BUILD / f"{release}-footlight-{hashlib.sha256(manifest).hexdigest()[:8]}"
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f"{release}-footlight.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else may be making it
        if layer.exists():
            return layer
        print(f"Installing Footlight on {release} ...", file=sys.stderr)
        part = layer.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        with Machine(release) as machine:
            python = machine.run(
                "python3 -c 'import sys; print(*sys.version_info[:2], sep=\".\")'"
            ).stdout.strip()
            machine.copy(WHEELHOUSE / python, "/srv/wheels")
            machine.copy(WHEELHOUSE / "units", "/srv/units")
            machine.copy(WHEELHOUSE / "manifest.json", "/srv/manifest.json")
            machine.run(INSTALL.format(version=json.loads(manifest)["version"]), timeout_s=INSTALL_S)
            pack = [*machine.enter, "tar", "--create", "--directory=/", "opt/footlight"]
            with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
                subprocess.run(["tar", "--extract", "--directory", part], stdin=packing.stdout, check=True)
            assert packing.returncode == 0, "the layer cannot be packed"
        part.rename(layer)
    return layer
