"""Changes of devices on the one box, through the broker in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import Changes, NotSent
from cloud.domain.messages import gettext as _
from common.clock import Clock

Retain = Callable[[str, bytes], Coroutine[Any, Any, None]]

SEND_S = 10.0
"""A broker in the same process that takes longer hangs."""


class InsideBroker:
    """The way to the devices: ``retain`` publishes in the event loop. ``send`` is called in another thread."""

    def __init__(self, retain: Retain) -> None:
        self._retain, self._loop = retain, asyncio.get_running_loop()

    def send(self, topic: str, payload: bytes) -> None:
        """Publish a retained message. Raises ``NotSent``."""
        sending = asyncio.run_coroutine_threadsafe(self._retain(topic, payload), self._loop)
        try:
            sending.result(SEND_S)
        except TimeoutError:
            sending.cancel()
            raise NotSent(
                _("The broker of this box does not answer. Restart the service and try again.")
            ) from None


@contextmanager
def box_changes(
    path: Path, retain: Retain, clock: Clock
) -> Iterator[tuple[Changes, Callable[[str, bytes], None]]]:
    """Open the changes with their file at ``path``, and a function that lets them hear a message without waiting.

    Raises ``UserError`` if the file cannot be opened.
    """
    with closing(ChangeFile(path)) as file, ThreadPoolExecutor(1, "changes") as pool:
        changes = Changes(file, InsideBroker(retain), clock)

        def hear(topic: str, payload: bytes) -> None:
            pool.submit(changes.hear, topic, payload)

        yield changes, hear
