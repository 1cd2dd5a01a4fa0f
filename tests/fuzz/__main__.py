"""``make fuzz``: millions of wrong messages and files; the exit code is 1 if one of them broke a promise.

Each target runs in a process of its own. It begins from right inputs and from those that earlier runs found worth
keeping (``tests/fuzz/corpus``). An input that breaks something is written to ``build/fuzz``: make it a test, then mend
the cause.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.fuzz.targets import TARGETS, seeds
from tests.support.paths import ROOT

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
BUILD = ROOT / "build" / "fuzz"
SHARES = {"wire": 0.6, "topics": 0.2, "remote-config": 0.01, "outbox": 0.005}
"""The share of the inputs that a target gets; what is left is shared by the others. It is smaller the longer an input
takes: an outbox is a file with tables, and settings of a server are a whole configuration."""
LONGEST = 20_000
"""In bytes, unless a right input is longer."""
FAST = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Result:
    target: str
    inputs: int
    seconds: float
    branches: int
    """Branches of our code that the inputs reached."""
    broken: list[str]
    """Files with an input that broke a promise."""


def fuzz(target: str, *, inputs: int, seconds: int, seed: int, build: Path = BUILD) -> Result:
    """Try ``inputs`` inputs, or as many as ``seconds`` allow; what reaches new code is kept below ``build``."""
    found, given = build / target, build / f"{target}-seeds"
    for folder in (found, given, CORPUS / target):
        folder.mkdir(parents=True, exist_ok=True)
    right = seeds(target)
    for number, data in enumerate(right):
        (given / f"{number}").write_bytes(data)
    before = set(build.glob(f"{target}-broken-*"))
    started = time.monotonic()
    arguments = [
        f"-atheris_runs={inputs}",
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={max(LONGEST, *map(len, right))}",
        "-timeout=20",
        "-rss_limit_mb=1500",
        f"-artifact_prefix={build}/{target}-broken-",
    ]
    # The fuzzer ends without cleaning up.
    with TemporaryDirectory(prefix="footlight-fuzz-", dir=FAST if FAST.is_dir() else None) as scratch:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.one", target, *arguments, found, CORPUS / target, given],
            cwd=ROOT, capture_output=True, text=True, errors="replace", check=False,
            env=os.environ | {"TMPDIR": scratch},
        )  # fmt: skip
    said = ran.stdout + ran.stderr
    (build / f"{target}.log").write_text(said)
    broken = sorted(str(file) for file in set(build.glob(f"{target}-broken-*")) - before)
    if ran.returncode and not broken:
        raise RuntimeError(f"{target}: the fuzzer ended with {ran.returncode}: {said[-2000:]}")
    count = re.search(r"Done (\d+) ", said)
    reached = re.findall(r"cov: (\d+)", said)
    return Result(
        target,
        int(count[1]) if count else 0,
        round(time.monotonic() - started, 1),
        int(reached[-1]) if reached else 0,
        broken,
    )


def keep(target: str, build: Path = BUILD) -> None:
    """Replace the kept inputs of a target by the fewest that reach the same code."""
    merged = build / f"{target}-merged"
    merged.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="footlight-fuzz-") as scratch:
        subprocess.run(
            [sys.executable, "-m", "tests.fuzz.one", target, "-merge=1", merged, CORPUS / target, build / target],
            cwd=ROOT, capture_output=True, check=True, env=os.environ | {"TMPDIR": scratch},
        )  # fmt: skip
    for file in (CORPUS / target).iterdir():
        file.unlink()
    for file in merged.iterdir():
        file.rename(CORPUS / target / file.name[:12])
    merged.rmdir()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="make fuzz", description="Feed wrong messages and files to Footlight."
    )
    parser.add_argument(
        "--inputs", type=int, default=10_000_000, help="of all targets together (%(default)s)"
    )
    parser.add_argument("--seconds", type=int, default=3600, help="at most, for each target (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="only this one")
    parser.add_argument("--keep", action="store_true", help="keep what reached new code in tests/fuzz/corpus")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    chosen = options.target or list(TARGETS)
    rest = (1 - sum(SHARES.values())) / (len(TARGETS) - len(SHARES))
    errors, results = Console(stderr=True), []
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("targets", total=len(chosen))
        for target in chosen:
            count = int(options.inputs * SHARES.get(target, rest))
            results.append(fuzz(target, inputs=count, seconds=options.seconds, seed=options.seed))
            if options.keep:
                keep(target)
            bar.advance(task)
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        Console().print(table(results))
    for file in (file for result in results for file in result.broken):
        errors.print(f"broken by {file}", highlight=False, soft_wrap=True)
    return 1 if any(result.broken for result in results) else 0


def table(results: Sequence[Result]) -> Table:
    shown = Table(title="Wrong inputs")
    shown.add_column("target")
    for heading in ("inputs", "seconds", "branches reached", "broken"):
        shown.add_column(heading, justify="right")
    for result in results:
        row = (f"{result.inputs:,}", f"{result.seconds:g}", str(result.branches), str(len(result.broken)))
        shown.add_row(result.target, *row)
    return shown


if __name__ == "__main__":
    sys.exit(main())
