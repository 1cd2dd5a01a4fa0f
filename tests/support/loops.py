"""A server that runs in an event loop, beside a test that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from tests.support.brokers import until

T = TypeVar("T")


@contextmanager
def serving(
    serve: Callable[[asyncio.Event, Callable[[T], None]], Coroutine[Any, Any, None]], what: str
) -> Iterator[T]:
    """Run ``serve(stop, ready)`` in a thread until the end; give what it passes to ``ready``. Raises what it raises."""
    made: list[T] = []
    stop = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        await serve(stop, made.append)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(asyncio.run, work())
        try:
            until(lambda: made or working.done(), what)
            if made:
                yield made[0]
        finally:
            if not working.done():
                loops[0].call_soon_threadsafe(stop.set)
            working.result(30)
