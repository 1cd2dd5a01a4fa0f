"""The one box in a thread, as ``footlight-cloud serve`` runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloud.config import Settings
from cloud.onebox.serve import Box, serve
from common.clock import Clock, SystemClock
from tests.support.loops import serving


def settings(folder: Path, **broker: Any) -> Settings:
    return Settings.model_validate(
        {
            "store": {"path": folder / "store.sqlite", "retention_days": 3650},
            "serve": {"broker": {"port": 0, **broker}, "page": {"port": 0}},
        }
    )


@contextmanager
def running(chosen: Settings, clock: Clock | None = None, **options: Any) -> Iterator[Box]:
    def work(stop: asyncio.Event, ready: Callable[[Box], None]) -> Coroutine[Any, Any, None]:
        return serve(chosen, clock=clock or SystemClock(), stop=stop, ready=ready, **options)

    with serving(work, "the box is up") as box:
        yield box
