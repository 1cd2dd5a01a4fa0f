"""The count checks of a process that shows the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cloud.ingest.background import in_background
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import CountChecks
from cloud.stores.store import Reader
from common.clock import Clock


@contextmanager
def count_checks(path: Path, reader: Reader, clock: Clock) -> Iterator[CountChecks]:
    """Yield the count checks in the file at ``path``; a thread looks whether they still hold."""
    with closing(CheckFile(path)) as file:
        checks = CountChecks(file, reader, clock)
        with in_background("count checks", checks.watch):
            yield checks
