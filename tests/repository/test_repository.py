"""What the repository promises of itself: a README that tells the truth, nothing of one machine, no large file."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"\b(footlight-(?:edge|cloud)) ([a-z-]+)", README)))
TARGETS = sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE)))


def tracked() -> list[Path]:
    """Every file of the repository that is in the working tree."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_readme_names_the_commands_that_matter() -> None:
    assert {"demo", "test"} <= set(TARGETS)
    assert {"run", "replay", "inspect"} <= {
        command for program, command in COMMANDS if program == "footlight-edge"
    }
    assert {"bridge", "serve"} <= {command for program, command in COMMANDS if program == "footlight-cloud"}


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_of_the_readme_is_in_the_help(target: str) -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^\s*make {re.escape(target)}\s", shown, re.MULTILINE)


@pytest.mark.parametrize(("program", "command"), COMMANDS)
def test_every_command_of_the_readme_explains_itself(program: str, command: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name(program), command, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{program} {command}" in done.stdout


def test_every_option_of_the_readme_exists() -> None:
    lines = re.findall(r"^\.venv/bin/(footlight-\S+) (\S+)(.*)$", README, re.MULTILINE)
    assert lines
    for program, command, rest in lines:
        words = shlex.split(rest, comments=True)
        options = [word for word in words if word.startswith("--")]
        actions = itertools.takewhile(lambda word: word.isalpha() and word.islower(), words)
        shown = subprocess.run(
            [Path(sys.executable).with_name(program), command, *actions, "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert [option for option in options if option not in shown] == [], (program, command)


def test_every_link_of_the_pages_leads_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}"


def test_no_file_names_a_package_index_or_a_path_of_one_machine() -> None:
    # Put together here, so that this file does not name them either.
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
    paths = [
        "/" + "/".join(parts)
        for parts in (("work", "main"), ("work", "shared"), ("root", ""), ("opt", "pypi"))
    ]
    forbidden = [text.encode() for text in (*hosts, *paths, str(Path("..", "shared")))]
    found = [
        f"{path.relative_to(ROOT)}: {text.decode()}"
        for path in tracked()
        for text in forbidden
        if text in path.read_bytes()
    ]
    assert found == []


def test_no_file_is_large() -> None:
    assert [path.relative_to(ROOT) for path in tracked() if path.stat().st_size > 2_000_000] == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_lock_pins_and_hashes_every_package() -> None:
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    assert [
        line for line in lines if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ] == []


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("common.wire", {"cv2", "numpy", "paho", "yaml"}),
        ("cloud.ingest.bridge", {"cv2", "numpy", "ai_edge_litert"}),
    ],
)
def test_a_role_loads_no_library_of_another(module: str, foreign: set[str]) -> None:
    program = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert foreign & set(done.stdout.split()) == set()


@pytest.mark.parametrize(
    ("role", "library", "arguments"),
    [("edge", "numpy", ["check-config", "edge/example.yaml"]), ("cloud", "amqtt", ["demo"])],
)
def test_a_machine_of_the_other_role_says_so_in_one_line(
    role: str, library: str, arguments: list[str]
) -> None:
    program = (
        f"import sys; sys.modules['{library}'] = None; import {role}.__main__ as program; "
        "sys.exit(program.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert library in line
    assert f"{role} extra" in line
