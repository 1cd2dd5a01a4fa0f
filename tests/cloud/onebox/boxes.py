"""The one box in a thread, as ``footlight-cloud serve`` runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloud.config import Settings
from cloud.onebox.serve import Box, serve
from common.clock import Clock, SystemClock
from tests.support.brokers import until


def settings(folder: Path, **broker: Any) -> Settings:
    return Settings.model_validate(
        {
            "store": {"path": folder / "store.sqlite", "retention_days": 3650},
            "serve": {"broker": {"port": 0, **broker}, "page": {"port": 0}},
        }
    )


@contextmanager
def running(chosen: Settings, clock: Clock | None = None, **options: Any) -> Iterator[Box]:
    boxes: list[Box] = []
    stop = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        await serve(chosen, clock=clock or SystemClock(), stop=stop, ready=boxes.append, **options)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(asyncio.run, work())
        try:
            until(lambda: boxes or working.done(), "the box is up")
            if boxes:
                yield boxes[0]
        finally:
            if not working.done():
                loops[0].call_soon_threadsafe(stop.set)
            working.result(30)
