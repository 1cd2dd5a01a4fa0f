"""The programs of the system that tests use as real parts."""

from __future__ import annotations

import os
import shutil

import pytest

# Debian keeps servers where the PATH of an ordinary user does not look.
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))


def require_program(name: str, install: str) -> str:
    """The path of program ``name``. Without it the test is skipped, with ``install`` as the way out; in CI it fails."""
    if found := shutil.which(name, path=_PATH):
        return found
    reason = f"{name} is not installed: {install}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
