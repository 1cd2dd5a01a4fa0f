"""A file that is replaced whole: after a power cut it is the old one or the new one, never a part."""

from __future__ import annotations

import os
from pathlib import Path


def put_in_place(draft: Path, path: Path) -> None:
    """Give the finished ``draft``, a file in the same folder, the name ``path``; when this returns, the change lasts.

    Raises ``OSError``; ``path`` is then the old file or the new one.
    """
    _sync(draft)
    draft.replace(path)
    _sync(path.parent)  # the new name


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
