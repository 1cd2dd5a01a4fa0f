"""A page that only reads a store rings, too: once for each notice, and only while somebody wants it."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

from cloud.ingest.watching import watching
from cloud.stores.embedded import EmbeddedStore
from common.wire import NoticeMessage
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, notice


def test_each_notice_is_told_once_and_none_while_nobody_wants_it(tmp_path: Path) -> None:
    told: list[str] = []
    wanted = threading.Event()
    with closing(EmbeddedStore(tmp_path / "book.sqlite", retention_days=30, clock=ManualClock())) as book:
        read = book.notices
        reads: list[int] = []

        def counted(site: str | None = None) -> list[NoticeMessage]:
            reads.append(1)
            return read(site)

        book.notices = counted  # type: ignore[method-assign]
        book.write([notice(name="one")])
        with watching(book, lambda one: told.append(one.name), wanted=wanted.is_set, every_s=0.01):
            assert not reads
            wanted.set()
            until(lambda: len(reads) > 3, "it is read again and again")
            assert told == ["one"]
            book.write([notice(name="one", active=False, at=MORNING), notice(name="two", site="other")])
            until(lambda: "two" in told, "another shop")
            book.write([notice(name="two", site="other", at=MORNING.replace(minute=59))])
            until(lambda: told == ["one", "two", "two"], "it began again")
