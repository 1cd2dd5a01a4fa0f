"""Lets notices ring on phones while the page runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cloud.config import NoticeSettings
from cloud.ingest.notices import Tell, telling
from cloud.ingest.push import Connect, Push
from cloud.ingest.watching import watching
from cloud.stores.shops import Shops
from cloud.stores.store import OpenNotices
from cloud.web.access import Access
from cloud.web.account_access import AccountAccess
from cloud.web.phone_page import push_text
from common.clock import Clock
from common.wire import NoticeMessage


@contextmanager
def pushing(access: Access, shops: Shops, clock: Clock, connect: Connect) -> Iterator[Tell | None]:
    """Send notices to the browsers of users while the block runs; None if the page has no accounts."""
    if not isinstance(access, AccountAccess):
        yield None
        return

    def text(notice: NoticeMessage, code: str) -> bytes:
        site = shops.site(notice.site)
        return push_text(notice, site.title if site else notice.site, code)

    push = Push(access.accounts, text, clock=clock, connect=connect)
    try:
        yield push.post
    finally:
        push.stop()


@contextmanager
def pushing_from(
    book: OpenNotices,
    access: Access,
    shops: Shops,
    rules: NoticeSettings | None,
    clock: Clock,
    connect: Connect,
) -> Iterator[None]:
    """Do the same for a page that only reads the store; ``rules`` say when it is quiet."""
    if not isinstance(access, AccountAccess):
        yield
        return
    with (
        pushing(access, shops, clock, connect) as push,
        # The bridge calls the webhook.
        telling(rules and rules.without_webhook(), book, clock, push) as tell,
    ):
        assert tell is not None
        with watching(book, tell, wanted=access.accounts.subscriptions.any):
            yield
