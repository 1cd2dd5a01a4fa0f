"""The programs and libraries of the system that tests use as real parts."""

from __future__ import annotations

import ctypes.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# Debian keeps servers where the PATH of an ordinary user does not look.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))


def require_program(name: str, install: str) -> str:
    """The path of program ``name``. Without it the test is skipped, with ``install`` as the way out; in CI it fails."""
    return shutil.which(name, path=PATH) or _lacking(name, install)


def require_library(name: str, install: str) -> None:
    """As ``require_program``, for the shared library ``libNAME.so``."""
    if ctypes.util.find_library(name) is None:
        _lacking(f"lib{name}", install)


def require_made(path: Path, how: str) -> None:
    """As ``require_program``, for what ``how`` makes in this checkout."""
    if not path.exists():
        _lacking(path.parent.name, how)


def _lacking(what: str, install: str) -> NoReturn:
    reason = f"{what} is not installed: {install}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
