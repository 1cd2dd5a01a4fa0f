"""A service for the privacy audit to look at: a real process, which does what a test plants in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from edge.commands.privacy_audit.subject import Subject
from edge.config import Settings
from tests.support.clock import ManualClock

LATER = timedelta(minutes=10)
"""The audit comes so long after the start of the service."""


def settings(folder: Path, **sections: Any) -> Settings:
    """The settings of the service, whose outbox has a folder of its own."""
    values: dict[str, Any] = {
        "site": "shop",
        "camera": {"source": "scene"},
        "outbox": {"path": folder / "state" / "outbox.sqlite"},
    }
    return Settings.model_validate({**values, **sections})


@contextmanager
def process(folder: Path, planted: str = "", *, through: Sequence[str] = ()) -> Iterator[psutil.Process]:
    """Run the lines ``planted`` in a process, ``through`` another program if given, until the test has looked at it."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    program = f"import sys\n{planted}\nprint('ready', flush=True)\nsys.stdin.read()\n"
    running = subprocess.Popen(
        [*through, sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=state,
        env={"TMPDIR": str(folder / "tmp"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    assert running.stdin is not None
    assert running.stdout is not None
    with running:
        try:
            assert running.stdout.readline() == b"ready\n"
            yield psutil.Process(running.pid)
        finally:
            running.stdin.close()


def subject(folder: Path, running: psutil.Process | None, **changes: Any) -> Subject:
    """What the audit looks at."""
    own = changes.pop("own", None) or settings(folder)
    values: dict[str, Any] = {
        "settings": own,
        "own": own,
        "unit": "footlight-edge.service",
        "process": running,
        "environ": {},
        "sign": folder / "sign.yaml",
        "clock": ManualClock(datetime.now(UTC) + LATER),
    }
    return Subject(**{**values, **changes})
