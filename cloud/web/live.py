"""Keeps open pages up to date by server-sent events: what a page shows is read once, however many listen."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from cloud.stores.store import StoreUnavailable

EVERY_S: Final = 2.0
"""How often the answer is read while somebody listens."""
ALIVE_S: Final = 10.0
"""A stream says something at least this often. A page that hears nothing for three times as long is out of date."""
MOST_STREAMS: Final = 24
"""Fewer than the connections of one address, which may be a proxy: a page that gets no stream asks now and then."""
MOST_OF_ONE: Final = 8
"""For one user, and for one address."""

Topic = tuple[str, str]
"""A site and the code of a language."""

ALIVE: Final = b"event: alive\ndata:\n\n"
UNAVAILABLE: Final = b"event: unavailable\ndata:\n\n"
OVER: Final = b"event: over\ndata:\n\n"


@dataclass(slots=True)
class _Told:
    """What the listeners of a topic know."""

    listeners: set[asyncio.Event] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    id: str = ""
    event: bytes = b""
    """Empty before the first answer."""
    keeping: asyncio.Task[None] | None = None

    def tell(self, event_id: str, event: bytes) -> None:
        if event_id != self.id:
            self.id, self.event = event_id, event
            self.wake_listeners()

    def wake_listeners(self) -> None:
        for listener in self.listeners:
            listener.set()


class Live:
    """All streams of this process. ``read`` gives the answer for a topic; it may block, and raise ``StoreUnavailable``.

    Everything but :meth:`wake` belongs to the event loop.
    """

    def __init__(
        self, read: Callable[[str, str], bytes], *, every_s: float = EVERY_S, alive_s: float = ALIVE_S
    ) -> None:
        self._read, self._every_s, self._alive_s = read, every_s, alive_s
        self._topics: dict[Topic, _Told] = {}
        self._open: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False

    def has_room(self, *keys: str) -> bool:
        """Tell whether one more stream may be opened for a user and an address."""
        return self._open.total() < len(keys) * MOST_STREAMS and all(
            self._open[key] < MOST_OF_ONE for key in keys
        )

    def wake(self, site: str) -> None:
        """Read the answers of a site again now. From any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake, site)

    def end(self) -> None:
        """End every stream, now and later: the server stops."""
        self._ended = True
        for told in self._topics.values():
            told.wake_listeners()

    async def stream(
        self, topic: Topic, keys: tuple[str, ...], seen: str, may_go_on: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        """Yield events until the listener is gone, or may not go on; it has ``seen`` the answer with this id.

        Before each event, ``may_go_on`` is asked whether the listener is still logged in. ``keys`` are counted, see
        :meth:`has_room`.
        """
        self._loop = asyncio.get_running_loop()
        news = asyncio.Event()
        told = self._listen(topic, news)
        self._open.update(keys)
        try:
            while not self._ended and told.keeping is not None and not told.keeping.done():
                news.clear()
                if not await may_go_on():
                    yield OVER
                    return
                if told.event and told.id != seen:
                    seen = told.id
                    yield told.event
                else:
                    yield ALIVE
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), self._alive_s)
        finally:
            self._open.subtract(keys)
            self._open += Counter()  # forgets who has none
            self._leave(topic, news)

    def _listen(self, topic: Topic, news: asyncio.Event) -> _Told:
        told = self._topics.setdefault(topic, _Told())
        told.listeners.add(news)
        if told.keeping is None:
            told.keeping = asyncio.create_task(self._keep(topic, told))
            told.keeping.add_done_callback(lambda _: told.wake_listeners())
        return told

    def _leave(self, topic: Topic, news: asyncio.Event) -> None:
        told = self._topics[topic]
        told.listeners.discard(news)
        if not told.listeners:
            del self._topics[topic]
            if told.keeping is not None:
                told.keeping.cancel()

    async def _keep(self, topic: Topic, told: _Told) -> None:
        while True:
            told.wake.clear()
            try:
                answer = await asyncio.to_thread(self._read, *topic)
            except StoreUnavailable:
                told.tell("unavailable", UNAVAILABLE)
            else:
                name = hashlib.sha256(answer).hexdigest()[:16]
                told.tell(name, b"event: today\nid: %b\ndata: %b\n\n" % (name.encode(), answer))
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wake.wait(), self._every_s)

    def _wake(self, site: str) -> None:
        for (of, _), told in self._topics.items():
            if of == site:
                told.wake.set()
