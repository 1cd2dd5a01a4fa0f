"""The privacy audit finds leaks by the machine and the installation: memory, sandbox, models, code."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import marshal
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from edge.commands.privacy_audit.command import inspect
from edge.commands.privacy_audit.installed import judge
from edge.commands.privacy_audit.memory import core_dumps, swap
from edge.commands.privacy_audit.models import models
from edge.commands.privacy_audit.released import installed_release
from edge.commands.privacy_audit.sandbox import sandbox
from edge.inference.manifest import FILE, packaged_models
from tests.appliance.releases import make_key, sign
from tests.edge.commands.audited import process, settings, subject
from tests.support.programs import require_program

# Memory and the sandbox.


def test_core_dumps_are_found(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_CORE, ({0}, {0}))"
    dumping = "open('/proc/self/coredump_filter', 'w').write('0x33')"
    with process(
        tmp_path, f"{limit.format(0)}; open('/proc/self/coredump_filter', 'w').write('0')"
    ) as running:
        assert inspect(core_dumps, subject(tmp_path, running)).state == "green"
    with process(tmp_path, f"{limit.format(1 << 20)}; {dumping}") as running:
        found = inspect(core_dumps, subject(tmp_path, running))
    assert found.state == "red"
    assert "its limit is 1048576" in found.value


@pytest.mark.parametrize(
    ("areas", "limit", "swapped_kb", "state"),
    [
        ("", "max", 0, "green"),
        ("/dev/zram0 partition 2097148 0 100\n", "0", 0, "green"),
        ("/dev/zram0 partition 2097148 0 100\n", "max", 0, "red"),
        ("/var/swap file 102396 0 -2\n", None, 0, "red"),
        ("/var/swap file 102396 0 -2\n", "0", 512, "red"),
    ],
)
def test_a_service_that_can_be_swapped_out_is_found(
    tmp_path: Path, areas: str, limit: str | None, swapped_kb: int, state: str
) -> None:
    """On the files that Linux would show: no test may turn on swap on the machine that runs it."""
    with process(tmp_path) as running:
        group = tmp_path / "cgroup" / "footlight.slice" / "footlight-edge.service"
        shown = tmp_path / "proc" / str(running.pid)
        group.mkdir(parents=True)
        shown.mkdir(parents=True)
        (tmp_path / "proc" / "swaps").write_text(f"Filename Type Size Used Priority\n{areas}")
        real = (
            Path(f"/proc/{running.pid}/status")
            .read_text()
            .replace("VmSwap:\t       0", f"VmSwap:\t {swapped_kb}")
        )
        (shown / "status").write_text(real)
        (shown / "cgroup").write_text("0::/footlight.slice/footlight-edge.service\n")
        if limit is not None:
            (group / "memory.swap.max").write_text(f"{limit}\n")
        looked_at = subject(tmp_path, running, proc=tmp_path / "proc", cgroups=tmp_path / "cgroup")
        assert inspect(swap, looked_at).state == state


DECLARED = {
    "LoadState": "loaded",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "NoNewPrivileges": "yes",
    "MemoryDenyWriteExecute": "yes",
    "LimitCORE": "0",
    "MemorySwapMax": "0",
    "NeedDaemonReload": "no",
}
ALLOW_ALL = """
import ctypes, struct
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(1, ctypes.addressof(code))
assert ctypes.CDLL(None).prctl(22, 2, ctypes.byref(program)) == 0
"""
READ_ONLY = (
    'set -e; while read -r _ _ _ _ point options _; do mount -o remount,bind,ro "$point" || true; done'
    " </proc/self/mountinfo 2>/dev/null; exec setpriv --no-new-privs --reuid 65534 --regid 65534 --clear-groups"
    ' --bounding-set=-all --inh-caps=-all "$@"'
)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lock a process in")
def test_a_process_that_is_locked_in_is_clean(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(0o755)
    through = ("unshare", "--mount", "--propagation", "private", "sh", "-c", READ_ONLY, "sh")
    with process(tmp_path, ALLOW_ALL, through=through) as running:
        found = inspect(sandbox, subject(tmp_path, running, properties=DECLARED))
        changed = inspect(sandbox, subject(tmp_path, running, properties={**DECLARED, "ProtectSystem": "no"}))
        unknown = inspect(sandbox, subject(tmp_path, running))
    assert (found.state, found.fix) == ("green", ""), found
    assert (changed.state, changed.value) == ("red", "the unit does not ask for it: ProtectSystem=no")
    assert unknown.state == "amber"


def test_a_process_outside_its_sandbox_is_found(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        found = inspect(sandbox, subject(tmp_path, running, properties=DECLARED))
    assert found.state == "red"
    assert "no new privileges (NoNewPrivs 0), the filter of system calls (Seccomp 0)" in found.value


# Models and code.


def test_a_model_with_another_hash_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for path in (*packaged_models().glob("*.tflite"), packaged_models() / FILE):
        shutil.copy(path, folder)
    chosen = settings(tmp_path, models={"directory": folder})
    assert inspect(models, subject(tmp_path, None, own=chosen)).state == "green"
    detector = folder / "detector.tflite"
    content = bytearray(detector.read_bytes())
    before = _digest(detector)
    content[-1] ^= 1
    detector.write_bytes(content)
    found = inspect(models, subject(tmp_path, None, own=chosen))
    assert found.state == "red"
    assert "truncated or tampered with" in found.value
    # with a manifest that fits, only the one that came with Footlight can tell
    manifest = folder / FILE
    manifest.write_text(manifest.read_text().replace(before, _digest(detector)))
    found = inspect(models, subject(tmp_path, None, own=chosen))
    assert found.state == "amber"
    assert "not the models that came with Footlight" in found.value


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def installed(tmp_path: Path) -> Distribution:
    """A wheel of two modules, installed by pip, which writes their hashes down and compiles them."""
    info = "footlight-9.dist-info"
    content = {
        "edge/__init__.py": "",
        "edge/uplink.py": "HOST = 'broker'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: footlight\nVersion: 9\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    wheel = tmp_path / "footlight-9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
        lines = [f"{name},sha256={_urlsafe(text)},{len(text)}" for name, text in content.items()]
        archive.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,"]))
    options = (
        "--quiet",
        "--no-deps",
        "--no-index",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
    )
    pip = [sys.executable, "-m", "pip", "install", *options, "--target", str(tmp_path / "site"), str(wheel)]
    subprocess.run(pip, check=True)
    (found,) = distributions(path=[str(tmp_path / "site")])
    return found


def _urlsafe(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def test_code_that_was_changed_after_it_was_installed_is_found(installed: Distribution) -> None:
    package = Path(str(installed.locate_file("edge")))
    before = judge(installed)
    assert before.state == "green", before
    assert before.value.startswith("version 9, 2 files as installed, sum ")
    (package / "uplink.py").write_text("HOST = 'elsewhere'\n")
    found = judge(installed)
    assert (found.state, found.value) == ("red", f"{package / 'uplink.py'} was changed")
    (package / "uplink.py").unlink()
    (package / "debug.py").write_text("")
    assert judge(installed).value == f"{package / 'uplink.py'} is missing, {package / 'debug.py'} was added"


def test_code_that_was_changed_together_with_its_record_differs_from_the_signed_release(
    installed: Distribution, tmp_path: Path
) -> None:
    require_program("ssh-keygen", "apt-get install openssh-client")
    package = Path(str(installed.locate_file("edge")))
    code = {
        f"edge/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in package.glob("*.py")
    }
    manifest, signers = tmp_path / "manifest.json", tmp_path / "signers"
    assert installed_release(tmp_path, signers) is None
    key = make_key(tmp_path)
    signers.write_text(f"footlight-release {key.with_suffix('.pub').read_text()}")
    manifest.write_text(json.dumps({"code": code}))
    assert judge(installed, installed_release(tmp_path, signers)).state == "amber"
    sign(tmp_path, key)
    found = judge(installed, installed_release(tmp_path, signers))
    assert found.value.startswith("version 9, 2 files as in the signed release, sum ")

    text = "HOST = 'elsewhere'\n"
    (package / "uplink.py").write_text(text)
    record = Path(str(installed.locate_file("footlight-9.dist-info/RECORD")))
    lines = [line for line in record.read_text().splitlines() if not line.startswith("edge/uplink.py")]
    record.write_text("\n".join([*lines, f"edge/uplink.py,sha256={_urlsafe(text)},{len(text)}"]))
    (again,) = distributions(path=[str(record.parent.parent)])
    changed = judge(again, installed_release(tmp_path, signers))
    assert (changed.state, changed.value) == ("red", "edge/uplink.py is not that of the signed release")

    code["edge/uplink.py"] = hashlib.sha256(text.encode()).hexdigest()
    manifest.write_text(json.dumps({"code": code}))
    forged = judge(again, installed_release(tmp_path, signers))
    assert (forged.state, forged.value) == ("red", f"nobody in {signers} has signed {manifest}")


def test_code_that_was_changed_in_its_compiled_file_only_is_found(installed: Distribution) -> None:
    source = Path(str(installed.locate_file("edge/uplink.py")))
    compiled = Path(importlib.util.cache_from_source(source))
    assert compiled.exists()
    assert judge(installed).state == "green"
    other = marshal.dumps(compile("HOST = 'others'\n", source, "exec"))
    compiled.write_bytes(compiled.read_bytes()[:16] + other)
    assert judge(installed).value == f"{source} is not what Python runs: its compiled file was changed"
