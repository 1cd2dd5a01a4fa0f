"""An SQLite file that cannot be opened: why, and the way out."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from common import salvage


def why_not_opened(path: Path, error: OSError | sqlite3.Error) -> str:
    """Say in plain words why ``path`` cannot be opened, and what to do."""
    if isinstance(error, OSError):
        return f"folder {path.parent} cannot be created ({error.strerror}); create it, or set another path"
    match salvage.code(error):
        case sqlite3.SQLITE_BUSY:
            return "another process uses it; stop that one, or set another path"
        case sqlite3.SQLITE_CANTOPEN if _is_folder(path):
            return "is a folder; name a file in it"
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return f"folder {path.parent} is not writable; let this user write there, or set another path"
    return f"{error}; set another path"


def _is_folder(path: Path) -> bool:
    with suppress(PermissionError):
        return path.is_dir()
    return False
