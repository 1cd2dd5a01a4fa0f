"""The stream of an open page: at once, one reading for all, to nobody who is out, and only while there is room."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from cloud.accounts.accounts import Accounts
from cloud.onebox.page import PageServer
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import StoreUnavailable
from cloud.web.access import OpenAccess
from cloud.web.live import ALIVE, MOST_OF_ONE, OVER, UNAVAILABLE, Live
from tests.cloud.web.browser import _Server
from tests.cloud.web.logins import Browser, add_person, logged_in, page_with
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.messages import notice, window


def in_a_loop(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


async def yes() -> bool:
    return True


class Answers:
    """What is read; ``asked`` counts how often."""

    def __init__(self) -> None:
        self.text, self.asked = b"{}", 0

    def read(self, site: str, code: str) -> bytes:
        self.asked += 1
        if not self.text:
            raise StoreUnavailable("away")
        return self.text


def streams(live: Live, count: int, site: str = "shop") -> list[AsyncIterator[bytes]]:
    return [live.stream((site, "en"), ("user ana",), "", yes) for _ in range(count)]


async def next_news(stream: AsyncIterator[bytes]) -> bytes:
    while (event := await anext(stream)) == ALIVE:
        pass
    return event


def test_all_who_listen_get_one_reading_when_it_has_changed() -> None:
    async def listen() -> None:
        answers = Answers()
        live = Live(answers.read, every_s=3600)
        many = streams(live, 5)
        first = [await next_news(one) for one in many]
        assert set(first) == {first[0]}
        assert first[0].splitlines()[2] == b"data: {}"
        assert answers.asked == 1
        answers.text = b'{"visits": 1}'
        live.wake("elsewhere")
        live.wake("shop")
        assert [b'{"visits": 1}' in await next_news(one) for one in many] == 5 * [True]
        assert answers.asked == 2
        answers.text = b""
        live.wake("shop")
        assert {await next_news(one) for one in many} == {UNAVAILABLE}
        for one in many:
            await one.aclose()  # type: ignore[attr-defined]
        assert not live._topics, "nobody listens, so nothing is read"

    in_a_loop(listen())


def test_who_has_seen_the_answer_hears_only_that_the_stream_goes_on() -> None:
    async def listen() -> None:
        live = Live(Answers().read, every_s=3600, alive_s=0.01)
        one = live.stream(("shop", "en"), (), "", yes)
        event = await next_news(one)
        seen = event.splitlines()[1].removeprefix(b"id: ").decode()
        again = live.stream(("shop", "en"), (), seen, yes)
        assert [await anext(again) for _ in range(5)] == 5 * [ALIVE]

    in_a_loop(listen())


def test_a_stream_ends_before_the_next_figure_once_its_listener_is_out() -> None:
    async def listen() -> None:
        inside, answers = [True], Answers()
        live = Live(answers.read, every_s=3600)

        async def may_go_on() -> bool:
            return inside[0]

        stream = live.stream(("shop", "en"), (), "", may_go_on)
        assert await next_news(stream) != OVER
        inside[0], answers.text = False, b'{"visits": 2}'
        live.wake("shop")
        assert [event async for event in stream] == [OVER]

    in_a_loop(listen())


def test_there_is_room_for_so_many_of_one_user_and_again_when_one_leaves() -> None:
    async def listen() -> None:
        live = Live(Answers().read)
        many = streams(live, MOST_OF_ONE)
        for one in many:
            assert live.has_room("user ana", "address 192.0.2.1")
            await anext(one)
        assert not live.has_room("user ana", "address 192.0.2.1")
        assert live.has_room("user ben", "address 192.0.2.1")
        await many[0].aclose()  # type: ignore[attr-defined]
        assert live.has_room("user ana", "address 192.0.2.1")
        live.end()
        assert [[event async for event in one] for one in many[1:]] == (MOST_OF_ONE - 1) * [[]]

    in_a_loop(listen())


def test_the_stream_has_the_answer_for_a_user_and_says_that_no_proxy_may_hold_it(
    store: EmbeddedStore, clock: ManualClock, accounts: Accounts
) -> None:
    store.write([window(0)])
    add_person(accounts, "ana")
    answer = logged_in(page_with(accounts, store, clock), "ana").get("/api/shop/events")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.headers["x-accel-buffering"], answer.headers["cache-control"]) == ("no", "no-store")


@contextmanager
def events(address: str, **options: Any) -> Iterator[Iterator[tuple[str, str]]]:
    """The events of a stream as they come: name and data."""

    def read(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
        name = ""
        for line in lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data:"):
                yield name, line.removeprefix("data:").strip()

    url = f"{address}/api/shop/events"
    with httpx.Client(timeout=30) as http, http.stream("GET", url, **options) as answer:
        assert answer.status_code == 200
        yield read(answer.iter_lines())


def test_a_stream_of_a_session_is_over_with_the_logout(
    store: EmbeddedStore, clock: ManualClock, accounts: Accounts
) -> None:
    store.write([window(0)])
    add_person(accounts, "ana")
    app = page_with(accounts, store, clock)
    browser: Browser = logged_in(app, "ana")
    with _Server(store, clock, access=app.state.access) as address:
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
        with events(address, headers={"cookie": cookie}) as stream:
            assert next(data for name, data in stream if name == "today")
            browser.submit("/logout", "/account")
            store.write([notice(at=clock.now())])
            clock.advance(10)
            assert [name for name, _ in stream if name != "alive"] == ["over"]


def test_a_client_that_does_not_read_is_closed_and_one_that_reads_is_not(
    store: EmbeddedStore, clock: ManualClock, accounts: Accounts
) -> None:
    """The limits of the real server, shortened: a stream goes on far beyond the time for an answer."""
    store.write([window(0)])
    app = page_with(accounts, store, clock, access=OpenAccess())
    live: Live = app.state.today.live
    live._alive_s, live._every_s = 0.02, 0.02
    server = PageServer(app, end_streams=live.end, answer_s=0.3)
    sock = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=asyncio.run, args=(server.serve([sock]),))
    thread.start()
    address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    try:
        until(lambda: server.started, "the page is served")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.connect(("127.0.0.1", urlsplit(address).port))
            deaf.sendall(b"GET /api/shop/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until(lambda: live._open.total() == 2, "it listens")
            with events(address) as stream:
                heard = [next(stream) for _ in range(100)]
            assert json.loads(next(data for name, data in heard if name == "today"))["site"] == "shop"
            until(lambda: live._open.total() == 2, "the one that reads has left")
            numbers = iter(range(10**9))
            live._read = lambda site, code: json.dumps({"n": next(numbers), "x": 90_000 * "x"}).encode()
            until(lambda: not live._open, "the deaf one is closed")
    finally:
        server.should_exit = True
        thread.join()
