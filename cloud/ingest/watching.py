"""Tells the notices of a store as they begin: for a page that gets no messages itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from cloud.ingest.background import in_background
from cloud.ingest.notices import Tell
from cloud.stores.store import OpenNotices, StoreUnavailable

EVERY_S: Final = 2.0
"""How often the store is read, so that a phone rings within five seconds."""


@contextmanager
def watching(
    book: OpenNotices, tell: Tell, *, wanted: Callable[[], bool], every_s: float = EVERY_S
) -> Iterator[None]:
    """Read the open notices of all shops and tell each once, from a thread, while the block runs.

    Nothing is read while nobody has ``wanted`` it.
    """

    def run(stopped: threading.Event) -> None:
        known: set[tuple[object, ...]] = set()
        while not stopped.wait(every_s):
            with suppress(StoreUnavailable):  # the page says so
                notices = book.notices() if wanted() else ()
                found = {(one.site, one.device, one.name, one.at): one for one in notices}
                for key in found.keys() - known:
                    tell(found[key])
                known = set(found)

    with in_background("notices", run):
        yield
