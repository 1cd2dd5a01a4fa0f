"""Lets notices ring on phones while the page runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cloud.ingest.notices import Tell
from cloud.ingest.push import Connect, Push
from cloud.stores.shops import Shops
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
